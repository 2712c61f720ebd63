//! The body template's editor.

use crate::driver::{BACKSPACE, Browser, CTRL, DOWN, END, ENTER, ESCAPE, HOME, TAB};
use crate::support::TestApp;

/// What is sent.
const FIELD: &str = "#body_template";
/// What is typed in.
const EDITOR: &str = ".cm-content";

/// A new form with the cursor in its editor.
async fn begin(app: &TestApp) -> Browser {
    let ann = Browser::signed_in(app).await;
    ann.open("/webhooks/new").await;
    ann.click(FIELD).await;
    ann
}

#[tokio::test]
async fn placeholders_have_a_colour_and_a_mistake_shows_on_its_line_while_typing() {
    let app = TestApp::start().await;
    let ann = begin(&app).await;
    // Brackets, quotes and braces close by themselves, and are typed over.
    ann.press("{").await;
    ann.press(ENTER).await;
    ann.press("\"who\": \"{{data.requester.email}}\",").await;
    ann.press(ENTER).await;
    ann.press("\"n\": {{event_time}}").await;
    ann.holds(FIELD, "{\n  \"who\": \"{{data.requester.email}}\",\n  \"n\": {{event_time}}\n}")
        .await;
    ann.press(&format!("{CTRL}{HOME}")).await;
    assert_eq!(
        ann.texts(".cm-content .t-hbs").await,
        ["{{data.requester.email}}", "{{event_time}}"]
    );
    assert_eq!(ann.texts(".cm-content .t-key").await, ["\"who\"", "\"n\""]);
    assert_eq!(ann.texts(".cm-matchingBracket").await, ["{", "}"]);
    ann.reads("[data-editor-status]", "Valid JSON").await;
    ann.reads("#preview pre", "user@example.com").await;
    ann.reads("#preview pre", "1696263265.851898000").await;

    // A word that no event can have, on the second line.
    ann.replace(FIELD, "requester.email", "requester..email").await;
    ann.reads("[data-editor-status]", "Error on line 2").await;
    ann.until("document.querySelectorAll('.cm-lint-marker-error').length === 1").await;
    ann.see(".cm-line:nth-child(2) .cm-lintRange-error").await;
    ann.see("#preview .problems").await;
    // Mended, it is gone; a word that no event has is likely a slip.
    ann.replace(FIELD, "requester..email", "requester.mail").await;
    ann.reads("[data-editor-status]", "Valid JSON").await;
    ann.see(".cm-line:nth-child(2) .cm-lintRange-warning").await;
    ann.gone(".cm-lint-marker-error").await;
    ann.reads("#preview .warnings", "did you mean data.requester.email").await;
    ann.replace(FIELD, "requester.mail", "requester.name").await;
    ann.reads("#preview pre", "\"User\"").await;
    ann.gone(".cm-lint-marker").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn fields_and_blocks_are_offered_as_a_placeholder_is_typed() {
    let app = TestApp::start().await;
    let ann = begin(&app).await;
    ann.press("{\"who\": \"{{reqmail").await;
    ann.reads(".cm-completionInfo", "Requester: email address").await;
    assert_eq!(ann.texts(".cm-completionLabel").await, ["data.requester.email"]);
    ann.press(TAB).await;
    ann.holds(FIELD, "{\"who\": \"{{data.requester.email}}\"}").await;
    ann.press(&format!("{END}{BACKSPACE}, \"all\": [{{{{#eagro")).await;
    ann.reads(".cm-tooltip-autocomplete", "#each data.access_groups").await;
    ann.press(ENTER).await;
    // Within the block a field is relative to its list.
    ann.press("{{integna").await;
    ann.reads(".cm-completionInfo", "Integration: name").await;
    ann.press(ENTER).await;
    ann.press("{{tru").await;
    ann.reads(".cm-tooltip-autocomplete", "truncate").await;
    ann.press(ESCAPE).await;
    ann.gone(".cm-tooltip-autocomplete").await;
    ann.press(&BACKSPACE.repeat("{{tru".len())).await;
    let each = "{{#each data.access_groups}}{{integration.name}}{{/each}}";
    ann.holds(FIELD, &format!("{{\"who\": \"{{{{data.requester.email}}}}\", \"all\": [{each}]"))
        .await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_field_of_the_schema_goes_in_at_the_cursor_and_undo_takes_it_back() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.fill(FIELD, "{\"why\": \"because of: \"}").await;
    ann.press(&"\u{e012}".repeat(2)).await;
    ann.click_text("a", "View event's payload schema").await;
    ann.focus_on("dialog [data-schema-search]").await;
    ann.at("/webhooks/schema").await;
    ann.press("justif").await;
    ann.until("document.querySelectorAll('dialog li[data-search]:not([hidden])').length === 1")
        .await;
    ann.press(ENTER).await;
    ann.gone("dialog").await;
    ann.focus_on(EDITOR).await;
    ann.holds(FIELD, "{\"why\": \"because of: {{data.justification}}\"}").await;
    ann.reads("#preview pre", "because of: I need access to this").await;
    ann.press(&format!("{CTRL}z")).await;
    ann.holds(FIELD, "{\"why\": \"because of: \"}").await;
    ann.reads("#preview pre", "because of: \"").await;

    // By mouse, within braces that stand there already: only what is missing.
    ann.press("{{").await;
    // What is offered meanwhile could come to lie over the link just as it is clicked.
    ann.see(".cm-tooltip-autocomplete").await;
    ann.press(ESCAPE).await;
    ann.gone(".cm-tooltip-autocomplete").await;
    ann.click_text("a", "View event's payload schema").await;
    ann.click("dialog [data-insert='{{data.friendly_id}}']").await;
    ann.gone("dialog").await;
    ann.holds(FIELD, "{\"why\": \"because of: {{data.friendly_id}}\"}").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_field_of_a_list_is_inserted_with_the_loop_that_its_place_asks_for() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    let insert = async |path: &str| {
        ann.click_text("a", "View event's payload schema").await;
        ann.click(&format!("dialog [data-path='{path}']")).await;
        ann.gone("dialog").await;
    };
    let unit = "data.access_groups[].access_units[].resource.name";
    let between = "{{#unless @last}}, {{/unless}}{{/each}}";
    let inner = format!("{{{{#each access_units}}}}{{{{resource.name}}}}{between}");
    // Outside of a string the entries are values of a list.
    ann.fill(FIELD, "{\"units\": ").await;
    insert(unit).await;
    let outer = format!("[{{{{#each data.access_groups}}}}{inner}{between}]");
    ann.holds(FIELD, &format!("{{\"units\": {outer}}}")).await;
    ann.reads("#preview pre", "\"DB 1\"").await;
    // Within the loop over the groups only the inner one is missing.
    ann.fill(FIELD, "{\"a\": \"{{#each data.access_groups}}").await;
    insert(unit).await;
    ann.holds(FIELD, &format!("{{\"a\": \"{{{{#each data.access_groups}}}}{inner}\"}}")).await;
    // What lies outside of the loop is taken from the top.
    insert("data.friendly_id").await;
    ann.until(
        "document.querySelector('#body_template').value.endsWith('{{@root.data.friendly_id}}\"}')",
    )
    .await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn tab_indents_escape_lets_it_leave_and_format_can_be_undone() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    let rough = "{\"a\":[1,2.50,{{event_time}}],\"b\":{}}";
    ann.fill(FIELD, rough).await;
    ann.holds(FIELD, rough).await;
    ann.click_text("button", "Format").await;
    let tidy = "{\n  \"a\": [1, 2.50, {{event_time}}],\n  \"b\": {}\n}";
    ann.holds(FIELD, tidy).await;
    ann.press(&format!("{CTRL}z")).await;
    ann.holds(FIELD, rough).await;
    ann.press(END).await;
    ann.press(TAB).await;
    ann.holds(FIELD, &format!("{rough}  ")).await;
    ann.focus_on(EDITOR).await;
    ann.press(BACKSPACE).await;
    ann.press(ESCAPE).await;
    ann.press(TAB).await;
    assert!(!ann.has_focus(EDITOR).await, "Tab does not leave");
    // What cannot be formatted stays, and it is told why.
    ann.fill(FIELD, "{{#each data.approvals}}x{{/each}}").await;
    ann.click_text("button", "Format").await;
    ann.reads("#toasts .bad", "Nothing was changed").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn who_passes_through_with_tab_is_not_kept() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.see(EDITOR).await;
    ann.click("#url").await;
    let mut passed = false;
    for _ in 0..8 {
        ann.press(TAB).await;
        passed |= ann.has_focus(EDITOR).await;
    }
    assert!(passed, "Tab comes by the editor");
    assert!(!ann.has_focus(EDITOR).await);
    ann.holds(FIELD, "").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn values_seen_in_events_are_offered_for_filters_and_found_by_typing() {
    let app = TestApp::start().await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    for n in 0..60 {
        let mut event = crate::support::event("Granted", &n.to_string());
        event["data"]["access_groups"][0]["integration"]["name"] = format!("prod {n:02}").into();
        app.send(&token, &event).await;
    }
    app.wait_until("the values of all events", async || {
        let count: i64 = sqlx::query_scalar(
            "select count(*) from filter_values where field = 'integration' and value like 'prod __'",
        )
        .fetch_one(app.database.pool())
        .await
        .unwrap();
        count == 60
    })
    .await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    // At first fifty of them, by typing all.
    ann.click("#filter-integration-entry").await;
    ann.until("document.querySelectorAll('#filter-integration-list li').length === 50").await;
    ann.press("ROD 5").await;
    ann.until("document.querySelectorAll('#filter-integration-list li').length === 10").await;
    ann.press(DOWN).await;
    ann.press(ENTER).await;
    ann.holds("#filter-integration", "prod 50").await;
    ann.press(BACKSPACE).await;
    ann.holds("#filter-integration", "").await;
    ann.finish().await;
    app.finish().await;
}

//! The body template's editor.

use crate::driver::{BACKSPACE, Browser, CTRL, DOWN, END, ENTER, ESCAPE, HOME, TAB};
use crate::support::TestApp;

/// The field that is submitted.
const FIELD: &str = "#body_template";
/// The visible editor.
const EDITOR: &str = ".cm-content";

/// Opens a new form, with the cursor in its editor.
async fn open_editor(app: &TestApp) -> Browser {
    let ann = Browser::signed_in(app).await;
    ann.open("/webhooks/new").await;
    ann.click(FIELD).await;
    ann
}

#[tokio::test]
async fn placeholders_are_highlighted_and_errors_are_shown_on_their_line_while_typing() {
    let app = TestApp::start().await;
    let ann = open_editor(&app).await;
    // The editor closes brackets, quotes and braces. Typing a closing one replaces it.
    ann.press("{").await;
    ann.press(ENTER).await;
    ann.press("\"who\": \"{{data.requester.email}}\",").await;
    ann.press(ENTER).await;
    ann.press("\"n\": {{event_time}}").await;
    ann.wait_for_value(
        FIELD,
        "{\n  \"who\": \"{{data.requester.email}}\",\n  \"n\": {{event_time}}\n}",
    )
    .await;
    ann.press(&format!("{CTRL}{HOME}")).await;
    assert_eq!(
        ann.texts(".cm-content .t-hbs").await,
        ["{{data.requester.email}}", "{{event_time}}"]
    );
    assert_eq!(ann.texts(".cm-content .t-key").await, ["\"who\"", "\"n\""]);
    assert_eq!(ann.texts(".cm-matchingBracket").await, ["{", "}"]);
    ann.wait_for_text("[data-editor-status]", "Valid JSON").await;
    ann.wait_for_text("#preview pre", "user@example.com").await;
    ann.wait_for_text("#preview pre", "1696263265.851898000").await;

    // An invalid path on the second line.
    ann.replace(FIELD, "requester.email", "requester..email").await;
    ann.wait_for_text("[data-editor-status]", "Error on line 2").await;
    ann.wait_until("document.querySelectorAll('.cm-lint-marker-error').length === 1").await;
    ann.wait_for(".cm-line:nth-child(2) .cm-lintRange-error").await;
    ann.wait_for("#preview .problems").await;
    // The error is removed when it is corrected. An unknown field is a possible mistake.
    ann.replace(FIELD, "requester..email", "requester.mail").await;
    ann.wait_for_text("[data-editor-status]", "Valid JSON").await;
    ann.wait_for(".cm-line:nth-child(2) .cm-lintRange-warning").await;
    ann.wait_until_gone(".cm-lint-marker-error").await;
    ann.wait_for_text("#preview .warnings", "did you mean data.requester.email").await;
    ann.replace(FIELD, "requester.mail", "requester.name").await;
    ann.wait_for_text("#preview pre", "\"User\"").await;
    ann.wait_until_gone(".cm-lint-marker").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn fields_and_blocks_are_completed_in_a_placeholder() {
    let app = TestApp::start().await;
    let ann = open_editor(&app).await;
    ann.press("{\"who\": \"{{reqmail").await;
    ann.wait_for_text(".cm-completionInfo", "Requester: email address").await;
    assert_eq!(ann.texts(".cm-completionLabel").await, ["data.requester.email"]);
    ann.press(TAB).await;
    ann.wait_for_value(FIELD, "{\"who\": \"{{data.requester.email}}\"}").await;
    ann.press(&format!("{END}{BACKSPACE}, \"all\": [{{{{#eagro")).await;
    ann.wait_for_text(".cm-tooltip-autocomplete", "#each data.access_groups").await;
    ann.press(ENTER).await;
    // Inside the block, fields are relative to the list.
    ann.press("{{integna").await;
    ann.wait_for_text(".cm-completionInfo", "Integration: name").await;
    ann.press(ENTER).await;
    ann.press("{{tru").await;
    ann.wait_for_text(".cm-tooltip-autocomplete", "truncate").await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone(".cm-tooltip-autocomplete").await;
    ann.press(&BACKSPACE.repeat("{{tru".len())).await;
    let each = "{{#each data.access_groups}}{{integration.name}}{{/each}}";
    ann.wait_for_value(
        FIELD,
        &format!("{{\"who\": \"{{{{data.requester.email}}}}\", \"all\": [{each}]"),
    )
    .await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn fields_are_completed_relative_to_sections() {
    let app = TestApp::start().await;
    let ann = open_editor(&app).await;
    ann.press("[{{#data.access_g").await;
    ann.wait_for_text(".cm-completionLabel", "data.access_groups").await;
    ann.press(ENTER).await;
    ann.wait_for_value(FIELD, "[{{#data.access_groups}}{{/data.access_groups}}]").await;
    ann.press("{{integna").await;
    ann.wait_for_text(".cm-completionInfo", "Integration: name").await;
    assert_eq!(ann.texts(".cm-completionLabel").await, ["integration.name"]);
    ann.press(ENTER).await;
    let expected = "[{{#data.access_groups}}{{integration.name}}{{/data.access_groups}}]";
    ann.wait_for_value(FIELD, expected).await;
    ann.wait_for_text("[data-editor-status]", "Valid JSON").await;
    ann.wait_until_gone(".cm-lint-marker").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_field_of_the_schema_is_inserted_at_the_cursor_and_can_be_undone() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.fill(FIELD, "{\"why\": \"because of: \"}").await;
    ann.press(&"\u{e012}".repeat(2)).await;
    ann.click_text("a", "View event's payload schema").await;
    ann.wait_for_focus("dialog [data-schema-search]").await;
    ann.wait_for_path("/webhooks/schema").await;
    ann.press("justif").await;
    ann.wait_until(
        "document.querySelectorAll('dialog li[data-search]:not([hidden])').length === 1",
    )
    .await;
    ann.press(ENTER).await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_focus(EDITOR).await;
    ann.wait_for_value(FIELD, "{\"why\": \"because of: {{data.justification}}\"}").await;
    ann.wait_for_text("#preview pre", "because of: I need access to this").await;
    ann.press(&format!("{CTRL}z")).await;
    ann.wait_for_value(FIELD, "{\"why\": \"because of: \"}").await;
    ann.wait_for_text("#preview pre", "because of: \"").await;

    // Inside existing braces, only the path is inserted.
    ann.press("{{").await;
    // The completions could cover the link.
    ann.wait_for(".cm-tooltip-autocomplete").await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone(".cm-tooltip-autocomplete").await;
    ann.click_text("a", "View event's payload schema").await;
    ann.click("dialog [data-insert='{{data.friendly_id}}']").await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_value(FIELD, "{\"why\": \"because of: {{data.friendly_id}}\"}").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_field_of_a_list_is_inserted_with_the_required_loops() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    let insert = async |path: &str| {
        ann.click_text("a", "View event's payload schema").await;
        ann.click(&format!("dialog [data-path='{path}']")).await;
        ann.wait_until_gone("dialog").await;
    };
    let unit = "data.access_groups[].access_units[].resource.name";
    let between = "{{#unless @last}}, {{/unless}}{{/each}}";
    let inner = format!("{{{{#each access_units}}}}{{{{resource.name}}}}{between}");
    // Outside of a string, the entries become a JSON array.
    ann.fill(FIELD, "{\"units\": ").await;
    insert(unit).await;
    let outer = format!("[{{{{#each data.access_groups}}}}{inner}{between}]");
    ann.wait_for_value(FIELD, &format!("{{\"units\": {outer}}}")).await;
    ann.wait_for_text("#preview pre", "\"DB 1\"").await;
    // Inside the loop over the groups, only the inner loop is added.
    ann.fill(FIELD, "{\"a\": \"{{#each data.access_groups}}").await;
    insert(unit).await;
    ann.wait_for_value(FIELD, &format!("{{\"a\": \"{{{{#each data.access_groups}}}}{inner}\"}}"))
        .await;
    // A field outside of the loop is referred to from the root.
    insert("data.friendly_id").await;
    ann.wait_until(
        "document.querySelector('#body_template').value.endsWith('{{@root.data.friendly_id}}\"}')",
    )
    .await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn tab_indents_escape_then_tab_leaves_and_format_can_be_undone() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    let rough = "{\"a\":[1,2.50,{{event_time}}],\"b\":{}}";
    ann.fill(FIELD, rough).await;
    ann.wait_for_value(FIELD, rough).await;
    ann.click_text("button", "Format").await;
    let formatted = "{\n  \"a\": [1, 2.50, {{event_time}}],\n  \"b\": {}\n}";
    ann.wait_for_value(FIELD, formatted).await;
    ann.press(&format!("{CTRL}z")).await;
    ann.wait_for_value(FIELD, rough).await;
    ann.press(END).await;
    ann.press(TAB).await;
    ann.wait_for_value(FIELD, &format!("{rough}  ")).await;
    ann.wait_for_focus(EDITOR).await;
    ann.press(BACKSPACE).await;
    ann.press(ESCAPE).await;
    ann.press(TAB).await;
    assert!(!ann.has_focus(EDITOR).await, "Tab does not leave");
    // A template that cannot be formatted is not changed, with an explanation.
    ann.fill(FIELD, "{{#each data.approvals}}x{{/each}}").await;
    ann.click_text("button", "Format").await;
    ann.wait_for_text("#toasts .bad", "Nothing was changed").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn tab_moves_through_the_page_past_the_editor() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.wait_for(EDITOR).await;
    ann.click("#url").await;
    let mut passed = false;
    for _ in 0..8 {
        ann.press(TAB).await;
        passed |= ann.has_focus(EDITOR).await;
    }
    assert!(passed, "Tab reaches the editor");
    assert!(!ann.has_focus(EDITOR).await);
    ann.wait_for_value(FIELD, "").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn filters_suggest_values_seen_in_events_and_search_them() {
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
    // At first fifty values; typing searches all.
    ann.click("#filter-integration-entry").await;
    ann.wait_until("document.querySelectorAll('#filter-integration-list li').length === 50").await;
    ann.press("ROD 5").await;
    ann.wait_until("document.querySelectorAll('#filter-integration-list li').length === 10").await;
    ann.press(DOWN).await;
    ann.press(ENTER).await;
    ann.wait_for_value("#filter-integration", "prod 50").await;
    ann.press(BACKSPACE).await;
    ann.wait_for_value("#filter-integration", "").await;
    ann.finish().await;
    app.finish().await;
}

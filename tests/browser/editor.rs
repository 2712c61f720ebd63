//! The body template's editor.

use crate::driver::{BACKSPACE, Browser, CTRL, DOWN, END, ENTER, ESCAPE, TAB};
use crate::support::TestApp;

const FIELD: &str = "#body_template";

#[tokio::test]
async fn placeholders_have_a_colour_and_a_mistake_shows_on_its_line_while_typing() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.click(FIELD).await;
    ann.press("{").await;
    ann.press(ENTER).await;
    ann.press("\"who\": \"{{data.requester.email}}\",").await;
    ann.press(ENTER).await;
    ann.press("\"n\": {{event_time}}").await;
    ann.press(ENTER).await;
    ann.press("}").await;
    ann.holds(FIELD, "{\n  \"who\": \"{{data.requester.email}}\",\n  \"n\": {{event_time}}\n}")
        .await;
    assert_eq!(
        ann.texts(".editor-paint .t-hbs").await,
        ["{{data.requester.email}}", "{{event_time}}"]
    );
    assert_eq!(ann.texts(".editor-paint .t-key").await, ["\"who\"", "\"n\""]);
    assert_eq!(ann.texts(".editor-gutter span").await, ["1", "2", "3", "4"]);
    ann.reads("[data-editor-status]", "Valid JSON").await;
    ann.reads("#preview pre", "user@example.com").await;
    ann.reads("#preview pre", "1696263265.851898000").await;

    // A word that no event has, on the second line.
    ann.replace(FIELD, "requester.email", "requester..email").await;
    ann.reads("[data-editor-status]", "Mistake on line 2").await;
    assert_eq!(ann.texts(".editor-gutter .wrong").await, ["2"]);
    ann.see(".editor-paint .line:nth-child(2).wrong").await;
    ann.see("#preview .problems").await;
    // Mended, it is gone.
    ann.replace(FIELD, "requester..email", "requester.name").await;
    ann.reads("[data-editor-status]", "Valid JSON").await;
    assert!(ann.texts(".editor-gutter .wrong").await.is_empty());
    ann.reads("#preview pre", "\"User\"").await;
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
    ann.focus_on(FIELD).await;
    ann.holds(FIELD, "{\"why\": \"because of: {{data.justification}}\"}").await;
    ann.reads("#preview pre", "because of: I need access to this").await;
    ann.press(&format!("{CTRL}z")).await;
    ann.until("document.querySelector('#body_template').value === '{\"why\": \"because of: \"}'")
        .await;
    ann.reads("#preview pre", "because of: \"").await;

    // By mouse, within braces that stand there already: only what is missing.
    ann.press("{{").await;
    ann.click_text("a", "View event's payload schema").await;
    ann.click("dialog [data-insert='{{data.friendly_id}}']").await;
    ann.gone("dialog").await;
    ann.holds(FIELD, "{\"why\": \"because of: {{data.friendly_id}}\"}").await;
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
    ann.click_text("button", "Format").await;
    let tidy = "{\n  \"a\": [1, 2.50, {{event_time}}],\n  \"b\": {}\n}";
    ann.holds(FIELD, tidy).await;
    ann.press(&format!("{CTRL}z")).await;
    ann.holds(FIELD, rough).await;
    ann.press(END).await;
    ann.press(TAB).await;
    ann.holds(FIELD, &format!("{rough}  ")).await;
    ann.focus_on(FIELD).await;
    ann.press(BACKSPACE).await;
    ann.press(ESCAPE).await;
    ann.press(TAB).await;
    assert!(!ann.has_focus(FIELD).await, "Tab does not leave");
    // What cannot be formatted stays, and it is told why.
    ann.fill(FIELD, "{{#each data.approvals}}x{{/each}}").await;
    ann.click_text("button", "Format").await;
    ann.reads("#toasts .bad", "Nothing was changed").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn values_seen_in_events_are_offered_for_filters() {
    let app = TestApp::start().await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    app.send(&token, &crate::support::event("Granted", "1")).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.click("#filter-integration-entry").await;
    ann.press("pro").await;
    ann.reads("#filter-integration-list", "prod db").await;
    ann.press(DOWN).await;
    ann.press(ENTER).await;
    ann.holds("#filter-integration", "prod db").await;
    ann.press(BACKSPACE).await;
    ann.holds("#filter-integration", "").await;
    ann.finish().await;
    app.finish().await;
}

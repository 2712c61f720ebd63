//! Using the pages with the keyboard only.

use crate::driver::{Browser, DOWN, ENTER, ESCAPE, SHIFT, TAB, UP};
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;

/// Saves two webhooks. Returns the id of the first one, Archive.
async fn save_two(app: &TestApp) -> String {
    let archive = WebhookBuilder::new("Archive", "https://archive.example.com/x");
    let comment = WebhookBuilder::new("Comment", "https://10.0.0.5/add_incident_comment");
    let id = app.webhooks(&archive.triggers(&["Granted", "Expired"]).file()).await.remove(0);
    app.webhooks(&comment.triggers(&["Created"]).file()).await;
    id
}

/// Presses Tab until the focus is on a matching element.
async fn tab_to(ann: &Browser, css: &str) {
    for _ in 0..60 {
        if ann.has_focus(css).await {
            return;
        }
        ann.press(TAB).await;
    }
    panic!("Tab does not lead to {css}");
}

/// Moves down in the open menu to an entry, and chooses it.
async fn choose(ann: &Browser, entry: &str) {
    for _ in 0..10 {
        ann.press(DOWN).await;
        let text = ann.eval("document.activeElement.innerText.trim()").await;
        if text == entry {
            ann.press(ENTER).await;
            return;
        }
    }
    panic!("the menu has no {entry}");
}

#[tokio::test]
async fn the_row_menu_deactivates_duplicates_and_deletes() {
    let app = TestApp::start().await;
    let id = save_two(&app).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    let row = format!("tr:has(a[href='/webhooks/{id}'])");
    let menu = format!("{row} .menu summary");

    // The first element skips the navigation.
    ann.press(TAB).await;
    ann.wait_for_focus(".skip").await;
    ann.press(ENTER).await;
    tab_to(&ann, &menu).await;
    ann.press(ENTER).await;
    ann.wait_for(&format!("{row} .menu-items")).await;
    ann.press(UP).await;
    ann.wait_for_focus(".menu-item.danger").await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone(".webhooks .menu-items").await;
    ann.wait_for_focus(&menu).await;

    ann.press(DOWN).await;
    ann.wait_for_focus(&format!("{row} .menu-item:first-child")).await;
    choose(&ann, "Deactivate").await;
    ann.wait_for_text(&format!("{row} .status"), "Inactive").await;
    ann.wait_for(&format!("{row} .dot.off")).await;
    ann.wait_for_focus(&menu).await;
    choose(&ann, "Activate").await;
    ann.wait_for_text(&format!("{row} .status"), "Active").await;
    ann.wait_for_focus(&menu).await;

    choose(&ann, "Duplicate").await;
    ann.wait_for_path_prefix("/webhooks/new?from=").await;
    ann.wait_for_value("#name", "Archive copy").await;
    tab_to(&ann, "#name").await;
    ann.press(ENTER).await;
    ann.wait_for_path("/webhooks").await;
    assert_eq!(ann.texts("td.name").await, ["Archive", "Archive copy", "Comment"]);

    tab_to(&ann, &menu).await;
    choose(&ann, "Delete").await;
    ann.wait_for_path(&format!("/webhooks/{id}/delete")).await;
    ann.wait_for_text("h1", "Delete Archive?").await;
    tab_to(&ann, ".button.danger").await;
    ann.press(ENTER).await;
    ann.wait_for_path("/webhooks").await;
    assert_eq!(ann.texts("td.name").await, ["Archive copy", "Comment"]);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn searching_updates_the_list_and_the_address_while_typing() {
    let app = TestApp::start().await;
    save_two(&app).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    tab_to(&ann, "#q").await;
    ann.press("arch").await;
    ann.wait_until("document.querySelectorAll('td.name').length === 1").await;
    ann.wait_for_path_prefix("/webhooks?q=arch").await;
    ann.wait_for_focus("#q").await;
    ann.press("zzz").await;
    ann.wait_for_text("#webhooks-table", "No matching webhooks").await;
    ann.reload().await;
    ann.wait_for_value("#q", "archzzz").await;
    ann.wait_for_text("#webhooks-table", "No matching webhooks").await;
    ann.back().await;
    ann.wait_until("document.querySelectorAll('td.name').length === 1").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn triggers_and_panels_are_used_with_the_keyboard() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    tab_to(&ann, "#triggers summary").await;
    ann.press(DOWN).await;
    ann.press(" ").await;
    ann.press(DOWN).await;
    ann.press(" ").await;
    ann.press(ESCAPE).await;
    ann.wait_until_gone(".multi-list").await;
    assert_eq!(ann.texts("#triggers-chosen .chip").await, ["Created", "Approved"]);
    ann.wait_for_focus("#triggers summary").await;
    ann.wait_for_text("#condition", "a request is created or a request is approved").await;

    // The focus stays in the panel while it is open, and returns afterwards.
    for _ in 0..40 {
        if ann.has_focus("a[data-panel]").await {
            break;
        }
        ann.press(&format!("{SHIFT}{TAB}")).await;
    }
    ann.press(ENTER).await;
    ann.wait_for_focus("dialog [data-schema-search]").await;
    ann.press(TAB).await;
    let within = "document.activeElement.closest('dialog') !== null";
    assert_eq!(ann.eval(within).await, true);
    ann.press(ESCAPE).await;
    ann.wait_until_gone("dialog").await;
    ann.wait_for_focus("a[data-panel]").await;
    ann.finish().await;
    app.finish().await;
}

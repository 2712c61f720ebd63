//! Without a mouse.

use crate::driver::{Browser, DOWN, ENTER, ESCAPE, SHIFT, TAB, UP};
use crate::support::TestApp;

const TWO: &str = "
webhooks:
  - name: Archive
    type: { http_request: { url: 'https://archive.example.com/x' } }
    triggers: [Granted, Expired]
  - name: Comment
    type: { http_request: { url: 'https://10.0.0.5/add_incident_comment' } }
    triggers: [Created]
";

/// Presses Tab until the focus is on something that fits.
async fn tab_to(ann: &Browser, css: &str) {
    for _ in 0..60 {
        if ann.has_focus(css).await {
            return;
        }
        ann.press(TAB).await;
    }
    panic!("Tab does not lead to {css}");
}

/// Walks down the open menu to an entry, and presses it.
async fn choose(ann: &Browser, entry: &str) {
    for _ in 0..10 {
        ann.press(DOWN).await;
        let text = ann.js("document.activeElement.innerText.trim()").await;
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
    let ids = app.webhooks(TWO).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    let row = format!("#webhook-{}", ids[0]);
    let menu = format!("{row} .menu summary");

    // The way to it begins with a link past the navigation.
    ann.press(TAB).await;
    ann.focus_on(".skip").await;
    ann.press(ENTER).await;
    tab_to(&ann, &menu).await;
    ann.press(ENTER).await;
    ann.see(&format!("{row} .menu-items")).await;
    ann.press(UP).await;
    ann.focus_on(".menu-item.danger").await;
    ann.press(ESCAPE).await;
    ann.gone(".webhooks .menu-items").await;
    ann.focus_on(&menu).await;

    ann.press(DOWN).await;
    ann.focus_on(&format!("{row} .menu-item:first-child")).await;
    choose(&ann, "Deactivate").await;
    ann.reads(&format!("{row} .status"), "Inactive").await;
    ann.see(&format!("{row} .dot.off")).await;
    ann.focus_on(&menu).await;
    choose(&ann, "Activate").await;
    ann.reads(&format!("{row} .status"), "Active").await;
    ann.focus_on(&menu).await;

    choose(&ann, "Duplicate").await;
    ann.under("/webhooks/new?from=").await;
    ann.holds("#name", "Archive copy").await;
    tab_to(&ann, "#name").await;
    ann.press(ENTER).await;
    ann.at("/webhooks").await;
    assert_eq!(ann.texts("td.name").await, ["Archive", "Archive copy", "Comment"]);

    tab_to(&ann, &menu).await;
    choose(&ann, "Delete").await;
    ann.at(&format!("/webhooks/{}/delete", ids[0])).await;
    ann.reads("h1", "Delete Archive?").await;
    tab_to(&ann, ".button.danger").await;
    ann.press(ENTER).await;
    ann.at("/webhooks").await;
    assert_eq!(ann.texts("td.name").await, ["Archive copy", "Comment"]);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn searching_goes_on_while_typing_and_has_an_address() {
    let app = TestApp::start().await;
    app.webhooks(TWO).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    tab_to(&ann, "#q").await;
    ann.press("arch").await;
    ann.until("document.querySelectorAll('td.name').length === 1").await;
    ann.under("/webhooks?q=arch").await;
    ann.focus_on("#q").await;
    ann.press("zzz").await;
    ann.reads("#webhooks-table", "No matching webhooks").await;
    ann.reload().await;
    ann.holds("#q", "archzzz").await;
    ann.reads("#webhooks-table", "No matching webhooks").await;
    ann.back().await;
    ann.until("document.querySelectorAll('td.name').length === 1").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn triggers_and_panels_are_walked_with_the_keys() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    tab_to(&ann, "#triggers summary").await;
    ann.press(DOWN).await;
    ann.press(" ").await;
    ann.press(DOWN).await;
    ann.press(" ").await;
    ann.press(ESCAPE).await;
    ann.gone(".multi-list").await;
    assert_eq!(ann.texts("#triggers-chosen .chip").await, ["Created", "Approved"]);
    ann.focus_on("#triggers summary").await;
    ann.reads("#condition", "a request is created or a request is approved").await;

    // The panel keeps the focus while it is open, and gives it back.
    for _ in 0..40 {
        if ann.has_focus("a[data-panel]").await {
            break;
        }
        ann.press(&format!("{SHIFT}{TAB}")).await;
    }
    ann.press(ENTER).await;
    ann.focus_on("dialog [data-schema-search]").await;
    ann.press(TAB).await;
    let within = "document.activeElement.closest('dialog') !== null";
    assert_eq!(ann.js(within).await, true);
    ann.press(ESCAPE).await;
    ann.gone("dialog").await;
    ann.focus_on("a[data-panel]").await;
    ann.finish().await;
    app.finish().await;
}

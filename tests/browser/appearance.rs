//! Every page on wide and narrow screens, light and dark: no overflow, no errors in the console, and no violations of WCAG
//! 2.2 AA that axe finds. Screenshots are written to `target/screenshots`.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::sample_data::{SampleData, fill};
use crate::support::TestApp;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};

/// The accessibility checks of Deque (axe-core).
const AXE: &str = include_str!("axe.min.js");
/// Checks the page, and returns the violations with their elements.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    // Sticky elements would cover other elements, depending on the scroll position.
    for (const one of document.querySelectorAll('.bar, .side')) one.style.position = 'static';
    // An open menu covers other elements. The list of completions is scrolled from the editor, which has the focus.
    const rules = {
        'target-size': { enabled: !document.querySelector('.menu[open], .cm-tooltip') },
        'scrollable-region-focusable': { enabled: !document.querySelector('.cm-tooltip-autocomplete') },
    };
    axe.run(document, { runOnly: tags, rules, resultTypes: ['violations'] }).then(
        (found) => done(found.violations.flatMap((one) =>
            one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}\\n    ${node.failureSummary}`))),
        (error) => done([String(error)]));
";
/// Disables transitions. Inherited colors change level by level, so that even short transitions take several frames.
const NO_TRANSITIONS: &str = "{
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('*, *::before, *::after { transition: none !important; }');
    document.adoptedStyleSheets.push(sheet);
}";
/// The elements that make the page scroll sideways.
const PAGE_OVERFLOW: &str = "document.documentElement.scrollWidth > document.documentElement.clientWidth && \
    [...document.querySelectorAll('body *')].filter((one) => \
        one.checkVisibility() && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1) \
        .map((one) => one.outerHTML.slice(0, 120))";

/// Cards, rows and badges whose content overflows. An open menu is permitted to.
const CARD_OVERFLOW: &str = "!document.querySelector('.menu[open]') && \
    [...document.querySelectorAll('.card, .table-card tbody tr, .badge')].filter((one) => \
        one.checkVisibility() && getComputedStyle(one).overflowX === 'visible' && one.scrollWidth > one.clientWidth + 1) \
        .map((one) => one.outerHTML.slice(0, 120))";

/// A page, and the steps before it is checked.
pub(crate) struct Scene {
    name: &'static str,
    path: String,
    /// Text to type into the editor first.
    keys: &'static str,
    /// Elements to click on when they are visible. The last one must only become visible.
    steps: &'static [&'static str],
}

pub(crate) fn scene(name: &'static str, path: impl Into<String>) -> Scene {
    Scene { name, path: path.into(), keys: "", steps: &[] }
}

pub(crate) fn stepped(name: &'static str, path: &str, steps: &'static [&'static str]) -> Scene {
    Scene { steps, ..scene(name, path) }
}

/// The editor of a new webhook, after typing.
pub(crate) fn typed(
    name: &'static str,
    keys: &'static str,
    steps: &'static [&'static str],
) -> Scene {
    Scene { keys, ..stepped(name, "/webhooks/new", steps) }
}

async fn prepare(browser: &Browser) {
    for source in [AXE, NO_TRANSITIONS] {
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": source})).await;
    }
    // A screenshot of the whole page removes the scroll bar, which would change the layout afterwards.
    browser.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
}

async fn set(browser: &Browser, width: u32, theme: &str) {
    let phone = width < 800;
    let size = json!({
        "width": width, "height": if phone { 844 } else { 900 }, "deviceScaleFactor": 1,
        "mobile": phone
    });
    browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
    browser.devtools("Emulation.setTouchEmulationEnabled", json!({"enabled": phone})).await;
    set_theme(browser, theme).await;
}

async fn set_theme(browser: &Browser, theme: &str) {
    let features = json!([
        {"name": "prefers-color-scheme", "value": theme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]);
    browser.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
}

/// Opens the page of a scene, and performs its steps.
async fn play(browser: &Browser, scene: &Scene) {
    browser.open(&scene.path).await;
    if !scene.keys.is_empty() {
        browser.click("#body_template").await;
        browser.press(scene.keys).await;
    }
    if let Some((last, before)) = scene.steps.split_last() {
        for step in before {
            browser.click(step).await;
        }
        browser.wait_for(last).await;
    }
}

/// Checks each scene as a signed-in user.
pub(crate) async fn check_all(app: &TestApp, scenes: &[Scene]) {
    let browser = Browser::signed_in(app).await;
    check_each(&browser, scenes).await;
    browser.finish().await;
}

/// Checks each scene in this browser.
pub(crate) async fn check_each(browser: &Browser, scenes: &[Scene]) {
    prepare(browser).await;
    for scene in scenes {
        check(browser, scene).await;
    }
}

/// Checks the open page, which cannot be opened again.
pub(crate) async fn check_open_page(browser: &Browser, name: &str) {
    browser
        .eval_async(&format!("{AXE}; {NO_TRANSITIONS}; arguments[arguments.length - 1](true)"))
        .await;
    for (width, theme) in [(1440, "dark"), (1440, "light"), (390, "light"), (390, "dark")] {
        set(browser, width, theme).await;
        look(browser, &format!("{name}-{width}-{theme}")).await;
    }
    find_violations(browser, name).await;
    set(browser, 1440, "light").await;
}

/// Checks a scene in both sizes and both themes. The theme is changed on the open page.
async fn check(browser: &Browser, scene: &Scene) {
    for (width, themes) in [(1440, ["dark", "light"]), (390, ["light", "dark"])] {
        set(browser, width, themes[0]).await;
        play(browser, scene).await;
        for theme in themes {
            set_theme(browser, theme).await;
            look(browser, &format!("{}-{width}-{theme}", scene.name)).await;
        }
        // Once per size and per theme, because the check is slow and changes the page.
        find_violations(browser, &format!("{}-{width}-{}", scene.name, themes[1])).await;
    }
    browser.assert_no_console_errors(scene.name).await;
}

/// Takes a screenshot, and checks that everything fits.
async fn look(browser: &Browser, name: &str) {
    browser.screenshot(name).await;
    let headings = "document.querySelectorAll('dialog[open] h1').length || \
                    document.querySelectorAll('h1').length";
    assert_eq!(browser.eval(headings).await, 1, "{name}: headings");
    let overflow = browser.eval(PAGE_OVERFLOW).await;
    assert_eq!(overflow, Value::Bool(false), "{name} scrolls sideways");
    let cards = browser.eval(CARD_OVERFLOW).await;
    assert!(cards == false || cards == json!([]), "{name}: too wide: {cards:#}");
}

async fn find_violations(browser: &Browser, name: &str) {
    let found = browser.eval_async(RUN_AXE).await;
    let found: Vec<String> = serde_json::from_value(found).unwrap();
    assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
}

#[tokio::test]
async fn the_chosen_theme_applies_to_the_next_page() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app).await;
    browser.open("/webhooks").await;
    set(&browser, 1440, "dark").await;
    let background = "getComputedStyle(document.body).backgroundColor";
    let (light, dark) = (json!("rgb(246, 247, 249)"), json!("rgb(12, 14, 19)"));
    // At first, the system's setting applies.
    browser.wait_until(&format!("{background} === {dark}")).await;
    browser.click("[data-theme-switch]").await;
    browser.wait_until(&format!("{background} === {light}")).await;
    browser.open("/deliveries").await;
    assert_eq!(browser.eval(background).await, light);
    browser.click("[data-theme-switch]").await;
    browser.wait_until(&format!("{background} === {dark}")).await;
    // Then the user's choice applies.
    set(&browser, 1440, "light").await;
    browser.open("/webhooks").await;
    assert_eq!(browser.eval(background).await, dark);
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_before_signing_in() {
    let fresh = TestApp::start_with(|config| config.admin = None).await;
    let browser = Browser::start(&fresh).await;
    prepare(&browser).await;
    check(&browser, &scene("setup", "/setup")).await;
    browser.finish().await;
    fresh.finish().await;

    let app = TestApp::start().await;
    let browser = Browser::start(&app).await;
    prepare(&browser).await;
    check(&browser, &scene("login", "/login")).await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_without_data() {
    let app = TestApp::start().await;
    let scenes = [
        scene("webhooks-empty", "/webhooks"),
        scene("events-empty", "/events"),
        scene("deliveries-empty", "/deliveries"),
        scene("webhook-new", "/webhooks/new"),
        scene("webhook-new-preset", "/webhooks/new?preset=logpoint-comment"),
        stepped("webhook-errors", "/webhooks/new", &[".button.primary", "[role=alert]"]),
        stepped("webhook-past-none", "/webhooks/new", &["#try-past", ".backtest"]),
        stepped("schema-panel", "/webhooks/new", &["a[data-panel]", "dialog[open] h1"]),
        scene("schema", "/webhooks/schema"),
    ];
    check_all(&app, &scenes).await;
    app.finish().await;
}

#[tokio::test]
async fn the_form_with_open_sections() {
    let app = TestApp::start().await;
    let scenes = [
        stepped(
            "form-oauth",
            "/webhooks/new?preset=servicenow",
            &[".when-oauth .fold summary", "#auth_parameters"],
        ),
        stepped(
            "form-validators",
            "/webhooks/new?preset=logpoint-comment",
            &["[data-add-row='validator']", ".validator:nth-of-type(2) select"],
        ),
        stepped(
            "form-client-certificate",
            "/webhooks/new",
            &["[aria-label='TLS verification'] .fold summary", "#tls_client_certificate"],
        ),
        stepped(
            "form-signing",
            "/webhooks/new",
            &[
                "[aria-label='Signatures'] [value='v1']",
                "[formaction='/webhooks/signing-key']",
                "#generated-key + button",
            ],
        ),
        typed(
            "editor-error",
            "{\"a\": \"{{data..id}}",
            &[".cm-lint-marker-error", ".cm-tooltip .cm-diagnostic"],
        ),
        typed("editor-completion", "{\"a\": \"{{data.re", &[".cm-tooltip-autocomplete"]),
        typed("editor-search", "{\"a\": 1\u{e009}f", &[".cm-search"]),
    ];
    check_all(&app, &scenes).await;
    app.finish().await;
}

#[tokio::test]
async fn the_bar_and_the_label_row_do_not_wrap_on_a_phone() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app).await;
    set(&browser, 390, "light").await;
    browser.open("/webhooks/new").await;
    browser.wait_for(".cm-content").await;
    let heights = "['.bar', '.label-row:has([for=body_template])'].map((one) => \
                   document.querySelector(one).offsetHeight)";
    let heights: [u32; 2] = serde_json::from_value(browser.eval(heights).await).unwrap();
    assert!(heights[0] < 80, "the bar: {}", heights[0]);
    assert!(heights[1] < 30, "Body Template: {}", heights[1]);
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_invocation_with_a_token() {
    let app = TestApp::start().await;
    let target = FakeLogpoint::start(Options::default()).await;
    let token = r#"{"access_token": "t0ken", "token_type": "Bearer"}"#.to_owned();
    target.behave([Behaviour::Status(200, token), Behaviour::Accept]);
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let tested = ann
        .post_part(
            "/webhooks/test",
            &[
                ("name", "ServiceNow"),
                ("method", "POST"),
                ("url", &target.url("/reopen_incident")),
                ("body_template", "{}"),
                ("trigger", "Created"),
                ("tls_verify", "none"),
                ("auth_kind", "oauth"),
                ("auth_client_id", "gatepost"),
                ("auth_client_secret", "demo-secret"),
                ("auth_token_endpoint_url", &target.url("/token")),
                ("traceparent", "true"),
            ],
        )
        .await;
    let path = tested.attribute("a.link", "href").unwrap();
    let steps = &[".tabs a[href='#token']", "#token .token-exchange"];
    check_all(&app, &[stepped("invocation-token", &path, steps)]).await;
    app.finish().await;
}

#[tokio::test]
async fn pages_with_data() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { webhook, good, retrying, failed, .. } = fill(&app, &logpoint).await;
    let delivery = |id: &str| format!("/deliveries/{id}");
    let shown = app.admin().await.get(&delivery(&failed)).await;
    let invocation = shown.attribute("a[data-panel]", "href").unwrap();
    let scenes = [
        scene("webhooks", "/webhooks"),
        stepped("webhooks-menu", "/webhooks", &["td .menu summary", "td .menu-items"]),
        scene("webhooks-no-match", "/webhooks?q=nothing-like-it"),
        scene("webhook-edit", format!("/webhooks/{webhook}/edit")),
        scene("events-found", "/webhooks/events"),
        scene("troubleshooting", "/troubleshooting"),
        scene("troubleshooting-tip", "/troubleshooting#self-signed"),
        scene("webhook-delete", format!("/webhooks/{webhook}/delete")),
        scene("deliveries", "/deliveries"),
        scene("deliveries-no-match", "/deliveries?state=cancelled"),
        scene("delivery", delivery(&good)),
        scene("delivery-retrying", delivery(&retrying)),
        stepped("invocation-panel", &delivery(&failed), &["a[data-panel]", "dialog[open] h1"]),
        scene("invocation-page", invocation),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn pages_of_a_webhook() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { webhook, paused, .. } = fill(&app, &logpoint).await;
    let scenes = [
        stepped(
            "webhook-past",
            &format!("/webhooks/{webhook}/edit"),
            &["#try-past", ".past-list summary", ".past-list pre"],
        ),
        scene("webhook", format!("/webhooks/{webhook}")),
        scene("webhook-paused", format!("/webhooks/{paused}")),
        stepped(
            "changes-panel",
            &format!("/webhooks/{webhook}"),
            &[".history a", "dialog[open] h1"],
        ),
        scene("changes", format!("/webhooks/{webhook}/changes?from=1&to=2")),
        scene("webhook-restore", format!("/webhooks/{webhook}/revisions/2/restore")),
        scene("webhook-send", format!("/webhooks/{webhook}/send")),
        scene("webhook-send-refused", format!("/webhooks/{paused}/send")),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn the_style_sheet_has_exactly_the_rules_of_its_sources() {
    let mut sources = String::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static/css")).unwrap() {
        sources += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app).await;
    browser.open("/webhooks").await;
    let rules = |sheet: &str| format!("[...{sheet}.cssRules].map((rule) => rule.cssText).sort()");
    let served = browser.eval(&rules("document.styleSheets[0]")).await;
    let parsed = format!(
        "(() => {{ const sheet = new CSSStyleSheet(); sheet.replaceSync({}); return {}; }})()",
        json!(sources),
        rules("sheet")
    );
    let expected = browser.eval(&parsed).await;
    assert!(expected.as_array().unwrap().len() > 100, "{expected}");
    assert_eq!(served, expected);
    browser.finish().await;
    app.finish().await;
}

//! A browser, seen and touched as a person does.
//!
//! Nothing here sleeps: every step waits for what it needs, and says what it waited for in vain.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::chromium::{Chromium, Extra};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD, WAIT_TIMEOUT};

/// Keys by the names that chromedriver knows.
pub(crate) const BACKSPACE: &str = "\u{e003}";
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SHIFT: &str = "\u{e008}";
pub(crate) const CTRL: &str = "\u{e009}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const END: &str = "\u{e010}";
pub(crate) const HOME: &str = "\u{e011}";
pub(crate) const UP: &str = "\u{e013}";
pub(crate) const DOWN: &str = "\u{e015}";

/// Under which name chromedriver gives an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const HERE: &str = "(location.pathname + location.search)";
const LOADED: &str = "document.readyState === 'complete'";
/// How often it is looked whether something is so.
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// What Chromium and htmx report although the page handles it: a form with errors (422), a session that has ended (401),
/// a lost connection, a request that the user has cancelled.
const EXPECTED_ERRORS: [&str; 7] = [
    "status of 422",
    "status of 401",
    "Error Code 401",
    "ERR_INTERNET_DISCONNECTED",
    "htmx:sendError",
    "htmx:sendAbort",
    "htmx:afterRequest",
];

/// A browser with one window.
pub(crate) struct Browser {
    chromium: Chromium,
    client: Client,
    base: String,
}

impl Browser {
    /// With no page opened yet.
    pub(crate) async fn start(app: &TestApp) -> Self {
        let (chromium, client) = Chromium::start().await;
        Self { chromium, client, base: app.url("") }
    }

    /// The administrator's, who has signed in elsewhere: with the session's cookie, and no page opened yet.
    pub(crate) async fn signed_in(app: &TestApp) -> Self {
        let ((chromium, client), ann) = tokio::join!(Chromium::start(), app.admin());
        let browser = Self { chromium, client, base: app.url("") };
        let (name, value) = ann.cookie().split_once('=').unwrap();
        let cookie = json!({
            "url": browser.base, "name": name, "value": value, "httpOnly": true, "sameSite": "Lax"
        });
        browser.devtools("Network.setCookie", cookie).await;
        browser
    }

    /// Fills in the sign-in page.
    pub(crate) async fn sign_in(&self) {
        self.fill("#email", EMAIL).await;
        self.fill("#password", PASSWORD).await;
        self.press(ENTER).await;
        self.at("/webhooks").await;
    }

    /// Ends it. No page may have broken the policy or thrown an error.
    pub(crate) async fn finish(self) {
        self.is_silent("at the end").await;
        self.client.close().await.unwrap();
        self.chromium.has_quit();
    }

    /// Fails if the console reports an error, or something that the content security policy forbids.
    pub(crate) async fn is_silent(&self, when: &str) {
        let log = self.command("se/log", json!({"type": "browser"})).await;
        let bad = log.as_array().unwrap().iter().filter(|entry| {
            let message = entry["message"].as_str().unwrap_or_default();
            let expected = EXPECTED_ERRORS.iter().any(|part| message.contains(part));
            (entry["level"] == "SEVERE" || entry["source"] == "security") && !expected
        });
        let bad: Vec<String> = bad.map(ToString::to_string).collect();
        assert!(bad.is_empty(), "{when} the console says:\n{}", bad.join("\n"));
    }

    /// Opens a page of the application.
    pub(crate) async fn open(&self, path: &str) {
        told(path, self.client.goto(&format!("{}{path}", self.base))).await;
    }

    pub(crate) async fn back(&self) {
        told("going back", self.client.back()).await;
    }

    pub(crate) async fn reload(&self) {
        told("loading again", self.client.refresh()).await;
    }

    /// Path and query of where it is.
    pub(crate) async fn path(&self) -> String {
        let url = told("where it is", self.client.current_url()).await;
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits until it is at a path with this query.
    pub(crate) async fn at(&self, path: &str) {
        self.until(&format!("{HERE} === {} && {LOADED}", json!(path))).await;
    }

    /// Waits until it is at an address that begins so.
    pub(crate) async fn under(&self, start: &str) {
        self.until(&format!("{HERE}.startsWith({}) && {LOADED}", json!(start))).await;
    }

    /// What an expression gives.
    pub(crate) async fn js(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        told(expression, self.client.execute(&script, Vec::new())).await
    }

    /// Waits until an expression is true, and gives what it is then. An error counts as no: the page
    /// may not be there yet.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        let script = format!("return {expression}");
        let waiting = async {
            loop {
                tick.tick().await;
                let value = self.client.execute(&script, Vec::new()).await.unwrap_or_default();
                let is_so = !matches!(&value, Value::Null | Value::Bool(false));
                if is_so && value != json!("") && value != json!(0) {
                    return value;
                }
            }
        };
        let waited = tokio::time::timeout(WAIT_TIMEOUT, waiting).await;
        match waited {
            Ok(value) => value,
            Err(_elapsed) => self.fail(expression).await,
        }
    }

    /// Fails, and leaves a picture.
    async fn fail(&self, expression: &str) -> ! {
        let test = std::thread::current().name().unwrap_or_default().replace("::", "-");
        let picture = self.picture(&format!("failed-{test}")).await;
        let (path, title) = (self.path().await, self.js("document.title").await);
        let shown = self.js("document.body.innerText").await;
        panic!(
            "waited in vain for {expression}\nat {path} ({title}), see {}\n{}",
            picture.display(),
            shown.as_str().unwrap_or_default()
        )
    }

    /// What is to be seen of an element: a script puts an editor in the place of a text area.
    async fn stand_in(&self, css: &str) -> String {
        let script = format!(
            "(() => {{ const one = document.querySelector({css}); \
                const waits = one?.matches('[data-editor] textarea') \
                    && document.documentElement.classList.contains('js'); \
                if (!waits) return one && {css}; \
                return one.hidden && '[data-editor] .cm-content'; }})()",
            css = json!(css)
        );
        self.until(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element is to be seen.
    pub(crate) async fn see(&self, css: &str) -> Element {
        self.until(&format!("document.querySelector({})?.checkVisibility()", json!(css))).await;
        told(css, self.client.find(Locator::Css(css))).await
    }

    /// Waits until no such element is to be seen.
    pub(crate) async fn gone(&self, css: &str) {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        self.until(&format!("!{all}.some((one) => one.checkVisibility())")).await;
    }

    /// Waits until an element's text holds something, and gives the text.
    pub(crate) async fn reads(&self, css: &str, part: &str) -> String {
        let found = format!("document.querySelector({})", json!(css));
        let text = format!("{found}?.innerText.includes({}) && {found}.innerText", json!(part));
        self.until(&text).await.as_str().unwrap_or_default().to_owned()
    }

    /// The texts of all elements that fit.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        let texts = self.js(&format!("{all}.map((one) => one.innerText.trim())")).await;
        serde_json::from_value(texts).unwrap()
    }

    /// What a field holds.
    pub(crate) async fn value(&self, css: &str) -> String {
        let value = self.js(&format!("document.querySelector({}).value", json!(css))).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a field holds exactly this.
    pub(crate) async fn holds(&self, css: &str, value: &str) {
        let field = format!("document.querySelector({})", json!(css));
        self.until(&format!("{field}?.value === {}", json!(value))).await;
    }

    /// Waits until the focus is on an element that fits.
    pub(crate) async fn focus_on(&self, css: &str) {
        self.until(&format!("document.activeElement?.matches({})", json!(css))).await;
    }

    /// Whether the focus is on an element that fits.
    pub(crate) async fn has_focus(&self, css: &str) -> bool {
        self.js(&format!("document.activeElement.matches({})", json!(css))).await == true
    }

    /// Clicks on an element once it is to be seen.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.see(&self.stand_in(css).await).await;
        self.click_on(&element, css).await;
    }

    /// Clicks on the first that fits and has exactly this text.
    pub(crate) async fn click_text(&self, css: &str, text: &str) {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        let fits = format!("one.innerText.trim() === {}", json!(text));
        let seen = "one.checkVisibility()";
        let find = format!("{all}.find((one) => {fits} && {seen})");
        self.until(&format!("Boolean({find})")).await;
        let found = self.js(&find).await;
        let id = found[ELEMENT].as_str().unwrap().to_owned();
        let element = Element::from_element_id(self.client.clone(), id.into());
        self.click_on(&element, text).await;
    }

    async fn click_on(&self, element: &Element, what: &str) {
        // In the middle of the window, where no bar covers it.
        let to_middle = "arguments[0].scrollIntoView({ block: 'center' })";
        let argument = serde_json::to_value(element).unwrap();
        told(what, self.client.execute(to_middle, vec![argument])).await;
        told(&format!("a click on {what}"), element.click()).await;
    }

    /// Types into a field in place of what stands there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.click(css).await;
        self.js(&format!("document.querySelector({}).select()", json!(css))).await;
        self.press(if text.is_empty() { BACKSPACE } else { text }).await;
    }

    /// Types in place of a piece of what stands in a field.
    pub(crate) async fn replace(&self, css: &str, piece: &str, text: &str) {
        self.see(&self.stand_in(css).await).await;
        let select = "const [css, piece] = arguments; \
                      const field = document.querySelector(css); \
                      const at = field.value.indexOf(piece); \
                      field.focus(); \
                      field.setSelectionRange(at, at + piece.length); \
                      return at";
        let arguments = vec![css.into(), piece.into()];
        let at = told(css, self.client.execute(select, arguments)).await;
        assert_ne!(at, -1, "{piece} does not stand in {css}");
        self.press(text).await;
    }

    /// Chooses in a menu.
    pub(crate) async fn choose(&self, css: &str, label: &str) {
        told(css, self.see(css).await.select_by_label(label)).await;
    }

    /// Chooses in a menu what has this value.
    pub(crate) async fn choose_value(&self, css: &str, value: &str) {
        told(css, self.see(css).await.select_by_value(value)).await;
    }

    /// Types where the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let focused = told("the focus", self.client.active_element()).await;
        told(&format!("typing {keys:?}"), focused.send_keys(keys)).await;
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        told(name, self.client.issue_cmd(Extra { path: "goog/cdp/execute", body })).await
    }

    /// A command that chromedriver has beyond the standard.
    pub(crate) async fn command(&self, path: &'static str, body: Value) -> Value {
        told(path, self.client.issue_cmd(Extra { path, body })).await
    }

    /// Runs a script that tells its end, and gives what it tells.
    pub(crate) async fn script(&self, script: &str) -> Value {
        told("a script", self.client.execute_async(script, Vec::new())).await
    }

    /// The text of a question of the browser's own, once it is asked.
    pub(crate) async fn question(&self) -> String {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        let asked = async {
            loop {
                tick.tick().await;
                if let Ok(text) = self.client.get_alert_text().await {
                    return text;
                }
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, asked).await.expect("nothing was asked")
    }

    /// Answers it.
    pub(crate) async fn answer(&self, yes: bool) {
        if yes {
            told("yes", self.client.accept_alert()).await;
        } else {
            told("no", self.client.dismiss_alert()).await;
        }
    }

    /// Writes a picture to `target/screenshots`: of the whole page, of the window alone where a panel
    /// is open in it.
    pub(crate) async fn picture(&self, name: &str) -> PathBuf {
        let is_whole = self.js("!document.querySelector('dialog[open]')").await;
        let options = json!({"captureBeyondViewport": is_whole, "optimizeForSpeed": true});
        let shot = self.devtools("Page.captureScreenshot", options).await;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()).unwrap();
        path
    }
}

/// What a command gives, within the time that it may take.
async fn told<T>(what: &str, command: impl Future<Output = Result<T, CmdError>>) -> T {
    match tokio::time::timeout(WAIT_TIMEOUT, command).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => panic!("{what}: {error}"),
        Err(tokio::time::error::Elapsed { .. }) => panic!("{what}: the browser does not answer"),
    }
}

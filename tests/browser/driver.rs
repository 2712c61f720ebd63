//! A browser that is used like by a user.
//!
//! Every step waits until it is possible. A test that waits too long fails with the condition, a screenshot and the text
//! of the page.

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
use crate::support::user::TestUser;

/// Keys, as defined by `WebDriver` (section 17.4.2).
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

/// Key of an element's id in JSON, as defined by `WebDriver` (section 12.1).
const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Path and query of the page.
const PATH: &str = "(location.pathname + location.search)";
const LOADED: &str = "document.readyState === 'complete'";
/// How often a condition is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// Errors that Chromium and htmx report although the page handles them: a form with errors (422, 409), a session that has ended
/// (401) or was replaced (403), too many attempts (429), a lost connection, a cancelled request, an identity provider that is
/// down (503), and what the pages of the one of the tests lack.
const EXPECTED_ERRORS: [&str; 13] = [
    "status of 503",
    "https://fonts.googleapis.com/",
    "status of 409",
    "status of 422",
    "status of 429",
    "status of 401",
    "Error Code 401",
    "status of 403",
    "Error Code 403",
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
    /// Starts a browser without opening a page.
    pub(crate) async fn start(app: &TestApp) -> Self {
        let (chromium, client) = Chromium::start().await;
        Self { chromium, client, base: app.url("") }
    }

    /// Starts a browser with the session of the administrator, without opening a page.
    pub(crate) async fn signed_in(app: &TestApp) -> Self {
        let ((chromium, client), ann) = tokio::join!(Chromium::start(), app.admin());
        let browser = Self { chromium, client, base: app.url("") };
        browser.use_session_of(&ann).await;
        browser
    }

    /// Takes over the session of a user.
    pub(crate) async fn use_session_of(&self, user: &TestUser) {
        for (name, value) in user.cookies() {
            let cookie = json!({
                "url": self.base, "name": name, "value": value, "httpOnly": true, "sameSite": "Lax"
            });
            self.devtools("Network.setCookie", cookie).await;
        }
    }

    /// Signs in on the sign-in page.
    pub(crate) async fn sign_in(&self) {
        self.fill("#email", EMAIL).await;
        self.fill("#password", PASSWORD).await;
        self.press(ENTER).await;
        self.wait_for_path("/webhooks").await;
    }

    /// Ends the browser. Fails if a page violated the content security policy or threw an error.
    pub(crate) async fn finish(self) {
        self.assert_no_console_errors("at the end").await;
        self.client.close().await.unwrap();
        self.chromium.forget_process();
    }

    /// Fails if the console contains an error or a violation of the content security policy.
    pub(crate) async fn assert_no_console_errors(&self, when: &str) {
        let log = self.command("se/log", json!({"type": "browser"})).await;
        let bad = log.as_array().unwrap().iter().filter(|entry| {
            let message = entry["message"].as_str().unwrap_or_default();
            let expected = EXPECTED_ERRORS.iter().any(|part| message.contains(part));
            (entry["level"] == "SEVERE" || entry["source"] == "security") && !expected
        });
        let bad: Vec<String> = bad.map(ToString::to_string).collect();
        assert!(bad.is_empty(), "errors in the console {when}:\n{}", bad.join("\n"));
    }

    /// Opens a page of the application.
    pub(crate) async fn open(&self, path: &str) {
        run(path, self.client.goto(&format!("{}{path}", self.base))).await;
    }

    pub(crate) async fn back(&self) {
        run("going back", self.client.back()).await;
    }

    pub(crate) async fn reload(&self) {
        run("reloading", self.client.refresh()).await;
    }

    /// Returns the path and the query of the page.
    pub(crate) async fn path(&self) -> String {
        let url = run("reading the address", self.client.current_url()).await;
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits until a page with this path and query is loaded.
    pub(crate) async fn wait_for_path(&self, path: &str) {
        self.wait_until(&format!("{PATH} === {} && {LOADED}", json!(path))).await;
    }

    /// Waits until a page is loaded whose path and query start with a text.
    pub(crate) async fn wait_for_path_prefix(&self, start: &str) {
        self.wait_until(&format!("{PATH}.startsWith({}) && {LOADED}", json!(start))).await;
    }

    /// Evaluates a JavaScript expression.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        run(expression, self.client.execute(&script, Vec::new())).await
    }

    /// Waits until a JavaScript expression is truthy, and returns its value. Errors are ignored, because the page may not be
    /// loaded yet.
    pub(crate) async fn wait_until(&self, expression: &str) -> Value {
        let mut tick = tokio::time::interval(POLL_INTERVAL);
        let script = format!("return {expression}");
        let waiting = async {
            loop {
                tick.tick().await;
                let value = self.client.execute(&script, Vec::new()).await.unwrap_or_default();
                let is_truthy = !matches!(&value, Value::Null | Value::Bool(false));
                if is_truthy && value != json!("") && value != json!(0) {
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

    /// Fails the test, with a screenshot.
    async fn fail(&self, expression: &str) -> ! {
        let test = std::thread::current().name().unwrap_or_default().replace("::", "-");
        let screenshot = self.screenshot(&format!("failed-{test}")).await;
        let (path, title) = (self.path().await, self.eval("document.title").await);
        let shown = self.eval("document.body.innerText").await;
        panic!(
            "timed out waiting for {expression}\nat {path} ({title}), see {}\n{}",
            screenshot.display(),
            shown.as_str().unwrap_or_default()
        )
    }

    /// Returns the selector of the visible element: the editor, if it replaces a text area.
    async fn find_visible(&self, css: &str) -> String {
        let script = format!(
            "(() => {{ const one = document.querySelector({css}); \
                const isReplaced = one?.matches('[data-editor] textarea') \
                    && document.documentElement.classList.contains('js'); \
                if (!isReplaced) return one && {css}; \
                return one.hidden && '[data-editor] .cm-content'; }})()",
            css = json!(css)
        );
        self.wait_until(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element is visible, and returns it.
    pub(crate) async fn wait_for(&self, css: &str) -> Element {
        self.wait_until(&format!("document.querySelector({})?.checkVisibility()", json!(css)))
            .await;
        run(css, self.client.find(Locator::Css(css))).await
    }

    /// Waits until no such element is visible.
    pub(crate) async fn wait_until_gone(&self, css: &str) {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        self.wait_until(&format!("!{all}.some((one) => one.checkVisibility())")).await;
    }

    /// Waits until the text of an element contains a part, and returns the text.
    pub(crate) async fn wait_for_text(&self, css: &str, part: &str) -> String {
        let found = format!("document.querySelector({})", json!(css));
        let text = format!("{found}?.innerText.includes({}) && {found}.innerText", json!(part));
        self.wait_until(&text).await.as_str().unwrap_or_default().to_owned()
    }

    /// Returns the texts of all matching elements.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        let texts = self.eval(&format!("{all}.map((one) => one.innerText.trim())")).await;
        serde_json::from_value(texts).unwrap()
    }

    /// Returns the value of a field.
    pub(crate) async fn value(&self, css: &str) -> String {
        let value = self.eval(&format!("document.querySelector({}).value", json!(css))).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a field has exactly this value.
    pub(crate) async fn wait_for_value(&self, css: &str, value: &str) {
        let field = format!("document.querySelector({})", json!(css));
        self.wait_until(&format!("{field}?.value === {}", json!(value))).await;
    }

    /// Waits until the focus is on a matching element.
    pub(crate) async fn wait_for_focus(&self, css: &str) {
        self.wait_until(&format!("document.activeElement?.matches({})", json!(css))).await;
    }

    /// Whether the focus is on a matching element.
    pub(crate) async fn has_focus(&self, css: &str) -> bool {
        self.eval(&format!("document.activeElement.matches({})", json!(css))).await == true
    }

    /// Waits until an element is visible, and clicks on it.
    pub(crate) async fn click(&self, css: &str) {
        loop {
            let element = self.wait_for(&self.find_visible(css).await).await;
            if self.click_on(&element, css).await {
                return;
            }
        }
    }

    /// Clicks on the first visible matching element with exactly this text.
    pub(crate) async fn click_text(&self, css: &str, text: &str) {
        let all = format!("[...document.querySelectorAll({})]", json!(css));
        let has_text = format!("one.innerText.trim() === {}", json!(text));
        let is_visible = "one.checkVisibility()";
        let find = format!("{all}.find((one) => {has_text} && {is_visible})");
        loop {
            let found = self.wait_until(&find).await;
            let id = found[ELEMENT_KEY].as_str().unwrap().to_owned();
            let element = Element::from_element_id(self.client.clone(), id.into());
            if self.click_on(&element, text).await {
                return;
            }
        }
    }

    /// Clicks on an element. Returns false if a live update has replaced it.
    async fn click_on(&self, element: &Element, what: &str) -> bool {
        // At the edges of the window, a bar could cover it.
        let to_middle = "arguments[0].scrollIntoView({ block: 'center' })";
        let argument = serde_json::to_value(element).unwrap();
        let clicking = async {
            let clicked = async {
                self.client.execute(to_middle, vec![argument]).await?;
                element.click().await
            };
            match clicked.await {
                Err(error) if error.is_stale_element_reference() => Ok(false),
                clicked => clicked.map(|()| true),
            }
        };
        run(&format!("a click on {what}"), clicking).await
    }

    /// Replaces the value of a field by typing.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.click(css).await;
        self.eval(&format!("document.querySelector({}).select()", json!(css))).await;
        self.press(if text.is_empty() { BACKSPACE } else { text }).await;
    }

    /// Replaces a part of the value of a field by typing.
    pub(crate) async fn replace(&self, css: &str, piece: &str, text: &str) {
        self.wait_for(&self.find_visible(css).await).await;
        let select = "const [css, piece] = arguments; \
                      const field = document.querySelector(css); \
                      const at = field.value.indexOf(piece); \
                      field.focus(); \
                      field.setSelectionRange(at, at + piece.length); \
                      return at";
        let arguments = vec![css.into(), piece.into()];
        let at = run(css, self.client.execute(select, arguments)).await;
        assert_ne!(at, -1, "{css} does not contain {piece}");
        self.press(text).await;
    }

    /// Selects an option of a menu by its label.
    pub(crate) async fn select(&self, css: &str, label: &str) {
        run(css, self.wait_for(css).await.select_by_label(label)).await;
    }

    /// Selects an option of a menu by its value.
    pub(crate) async fn select_value(&self, css: &str, value: &str) {
        run(css, self.wait_for(css).await.select_by_value(value)).await;
    }

    /// Types into the focused element.
    pub(crate) async fn press(&self, keys: &str) {
        // An update may replace the element before anything is typed, and gives the focus to the new one.
        let typing = async {
            loop {
                match self.client.active_element().await?.send_keys(keys).await {
                    Err(error) if error.is_stale_element_reference() => {}
                    typed => return typed,
                }
            }
        };
        run(&format!("typing {keys:?}"), typing).await;
    }

    /// Sends a command of the Chrome `DevTools` protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        run(name, self.client.issue_cmd(Extra { path: "goog/cdp/execute", body })).await
    }

    /// Sends a command that chromedriver adds to `WebDriver`.
    pub(crate) async fn command(&self, path: &'static str, body: Value) -> Value {
        run(path, self.client.issue_cmd(Extra { path, body })).await
    }

    /// Runs a script that calls a function at its end, and returns the argument of that call.
    pub(crate) async fn eval_async(&self, script: &str) -> Value {
        run("a script", self.client.execute_async(script, Vec::new())).await
    }

    /// Waits for a dialog of the browser, and returns its text.
    pub(crate) async fn dialog_text(&self) -> String {
        let mut tick = tokio::time::interval(POLL_INTERVAL);
        let waiting = async {
            loop {
                tick.tick().await;
                if let Ok(text) = self.client.get_alert_text().await {
                    return text;
                }
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, waiting).await.expect("no dialog")
    }

    /// Accepts or dismisses the dialog of the browser.
    pub(crate) async fn answer_dialog(&self, accept: bool) {
        if accept {
            run("accepting the dialog", self.client.accept_alert()).await;
        } else {
            run("dismissing the dialog", self.client.dismiss_alert()).await;
        }
    }

    /// Writes a screenshot to `target/screenshots`: of the whole page, or of the window if a panel is open.
    pub(crate) async fn screenshot(&self, name: &str) -> PathBuf {
        let is_whole = self.eval("!document.querySelector('dialog[open]')").await;
        let options = json!({"captureBeyondViewport": is_whole, "optimizeForSpeed": true});
        let shot = self.devtools("Page.captureScreenshot", options).await;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()).unwrap();
        path
    }
}

/// Runs a command with a timeout. `what` describes it in the failure message.
async fn run<T>(what: &str, command: impl Future<Output = Result<T, CmdError>>) -> T {
    match tokio::time::timeout(WAIT_TIMEOUT, command).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{what}: {error}"),
        Err(tokio::time::error::Elapsed { .. }) => panic!("{what}: the browser does not respond"),
    }
}

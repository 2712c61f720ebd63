//! A user with a browser without scripts: pages, forms and cookies.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use scraper::{ElementRef, Html, Selector};

const HTML_TYPE: &str = "text/html; charset=utf-8";

/// A user, signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct TestUser {
    base: String,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

/// A response and its body.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestUser {
    pub(crate) fn new(base: String) -> Self {
        Self { base, cookies: BTreeMap::new(), csrf: String::new() }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> TestResponse {
        let request = super::http().get(format!("{}{path}", self.base));
        self.send(request).await
    }

    /// Returns the path of the page of the first webhook in the list.
    pub(crate) async fn first_webhook(&mut self) -> String {
        self.get("/webhooks").await.attribute("td.name a", "href").unwrap()
    }

    /// Requests a page like htmx.
    pub(crate) async fn get_part(&mut self, path: &str) -> TestResponse {
        let request = super::http().get(format!("{}{path}", self.base));
        self.send(request.header("hx-request", "true")).await
    }

    /// Submits a form, with the CSRF token of the last page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let request = self.form(path, fields);
        self.send(request).await
    }

    /// Submits a form like htmx.
    pub(crate) async fn post_part(&mut self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let request = self.form(path, fields).header("hx-request", "true");
        self.send(request).await
    }

    /// Returns the request of a form, so that a test can change it.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        if !fields.iter().any(|(name, _)| *name == "csrf") {
            body.append_pair("csrf", &self.csrf);
        }
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        super::http()
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
    }

    /// Sends a request with all cookies.
    pub(crate) async fn send(&mut self, mut request: reqwest::RequestBuilder) -> TestResponse {
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookie_header());
        }
        let response = request.send().await.unwrap();
        self.keep_cookies(response.headers());
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let seen = TestResponse { status, headers, body: response.text().await.unwrap() };
        if let Some(token) = seen.attribute("input[name=csrf]", "value") {
            self.csrf = token;
        }
        seen.keep_for_validation();
        seen
    }

    /// Signs in.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) {
        self.get("/login").await;
        let seen = self.post("/login", &[("email", email), ("password", password)]).await;
        assert_eq!(seen.status, 303, "{}", seen.body);
        assert_eq!(self.get("/webhooks").await.status, 200);
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for set in headers.get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Returns the cookies by name.
    pub(crate) fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// Returns the value of the session's cookie; empty without a session.
    pub(crate) fn session(&self) -> &str {
        self.cookies.get("gatepost_session").map_or("", String::as_str)
    }

    /// Returns all cookies as the browser sends them.
    pub(crate) fn cookie_header(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Forgets a cookie.
    pub(crate) fn forget_cookie(&mut self, name: &str) {
        self.cookies.remove(name).unwrap();
    }

    /// Returns the token of the last page with a form.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl TestResponse {
    /// Writes HTML to `HTML_DIR`, where `script/test` validates it after the tests.
    fn keep_for_validation(&self) {
        let Some(folder) = std::env::var_os("HTML_DIR") else { return };
        let is_html = self.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == HTML_TYPE);
        let is_compressed = self.headers.contains_key("content-encoding");
        if is_html && !is_compressed {
            let name = format!("{:x}.html", hash(&self.body));
            std::fs::write(std::path::Path::new(&folder).join(name), &self.body).unwrap();
        }
    }

    /// Returns the target of a redirect.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn html(&self) -> Html {
        Html::parse_document(&self.body)
    }

    /// Returns the texts of all matching elements, with collapsed white space.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        // A table row alone is no valid document, so it is parsed within a table.
        let wrapped = if self.body.trim_start().starts_with("<tr") {
            Html::parse_document(&format!("<table>{}</table>", self.body))
        } else {
            self.html()
        };
        wrapped
            .select(&Selector::parse(selector).unwrap())
            .map(|element| {
                let text: String = element.text().collect();
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// Returns the text of the only matching element.
    pub(crate) fn text(&self, selector: &str) -> String {
        let texts = self.texts(selector);
        assert_eq!(texts.len(), 1, "{selector} in {}", self.body);
        texts[0].clone()
    }

    /// Returns an attribute of the first matching element.
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let html = self.html();
        let found = html.select(&Selector::parse(selector).unwrap()).next()?;
        found.value().attr(name).map(str::to_owned)
    }

    /// Returns what a browser submits of a form, without its buttons.
    pub(crate) fn fields(&self, form: &str) -> Vec<(String, String)> {
        let selector = |text: &str| Selector::parse(text).unwrap();
        let html = self.html();
        let form = html.select(&selector(form)).next().unwrap();
        let mut fields = Vec::new();
        for element in form.select(&selector("input, textarea, select")) {
            let node = element.value();
            let Some(name) = node.attr("name") else { continue };
            let value = match (node.name(), node.attr("type").unwrap_or_default()) {
                ("input", "checkbox" | "radio") if node.attr("checked").is_none() => continue,
                ("input", _) => node.attr("value").unwrap_or_default().to_owned(),
                ("textarea", _) => element.text().collect(),
                _ => {
                    let options: Vec<_> = element.select(&selector("option")).collect();
                    let chosen = options.iter().find(|option| option.attr("selected").is_some());
                    let chosen = chosen.or(options.first());
                    let text = |option: &ElementRef<'_>| option.text().collect();
                    let value = |option: &ElementRef<'_>| {
                        option.attr("value").map_or_else(|| text(option), str::to_owned)
                    };
                    chosen.map(value).unwrap_or_default()
                }
            };
            fields.push((name.to_owned(), value));
        }
        fields
    }

    /// Returns the content of a text area. Its first line break belongs to the markup.
    pub(crate) fn typed(&self, id: &str) -> String {
        let html = self.html();
        let found = html.select(&Selector::parse(&format!("#{id}")).unwrap()).next().unwrap();
        found.text().collect::<String>()
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

//! The page for a browser that opens an address to which only a form is sent. After an error in a form, its address is in the
//! address bar, from which it is opened again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::Error;
use super::route::RouteRule;

/// Where the page leads if there is no page above the address.
const FIRST_PAGE: &str = "/webhooks";

#[derive(Template)]
#[template(path = "form_address.html")]
struct FormAddressPage<'a> {
    href: &'a str,
}

/// The paths of all pages, with parameters in braces.
#[derive(Debug, Clone)]
pub(super) struct Pages(Arc<[&'static str]>);

impl Pages {
    pub(super) fn new(rules: &[RouteRule]) -> Self {
        let pages = rules.iter().filter(|rule| rule.method == Method::GET);
        Self(pages.map(|rule| rule.path).collect())
    }

    /// Returns the longest beginning of a path that is the address of a page.
    fn above<'a>(&self, path: &'a str) -> &'a str {
        let is_page = |path: &&str| self.0.iter().any(|page| matches(page, path));
        let ends = path.rmatch_indices('/').map(|(end, _)| end);
        let mut above = ends.filter_map(|end| path.get(..end)).filter(|above| !above.is_empty());
        above.find(is_page).unwrap_or(FIRST_PAGE)
    }
}

/// Middleware that adds a page to the response to `GET` requests of such addresses.
pub(super) async fn explain(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_get = *request.method() == Method::GET;
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allowed = response.headers().get(header::ALLOW).cloned();
    let page = match (FormAddressPage { href: pages.above(&path) }).render() {
        Ok(page) => (StatusCode::METHOD_NOT_ALLOWED, Html(page)).into_response(),
        Err(error) => Error::from(error).into_response(),
    };
    let allowed = allowed.into_iter().map(|allowed| (header::ALLOW, allowed));
    let (mut parts, body) = page.into_parts();
    parts.headers.extend(allowed);
    Response::from_parts(parts, body)
}

/// Whether a path matches a pattern with parameters in braces.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count()
        && pattern.zip(path).all(|(pattern, part)| pattern.starts_with('{') || pattern == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_page_above_a_form() {
        let pages = ["/", "/account", "/webhooks/{id}/signing", "/users/{id}/two-factor/reset"];
        let pages = Pages(pages.into());
        for (path, above) in [
            ("/webhooks/019a/signing/previous/end", "/webhooks/019a/signing"),
            ("/account/password", "/account"),
            ("/users/019a/two-factor/reset/x", "/users/019a/two-factor/reset"),
            ("/logout", "/webhooks"),
            ("", "/webhooks"),
        ] {
            assert_eq!(pages.above(path), above, "{path}");
        }
    }
}

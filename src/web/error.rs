//! Error pages. Invalid input is not an error in this sense: forms show it at their fields.

use std::any::Any;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::identity::{Refusal, Role};
use crate::store;

/// Reason for an error page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The page does not exist.
    #[error("not found")]
    NotFound,
    /// The role of the user does not include the permission.
    #[error("the role {role} may not do this")]
    Forbidden {
        /// The user's email address.
        user: String,
        /// The user's role.
        role: Role,
        /// The least powerful role with the permission.
        required: Role,
    },
    /// The role of the user requires a second factor, and the user has none.
    #[error("the user must set up a second factor")]
    SecondFactorMissing,
    /// The sessions of the user were ended during the sign-in.
    #[error("the sessions of the user were ended during the sign-in")]
    SessionsEnded,
    /// The token of the session has just been replaced. Contains the path of the request, which the browser sends again with
    /// the new token.
    #[error("the token of the session was replaced")]
    TokenReplaced(String),
    /// The form is from another site.
    #[error("a form from another site")]
    OtherSite,
    /// The form has the token of another session. Contains a token for the current one, with which a script can send the
    /// form again.
    #[error("invalid CSRF token")]
    Csrf(String),
    /// The form is larger than this, in bytes.
    #[error("the form is larger than {0} bytes")]
    TooLarge(usize),
    /// The user has reached a limit. Contains what to do.
    #[error("the user has reached a limit")]
    Limited(String),
    /// Too many forms are being received.
    #[error("too many forms are being received")]
    Busy,
    /// The form cannot be parsed.
    #[error("could not parse the form: {0}")]
    Unreadable(String),
    /// The database cannot be reached.
    #[error("could not reach the database")]
    Unavailable(#[source] store::Error),
    /// The address cannot be parsed.
    #[error("invalid address")]
    BadAddress,
    /// An internal error.
    #[error("{0}")]
    Internal(String),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            Self::Unavailable(error)
        } else if matches!(error, store::Error::UnstorableText(_)) {
            let reason = "a text contains the character NUL. Remove it and try again";
            Self::Unreadable(reason.to_owned())
        } else {
            Self::Internal(format!("{error}: {error:?}"))
        }
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("could not render a template: {error}"))
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    title: &'static str,
    message: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::TokenReplaced(address) = &self {
            // Keeps the method and the form (RFC 9110, section 15.4.8).
            return Redirect::temporary(address).into_response();
        }
        let (status, title, message) = self.describe();
        let html = ErrorPage { title, message }.render().unwrap_or_else(|_error| title.to_owned());
        let mut response = (status, Html(html)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Self::Csrf(token) = &self
            && let Ok(token) = HeaderValue::from_str(token)
        {
            response.headers_mut().insert("x-csrf-token", token);
        }
        if let Some(refusal) = self.refusal() {
            response.extensions_mut().insert(refusal);
        }
        response
    }
}

impl Error {
    /// Returns the status, the title and the message of the page, and logs errors of the server.
    fn describe(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is no page at this address. It may have been deleted, or the link is incomplete.".to_owned(),
            ),
            Self::Forbidden { role, required, .. } => {
                let (title, message) = forbidden(*role, *required);
                (StatusCode::FORBIDDEN, title, message)
            }
            Self::SecondFactorMissing => {
                let (title, message) = second_factor_missing();
                (StatusCode::FORBIDDEN, title, message)
            }
            Self::SessionsEnded => (
                StatusCode::CONFLICT,
                "Sign in again",
                "Your account was changed while you signed in: for example, the password, or two-factor authentication. \
                 Open the sign-in page and sign in again."
                    .to_owned(),
            ),
            Self::TokenReplaced(_) => {
                let message = "Your session has a new token. Open the page again.";
                (StatusCode::TEMPORARY_REDIRECT, "Try again", message.to_owned())
            }
            Self::OtherSite => (
                StatusCode::FORBIDDEN,
                "The form is from another site",
                "Nothing was changed. Open the page in Gatepost and send the form there.".to_owned(),
            ),
            Self::Csrf(_) => (
                StatusCode::FORBIDDEN,
                "The form has expired",
                "Your session has changed since this form was opened. Nothing was changed. Open the page \
                 again and send the form again."
                    .to_owned(),
            ),
            Self::TooLarge(max_bytes) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The form is too large",
                format!(
                    "Nothing was changed. A form can have at most {} KiB. Shorten its longest text.",
                    max_bytes / 1024
                ),
            ),
            Self::Limited(message) => limited(message),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Gatepost is busy",
                "Nothing was changed. Too many forms are being sent. Try again in a moment.".to_owned(),
            ),
            Self::Unreadable(reason) => (
                StatusCode::BAD_REQUEST,
                "The form could not be read",
                format!("Nothing was changed: {}.", reason.trim_end_matches('.')),
            ),
            Self::BadAddress => (
                StatusCode::BAD_REQUEST,
                "The address is invalid",
                "A part of the address could not be read. Check the link, or start from the navigation."
                    .to_owned(),
            ),
            Self::Unavailable(error) => {
                tracing::warn!(error = ?error, "could not reach the database");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database cannot be reached",
                    "Nothing was changed. Try again in a moment. The server's log has details.".to_owned(),
                )
            }
            Self::Internal(detail) => {
                let reference = format!("{:08x}", rand::random::<u32>());
                tracing::error!(reference, detail, "could not render a page");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong",
                    format!("Internal error. Search the server's log for {reference}."),
                )
            }
        }
    }

    /// What the log records of a request that is refused because of who has sent it.
    fn refusal(&self) -> Option<Refusal> {
        let user = match self {
            Self::Forbidden { user, .. } => user.clone(),
            Self::SecondFactorMissing | Self::OtherSite | Self::Csrf(_) => String::new(),
            Self::NotFound
            | Self::SessionsEnded
            | Self::TokenReplaced(_)
            | Self::TooLarge(_)
            | Self::Limited(_)
            | Self::Busy
            | Self::Unreadable(_)
            | Self::Unavailable(_)
            | Self::BadAddress
            | Self::Internal(_) => return None,
        };
        Some(Refusal { user, reason: self.to_string() })
    }
}

fn limited(message: &str) -> (StatusCode, &'static str, String) {
    (StatusCode::TOO_MANY_REQUESTS, "Too many requests", format!("Nothing was sent. {message}"))
}

/// The title and the message of a page that a role may not open.
fn forbidden(role: Role, required: Role) -> (&'static str, String) {
    let title = match required {
        Role::Administrator => "Only administrators can do this",
        Role::Editor => "Only editors and administrators can do this",
        Role::Viewer => "Only users can do this",
    };
    let message = format!(
        "Nothing was changed. Your role is {role}, and this needs the role {required}. Ask an administrator to make \
         the change, or to give you the role."
    );
    (title, message)
}

fn second_factor_missing() -> (&'static str, String) {
    let message = "Nothing was changed. Your role now requires two-factor authentication. Set it up under Account in \
                   another tab, and then try again here.";
    ("Set up two-factor authentication first", message.to_owned())
}

/// Turns the plain text with which axum rejects addresses that it cannot parse into an error page.
pub(super) async fn as_page(response: Response) -> Response {
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if is_text && response.status() == StatusCode::BAD_REQUEST {
        return Error::BadAddress.into_response();
    }
    response
}

/// Responds to a panic of a handler.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer requires")]
pub(super) fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let detail = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a message".to_owned());
    Error::Internal(detail).into_response()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn an_internal_error_has_a_reference_and_no_detail() {
        for response in [
            Error::Internal("the password of the database is x7".to_owned()).into_response(),
            from_panic(Box::new("the password of the database is x7")),
        ] {
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = response.into_body().collect().now_or_never().unwrap().unwrap().to_bytes();
            let html = String::from_utf8(body.to_vec()).unwrap();
            assert!(html.contains("Search the server&#39;s log for"), "{html}");
            assert!(!html.contains("x7") && !html.contains("database"), "{html}");
        }
    }
}

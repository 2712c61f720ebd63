//! What a person sees when something does not work. Invalid input is none of these: it is told in
//! the form.

use std::any::Any;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::store;

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is there.
    #[error("not found")]
    NotFound,
    /// The form did not come from a page of ours, or its session is over.
    #[error("the form's token does not fit")]
    Csrf,
    /// The form cannot be read.
    #[error("the form cannot be read: {0}")]
    Unreadable(String),
    /// The database is away.
    #[error("the database is away")]
    Unavailable(#[source] store::Error),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            Self::Unavailable(error)
        } else {
            Self::Internal(format!("{error}: {error:?}"))
        }
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("a template: {error}"))
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Internal(format!("the session: {error}"))
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
        let (status, title, message) = match &self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is no page at this address. It may have been deleted, or the link is incomplete.".to_owned(),
            ),
            Self::Csrf => (
                StatusCode::FORBIDDEN,
                "The form has expired",
                "Your session has changed since this form was opened. Nothing was changed. Go back, \
                 reload the page, and send the form again."
                    .to_owned(),
            ),
            Self::Unreadable(reason) => (
                StatusCode::BAD_REQUEST,
                "The form could not be read",
                format!("Nothing was changed: {reason}."),
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
        };
        let html = ErrorPage { title, message }.render().unwrap_or_else(|_error| title.to_owned());
        let mut response = (status, Html(html)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// A panic, as an error page.
#[expect(clippy::needless_pass_by_value, reason = "the panic layer hands it over so")]
pub(super) fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let detail = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic".to_owned());
    Error::Internal(detail).into_response()
}

//! The page that shows recovery codes once.

use std::fmt::Write as _;

use askama::Template;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::identity::RecoveryCode;
use crate::web::Error;
use crate::web::page::{self, Page};
use crate::web::session::CurrentUser;

#[derive(Template)]
#[template(path = "account/second_factor/recovery_codes.html")]
struct RecoveryCodesPage<'a> {
    page: Page,
    /// Whether the second factor has just been enabled.
    is_new: bool,
    /// Where **Done** leads.
    next: &'a str,
    /// The codes, one per line.
    codes: String,
    /// The file with the codes, as an address that contains it.
    file: String,
}

/// Why codes are shown, and where to go then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion<'a> {
    /// Whether the second factor has just been enabled.
    pub(super) is_new: bool,
    pub(super) next: &'a str,
}

/// The user has renewed the codes.
pub(super) const RENEWED: Occasion<'_> = Occasion { is_new: false, next: "/account" };

/// Renders the page.
pub(super) async fn show(
    current: &CurrentUser,
    codes: &[RecoveryCode],
    Occasion { is_new, next }: Occasion<'_>,
) -> Result<Response, Error> {
    let codes: Vec<String> = codes.iter().map(RecoveryCode::reveal).collect();
    let codes = codes.join("\n");
    let mut text = String::new();
    write!(
        text,
        "Recovery codes of {} for Gatepost. Each can be used once in place of a code of the authenticator app.\r\n\r\n{}\r\n",
        current.user.email,
        codes.replace('\n', "\r\n")
    )
    .map_err(|error| Error::Internal(error.to_string()))?;
    let file =
        format!("data:text/plain;charset=utf-8,{}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
    let page = Page::new(current, "Recovery codes", None).await?;
    page::html(&RecoveryCodesPage { page, is_new, next, codes, file })
}

//! Sets up the user's second factor.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::qr_code::QrCode;
use super::recovery_codes::{self, Occasion};
use crate::actions::{EnableSecondFactorError, ProposedFactor};
use crate::model::security_policy::CodeHash;
use crate::store::second_factors;
use crate::web::auth::destination;
use crate::web::form::Form;
use crate::web::page::{self, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Number of characters between two spaces of the secret.
const GROUP_CHARS: usize = 4;
const ALREADY_ON: &str = "Two-factor authentication is already on.";
const WRONG: &str = "This is not the code of this secret. Enter the code that your app shows now. If it is rejected again, check the clock of your device.";
const WRONG_SHA256: &str = "This is not the code of this secret. Enter the code that your app shows now. If it is rejected again, check the clock of your device, and that your app supports SHA-256.";
const EXPIRED: &str = "This page had expired, so the secret has changed. Scan the new code, and remove the old entry from your app.";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SetUpForm {
    /// The encrypted secret.
    proposed: String,
    code: String,
    /// The page that the user wanted to open; empty if the user came from the account.
    next: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SetUpQuery {
    next: String,
}

#[derive(Template)]
#[template(path = "account/second_factor/set_up.html")]
struct SetUpPage {
    page: Page,
    /// Whether the user can open no other page before.
    is_required: bool,
    /// Whether the app must support another hash than the usual one.
    needs_sha256: bool,
    qr_code: QrCode,
    link: String,
    /// The secret in groups.
    secret: String,
    /// The encrypted secret.
    proposed: String,
    next: String,
    error: String,
}

/// `GET /account/two-factor/new`: proposes a new secret.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<SetUpQuery>,
) -> Result<Response, Error> {
    if second_factors::exists(&state.db, current.user.id).await? {
        current.session.notify(ALREADY_ON).await?;
        return Ok(Redirect::to("/account").into_response());
    }
    let proposed = state.actions.propose_second_factor(&current.user)?;
    render(&current, &proposed, query.next, String::new()).await
}

/// `POST /account/two-factor/new`: enables the second factor, and shows the recovery codes once.
pub(in crate::web) async fn enable(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<SetUpForm>,
) -> Result<Response, Error> {
    let SetUpForm { proposed, code, next } = form;
    let (user, session) = (&current.user, current.session.id());
    let enabled =
        state.actions.enable_second_factor(user, &proposed, &code, session, &current.actor()).await;
    let is_expired = match enabled {
        Ok(codes) => {
            let is_required = current.must_set_up_second_factor;
            let next = if is_required { destination(&next) } else { "/account".to_owned() };
            let current = CurrentUser { must_set_up_second_factor: false, ..current };
            let occasion = Occasion { is_new: true, next: &next };
            return recovery_codes::show(&current, &codes, occasion).await;
        }
        Err(EnableSecondFactorError::AlreadyOn) => {
            current.session.notify(ALREADY_ON).await?;
            return Ok(Redirect::to("/account").into_response());
        }
        Err(EnableSecondFactorError::Store(error)) => return Err(error.into()),
        Err(EnableSecondFactorError::Wrong) => false,
        Err(EnableSecondFactorError::Expired) => true,
    };
    let proposed = match state.actions.read_proposal(user, &proposed)? {
        Some(proposed) => proposed,
        None => state.actions.propose_second_factor(user)?,
    };
    let error = match proposed.hash {
        _ if is_expired => EXPIRED,
        CodeHash::Sha1 => WRONG,
        CodeHash::Sha256 => WRONG_SHA256,
    };
    let page = render(&current, &proposed, next, error.to_owned()).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn render(
    current: &CurrentUser,
    proposed: &ProposedFactor,
    next: String,
    error: String,
) -> Result<Response, Error> {
    let is_required = current.must_set_up_second_factor;
    let title = "Set up two-factor authentication";
    let page = Page::new(current, title, None).await?;
    page::html(&SetUpPage {
        page: if is_required { page.without_navigation() } else { page },
        is_required,
        needs_sha256: proposed.hash == CodeHash::Sha256,
        qr_code: QrCode::new(&proposed.link)?,
        link: proposed.link.to_string(),
        secret: in_groups(&proposed.secret),
        proposed: proposed.sealed.clone(),
        next,
        error,
    })
}

fn in_groups(secret: &str) -> String {
    let mut text = String::new();
    for (index, char) in secret.chars().enumerate() {
        if index > 0 && index % GROUP_CHARS == 0 {
            text.push(' ');
        }
        text.push(char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_groups() {
        assert_eq!(in_groups("ABCDEFGH2345"), "ABCD EFGH 2345");
        assert_eq!(in_groups(""), "");
    }
}

//! The page that says why single sign-on failed, and what to do.

use std::borrow::Cow;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::actions::{OidcError, Rejection, SingleSignOnError};
use crate::web::auth::destination::{FAILED, other_tab_path};
use crate::web::auth::throttled;
use crate::web::page::{self, Page};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState, cookies};

#[derive(Template)]
#[template(path = "auth/single_sign_on/failed.html")]
struct FailedPage {
    page: Page,
    failure: Failure,
    /// The name of the identity provider.
    name: String,
    /// Whether users may sign in with a password.
    passwords: bool,
}

/// What the page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    status: u16,
    title: Cow<'static, str>,
    message: String,
    /// What to do; may be empty.
    advice: Cow<'static, str>,
    /// What an administrator needs to know; empty if there is nothing else.
    detail: String,
    /// Address that starts another sign-in.
    retry: String,
    /// Whether another account of the provider may work.
    offers_other_account: bool,
}

const START_AGAIN: &str = "Start again, in this browser.";
const ASK_ADMINISTRATOR: &str = "Ask an administrator of Gatepost.";
/// Longest reason, in characters.
const MAX_DETAIL_CHARS: usize = 300;
/// Longest cookie, in bytes. Browsers accept 4096 with the name and the attributes (RFC 6265bis, section 5.6).
const MAX_COOKIE_BYTES: usize = 3800;

impl Failure {
    /// Describes an error. `retry` is the address that starts another sign-in.
    ///
    /// # Errors
    /// The error itself if it is not about this user.
    pub(super) fn new(
        state: &WebState,
        error: SingleSignOnError,
        retry: &str,
    ) -> Result<Self, Error> {
        let name = state.actions.single_sign_on_name().unwrap_or_default();
        let failure = match error {
            SingleSignOnError::Off => return Err(Error::NotFound),
            SingleSignOnError::Store(error) => return Err(error.into()),
            SingleSignOnError::Protocol(OidcError::Internal(error)) => {
                return Err(Error::Internal(error));
            }
            SingleSignOnError::Protocol(OidcError::Unavailable(_)) => Self::with_status(
                StatusCode::SERVICE_UNAVAILABLE,
                "The identity provider cannot be reached",
                format!("Gatepost got no usable response from {name}, so you are not signed in."),
                "Try again in a minute. If the problem persists, contact your administrator. The log of Gatepost contains the reason.",
            ),
            SingleSignOnError::Protocol(OidcError::Rejected(rejection)) => {
                rejected(&rejection, name)
            }
            SingleSignOnError::NoEmail
            | SingleSignOnError::UnverifiedEmail(_)
            | SingleSignOnError::NoRole(_)
            | SingleSignOnError::Disabled(_)
            | SingleSignOnError::OtherAccount(_)
            | SingleSignOnError::OtherUser
            | SingleSignOnError::Throttled(_) => refused(&error, name),
        };
        let retry = if failure.retry.is_empty() { retry.to_owned() } else { failure.retry };
        Ok(Self { retry, ..failure })
    }

    fn with_status(
        status: StatusCode,
        title: &'static str,
        message: String,
        advice: &'static str,
    ) -> Self {
        Self {
            status: status.as_u16(),
            title: title.into(),
            message,
            advice: advice.into(),
            detail: String::new(),
            retry: String::new(),
            offers_other_account: false,
        }
    }

    fn forbidden(title: &'static str, message: String, advice: &'static str) -> Self {
        Self::with_status(StatusCode::FORBIDDEN, title, message, advice)
    }

    fn with_detail(self, detail: &impl ToString) -> Self {
        Self { detail: detail.to_string().chars().take(MAX_DETAIL_CHARS).collect(), ..self }
    }

    /// Offers another account of the provider.
    fn or_other_account(self) -> Self {
        Self { offers_other_account: true, ..self }
    }

    /// Lets the user of a session confirm again who they are.
    fn of_confirmation(self) -> Self {
        Self { retry: other_tab_path(true), ..self }
    }

    /// Renders the page.
    pub(super) fn page(self, state: &WebState, visitor: &Visitor) -> Result<Response, Error> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN);
        let view = FailedPage {
            page: Page::outside(visitor, self.title.clone()),
            failure: self,
            name: state.actions.single_sign_on_name().unwrap_or_default().to_owned(),
            passwords: state.actions.allows_passwords(),
        };
        Ok((status, page::html(&view)?).into_response())
    }

    /// Redirects to the page, so that the address in the browser does not contain the response of the provider, which
    /// cannot be used again. A cookie contains what the page says.
    pub(super) fn redirect(
        self,
        state: &WebState,
        visitor: &Visitor,
        headers: &HeaderMap,
    ) -> Result<Response, Error> {
        let text = serde_json::to_vec(&self).map_err(|error| Error::Internal(error.to_string()))?;
        let sealed = state.actions.seal_failed_sign_in(&text);
        let Some(cookie) = sealed.filter(|cookie| cookie.len() <= MAX_COOKIE_BYTES) else {
            return self.page(state, visitor);
        };
        let mut response = Redirect::to(FAILED).into_response();
        let pair = (cookies::FAILED_SIGN_IN, cookie.as_str());
        let max_age = cookies::FAILED_SIGN_IN_MAX_AGE;
        cookies::set_for(&mut response, headers, &state.public, pair, max_age);
        Ok(response)
    }
}

/// `GET /login/sso/failed`: why the last sign-in of this browser failed.
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let cookie = cookies::find(&headers, &state.public, cookies::FAILED_SIGN_IN);
    let text = cookie.and_then(|cookie| state.actions.open_failed_sign_in(&cookie));
    let failure = text.and_then(|text| serde_json::from_slice::<Failure>(&text).ok());
    let Some(failure) = failure else { return Ok(Redirect::to("/login").into_response()) };
    let page = failure.page(&state, &visitor)?;
    Ok(visitor.respond(&headers, &state, page))
}

/// Describes a response that is not trusted.
fn rejected(rejection: &Rejection, name: &str) -> Failure {
    let failure = |title, message: String, advice| {
        Failure::forbidden(title, message, advice).with_detail(rejection)
    };
    match rejection {
        Rejection::Replayed => failure(
            "This sign-in has already been used",
            "Each sign-in can be used once.".to_owned(),
            START_AGAIN,
        ),
        Rejection::NoCookie | Rejection::WrongState => failure(
            "This sign-in cannot be finished",
            "It has already been used, was replaced by a newer one, or was not started in this browser.".to_owned(),
            START_AGAIN,
        ),
        Rejection::Expired => failure(
            "The sign-in has expired",
            "It was started more than 10 minutes ago.".to_owned(),
            START_AGAIN,
        ),
        Rejection::Cancelled => failure(
            "You are not signed in",
            format!("The sign-in with {name} was cancelled, or you may not use Gatepost there."),
            "Try again, or ask an administrator for access.",
        ),
        Rejection::Clock(skew) => failure(
            "The clocks differ",
            format!("You are not signed in, because {skew}: those of Gatepost and of {name}."),
            "An administrator must correct the clock of the server, for example with NTP.",
        ),
        Rejection::NotConfirmed => failure(
            "You are not confirmed",
            format!("{name} did not ask for your credentials again."),
            "Try again. If the problem persists, contact your administrator: the provider must support prompt=login and max_age.",
        )
        .of_confirmation(),
        Rejection::WeakAuthentication { .. } => failure(
            "A stronger sign-in is required",
            format!("Gatepost requires a stronger sign-in than the one with which you used {name}, for example with a second factor."),
            "Sign in there with a second factor, and try again. If the problem persists, contact your administrator.",
        ),
        Rejection::WeakSignature(_) | Rejection::WeakKey(_) => failure(
            "The signature of the provider is too weak",
            format!("Strict mode does not accept how {name} signs, so you are not signed in."),
            "Ask the administrator of the identity provider to sign ID tokens for Gatepost with ES256, EdDSA or PS256, and with RSA keys of at least 3072 bits.",
        ),
        Rejection::OtherProvider | Rejection::Refused(_) | Rejection::Code(_) | Rejection::Token(_) => failure(
            "The sign-in was rejected",
            format!("The response of {name} cannot be trusted, so you are not signed in."),
            "Try again. If the problem persists, contact your administrator.",
        ),
    }
}

/// Describes a user who may not sign in.
fn refused(error: &SingleSignOnError, name: &str) -> Failure {
    match error {
        SingleSignOnError::Throttled(wait) => Failure::with_status(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts",
            throttled(*wait),
            "",
        ),
        SingleSignOnError::NoRole(user) => Failure::forbidden(
            "No access to Gatepost",
            format!(
                "{}, but none of your groups or roles gives access to Gatepost.",
                signed_in(name, &user.email)
            ),
            "Ask an administrator to add you to a group with access, then try again.",
        )
        .or_other_account(),
        SingleSignOnError::NoEmail => Failure::forbidden(
            "Your email address is missing",
            format!("{name} sent no email address, which Gatepost needs for a new user."),
            "Ask an administrator of the identity provider to add your address, and to send the claim email.",
        )
        .or_other_account(),
        SingleSignOnError::UnverifiedEmail(email) => Failure::forbidden(
            "Your email address is not verified",
            format!("{name} has not verified {email}. Another user could have entered it."),
            "Verify the address at the identity provider, then try again. Its administrator can also mark it as verified.",
        )
        .or_other_account(),
        SingleSignOnError::Disabled(email) => Failure::forbidden(
            "Your account is disabled",
            format!("An administrator of Gatepost has disabled {email}."),
            ASK_ADMINISTRATOR,
        )
        .or_other_account(),
        SingleSignOnError::OtherAccount(email) => Failure::forbidden(
            "Another account is linked",
            format!("The user {email} belongs to another account of {name}."),
            "Sign in with that account. If the address has a new owner, ask an administrator of Gatepost to delete the user.",
        )
        .or_other_account(),
        // All others are handled before.
        SingleSignOnError::OtherUser
        | SingleSignOnError::Off
        | SingleSignOnError::Protocol(_)
        | SingleSignOnError::Store(_) => Failure::forbidden(
            "This is another user",
            format!(
                "You have signed in with {name} as another user than the one who is signed in to Gatepost."
            ),
            "Sign in as the same user.",
        )
        .of_confirmation(),
    }
}

fn signed_in(name: &str, email: &str) -> String {
    match email {
        "" => format!("You are signed in with {name}"),
        email => format!("You are signed in with {name} as {email}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_description_fits_into_a_cookie() {
        let email = format!("{}@example.com", "ü".repeat(121));
        let failure = refused(&SingleSignOnError::OtherAccount(email), &"ü".repeat(40));
        let failure = failure.with_detail(&"ü".repeat(MAX_DETAIL_CHARS + 1));
        let text = serde_json::to_vec(&failure).unwrap();
        // Encryption adds at most 100 bytes, and Base64 a third.
        assert!((text.len() + 100) * 4 / 3 < MAX_COOKIE_BYTES, "{}", text.len());
        assert_eq!(serde_json::from_slice::<Failure>(&text).unwrap(), failure);
    }
}

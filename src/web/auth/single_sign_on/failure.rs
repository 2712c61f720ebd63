//! The page that says why single sign-on failed, and what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::actions::{OidcError, Rejection, SingleSignOnError};
use crate::web::auth::throttled;
use crate::web::page::{self, Page};
use crate::web::visitor::Visitor;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "auth/single_sign_on/failed.html")]
struct FailedPage {
    page: Page,
    message: String,
    /// What to do.
    advice: String,
    /// What an administrator needs to know; empty if there is nothing else.
    detail: String,
    /// Address that starts another sign-in.
    retry: String,
    /// Whether users may sign in with a password.
    passwords: bool,
}

/// What the page says.
struct Failure {
    status: StatusCode,
    title: &'static str,
    message: String,
    advice: &'static str,
    detail: String,
}

const START_AGAIN: &str = "Start again, in this browser.";
const ASK_ADMINISTRATOR: &str = "Ask an administrator of Gatepost.";

/// Renders the page.
pub(super) fn page(
    state: &WebState,
    visitor: &Visitor,
    error: SingleSignOnError,
    retry: &str,
) -> Result<Response, Error> {
    let name = state.actions.single_sign_on_name().unwrap_or_default();
    let Failure { status, title, message, advice, detail } = match error {
        SingleSignOnError::Off => return Err(Error::NotFound),
        SingleSignOnError::Store(error) => return Err(error.into()),
        SingleSignOnError::Protocol(OidcError::Internal(error)) => {
            return Err(Error::Internal(error));
        }
        SingleSignOnError::Protocol(OidcError::Unavailable(_)) => Failure {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "The identity provider cannot be reached",
            message: format!(
                "Gatepost got no usable response from {name}, so you are not signed in."
            ),
            advice: "Try again in a minute. If this continues, tell an administrator: the reason is in the log of Gatepost.",
            detail: String::new(),
        },
        SingleSignOnError::Protocol(OidcError::Rejected(rejection)) => rejected(&rejection, name),
        SingleSignOnError::NoEmail
        | SingleSignOnError::UnverifiedEmail(_)
        | SingleSignOnError::NoRole
        | SingleSignOnError::Disabled(_)
        | SingleSignOnError::OtherAccount(_)
        | SingleSignOnError::OtherUser
        | SingleSignOnError::Throttled(_) => refused(&error, name),
    };
    let page = Page::outside(visitor, title);
    let passwords = state.actions.allows_passwords();
    let view = FailedPage {
        page,
        message,
        advice: advice.to_owned(),
        detail,
        retry: retry.to_owned(),
        passwords,
    };
    Ok((status, page::html(&view)?).into_response())
}

/// Describes a response that is not trusted.
fn rejected(rejection: &Rejection, name: &str) -> Failure {
    let failure = |title, message: String, advice| Failure {
        status: StatusCode::FORBIDDEN,
        title,
        message,
        advice,
        detail: rejection.to_string(),
    };
    match rejection {
        Rejection::NoCookie | Rejection::WrongState | Rejection::Replayed => failure(
            "This sign-in cannot be finished",
            "It was not started in this browser, was replaced by a newer one, or is finished already.".to_owned(),
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
            "Try again. If this continues, an administrator must let the provider support prompt=login and max_age.",
        ),
        Rejection::OtherProvider | Rejection::Refused(_) | Rejection::Code(_) | Rejection::Token(_) => failure(
            "The sign-in was rejected",
            format!("The response of {name} cannot be trusted, so you are not signed in."),
            "Try again. If this continues, tell an administrator.",
        ),
    }
}

/// Describes a user who may not sign in.
fn refused(error: &SingleSignOnError, name: &str) -> Failure {
    let failure = |title, message: String, advice| Failure {
        status: StatusCode::FORBIDDEN,
        title,
        message,
        advice,
        detail: String::new(),
    };
    match error {
        SingleSignOnError::Throttled(wait) => Failure {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..failure("Too many attempts", throttled(*wait), "")
        },
        SingleSignOnError::NoRole => failure(
            "You have no access to Gatepost",
            format!(
                "You are signed in with {name}, but none of your groups or roles gives access to Gatepost."
            ),
            "Ask an administrator to add you to a group with access, then try again.",
        ),
        SingleSignOnError::NoEmail => failure(
            "Your email address is missing",
            format!("{name} sent no email address, which Gatepost needs for a new user."),
            "Ask an administrator of the identity provider to add your address, and to send the claim email.",
        ),
        SingleSignOnError::UnverifiedEmail(email) => failure(
            "Your email address is not verified",
            format!("{name} has not verified {email}. Another user could have entered it."),
            "Verify the address at the identity provider, then try again. Its administrator can also mark it as verified.",
        ),
        SingleSignOnError::Disabled(email) => failure(
            "Your account is disabled",
            format!("An administrator of Gatepost has disabled {email}."),
            ASK_ADMINISTRATOR,
        ),
        SingleSignOnError::OtherAccount(email) => failure(
            "Another account is linked",
            format!("The user {email} belongs to another account of {name}."),
            "Sign in with that account. If the address has a new owner, ask an administrator of Gatepost to delete the user.",
        ),
        // All others are handled before.
        SingleSignOnError::OtherUser
        | SingleSignOnError::Off
        | SingleSignOnError::Protocol(_)
        | SingleSignOnError::Store(_) => failure(
            "This is another user",
            format!(
                "You have signed in with {name} as another user than the one who is signed in to Gatepost."
            ),
            "Sign in as the same user.",
        ),
    }
}

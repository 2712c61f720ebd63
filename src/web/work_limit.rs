//! Limits what a user asks for that takes work or connects to other servers, and shows how long to wait.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::WebState;
use super::session::CurrentUser;
use crate::identity::{Refusal, Work, whole_seconds};

/// A request beyond the limit.
#[derive(Debug)]
pub(super) struct Refused {
    /// What the user reads.
    pub(super) message: String,
    seconds: u16,
    refusal: Refusal,
}

/// Counts a request of a user.
pub(super) fn start(state: &WebState, current: &CurrentUser, work: Work) -> Result<(), Refused> {
    let taken = state.user_limits.take(current.user.id, work, state.sources.now());
    taken.map_err(|wait| {
        let seconds = whole_seconds(wait);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let limit = format!("{} {} per minute", work.per_minute(), noun(work));
        Refused {
            message: format!(
                "You have reached the limit of {limit}. Try again in {seconds} {unit}."
            ),
            seconds,
            refusal: Refusal {
                user: current.user.email.clone(),
                reason: format!("more than {limit}"),
            },
        }
    })
}

impl Refused {
    /// Gives a response that shows the message its status.
    pub(super) fn mark(self, mut response: Response) -> Response {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, self.seconds.into());
        response.extensions_mut().insert(self.refusal);
        response
    }
}

/// Marks the response if the request was refused.
pub(super) fn finish(refused: Option<Refused>, response: Response) -> Response {
    match refused {
        Some(refused) => refused.mark(response),
        None => response,
    }
}

fn noun(work: Work) -> &'static str {
    match work {
        Work::Test => "tests",
        Work::Preview => "previews",
        Work::CheckCredentials => "checks of credentials",
        Work::FetchCertificate => "requests for certificates",
    }
}

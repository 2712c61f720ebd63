//! The body of a request.

use std::error::Error;
use std::io;

use axum::body::{Body, Bytes};
use http_body_util::LengthLimitError;

use super::{Problem, ProblemId};

/// Reads a body of limited size. `too_large` is the detail of the problem if it is larger.
pub(super) async fn read(body: Body, max_bytes: usize, too_large: &str) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, max_bytes).await.map_err(|error| describe(&error, too_large))
}

/// Not every error means that the body is too large: the client may have closed the connection, or sent it too slowly.
fn describe(error: &axum::Error, too_large: &str) -> Problem {
    if has_cause(error, <dyn Error + 'static>::is::<LengthLimitError>) {
        return Problem::new(ProblemId::TooLarge, too_large);
    }
    let is_late = |cause: &(dyn Error + 'static)| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
    };
    if has_cause(error, is_late) {
        let detail = "The body did not arrive in time. Nothing was stored. Send the request again.";
        return Problem::new(ProblemId::Timeout, detail);
    }
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = error.source();
    }
    let detail = format!(
        "The body is incomplete or malformed: {reason}. Nothing was stored. Check Content-Length, \
         Transfer-Encoding and Content-Encoding, and send the request again."
    );
    Problem::new(ProblemId::IncompleteBody, detail)
}

fn has_cause(error: &axum::Error, test: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if test(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

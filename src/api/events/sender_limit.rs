//! Rejects the events of a sender that has sent too many.

use crate::api::{ApiState, Problem, ProblemId};
use crate::identity::{SenderLimitError, whole_seconds};
use crate::store::tokens::Token;

/// Counts the events of a sender, if there is a limit.
pub(super) fn take(state: &ApiState, token: &Token, events: usize) -> Result<(), Problem> {
    let Some(limit) = &state.sender_limit else { return Ok(()) };
    let (name, per_minute) = (&token.name, limit.per_minute());
    let (wait, is_reported) = match limit.take(token.id, events, state.sources.now()) {
        Ok(()) => return Ok(()),
        Err(SenderLimitError::TooManyAtOnce) => {
            let detail = format!(
                "The token \"{name}\" may send {per_minute} events per minute, but this request has {events}. Nothing was \
                 stored. Send at most {per_minute} events at once."
            );
            return Err(Problem::new(ProblemId::TooLarge, detail));
        }
        Err(SenderLimitError::UsedUp { wait, is_reported }) => (wait, is_reported),
    };
    if is_reported {
        tracing::warn!(token = name, per_minute, "rejected the events of a sender over its limit");
    }
    let seconds = whole_seconds(wait);
    let detail = format!(
        "The token \"{name}\" may send {per_minute} events per minute. Nothing was stored. Send the request again after \
         {seconds} s."
    );
    Err(Problem::new(ProblemId::TooManyRequests, detail).with_retry_after(seconds))
}

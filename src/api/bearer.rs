//! The token in the `Authorization` header (RFC 6750).

use axum::http::{HeaderMap, header};

use super::{ApiState, Problem, ProblemId};
use crate::identity::Scope;
use crate::store::tokens::Token;

/// Lets pass who has a token of that scope.
pub(super) async fn require(
    state: &ApiState,
    headers: &HeaderMap,
    scope: Scope,
) -> Result<Token, Problem> {
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(text) = text else {
        let detail = "Send a token: Authorization: Bearer gp_… (make one with `gatepost token create NAME`).";
        return Err(Problem::new(ProblemId::Unauthorized, detail));
    };
    let found =
        state.tokens.find(text, state.sources.now()).await.map_err(|error| unavailable(&error))?;
    let Some(token) = found else {
        return Err(Problem::new(ProblemId::Unauthorized, "This token is not known here."));
    };
    if token.scope != scope.as_str() {
        let detail = format!(
            "The token \"{}\" has the scope {}; this needs {}.",
            token.name,
            token.scope,
            scope.as_str()
        );
        return Err(Problem::new(ProblemId::Forbidden, detail));
    }
    Ok(token)
}

fn unavailable(error: &crate::store::Error) -> Problem {
    if error.is_unavailable() {
        return Problem::new(ProblemId::Unavailable, "The database is not available: try again.");
    }
    tracing::error!(error = error.chain(), "a token could not be checked");
    Problem::new(ProblemId::Internal, "The token could not be checked.")
}

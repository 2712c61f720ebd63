//! The token in the `Authorization` header (RFC 6750).

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::{ApiState, Problem, ProblemId};
use crate::identity::Permission;
use crate::model::{Origin, Timestamp};
use crate::store::tokens::Token;

/// Returns the text of a request's token.
pub(super) fn token_text(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Returns the token of a request, if its scope has the permission.
pub(super) async fn require(
    state: &ApiState,
    origin: Origin,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Arc<Token>, Problem> {
    let Some(text) = token_text(headers) else {
        let detail = "Send a token in the header Authorization: Bearer gp_… (create one with `gatepost token create NAME`).";
        return Err(Problem::new(ProblemId::Unauthorized, detail));
    };
    let now = state.sources.now();
    let found = state.tokens.find(text, origin.address, now).await;
    let found = found.map_err(|error| unavailable(&error))?;
    let Some(token) = found else {
        return Err(Problem::new(
            ProblemId::Unauthorized,
            "Unknown or revoked token. Create one with `gatepost token create NAME`.",
        ));
    };
    check(&token, permission, now)?;
    Ok(token)
}

/// Checks that a token has not expired, and that its scope has the permission.
pub(super) fn check(token: &Token, permission: Permission, now: Timestamp) -> Result<(), Problem> {
    if let Some(expired_at) = token.expires_at.filter(|_| token.is_expired(now)) {
        let detail = format!(
            "The token \"{}\" expired at {}. Create another one with `gatepost token create NAME`.",
            token.name,
            expired_at.format("%Y-%m-%d %H:%M UTC")
        );
        return Err(Problem::new(ProblemId::Unauthorized, detail));
    }
    let scopes = permission.scopes();
    if !scopes.iter().any(|scope| token.scope == scope.as_str()) {
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let detail = format!(
            "The token \"{}\" has the scope {}. This request needs the scope {}.",
            token.name,
            token.scope,
            scopes.join(" or ")
        );
        return Err(Problem::new(ProblemId::Forbidden, detail));
    }
    Ok(())
}

pub(super) fn unavailable(error: &crate::store::Error) -> Problem {
    if error.is_unavailable() {
        return Problem::new(ProblemId::Unavailable, "The database is not available. Try again.");
    }
    tracing::error!(error = error.chain(), "could not check a token");
    Problem::new(ProblemId::Internal, "Internal error. The token could not be checked.")
}

//! The pages about API tokens.

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

use super::Error;
use super::display_time::{DisplayTime, LocalNow};
use crate::model::TokenId;
use crate::model::sender_key::SenderScheme;
use crate::store::tokens::Token;

/// Parses the id in a path. An invalid id is a page that does not exist.
fn parse_id(text: &str) -> Result<TokenId, Error> {
    text.parse().map_err(|_error: uuid::Error| Error::NotFound)
}

/// A token, ready to print.
struct TokenView {
    id: String,
    name: String,
    /// The first characters of the text; empty if they are not known.
    prefix: String,
    scope: String,
    /// How the sender signs; empty if it need not.
    signature: &'static str,
    created: DisplayTime,
    created_by: String,
    last_used: Option<DisplayTime>,
    last_used_address: String,
    expires: Option<DisplayTime>,
    is_expired: bool,
}

impl TokenView {
    fn new(token: Token, signature: Option<(SenderScheme, bool)>, now: LocalNow) -> Self {
        Self {
            id: token.id.to_string(),
            is_expired: token.is_expired(now.time),
            created: DisplayTime::new(token.created_at, now),
            last_used: token.last_used_at.map(|at| DisplayTime::new(at, now)),
            expires: token.expires_at.map(|at| DisplayTime::new(at, now)),
            name: token.name,
            prefix: token.prefix,
            scope: token.scope,
            signature: signature
                .map(|(scheme, replaces_token)| scheme.describe(replaces_token))
                .unwrap_or_default(),
            created_by: token.created_by,
            last_used_address: token.last_used_address,
        }
    }
}

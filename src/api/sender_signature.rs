//! Signatures of requests to send events. They are required of senders whose token has a key.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::{ApiState, Problem, ProblemId, bearer};
use crate::identity::{KeysWithTokens, Permission};
use crate::model::Origin;
use crate::model::sender_key::{SenderKey, SenderScheme};
use crate::model::signature::{MAX_AGE_SECS, SignedMessage};
use crate::store::tokens::Token;

/// The headers of a signature: id (none if it is not signed), time, and signature.
type HeaderNames = (Option<&'static str>, &'static str, &'static str);

/// Standard Webhooks, section "Webhook headers".
const STANDARD: HeaderNames = (Some("webhook-id"), "webhook-timestamp", "webhook-signature");
const PLAIN: HeaderNames = (None, "x-gatepost-timestamp", "x-gatepost-signature");
/// The header with a key that is not signed.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// From here on, a time is in milliseconds: as seconds, it is in the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Who sends a request, as far as its headers say.
#[derive(Debug)]
pub(super) enum Sender {
    /// A token without a key.
    Token(Arc<Token>),
    /// A token, and a signature of its key.
    Signed(Arc<Token>, SenderKey),
    /// A signature of this scheme without a token. Its key is found when the body is known.
    OnlySigned(SenderScheme),
}

/// Who has sent a request.
#[derive(Debug)]
pub(super) struct ProvenSender {
    /// The token, also if a signature replaces it.
    pub(super) token: Arc<Token>,
    /// The id of the message, if the signature proves it.
    pub(super) message_id: Option<String>,
}

/// Checks the headers of a request. The body is received only if this succeeds.
pub(super) async fn check_headers(
    state: &ApiState,
    origin: Origin,
    headers: &HeaderMap,
) -> Result<Sender, Problem> {
    let has_signature = headers.contains_key(STANDARD.2) || headers.contains_key(PLAIN.2);
    if bearer::token_text(headers).is_none() && has_signature {
        let is_standard = headers.contains_key(STANDARD.2);
        let scheme =
            if is_standard { SenderScheme::StandardWebhooks } else { SenderScheme::HmacSha256 };
        check_time(state, headers, names(scheme))?;
        let keys = all_keys(state).await?;
        if !keys.iter().any(|(key, _)| key.replaces_token && key.scheme() == scheme) {
            return Err(unauthorized(&format!(
                "There is no key for {} without a token. Send the token in the header Authorization, too, or create a key with Signature only under API tokens.",
                scheme.describe(false)
            )));
        }
        return Ok(Sender::OnlySigned(scheme));
    }
    let token = bearer::require(state, origin, headers, Permission::SendEvents).await?;
    let now = state.sources.now();
    let key = state.sender_keys.of_token(token.id, now).await;
    let Some(key) = key.map_err(|error| bearer::unavailable(&error))? else {
        return Ok(Sender::Token(token));
    };
    let names = names(key.scheme());
    if !headers.contains_key(names.2) {
        let detail = format!(
            "The token \"{}\" requires a signature. Send the headers {}.",
            token.name,
            describe(names)
        );
        return Err(unauthorized(&detail));
    }
    check_time(state, headers, names)?;
    Ok(Sender::Signed(token, key))
}

/// Checks the signature of a body.
pub(super) async fn check_body(
    state: &ApiState,
    origin: Origin,
    headers: &HeaderMap,
    sender: Sender,
    body: &[u8],
) -> Result<ProvenSender, Problem> {
    let (token, key) = match sender {
        Sender::Token(token) => return Ok(ProvenSender { token, message_id: None }),
        Sender::Signed(token, key) if is_signed(&key, headers, body) => (token, key),
        Sender::Signed(_, key) => return Err(wrong_signature(key.scheme())),
        Sender::OnlySigned(scheme) => find_key(state, origin, headers, (scheme, body)).await?,
    };
    if headers.contains_key(IDEMPOTENCY_KEY) {
        let detail = "A signed request cannot have the header Idempotency-Key, because it is not signed. Leave it out: a repeated request is recognized anyway.";
        return Err(Problem::new(ProblemId::Invalid, detail));
    }
    let (Some(id), _, _) = names(key.scheme()) else {
        return Ok(ProvenSender { token, message_id: None });
    };
    // A repeated message has the same id, so it is a duplicate for longer than its time is accepted. No header contains this
    // character, so no Idempotency-Key is the same.
    let message_id = Some(format!("signed\u{1}{}/{}", key.token, text(headers, id)));
    Ok(ProvenSender { token, message_id })
}

/// Returns the key that signed a request without a token, and the token that it belongs to.
async fn find_key(
    state: &ApiState,
    origin: Origin,
    headers: &HeaderMap,
    (scheme, body): (SenderScheme, &[u8]),
) -> Result<(Arc<Token>, SenderKey), Problem> {
    let keys = all_keys(state).await?;
    // Only the scheme whose time was checked.
    let mut candidates =
        keys.iter().filter(|(key, _)| key.replaces_token && key.scheme() == scheme);
    let Some((key, token)) = candidates.find(|(key, _)| is_signed(key, headers, body)) else {
        return Err(wrong_signature(scheme));
    };
    bearer::check(token, Permission::SendEvents, state.sources.now())?;
    let recorded = state.sender_keys.record_use(token, origin.address, state.sources.now()).await;
    recorded.map_err(|error| bearer::unavailable(&error))?;
    Ok((Arc::clone(token), key.clone()))
}

async fn all_keys(state: &ApiState) -> Result<KeysWithTokens, Problem> {
    let keys = state.sender_keys.all(state.sources.now()).await;
    keys.map_err(|error| bearer::unavailable(&error))
}

fn names(scheme: SenderScheme) -> HeaderNames {
    match scheme {
        SenderScheme::StandardWebhooks => STANDARD,
        SenderScheme::HmacSha256 => PLAIN,
    }
}

fn describe((id, timestamp, signature): HeaderNames) -> String {
    let id = id.map(|id| format!("{id}, ")).unwrap_or_default();
    format!("{id}{timestamp} and {signature}")
}

fn is_signed(key: &SenderKey, headers: &HeaderMap, body: &[u8]) -> bool {
    let (id, timestamp, signature) = names(key.scheme());
    let id = id.map_or("", |id| text(headers, id));
    let Ok(timestamp) = text(headers, timestamp).parse() else { return false };
    let message = SignedMessage { id, timestamp, body };
    key.verify(&message, text(headers, signature))
}

/// Checks that a request was signed a short time ago, so that a recorded one cannot be repeated later.
fn check_time(state: &ApiState, headers: &HeaderMap, names: HeaderNames) -> Result<(), Problem> {
    let (id, timestamp, _) = names;
    if id.is_some_and(|id| text(headers, id).is_empty()) {
        return Err(unauthorized(&format!("Send the headers {}.", describe(names))));
    }
    let Ok(signed_at) = text(headers, timestamp).parse::<i64>() else {
        let detail =
            format!("{timestamp} must be the time of the signature in seconds since 1970.");
        return Err(unauthorized(&detail));
    };
    let age = state.sources.now().timestamp().saturating_sub(signed_at);
    if age.saturating_abs() <= MAX_AGE_SECS {
        return Ok(());
    }
    if signed_at >= FIRST_MILLISECONDS {
        let detail =
            format!("{timestamp} must be in seconds since 1970. {signed_at} is in milliseconds.");
        return Err(unauthorized(&detail));
    }
    let direction = if age > 0 { "in the past" } else { "in the future" };
    Err(unauthorized(&format!(
        "{timestamp} is {} seconds {direction}; at most {MAX_AGE_SECS} are allowed. Compare the clocks, and sign each request when it is sent.",
        age.saturating_abs()
    )))
}

fn wrong_signature(scheme: SenderScheme) -> Problem {
    let names = names(scheme);
    let content = match names.0 {
        Some(id) => format!("{id}.{}.body", names.1),
        None => format!("{}.body", names.1),
    };
    unauthorized(&format!(
        "{} is not a signature of this request. Sign {content}, with the body exactly as sent, and check the key.",
        names.2
    ))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ProblemId::Unauthorized, detail)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

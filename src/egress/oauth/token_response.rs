//! Responses of the token endpoint (RFC 6749, sections 5.1 and 5.2).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::model::exchange::Response;
use crate::model::outcome::TokenFailure;
use crate::model::secret::{MASK, mask_body};

/// Lifetime of a token without `expires_in`.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);
/// Maximum time by which a token is renewed before it expires. Tokens that live for less than ten minutes are renewed
/// after nine tenths of their lifetime.
const MAX_EXPIRY_MARGIN: Duration = Duration::from_mins(1);
/// Maximum length of texts that are taken over from an error response, in characters.
const MAX_ERROR_CHARS: usize = 300;

/// An access token and when to stop using it.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    pub(super) value: String,
    pub(super) expires_at: Instant,
}

/// Returns whether the other [`ClientAuthMethod`](super::client_auth::ClientAuthMethod) may succeed.
pub(super) fn is_about_client_auth(fault: &TokenFailure) -> bool {
    match fault {
        TokenFailure::Rejected { status: 400 | 401, error, .. } => {
            matches!(error.as_deref(), None | Some("invalid_client" | "invalid_request"))
        }
        TokenFailure::Rejected { .. }
        | TokenFailure::Exchange(_)
        | TokenFailure::Missing
        | TokenFailure::Kind(_) => false,
    }
}

/// Parses a response. Its lifetime counts from `requested_at`.
pub(super) fn parse(
    response: &Response,
    requested_at: Instant,
) -> Result<AccessToken, TokenFailure> {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let text = |key: &str| {
        let text = body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(|text| text.chars().take(MAX_ERROR_CHARS).collect::<String>())
    };
    if !(200..300).contains(&response.status) {
        let (error, description) = (text("error"), text("error_description"));
        return Err(TokenFailure::Rejected { status: response.status, error, description });
    }
    let Some(value) = body.get("access_token").and_then(Value::as_str) else {
        return Err(TokenFailure::Missing);
    };
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenFailure::Kind(kind));
    }
    let lifetime =
        body.get("expires_in").and_then(seconds).map_or(DEFAULT_LIFETIME, Duration::from_secs);
    let expires_at = requested_at + lifetime.saturating_sub(MAX_EXPIRY_MARGIN.min(lifetime / 10));
    Ok(AccessToken { value: value.to_owned(), expires_at })
}

/// Returns the seconds in a number or, as some servers send it, a string. At most a year.
fn seconds(value: &Value) -> Option<u64> {
    const YEAR: u64 = 365 * 24 * 3600;
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let whole = written.split('.').next().unwrap_or_default();
    whole.parse().ok().map(|seconds: u64| seconds.min(YEAR))
}

/// Masks the tokens in a response body.
pub(super) fn mask_tokens(body: &mut String) {
    let mut parsed = serde_json::from_str::<Value>(body).unwrap_or_default();
    let mut masked = false;
    for key in ["access_token", "refresh_token", "id_token"] {
        if let Some(value) = parsed.get_mut(key) {
            *value = Value::from(MASK);
            masked = true;
        }
    }
    // A non-standard body may contain tokens too, as a form or in nested objects.
    *body = if masked { parsed.to_string() } else { mask_body(body) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> Result<AccessToken, TokenFailure> {
        parse(&Response { status, body: body.to_owned(), ..Response::default() }, Instant::now())
    }

    fn lifetime(body: &str) -> Duration {
        let token = parsed(200, body).unwrap();
        // Rounded up, because some time has passed.
        let left = token.expires_at.duration_since(Instant::now());
        Duration::from_secs(left.as_secs() + 1)
    }

    #[test]
    fn stops_using_a_token_before_it_expires() {
        assert_eq!(lifetime(r#"{"access_token":"a","expires_in":3600}"#), Duration::from_mins(59));
        assert_eq!(lifetime(r#"{"access_token":"a","expires_in":"100"}"#), Duration::from_secs(90));
        assert_eq!(lifetime(r#"{"access_token":"a"}"#), Duration::from_secs(270));
    }

    #[test]
    fn tells_faults_of_the_response_apart() {
        let refused = parsed(401, r#"{"error":"invalid_client","error_description":"no"}"#);
        let fault = refused.unwrap_err();
        assert!(is_about_client_auth(&fault));
        assert!(matches!(fault, TokenFailure::Rejected { status: 401, error: Some(_), .. }));
        assert!(!is_about_client_auth(&parsed(400, r#"{"error":"invalid_scope"}"#).unwrap_err()));
        assert_eq!(parsed(200, "<html>").unwrap_err(), TokenFailure::Missing);
        let mac = parsed(200, r#"{"access_token":"a","token_type":"mac"}"#);
        assert_eq!(mac.unwrap_err(), TokenFailure::Kind("mac".to_owned()));
    }

    #[test]
    fn masks_tokens() {
        let mut body = r#"{"access_token":"abc","refresh_token":"def","scope":"x"}"#.to_owned();
        mask_tokens(&mut body);
        assert!(!body.contains("abc") && !body.contains("def") && body.contains("\"x\""), "{body}");
        // Also in a non-standard body.
        for response in ["access_token=abc&scope=x", r#"{"data":{"access_token":"abc"}}"#] {
            let mut body = response.to_owned();
            mask_tokens(&mut body);
            assert!(!body.contains("abc") && body.contains("access_token"), "{body}");
        }
    }
}

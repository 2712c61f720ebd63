//! Responses of the token endpoint (RFC 6749, sections 5.1 and 5.2).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::model::exchange::Response;
use crate::model::json;
use crate::model::outcome::TokenFailure;
use crate::model::secret::{REDACTED, redact_named};

/// Lifetime of a token without `expires_in`.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);
/// Maximum time by which a token is renewed before it expires. Tokens that live for less than ten minutes are renewed
/// after nine tenths of their lifetime.
const MAX_EXPIRY_MARGIN: Duration = Duration::from_mins(1);

/// An access token and when to stop using it.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    pub(super) value: String,
    pub(super) expires_at: Instant,
}

/// Returns whether the other [`ClientAuthMethod`](super::client_auth::ClientAuthMethod) may succeed. Servers reject the one
/// that they do not support with various errors.
pub(super) fn may_be_about_method(failure: &TokenFailure) -> bool {
    matches!(failure, TokenFailure::Rejected { status: 200..=299 | 400..=499, .. })
        && !matches!(failure, TokenFailure::Rejected { status: 408 | 429, .. })
}

/// Returns whether the server reported that the client is unknown or its secret wrong.
fn is_about_client(failure: &TokenFailure) -> bool {
    match failure {
        TokenFailure::Rejected { status: 401, .. } => true,
        TokenFailure::Rejected { error, .. } => matches!(
            error.as_deref(),
            None | Some(
                "invalid_client" | "unauthorized_client" | "access_denied" | "invalid_request"
            )
        ),
        TokenFailure::Exchange(_)
        | TokenFailure::Missing
        | TokenFailure::Unusable
        | TokenFailure::Kind(_) => false,
    }
}

/// Returns the more informative failure of two methods: a server may support only one of them, and report the other one as
/// a wrong secret.
pub(super) fn more_informative(first: TokenFailure, second: TokenFailure) -> TokenFailure {
    let has_code = matches!(second, TokenFailure::Rejected { error: Some(_), .. });
    if is_about_client(&first) && has_code && !is_about_client(&second) { second } else { first }
}

/// Parses a response. Its lifetime counts from `requested_at`.
pub(super) fn parse(
    response: &Response,
    requested_at: Instant,
) -> Result<AccessToken, TokenFailure> {
    let body = parse_body(&response.body);
    let (error, description) = error_texts(&body, &response.body);
    let is_success = (200..300).contains(&response.status);
    let token = body.get("access_token").filter(|_| is_success);
    let Some(token) = token else {
        // Some servers report errors with status 200.
        if is_success && error.is_none() {
            return Err(TokenFailure::Missing);
        }
        return Err(TokenFailure::Rejected { status: response.status, error, description });
    };
    // b64token (RFC 6750, section 2.1), but some servers use other visible characters too.
    let token = token
        .as_str()
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    let token = token.ok_or(TokenFailure::Unusable)?;
    let kind = body.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
    if !["", "bearer", "bearertoken"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(TokenFailure::Kind(kind.to_owned()));
    }
    let lifetime =
        body.get("expires_in").and_then(seconds).map_or(DEFAULT_LIFETIME, Duration::from_secs);
    let expires_at = requested_at + lifetime.saturating_sub(MAX_EXPIRY_MARGIN.min(lifetime / 10));
    Ok(AccessToken { value: token.to_owned(), expires_at })
}

/// Parses JSON, or a form as some servers send it.
fn parse_body(body: &str) -> Value {
    json::parse(body).unwrap_or_else(|_not_json| {
        let pairs = url::form_urlencoded::parse(body.as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), Value::from(value))).collect()
    })
}

/// Returns the error code and the description of an error response. Not all servers use the names of RFC 6749, section 5.2.
fn error_texts(body: &Value, raw: &str) -> (Option<String>, Option<String>) {
    let text = |pointers: &[&str]| {
        let found = pointers.iter().find_map(|pointer| {
            body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
        });
        found.map(str::to_owned)
    };
    let error =
        text(&["/error", "/error/code", "/error/type", "/errorCode", "/ErrorCode", "/code"]);
    let description = text(&[
        "/error_description",
        "/error/message",
        "/errorSummary",
        "/Error",
        "/message",
        "/detail",
        "/title",
    ]);
    let is_text = !raw.trim().is_empty() && !raw.trim_start().starts_with(['<', '{', '[']);
    // It may be a form with tokens.
    let plain = || is_text.then(|| redact_named(raw.trim()));
    let has_texts = error.is_some() || description.is_some();
    (error, if has_texts { description } else { plain() })
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
    const NAMES: [&str; 3] = ["access_token", "refresh_token", "id_token"];
    match json::parse(body) {
        Ok(mut parsed) => {
            let mut masked = false;
            for name in NAMES {
                if let Some(value) = parsed.get_mut(name) {
                    *value = Value::from(REDACTED);
                    masked = true;
                }
            }
            if masked {
                *body = parsed.to_string();
            }
        }
        // A body that was cut, perhaps within a token: everything after the first name is masked.
        Err(_) if body.trim_start().starts_with(['{', '[']) => {
            let ends = NAMES.iter().filter_map(|name| Some(body.find(name)? + name.len()));
            if let Some(end) = ends.min() {
                body.truncate(end);
                body.push_str("\": \"");
                body.push_str(REDACTED);
            }
        }
        Err(_) => {}
    }
    // A non-standard body may contain tokens as a form, in nested objects or under other names.
    *body = redact_named(body);
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
    fn recognizes_errors_of_different_servers() {
        for (status, body, error, description) in [
            (
                401,
                r#"{"error":"invalid_client","error_description":"no"}"#,
                Some("invalid_client"),
                Some("no"),
            ),
            // Status 200, as GitHub.
            (
                200,
                r#"{"error":"incorrect_client_credentials","error_description":"no"}"#,
                Some("incorrect_client_credentials"),
                Some("no"),
            ),
            (
                200,
                "error=incorrect_client_credentials&error_description=no%20way",
                Some("incorrect_client_credentials"),
                Some("no way"),
            ),
            // As Okta, Apigee, Facebook, and RFC 9457.
            (
                400,
                r#"{"errorCode":"invalid_client","errorSummary":"no"}"#,
                Some("invalid_client"),
                Some("no"),
            ),
            (
                401,
                r#"{"ErrorCode":"invalid_client","Error":"no"}"#,
                Some("invalid_client"),
                Some("no"),
            ),
            (
                400,
                r#"{"error":{"type":"OAuthException","message":"no"}}"#,
                Some("OAuthException"),
                Some("no"),
            ),
            (403, r#"{"title":"Forbidden","detail":"no"}"#, None, Some("no")),
            (500, "upstream down", None, Some("upstream down")),
            (502, "<html>", None, None),
            (400, "", None, None),
        ] {
            let expected = TokenFailure::Rejected {
                status,
                error: error.map(str::to_owned),
                description: description.map(str::to_owned),
            };
            assert_eq!(parsed(status, body).unwrap_err(), expected, "{body}");
        }
    }

    #[test]
    fn accepts_tokens_of_different_servers() {
        for body in [
            "\u{feff}{\"access_token\":\"abc\"}",
            r#"{"access_token":"abc","token_type":"BearerToken"}"#,
            r#"{"access_token":"abc","token_type":"","note":"\ud83d"}"#,
            "access_token=abc&token_type=bearer&scope=",
        ] {
            assert_eq!(parsed(200, body).unwrap().value, "abc", "{body}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_token() {
        for body in ["<html>", "", "[]", r#"{"accesstoken":"a"}"#] {
            assert_eq!(parsed(200, body).unwrap_err(), TokenFailure::Missing, "{body}");
        }
        for token in ["\"\"", "\"a b\"", "\"a\\nb\"", "\"ä\"", "null", "{}", "1"] {
            let body = format!(r#"{{"access_token":{token}}}"#);
            assert_eq!(parsed(200, &body).unwrap_err(), TokenFailure::Unusable, "{body}");
        }
        let mac = parsed(200, r#"{"access_token":"a","token_type":"mac"}"#);
        assert_eq!(mac.unwrap_err(), TokenFailure::Kind("mac".to_owned()));
    }

    #[test]
    fn reports_the_more_informative_failure_of_two_methods() {
        let failure = |status, body| parsed(status, body).unwrap_err();
        let wrong_client = failure(401, r#"{"error":"invalid_client"}"#);
        let wrong_scope = failure(400, r#"{"error":"invalid_scope"}"#);
        let unknown = failure(404, "");
        for (first, second, expected) in [
            (&wrong_client, &wrong_scope, &wrong_scope),
            (&wrong_scope, &wrong_client, &wrong_scope),
            (&wrong_client, &unknown, &wrong_client),
        ] {
            assert_eq!(more_informative(first.clone(), second.clone()), *expected);
        }
    }

    #[test]
    fn tries_the_other_method_after_any_client_error() {
        let tries = |status, body| may_be_about_method(&parsed(status, body).unwrap_err());
        for status in [400, 401, 403, 404, 415, 422] {
            assert!(tries(status, r#"{"error":"access_denied"}"#), "{status}");
        }
        assert!(tries(200, r#"{"error":"invalid_client"}"#));
        for status in [302, 408, 429, 500, 503] {
            assert!(!tries(status, ""), "{status}");
        }
    }

    #[test]
    fn masks_tokens() {
        let mut body = r#"{"access_token":"abc","refresh_token":"def","scope":"x"}"#.to_owned();
        mask_tokens(&mut body);
        assert!(!body.contains("abc") && !body.contains("def") && body.contains("\"x\""), "{body}");
        // Also in a non-standard or incomplete body.
        for response in [
            "access_token=abc&scope=x",
            r#"{"data":{"access_token":"abc"}}"#,
            r#"{"access_token":"x","data":{"refresh_token":"abc"}}"#,
            r#"{"access_token":"x","client_secret":"abc"}"#,
            r#"{"access_token":"abc"#,
            r#"{"scope": "x", "access_token" : "x", "id_token":"abc"#,
        ] {
            let mut body = response.to_owned();
            mask_tokens(&mut body);
            assert!(!body.contains("abc") && body.contains("access_token"), "{body}");
        }
        let failure = parsed(400, "refresh_token=abc&x=1").unwrap_err();
        assert!(!format!("{failure:?}").contains("abc"), "{failure:?}");
    }
}

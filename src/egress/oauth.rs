//! Access tokens by OAuth's client credentials (RFC 6749, section 4.4): asked for once, kept until
//! shortly before they end, and shared by all that use the same credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use super::exchange::Outgoing;
use crate::model::exchange::{Exchange, Response};
use crate::model::outcome::{Cause, TokenFailure};
use crate::model::secret::{MASK, mask_body};
use crate::model::webhook::{ClientCredentials, Tls, basic_credential};

/// For a token whose end is not told.
const UNTOLD_LIFE: Duration = Duration::from_mins(5);
/// A token is asked for anew so long before it ends, or after nine tenths of a short life.
const MARGIN: Duration = Duration::from_mins(1);
/// Credentials kept in mind at once: forms that are tried out must not fill the memory.
const MAX_KEPT: usize = 1024;

/// Which token will do.
#[derive(Debug, Clone, Copy)]
pub enum TokenWanted<'a> {
    /// One that is kept, if its time is not over.
    Kept,
    /// One that is kept, but not this one: the server refused it.
    Other(&'a str),
    /// One that is asked for now, so that asking is seen to work.
    New,
}

/// A token, or why there is none.
#[derive(Debug)]
pub struct Obtained {
    /// The token.
    pub token: Result<String, Cause>,
    /// The exchanges it took; none where one was kept. Tokens in the answers are masked, the client's
    /// secret in the requests is not.
    pub exchanges: Vec<Exchange>,
}

/// The tokens that are kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens(Arc<Mutex<HashMap<ClientCredentials, Slot>>>);

/// Locked while a token is asked for: who comes meanwhile waits for the same one.
type Slot = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    /// How the endpoint lets clients say who they are, once it is known.
    way: Option<Way>,
}

#[derive(Debug, Clone)]
struct Token {
    value: String,
    until: Instant,
}

/// How a client says who it is (RFC 6749, section 2.3.1). Every server must know the header, and
/// many know only the body.
#[derive(Debug, Clone, Copy)]
enum Way {
    Header,
    Body,
}

impl Tokens {
    fn slot(&self, credentials: &ClientCredentials) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_KEPT && !slots.contains_key(credentials) {
            slots.clear();
        }
        Arc::clone(slots.entry(credentials.clone()).or_default())
    }
}

impl Kept {
    fn find(&self, wanted: TokenWanted<'_>) -> Option<&str> {
        let token = self.token.as_ref().filter(|token| Instant::now() < token.until)?;
        let fits = match wanted {
            TokenWanted::Kept => true,
            TokenWanted::Other(refused) => token.value != refused,
            TokenWanted::New => false,
        };
        fits.then_some(token.value.as_str())
    }
}

impl Client {
    /// An access token.
    pub async fn token(
        &self,
        credentials: &ClientCredentials,
        tls: &Tls,
        timeout: Duration,
        wanted: TokenWanted<'_>,
    ) -> Obtained {
        let slot = self.tokens.slot(credentials);
        let mut kept = slot.lock().await;
        if let Some(token) = kept.find(wanted) {
            return Obtained { token: Ok(token.to_owned()), exchanges: Vec::new() };
        }
        kept.token = None;
        let mut exchanges = Vec::new();
        let ways = kept.way.map_or(vec![Way::Header, Way::Body], |known| vec![known]);
        let mut last = Cause::Token(TokenFailure::Missing);
        for way in ways {
            let (asked, exchange) = self.ask(credentials, tls, timeout, way).await;
            exchanges.push(exchange);
            match asked {
                Ok(token) => {
                    let value = token.value.clone();
                    *kept = Kept { token: Some(token), way: Some(way) };
                    return Obtained { token: Ok(value), exchanges };
                }
                Err(fault) => {
                    let is_refusal = is_about_the_client(&fault);
                    last = Cause::Token(fault);
                    if !is_refusal {
                        break;
                    }
                }
            }
        }
        Obtained { token: Err(last), exchanges }
    }

    async fn ask(
        &self,
        credentials: &ClientCredentials,
        tls: &Tls,
        timeout: Duration,
        way: Way,
    ) -> (Result<Token, TokenFailure>, Exchange) {
        let begun = Instant::now();
        let outgoing = request(credentials, tls, timeout, way);
        let exchanged = self.exchange(outgoing).await;
        let mut exchange = exchanged.exchange;
        let token = match (exchanged.failure, &exchange.response) {
            (Some(cause), _) => Err(TokenFailure::Exchange(Box::new(cause))),
            (None, Some(response)) => read(response, begun),
            (None, None) => Err(TokenFailure::Missing),
        };
        if let Some(response) = &mut exchange.response {
            mask_tokens(&mut response.body);
        }
        (token, exchange)
    }
}

/// Whether another way to say who the client is may help.
fn is_about_the_client(fault: &TokenFailure) -> bool {
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

fn request<'a>(
    credentials: &'a ClientCredentials,
    tls: &'a Tls,
    timeout: Duration,
    way: Way,
) -> Outgoing<'a> {
    let ClientCredentials { client_id, client_secret, token_endpoint, scopes } = credentials;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", scopes);
    }
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
    ];
    match way {
        Way::Header => {
            let encode = |text: &str| -> String {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let credential = basic_credential(&encode(client_id), &encode(client_secret));
            headers.push(("Authorization".to_owned(), credential));
        }
        Way::Body => {
            form.append_pair("client_id", client_id).append_pair("client_secret", client_secret);
        }
    }
    let body = Some(form.finish());
    Outgoing { method: "POST", url: token_endpoint, headers, body, timeout, tls }
}

/// Reads the endpoint's answer (RFC 6749, sections 5.1 and 5.2).
fn read(response: &Response, begun: Instant) -> Result<Token, TokenFailure> {
    let answer: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let text = |key: &str| {
        let text = answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(|text| text.chars().take(300).collect::<String>())
    };
    if !(200..300).contains(&response.status) {
        let (error, description) = (text("error"), text("error_description"));
        return Err(TokenFailure::Rejected { status: response.status, error, description });
    }
    let Some(value) = answer.get("access_token").and_then(Value::as_str) else {
        return Err(TokenFailure::Missing);
    };
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenFailure::Kind(kind));
    }
    let life = answer.get("expires_in").and_then(seconds).map_or(UNTOLD_LIFE, Duration::from_secs);
    let until = begun + life.saturating_sub(MARGIN.min(life / 10));
    Ok(Token { value: value.to_owned(), until })
}

/// A number, or a number in quotes as some servers write it. A year is enough.
fn seconds(value: &Value) -> Option<u64> {
    const YEAR: u64 = 365 * 24 * 3600;
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let whole = written.split('.').next().unwrap_or_default();
    whole.parse().ok().map(|seconds: u64| seconds.min(YEAR))
}

fn mask_tokens(body: &mut String) {
    let mut answer = serde_json::from_str::<Value>(body).unwrap_or_default();
    let mut masked = false;
    for key in ["access_token", "refresh_token", "id_token"] {
        if let Some(value) = answer.get_mut(key) {
            *value = Value::from(MASK);
            masked = true;
        }
    }
    // What is not in the standard's form may hold a token all the same: a form, or a deeper object.
    *body = if masked { answer.to_string() } else { mask_body(body) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Token, TokenFailure> {
        read(&Response { status, body: body.to_owned(), ..Response::default() }, Instant::now())
    }

    fn life(body: &str) -> Duration {
        let token = answer(200, body).unwrap();
        // Rounded: the clock runs on.
        let left = token.until.duration_since(Instant::now());
        Duration::from_secs(left.as_secs() + 1)
    }

    #[test]
    fn a_token_is_given_up_before_it_ends() {
        assert_eq!(life(r#"{"access_token":"a","expires_in":3600}"#), Duration::from_mins(59));
        assert_eq!(life(r#"{"access_token":"a","expires_in":"100"}"#), Duration::from_secs(90));
        assert_eq!(life(r#"{"access_token":"a"}"#), Duration::from_secs(270));
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        let refused = answer(401, r#"{"error":"invalid_client","error_description":"no"}"#);
        let fault = refused.unwrap_err();
        assert!(is_about_the_client(&fault));
        assert!(matches!(fault, TokenFailure::Rejected { status: 401, error: Some(_), .. }));
        assert!(!is_about_the_client(&answer(400, r#"{"error":"invalid_scope"}"#).unwrap_err()));
        assert_eq!(answer(200, "<html>").unwrap_err(), TokenFailure::Missing);
        let mac = answer(200, r#"{"access_token":"a","token_type":"mac"}"#);
        assert_eq!(mac.unwrap_err(), TokenFailure::Kind("mac".to_owned()));
    }

    #[test]
    fn no_token_is_shown() {
        let mut body = r#"{"access_token":"abc","refresh_token":"def","scope":"x"}"#.to_owned();
        mask_tokens(&mut body);
        assert!(!body.contains("abc") && !body.contains("def") && body.contains("\"x\""), "{body}");
        // Nor one that came otherwise than it should.
        for answer in ["access_token=abc&scope=x", r#"{"data":{"access_token":"abc"}}"#] {
            let mut body = answer.to_owned();
            mask_tokens(&mut body);
            assert!(!body.contains("abc") && body.contains("access_token"), "{body}");
        }
    }
}

//! Sends a request with the credentials of the webhook's authentication.

use crate::egress::{
    Client, ExchangeResult, OutgoingRequest, TokenClient, TokenRequest, TokenResult,
    recorded_request,
};
use crate::model::Sources;
use crate::model::exchange::Exchange;
use crate::model::webhook::{Authorization, ClientCredentials, ResolvedWebhook, Rules};

/// Recorded in place of an access token.
pub(super) const TOKEN_LABEL: &str = "[access token]";

/// What attempts of all webhooks share.
#[derive(Debug, Clone, Copy)]
pub struct AttemptContext<'a> {
    /// Sends requests.
    pub client: &'a Client,
    /// Obtains access tokens.
    pub tokens: &'a TokenClient,
    /// Time and randomness.
    pub sources: &'a Sources,
    /// What the operator allows.
    pub rules: &'a Rules,
}

/// The exchanges of one attempt.
pub(super) struct SendResult {
    /// The exchange with the target. If there was no token, the request that was not sent.
    pub(super) exchange: ExchangeResult,
    /// The exchanges with the token endpoint.
    pub(super) token_exchanges: Vec<Exchange>,
    /// The access token that was sent, to be redacted.
    pub(super) token: Option<String>,
}

/// Sends a request with the webhook's authentication.
pub(super) async fn send(
    context: AttemptContext<'_>,
    webhook: &ResolvedWebhook,
    mut outgoing: OutgoingRequest<'_>,
    token: TokenRequest<'_>,
) -> SendResult {
    if let Some(credentials) = webhook.client_credentials() {
        // Boxed, so that it does not enlarge the future of attempts without OAuth.
        return Box::pin(send_with_token(context, credentials, outgoing, token)).await;
    }
    if let Some(Authorization { value, record }) = webhook.authorization() {
        add_authorization(&mut outgoing, value.expose().to_owned(), record.clone());
    }
    let exchange = context.client.exchange(outgoing).await;
    SendResult { exchange, token_exchanges: Vec::new(), token: None }
}

/// Sends a request with an access token. If a cached token is rejected with 401, it may have been revoked, so the
/// request is sent once more with a new token.
async fn send_with_token(
    context: AttemptContext<'_>,
    credentials: &ClientCredentials,
    outgoing: OutgoingRequest<'_>,
    request: TokenRequest<'_>,
) -> SendResult {
    let tls = if credentials.settings.token_endpoint.origin() == outgoing.url.origin() {
        outgoing.tls.clone()
    } else {
        outgoing.tls.for_other_server()
    };
    let obtain = |request| context.tokens.token(credentials, &tls, outgoing.timeout, request);
    let TokenResult { token, exchanges: mut token_exchanges } = obtain(request).await;
    let mut token = match token {
        Ok(token) => token,
        Err(cause) => {
            let exchange = ExchangeResult { exchange: unsent(outgoing), failure: Some(cause) };
            return SendResult { exchange, token_exchanges, token: None };
        }
    };
    let was_cached = token_exchanges.is_empty();
    let mut exchange = context.client.exchange(with_bearer(&outgoing, &token)).await;
    if was_cached && exchange.exchange.response.as_ref().is_some_and(|r| r.status == 401) {
        let renewed = obtain(TokenRequest::Replace(&token)).await;
        token_exchanges.extend(renewed.exchanges);
        // Without a new token, the 401 is the result.
        if let Ok(new) = renewed.token {
            exchange = context.client.exchange(with_bearer(&outgoing, &new)).await;
            token = new;
        }
    }
    SendResult { exchange, token_exchanges, token: Some(token) }
}

fn with_bearer<'a>(outgoing: &OutgoingRequest<'a>, token: &str) -> OutgoingRequest<'a> {
    let mut outgoing = outgoing.clone();
    let record = format!("Bearer {TOKEN_LABEL}");
    add_authorization(&mut outgoing, format!("Bearer {token}"), record);
    outgoing
}

fn add_authorization(outgoing: &mut OutgoingRequest<'_>, value: String, record: String) {
    outgoing.recorded.headers.push((outgoing.headers.len(), record));
    outgoing.headers.push(("Authorization".to_owned(), value));
}

fn unsent(outgoing: OutgoingRequest<'_>) -> Exchange {
    Exchange { request: recorded_request(outgoing), ..Exchange::default() }
}

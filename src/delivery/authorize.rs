//! An exchange together with what the webhook's authentication asks for.

use crate::egress::{Client, Exchanged, Obtained, Outgoing, TokenWanted};
use crate::model::exchange::{Exchange, Request};
use crate::model::webhook::{Authentication, ClientCredentials, Webhook, basic_credential};

/// What came of it.
pub(super) struct Sent {
    /// The exchange with the webhook's server; where there was no token, what would have been sent.
    pub(super) exchanged: Exchanged,
    /// The exchanges with the token endpoint.
    pub(super) token_exchanges: Vec<Exchange>,
    /// The access token that was sent: a secret to be taken out.
    pub(super) token: Option<String>,
}

/// Sends as the webhook's authentication says.
pub(super) async fn send(
    client: &Client,
    webhook: &Webhook,
    mut outgoing: Outgoing<'_>,
    wanted: TokenWanted<'_>,
) -> Sent {
    let header = match webhook.authentication() {
        Authentication::None => None,
        Authentication::Bearer(token) => Some(format!("Bearer {token}")),
        Authentication::Basic { username, password } => Some(basic_credential(username, password)),
        Authentication::OAuth(credentials) => {
            // On the heap: those who have none of it need not make room for it.
            return Box::pin(with_token(client, credentials, outgoing, wanted)).await;
        }
    };
    if let Some(value) = header {
        outgoing.headers.push(("Authorization".to_owned(), value));
    }
    let exchanged = client.exchange(outgoing).await;
    Sent { exchanged, token_exchanges: Vec::new(), token: None }
}

/// Sends with an access token; once more with a new one where the kept one is refused, for it may
/// have been taken back before its time.
async fn with_token(
    client: &Client,
    credentials: &ClientCredentials,
    outgoing: Outgoing<'_>,
    wanted: TokenWanted<'_>,
) -> Sent {
    let tls = if credentials.token_endpoint.origin() == outgoing.url.origin() {
        outgoing.tls.clone()
    } else {
        outgoing.tls.for_other_server()
    };
    let ask = |wanted| client.token(credentials, &tls, outgoing.timeout, wanted);
    let Obtained { token, exchanges: mut token_exchanges } = ask(wanted).await;
    let mut token = match token {
        Ok(token) => token,
        Err(cause) => {
            let exchanged = Exchanged { exchange: unsent(&outgoing), failure: Some(cause) };
            return Sent { exchanged, token_exchanges, token: None };
        }
    };
    let was_kept = token_exchanges.is_empty();
    let mut exchanged = client.exchange(bearing(&outgoing, &token)).await;
    if was_kept && exchanged.exchange.response.as_ref().is_some_and(|r| r.status == 401) {
        let renewed = ask(TokenWanted::Other(&token)).await;
        token_exchanges.extend(renewed.exchanges);
        // Where no other token comes, the refusal of this one stands.
        if let Ok(other) = renewed.token {
            exchanged = client.exchange(bearing(&outgoing, &other)).await;
            token = other;
        }
    }
    Sent { exchanged, token_exchanges, token: Some(token) }
}

fn bearing<'a>(outgoing: &Outgoing<'a>, token: &str) -> Outgoing<'a> {
    let mut outgoing = outgoing.clone();
    outgoing.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
    outgoing
}

fn unsent(outgoing: &Outgoing<'_>) -> Exchange {
    let request = Request {
        method: outgoing.method.to_owned(),
        url: outgoing.url.to_string(),
        headers: outgoing.headers.clone(),
        body: outgoing.body.clone(),
    };
    Exchange { request, ..Exchange::default() }
}

//! The HTTP clients, one for each way to trust: connections are kept and used again only among
//! webhooks that trust alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tower::util::MapFutureLayer;

use super::address::AddressRules;
use super::oauth::Tokens;
use super::resolver::Resolver;
use super::trust::{self, TlsError};
use super::{USER_AGENT, trace};
use crate::model::webhook::Tls;

/// Kept connections for one host: as many as there are exchanges at once. With fewer, many webhooks of one host
/// would have most of their connections made anew.
const IDLE_CONNECTIONS: usize = 256;
const IDLE_TIME: Duration = Duration::from_mins(1);
/// So many ways to trust are kept at once: forms that are tried out must not fill the memory.
const MAX_CLIENTS: usize = 512;

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) resolver: Resolver,
    pub(super) tokens: Tokens,
    clients: Arc<Mutex<HashMap<Tls, reqwest::Client>>>,
}

impl Client {
    /// Within these rules.
    pub fn new(rules: AddressRules) -> Self {
        Self { resolver: Resolver(rules), tokens: Tokens::default(), clients: Arc::default() }
    }

    /// Whether connections can be secured so.
    ///
    /// # Errors
    /// What is wrong with a certificate or a key.
    pub fn check_tls(&self, tls: &Tls) -> Result<(), TlsError> {
        trust::tls_config(tls).map(drop)
    }

    /// The client for a policy, made at first use.
    pub(super) fn of(&self, tls: &Tls) -> Result<reqwest::Client, TlsError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(tls) {
            return Ok(client.clone());
        }
        let client = build(self.resolver.clone(), tls)?;
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        clients.insert(tls.clone(), client.clone());
        Ok(client)
    }
}

fn build(resolver: Resolver, tls: &Tls) -> Result<reqwest::Client, TlsError> {
    #[expect(clippy::disallowed_methods, reason = "the one place where clients are made")]
    let builder = reqwest::Client::builder();
    builder
        .tls_backend_preconfigured(trust::tls_config(tls)?)
        .dns_resolver(Arc::new(resolver))
        .connector_layer(MapFutureLayer::new(|connecting| Box::pin(traced(connecting))))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME)
        .tcp_nodelay(true)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| TlsError::Other(error.to_string()))
}

/// Notes when a connection begins and when it stands.
async fn traced<C, E>(connecting: impl Future<Output = Result<C, E>>) -> Result<C, E> {
    trace::connect_begins();
    let connected = connecting.await;
    if connected.is_ok() {
        trace::connect_ends();
    }
    connected
}

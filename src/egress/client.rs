//! The HTTP clients, one for each way to trust: connections are kept and used again only among
//! webhooks that trust alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tower::util::MapFutureLayer;

use super::address::AddressRules;
use super::resolver::Resolver;
use super::trust::{self, TrustError};
use super::{USER_AGENT, trace};
use crate::model::webhook::Tls;

/// Kept connections for one host.
const IDLE_CONNECTIONS: usize = 64;
const IDLE_TIME: Duration = Duration::from_mins(1);

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) resolver: Resolver,
    clients: Arc<Mutex<HashMap<Tls, reqwest::Client>>>,
}

/// A client cannot be made: the own certificate authority cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientError(String);

impl Client {
    /// Within these rules.
    pub fn new(rules: AddressRules) -> Self {
        Self { resolver: Resolver(rules), clients: Arc::default() }
    }

    /// The client for a policy, made at first use.
    pub(super) fn of(&self, tls: &Tls) -> Result<reqwest::Client, ClientError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(tls) {
            return Ok(client.clone());
        }
        let client = build(self.resolver.clone(), tls)?;
        clients.insert(tls.clone(), client.clone());
        Ok(client)
    }
}

impl From<TrustError> for ClientError {
    fn from(error: TrustError) -> Self {
        Self(error.to_string())
    }
}

fn build(resolver: Resolver, tls: &Tls) -> Result<reqwest::Client, ClientError> {
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
        .map_err(|error| ClientError(error.to_string()))
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

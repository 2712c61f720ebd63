//! The HTTP client: connections are kept and used again only among webhooks that trust alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{Request, Response};
use hyper::body::Incoming;
use rustls::ClientConfig;
use url::{Position, Url};

use super::address::AddressRules;
use super::connect::{Connector, Error};
use super::link::{Idle, Link};
use super::oauth::Tokens;
use super::resolver::Resolver;
use super::trace;
use super::trust::{self, TlsError};
use crate::model::webhook::Tls;

/// So many ways to trust are kept at once: forms that are tried out must not fill the memory.
const MAX_POOLS: usize = 512;

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) connector: Connector,
    pub(super) tokens: Tokens,
    pools: Arc<Mutex<HashMap<Tls, Arc<Pool>>>>,
}

/// The connections of those that trust alike.
#[derive(Debug)]
pub(super) struct Pool {
    tls: Arc<ClientConfig>,
    idle: Idle,
}

impl Client {
    /// Within these rules.
    pub fn new(rules: AddressRules) -> Self {
        let connector = Connector::new(Resolver(rules));
        Self { connector, tokens: Tokens::default(), pools: Arc::default() }
    }

    /// Whether connections can be secured so.
    ///
    /// # Errors
    /// What is wrong with a certificate or a key.
    pub fn check_tls(&self, tls: &Tls) -> Result<(), TlsError> {
        trust::tls_config(tls).map(drop)
    }

    /// Closes connections that nobody used for a minute: to be called now and then.
    pub fn close_idle(&self) {
        self.close_idle_at(Instant::now());
    }

    fn close_idle_at(&self, now: Instant) {
        for pool in self.pools.lock().unwrap_or_else(PoisonError::into_inner).values() {
            pool.idle.close_old(now);
        }
    }

    /// The connections for a policy, made at first use.
    pub(super) fn pool(&self, tls: &Tls) -> Result<Arc<Pool>, TlsError> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(tls) {
            return Ok(Arc::clone(pool));
        }
        let config = Arc::new(trust::tls_config(tls)?);
        let pool = Arc::new(Pool { tls: config, idle: Idle::default() });
        if pools.len() >= MAX_POOLS {
            pools.clear();
        }
        pools.insert(tls.clone(), Arc::clone(&pool));
        Ok(pool)
    }
}

impl Pool {
    /// Sends a request over a connection that stands idle, or over a new one, and waits for the answer's head.
    pub(super) async fn send(
        &self,
        connector: &Connector,
        url: &Url,
        mut request: Request<String>,
        trace: &trace::Shared,
    ) -> Result<(Link, Response<Incoming>), Error> {
        while let Some(mut link) = self.idle.take(origin(url)).await {
            let unanswered = match link.send(request).await {
                Ok(response) => return Ok((link, response)),
                Err(unanswered) => unanswered,
            };
            // It had ended, and nothing was sent.
            request = *unanswered.request.ok_or(unanswered.error)?;
        }
        // Seldom needed, and large: on the heap, so that it is not a part of each exchange.
        let connecting = Box::pin(connector.connect(url, &self.tls));
        let connected = trace::run(Arc::clone(trace), connecting).await?;
        let mut link = Link::over(connected.stream, connected.remote_address).await?;
        let answered = link.send(request).await;
        let response = answered.map_err(|unanswered| unanswered.error)?;
        Ok((link, response))
    }

    /// Takes a connection back whose exchange is over.
    pub(super) async fn keep(&self, url: &Url, link: Link) {
        self.idle.keep(origin(url), link).await;
    }
}

fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

#[cfg(test)]
mod tests;

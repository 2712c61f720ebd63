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
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::egress::Outgoing;
    use crate::model::webhook::Trust;

    const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const IN_CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                             1\r\no\r\n1\r\nk\r\n0\r\nx-sum: 1\r\n\r\n";
    /// In the place of an answer: the connection is closed.
    const CLOSE: &str = "";
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Serves one connection after the other, each with its answers; the last until the client closes it.
    async fn serve(listener: &TcpListener, connections: &[&[&str]]) {
        for answers in connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in *answers {
                if *answer != CLOSE {
                    assert_ne!(request(&mut stream).await, "", "the client has closed it");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
            if answers.last() != Some(&CLOSE) {
                assert_eq!(request(&mut stream).await, "");
            }
        }
    }

    /// Up to its empty line; empty where the client has closed the connection.
    async fn request(stream: &mut TcpStream) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut bytes = [0; 512];
            match stream.read(&mut bytes).await.unwrap() {
                0 => break,
                count => head.push_str(std::str::from_utf8(&bytes[..count]).unwrap()),
            }
        }
        head
    }

    fn client() -> Client {
        Client::new(AddressRules::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new()))
    }

    /// Fails where the answer is not as it should be.
    async fn exchange(client: &Client, listener: &TcpListener) {
        let url = format!("http://{}/?a=1", listener.local_addr().unwrap()).parse().unwrap();
        let tls = Tls::from(Trust::Public);
        let outgoing = Outgoing {
            method: "GET",
            url: &url,
            headers: Vec::new(),
            body: None,
            timeout: PATIENCE,
            tls: &tls,
        };
        let exchanged = client.exchange(outgoing).await;
        assert_eq!(exchanged.failure, None);
        assert_eq!(exchanged.transcript.response.unwrap().body, "ok");
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    async fn both(serving: impl Future, sending: impl Future) {
        let both = async { tokio::join!(serving, sending) };
        tokio::time::timeout(PATIENCE, both).await.expect("one waits for the other in vain");
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let listener = listener().await;
        both(serve(&listener, &[&[FINE, IN_CHUNKS, FINE]]), async {
            let client = client();
            for _ in 0..3 {
                exchange(&client, &listener).await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn one_that_the_server_has_closed_is_replaced() {
        let (first, second) = (listener().await, listener().await);
        let serving = async {
            tokio::join!(serve(&first, &[&[FINE, CLOSE], &[FINE]]), serve(&second, &[&[FINE]]))
        };
        both(serving, async {
            let client = client();
            for server in [&first, &second, &first] {
                exchange(&client, server).await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn one_that_nobody_uses_is_closed() {
        let listener = listener().await;
        let client = client();
        both(serve(&listener, &[&[FINE]]), async {
            exchange(&client, &listener).await;
            client.close_idle_at(Instant::now() + Duration::from_mins(1));
        })
        .await;
        let pools = client.pools.lock().unwrap();
        assert!(pools.values().all(|pool| pool.idle.is_empty()));
    }
}

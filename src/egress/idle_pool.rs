//! Connections kept for reuse.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::http1_connection::Http1Connection;

/// Maximum idle connections per origin: the maximum number of requests in flight. With fewer, many webhooks of one host
/// would open most of their connections anew.
const MAX_IDLE_PER_ORIGIN: usize = 256;
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct IdleConnection {
    connection: Http1Connection,
    since: Instant,
}

impl IdleConnection {
    fn is_expired(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= IDLE_TIMEOUT
    }
}

/// Idle connections by origin. The most recently used connection is reused first.
#[derive(Debug, Default)]
pub(super) struct IdlePool(Mutex<HashMap<String, Vec<IdleConnection>>>);

impl IdlePool {
    /// Returns a connection to this origin that is ready for a request.
    pub(super) async fn take(&self, origin: &str) -> Option<Http1Connection> {
        loop {
            let mut idle = self.pop(origin)?;
            if idle.is_expired(Instant::now()) {
                idle.connection.close();
            } else if idle.connection.is_ready().await {
                return Some(idle.connection);
            }
        }
    }

    fn pop(&self, origin: &str) -> Option<IdleConnection> {
        self.0.lock().get_mut(origin)?.pop()
    }

    /// Keeps a connection after its exchange, if it can take another request.
    pub(super) async fn put(&self, origin: &str, mut connection: Http1Connection) {
        if !connection.is_ready().await {
            return;
        }
        let idle = IdleConnection { connection, since: Instant::now() };
        let mut pool = self.0.lock();
        match pool.get_mut(origin) {
            Some(kept) if kept.len() >= MAX_IDLE_PER_ORIGIN => idle.connection.close(),
            Some(kept) => kept.push(idle),
            None => {
                pool.insert(origin.to_owned(), vec![idle]);
            }
        }
    }

    /// Closes connections that have been idle for longer than [`IDLE_TIMEOUT`].
    pub(super) fn close_expired(&self, now: Instant) {
        self.0.lock().retain(|_origin, kept| {
            kept.extract_if(.., |idle| idle.is_expired(now))
                .for_each(|idle| idle.connection.close());
            !kept.is_empty()
        });
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

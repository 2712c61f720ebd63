//! The open connections. Decides which one is closed to free a slot for another.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::{Connection, EvictionPriority};
use super::limits::Limits;

/// The open connections of a server.
#[derive(Debug)]
pub(super) struct Registry {
    limits: Limits,
    open: Mutex<Open>,
    /// Notified when a connection ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    connections: HashMap<u64, Arc<Connection>>,
}

/// A slot in the registry, released when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    id: u64,
    registry: Arc<Registry>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.registry.open.lock().connections.remove(&self.id);
        self.registry.ended.notify_one();
    }
}

impl Registry {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Mutex::default(), ended: Notify::new() }
    }

    /// Adds a connection. Close to the limit, closes another one in exchange, if there is one that does nothing useful.
    pub(super) fn add(self: &Arc<Self>, connection: Arc<Connection>) -> Slot {
        let now = Instant::now();
        let mut open = self.open.lock();
        let count = open.connections.len();
        if count >= self.limits.connections {
            open.close_one(now, |_| true);
        } else if count >= self.soft_limit() {
            open.close_one(now, EvictionPriority::is_due);
        }
        let id = open.next_id;
        open.next_id += 1;
        open.connections.insert(id, connection);
        Slot { id, registry: Arc::clone(self) }
    }

    /// Waits until another connection can be accepted.
    pub(super) async fn wait_for_slot(&self) {
        loop {
            let ended = self.ended.notified();
            let can_accept = {
                let open = self.open.lock();
                let now = Instant::now();
                open.connections.len() < self.limits.connections
                    || open.connections.values().any(|one| one.eviction_priority(now).is_some())
            };
            if can_accept {
                return;
            }
            ended.await;
        }
    }

    /// Whether only health checks and events are served, because almost all connections are busy.
    pub(super) fn is_busy(&self) -> bool {
        self.count() > self.soft_limit()
    }

    /// Number of connections.
    pub(super) fn count(&self) -> usize {
        self.open.lock().connections.len()
    }

    fn soft_limit(&self) -> usize {
        self.limits.connections - self.limits.reserved
    }

    /// Closes the connection that is closed most readily, after the system has refused another one.
    pub(super) fn close_one(&self) {
        self.open.lock().close_one(Instant::now(), |_| true);
    }

    /// Closes connections whose timeout has elapsed.
    pub(super) fn close_expired(&self) {
        let now = Instant::now();
        self.close_where(|connection| connection.is_expired(&self.limits.timeouts, now));
    }

    /// Closes connections on which no request was started.
    pub(super) fn close_new(&self) {
        self.close_where(Connection::is_new);
    }

    /// Closes all connections.
    pub(super) fn close_all(&self) {
        self.close_where(|_| true);
    }

    fn close_where(&self, condition: impl Fn(&Connection) -> bool) {
        let open = self.open.lock();
        open.connections.values().filter(|one| condition(one)).for_each(|one| one.close());
    }
}

impl Open {
    fn close_one(&mut self, now: Instant, condition: impl Fn(EvictionPriority) -> bool) {
        let candidates = self.connections.iter().filter_map(|(id, connection)| {
            connection.eviction_priority(now).filter(|one| condition(*one)).map(|one| (one, *id))
        });
        if let Some((_, id)) = candidates.max()
            && let Some(connection) = self.connections.remove(&id)
        {
            connection.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::server::connection::Phase;
    use crate::app::server::limits::Timeouts;

    fn registry(connections: usize, reserved: usize) -> Arc<Registry> {
        let limits = Limits { connections, reserved, timeouts: Timeouts::DEFAULT };
        Arc::new(Registry::new(limits))
    }

    fn add(registry: &Arc<Registry>, phase: Phase, age: u64) -> (Arc<Connection>, Slot) {
        let started = Instant::now() - Duration::from_secs(age);
        let connection = Arc::new(Connection::new(started));
        connection.enter(phase);
        (Arc::clone(&connection), registry.add(connection))
    }

    fn is_closed(connection: &Connection) -> bool {
        let mut closed = std::pin::pin!(connection.closed());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        closed.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn close_to_the_limit_the_oldest_connection_without_a_request_is_closed() {
        let registry = registry(4, 1);
        let busy = add(&registry, Phase::Response, 0);
        let (old, new) = (add(&registry, Phase::New, 9), add(&registry, Phase::New, 5));
        assert!(!is_closed(&old.0));
        let next = add(&registry, Phase::New, 0);
        assert!(is_closed(&old.0) && !is_closed(&new.0) && !is_closed(&busy.0));
        // Its slot is released only once.
        drop(old);
        assert_eq!(registry.count(), 3);
        drop((new, next));
        assert_eq!(registry.count(), 1);
    }

    #[test]
    fn connections_that_had_no_time_for_a_request_use_the_reserve() {
        let registry = registry(4, 2);
        let fresh: Vec<_> = (0..4).map(|_| add(&registry, Phase::New, 0)).collect();
        assert!(fresh.iter().all(|(connection, _)| !is_closed(connection)));
        assert!(registry.is_busy());
        let _one_more = add(&registry, Phase::New, 0);
        assert_eq!(fresh.iter().filter(|(connection, _)| is_closed(connection)).count(), 1);
    }

    #[tokio::test]
    async fn a_request_in_progress_is_never_closed_for_another_connection() {
        let registry = registry(4, 1);
        let mut busy: Vec<_> = (0..4).map(|_| add(&registry, Phase::Response, 99)).collect();
        assert!(busy.iter().all(|(connection, _)| !is_closed(connection)));
        let waiting = registry.wait_for_slot();
        tokio::pin!(waiting);
        let polled = futures_util::FutureExt::now_or_never(waiting.as_mut());
        assert!(polled.is_none(), "nothing can be accepted");
        busy.pop();
        waiting.await;
    }
}

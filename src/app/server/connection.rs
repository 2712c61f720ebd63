//! What a connection is doing, and for how long.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::limits::Timeouts;

/// Time after which a connection that has not completed a request may be closed for others.
const MIN_AGE: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not sent anything yet.
    New,
    /// It has sent a part of a request's head.
    Head,
    /// A handler waits for the rest of the request's body.
    Body,
    /// The request is processed and answered.
    Response,
    /// Its last request was answered.
    Idle,
}

/// Which connection is closed first for others: the greatest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EvictionPriority {
    /// 3 for a connection that never completed a request, 2 for an idle one, 1 for one whose client is slow.
    rank: u8,
    age: Duration,
}

impl EvictionPriority {
    /// Whether the connection had a chance to complete its request.
    pub(super) fn is_due(self) -> bool {
        self.rank == 2 || self.age >= MIN_AGE
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
    closed: CancellationToken,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    since: Instant,
    /// When the client stopped reading a response.
    blocked_since: Option<Instant>,
}

impl Connection {
    pub(super) fn new(now: Instant) -> Self {
        let state = State { phase: Phase::New, since: now, blocked_since: None };
        Self { state: Mutex::new(state), closed: CancellationToken::new() }
    }

    /// Records that data was received.
    pub(super) fn received(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::New | Phase::Idle) {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    /// Records a new phase.
    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.state.lock();
        if state.phase != phase {
            (state.phase, state.since) = (phase, Instant::now());
        }
    }

    /// Records that a handler does not wait for the body any more.
    pub(super) fn leave_body(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Body {
            (state.phase, state.since) = (Phase::Response, Instant::now());
        }
    }

    /// Records whether the client accepts data.
    pub(super) fn wrote(&self, is_blocked: bool) {
        let mut state = self.state.lock();
        match (is_blocked, state.blocked_since) {
            (true, None) => state.blocked_since = Some(Instant::now()),
            (false, Some(_)) => state.blocked_since = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether the client has not even started a request.
    pub(super) fn is_new(&self) -> bool {
        self.state.lock().phase == Phase::New
    }

    /// Whether a timeout has elapsed. Bodies have their own.
    pub(super) fn is_expired(&self, timeouts: &Timeouts, now: Instant) -> bool {
        let State { phase, since, blocked_since } = *self.state.lock();
        let is_over = |since: Instant, timeout| now.saturating_duration_since(since) >= timeout;
        let is_late = match phase {
            Phase::New | Phase::Head => is_over(since, timeouts.head),
            Phase::Idle => is_over(since, timeouts.idle),
            Phase::Body | Phase::Response => false,
        };
        is_late || blocked_since.is_some_and(|since| is_over(since, timeouts.write))
    }

    /// Whether, and how readily, the connection is closed for others. A request that is being processed is not.
    pub(super) fn eviction_priority(&self, now: Instant) -> Option<EvictionPriority> {
        let State { phase, since, blocked_since } = *self.state.lock();
        let (rank, since) = match (phase, blocked_since) {
            (Phase::New | Phase::Head, _) => (3, since),
            (_, Some(blocked_since)) => (1, blocked_since),
            (Phase::Idle, None) => (2, since),
            (Phase::Body, None) => (1, since),
            (Phase::Response, None) => return None,
        };
        Some(EvictionPriority { rank, age: now.saturating_duration_since(since) })
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    /// Waits until the connection is closed.
    pub(super) fn closed(&self) -> WaitForCancellationFuture<'_> {
        self.closed.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts::DEFAULT;

    fn in_phase(phase: Phase) -> (Connection, Instant) {
        let now = Instant::now();
        let connection = Connection::new(now);
        connection.enter(phase);
        (connection, now)
    }

    #[test]
    fn a_dribbling_client_does_not_extend_the_time_for_its_head() {
        let (connection, start) = in_phase(Phase::New);
        connection.received();
        let since = connection.state.lock().since;
        connection.received();
        assert_eq!(connection.state.lock().since, since);
        assert!(!connection.is_expired(&TIMEOUTS, start + TIMEOUTS.head / 2));
        assert!(connection.is_expired(&TIMEOUTS, since + TIMEOUTS.head));
    }

    #[test]
    fn each_phase_has_its_timeout() {
        let day = Duration::from_hours(24);
        for (phase, timeout) in [
            (Phase::New, Some(TIMEOUTS.head)),
            (Phase::Head, Some(TIMEOUTS.head)),
            (Phase::Idle, Some(TIMEOUTS.idle)),
            (Phase::Body, None),
            (Phase::Response, None),
        ] {
            let (connection, start) = in_phase(phase);
            let late = Instant::now() + timeout.unwrap_or(day);
            assert_eq!(connection.is_expired(&TIMEOUTS, late), timeout.is_some(), "{phase:?}");
            assert!(!connection.is_expired(&TIMEOUTS, start + Duration::from_secs(9)), "{phase:?}");
        }
        let (connection, _) = in_phase(Phase::Response);
        connection.wrote(true);
        assert!(connection.is_expired(&TIMEOUTS, Instant::now() + TIMEOUTS.write));
        connection.wrote(false);
        assert!(!connection.is_expired(&TIMEOUTS, Instant::now() + TIMEOUTS.write));
    }

    #[test]
    fn connections_without_a_request_are_closed_before_idle_ones_and_those_before_slow_ones() {
        let later = Instant::now() + Duration::from_mins(1);
        let rank = |phase| in_phase(phase).0.eviction_priority(later);
        assert!(rank(Phase::New) > rank(Phase::Idle) && rank(Phase::Head) > rank(Phase::Idle));
        assert!(rank(Phase::Idle) > rank(Phase::Body));
        assert_eq!(rank(Phase::Response), None);
        let (unread, _) = in_phase(Phase::Response);
        unread.wrote(true);
        assert!(unread.eviction_priority(later).unwrap().is_due());
        // A client gets a moment to send its request.
        let (new, start) = in_phase(Phase::New);
        assert!(!new.eviction_priority(start).unwrap().is_due());
        assert!(new.eviction_priority(start + MIN_AGE).unwrap().is_due());
    }
}

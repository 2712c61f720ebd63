//! Records what happens while a connection is made: when the name was looked up, when the TLS handshake started, and
//! which certificate the server presented.
//!
//! Libraries call the resolver and the certificate verifier, so neither can be given an argument. Both run in the task
//! of the exchange, which is why the trace is a task local.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

/// The recorded times of one connection, and the server's certificate.
#[derive(Debug, Default, Clone)]
pub(super) struct ConnectTrace {
    pub(super) dns_started: Option<Instant>,
    pub(super) dns_ended: Option<Instant>,
    pub(super) connect_started: Option<Instant>,
    pub(super) tls_started: Option<Instant>,
    pub(super) connect_ended: Option<Instant>,
    /// The server's certificate, in DER.
    pub(super) certificate: Option<Vec<u8>>,
}

impl ConnectTrace {
    /// Returns whether the connection is established. A reused one has no times.
    pub(super) fn is_connected(&self) -> bool {
        self.connect_ended.is_some() || self.connect_started.is_none()
    }

    /// Returns whether the TLS handshake has started and not ended.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls_started.is_some() && self.connect_ended.is_none()
    }
}

/// A trace shared by the exchange, the resolver and the verifier.
pub(super) type SharedTrace = Arc<Mutex<ConnectTrace>>;

tokio::task_local! {
    static TRACE: SharedTrace;
}

/// Runs a future that connects, recording into `trace`.
pub(super) async fn record<F: Future>(trace: SharedTrace, connecting: F) -> F::Output {
    TRACE.scope(trace, connecting).await
}

/// Returns what was recorded so far.
pub(super) fn snapshot(trace: &SharedTrace) -> ConnectTrace {
    trace.lock().clone()
}

/// Changes the current trace. Does nothing outside of [`record`].
fn update(change: impl FnOnce(&mut ConnectTrace)) {
    if TRACE.try_with(|trace| change(&mut trace.lock())).is_err() {
        tracing::trace!("connected outside of an exchange");
    }
}

pub(super) fn dns_started() {
    update(|trace| trace.dns_started = Some(Instant::now()));
}

pub(super) fn dns_ended() {
    update(|trace| trace.dns_ended = Some(Instant::now()));
}

pub(super) fn connect_started() {
    update(|trace| trace.connect_started = Some(Instant::now()));
}

pub(super) fn tls_started() {
    update(|trace| trace.tls_started = Some(Instant::now()));
}

pub(super) fn connect_ended() {
    update(|trace| trace.connect_ended = Some(Instant::now()));
}

pub(super) fn certificate_received(der: &[u8]) {
    update(|trace| trace.certificate = Some(der.to_vec()));
}

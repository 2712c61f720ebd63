//! What happens while an exchange makes its connection, noted by whoever does it: when the name was looked up,
//! when the handshake began, which certificate came.
//!
//! The resolver and the certificate verifier are called by libraries and cannot be handed anything, but all run in
//! the task of the exchange.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The moments of one exchange.
#[derive(Debug, Default, Clone)]
pub(super) struct Trace {
    pub(super) dns_begun: Option<Instant>,
    pub(super) dns_ended: Option<Instant>,
    pub(super) connect_begun: Option<Instant>,
    pub(super) tls_begun: Option<Instant>,
    pub(super) connect_ended: Option<Instant>,
    /// DER.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Trace {
    /// Whether the TLS handshake has begun and not ended.
    pub(super) fn is_shaking_hands(&self) -> bool {
        self.tls_begun.is_some() && self.connect_ended.is_none()
    }
}

/// A trace that several hands write to.
pub(super) type Shared = Arc<Mutex<Trace>>;

tokio::task_local! {
    static TRACE: Shared;
}

/// Connects under a trace.
pub(super) async fn run<F: Future>(trace: Shared, connecting: F) -> F::Output {
    TRACE.scope(trace, connecting).await
}

/// What was noted.
pub(super) fn read(trace: &Shared) -> Trace {
    trace.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Outside an exchange there is nothing to note.
fn note(write: impl FnOnce(&mut Trace)) {
    if TRACE
        .try_with(|trace| write(&mut trace.lock().unwrap_or_else(PoisonError::into_inner)))
        .is_err()
    {
        tracing::trace!("connected outside an exchange");
    }
}

pub(super) fn dns_begins() {
    note(|trace| trace.dns_begun = Some(Instant::now()));
}

pub(super) fn dns_ends() {
    note(|trace| trace.dns_ended = Some(Instant::now()));
}

pub(super) fn connect_begins() {
    note(|trace| trace.connect_begun = Some(Instant::now()));
}

pub(super) fn tls_begins() {
    note(|trace| trace.tls_begun = Some(Instant::now()));
}

pub(super) fn connect_ends() {
    note(|trace| trace.connect_ended = Some(Instant::now()));
}

pub(super) fn certificate(der: &[u8]) {
    note(|trace| trace.certificate = Some(der.to_vec()));
}

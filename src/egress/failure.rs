//! Maps errors of the HTTP client to causes that can be explained. It examines types, never messages.

use std::error::Error;
use std::io;

use super::resolver::ResolveError;
use super::timings::ConnectTrace;
use super::tls_failure;
use crate::model::exchange::Certificate;
use crate::model::outcome::{Cause, Phase, TlsFailure};
use crate::model::webhook::Tls;

/// The circumstances of an error.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) trace: &'a ConnectTrace,
    pub(super) tls: &'a Tls,
    /// The server's certificate, if it presented one.
    pub(super) certificate: Option<&'a Certificate>,
    /// Whether the head of a response arrived.
    pub(super) has_response: bool,
}

/// Returns the cause of an error.
pub(super) fn classify(error: &(dyn Error + 'static), circumstances: &Circumstances<'_>) -> Cause {
    let cause = of_chain(error, circumstances);
    let trace = circumstances.trace;
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are more specific")]
    match cause {
        Cause::Protocol { detail }
        | Cause::Unreachable { detail }
        | Cause::ConnectionLost { detail }
            if trace.is_handshaking() =>
        {
            // The port does not speak TLS, or no version that we accept.
            Cause::Certificate(TlsFailure::Other(detail))
        }
        Cause::Protocol { detail }
        | Cause::Unreachable { detail }
        | Cause::ConnectionLost { detail }
            if circumstances.has_response =>
        {
            Cause::IncompleteBody { detail }
        }
        Cause::Unreachable { detail } if trace.is_connected() => Cause::ConnectionLost { detail },
        other => other,
    }
}

fn of_chain(error: &(dyn Error + 'static), circumstances: &Circumstances<'_>) -> Cause {
    let mut next = Some(error);
    let mut last = error.to_string();
    while let Some(error) = next {
        if let Some(resolve) = error.downcast_ref::<ResolveError>() {
            return of_resolve(resolve);
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Cause::Certificate(tls_failure::of(
                tls,
                circumstances.tls,
                circumstances.certificate,
            ));
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            let detail = "the server closed the connection".to_owned();
            return Cause::ConnectionLost { detail };
        }
        last = error.to_string();
        next = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if let Some(cause) = of_io(io) {
                return cause;
            }
            // `source` skips the wrapped error and returns that error's own source.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            }
        }
    }
    Cause::Protocol { detail: last }
}

/// Returns the phase of an exchange in which the timeout expired.
pub(super) fn phase(trace: &ConnectTrace, has_response: bool) -> Phase {
    match trace {
        _ if has_response => Phase::Read,
        ConnectTrace { connect_ended: Some(_), .. }
        | ConnectTrace { connect_started: None, .. } => Phase::Wait,
        _ if trace.is_handshaking() => Phase::Tls,
        ConnectTrace { dns_started: Some(_), dns_ended: None, .. } => Phase::Dns,
        _ => Phase::Connect,
    }
}

fn of_resolve(error: &ResolveError) -> Cause {
    match error {
        ResolveError::NoSuchHost => Cause::NoSuchHost,
        ResolveError::Blocked(address) => Cause::Blocked { address: address.to_string() },
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn of_io(error: &io::Error) -> Option<Cause> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::TimedOut
        | io::ErrorKind::AddrNotAvailable => Some(Cause::Unreachable { detail: error.to_string() }),
        _ => None,
    }
}

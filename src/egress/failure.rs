//! Maps errors of the HTTP client to causes that can be explained. It examines types, never messages.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::resolver::ResolveError;
use super::timings::ConnectTrace;
use crate::model::outcome::{Cause, Phase, TlsFailure};
use crate::model::webhook::Trust;

/// Returns the cause of an error. `trace` is what happened before it.
pub(super) fn classify(
    error: &(dyn Error + 'static),
    trace: &ConnectTrace,
    trust: &Trust,
    self_signed: bool,
) -> Cause {
    let cause = of_chain(error, trust, self_signed);
    if trace.is_handshaking() { in_handshake(cause) } else { cause }
}

fn of_chain(error: &(dyn Error + 'static), trust: &Trust, self_signed: bool) -> Cause {
    let mut next = Some(error);
    let mut last = error.to_string();
    while let Some(error) = next {
        if let Some(resolve) = error.downcast_ref::<ResolveError>() {
            return of_resolve(resolve);
        }
        if let Some(cause) = of_tls(error, trust, self_signed) {
            return cause;
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

/// A connection that breaks during the handshake means that the port does not speak TLS, or no version we accept.
fn in_handshake(cause: Cause) -> Cause {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are more specific")]
    match cause {
        Cause::Protocol { detail } | Cause::Unreachable { detail } => {
            Cause::Certificate(TlsFailure::Other(detail))
        }
        other => other,
    }
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

fn of_tls(error: &(dyn Error + 'static), trust: &Trust, self_signed: bool) -> Option<Cause> {
    let error = error.downcast_ref::<rustls::Error>()?;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
    let fault = match error {
        rustls::Error::InvalidCertificate(fault) => of_certificate(fault, trust, self_signed),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        other => TlsFailure::Other(other.to_string()),
    };
    Some(Cause::Certificate(fault))
}

/// Maps an alert by which the server rejected the handshake (RFC 8446, section 6.2).
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn of_alert(alert: AlertDescription) -> TlsFailure {
    match alert {
        AlertDescription::CertificateRequired => TlsFailure::ClientCertificateRequired,
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            TlsFailure::ClientCertificateRejected(format!("{alert:?}"))
        }
        AlertDescription::ProtocolVersion => TlsFailure::Version,
        other => TlsFailure::Other(format!("the server aborted the handshake with {other:?}")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn of_certificate(fault: &CertificateError, trust: &Trust, self_signed: bool) -> TlsFailure {
    match fault {
        CertificateError::ApplicationVerificationFailure if matches!(trust, Trust::Pinned(_)) => {
            TlsFailure::NotPinned
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongName
        }
        _ if self_signed => TlsFailure::SelfSigned,
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        other => TlsFailure::Other(other.to_string()),
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

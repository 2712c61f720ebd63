//! From the HTTP client's errors to a cause that can be explained: by type, never by text.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::resolver::ResolveError;
use super::trace::Trace;
use crate::model::outcome::{Cause, Phase, TlsFailure};
use crate::model::webhook::Trust;

/// What an error means that came after these moments.
pub(super) fn classify(
    error: &(dyn Error + 'static),
    trace: &Trace,
    trust: &Trust,
    self_signed: bool,
) -> Cause {
    let cause = of_chain(error, trust, self_signed);
    if trace.is_shaking_hands() { in_handshake(cause) } else { cause }
}

fn of_chain(error: &(dyn Error + 'static), trust: &Trust, self_signed: bool) -> Cause {
    let mut link = Some(error);
    let mut last = error.to_string();
    while let Some(error) = link {
        if let Some(resolve) = error.downcast_ref::<ResolveError>() {
            return of_resolve(resolve);
        }
        if let Some(cause) = of_tls(error, trust, self_signed) {
            return cause;
        }
        last = error.to_string();
        link = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            if let Some(cause) = of_io(io) {
                return cause;
            }
            // Its source is that of the error within: the one within must not be passed over.
            if let Some(inner) = io.get_ref() {
                link = Some(inner);
            }
        }
    }
    Cause::Protocol { detail: last }
}

/// A connection that breaks off within the handshake: the port does not speak TLS, or not ours.
fn in_handshake(cause: Cause) -> Cause {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others say more already")]
    match cause {
        Cause::Protocol { detail } | Cause::Unreachable { detail } => {
            Cause::Certificate(TlsFailure::Other(detail))
        }
        other => other,
    }
}

/// What was going on when time ran out.
pub(super) fn phase(trace: &Trace, answered: bool) -> Phase {
    match trace {
        _ if answered => Phase::Read,
        Trace { connect_ended: Some(_), .. } | Trace { connect_begun: None, .. } => Phase::Wait,
        _ if trace.is_shaking_hands() => Phase::Tls,
        Trace { dns_begun: Some(_), dns_ended: None, .. } => Phase::Dns,
        _ => Phase::Connect,
    }
}

pub(super) fn of_resolve(error: &ResolveError) -> Cause {
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

/// What the server says against the client's part of the handshake (RFC 8446, section 6.2).
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
        other => TlsFailure::Other(format!("the server broke off with {other:?}")),
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

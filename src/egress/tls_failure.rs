//! Maps errors of the TLS library to failures that can be explained.

use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use super::tls::OwnCertificateError;
use crate::model::exchange::Certificate;
use crate::model::outcome::TlsFailure;
use crate::model::security_policy::WeakKey;
use crate::model::webhook::{Tls, Trust};

/// Returns the failure that an error means. `certificate` is the server's, if it presented one.
pub(super) fn of(
    error: &rustls::Error,
    tls: &Tls,
    certificate: Option<&Certificate>,
) -> TlsFailure {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error, &tls.trust, certificate),
        rustls::Error::AlertReceived(alert) => {
            of_alert(*alert, tls.client.is_some(), certificate.is_some())
        }
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            TlsFailure::Version
        }
        other => TlsFailure::Other(other.to_string()),
    }
}

/// Maps an alert by which the server rejected the handshake (RFC 8446, section 6.2).
///
/// Under TLS 1.2, servers report a missing client certificate as `handshake_failure` (RFC 5246, section 7.4.6), as they
/// report that there is no common cipher suite. The latter is found before the server sends its certificate.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn of_alert(alert: AlertDescription, sent_certificate: bool, got_certificate: bool) -> TlsFailure {
    let is_about_client = match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => true,
        AlertDescription::HandshakeFailure => got_certificate,
        _ => false,
    };
    match alert {
        _ if is_about_client && !sent_certificate => TlsFailure::ClientCertificateRequired,
        _ if is_about_client => TlsFailure::ClientCertificateRejected(format!("{alert:?}")),
        AlertDescription::ProtocolVersion => TlsFailure::Version,
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            TlsFailure::NoCommonCipher
        }
        other => TlsFailure::Other(format!("the server aborted the handshake with {other:?}")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn of_certificate(
    error: &CertificateError,
    trust: &Trust,
    certificate: Option<&Certificate>,
) -> TlsFailure {
    if let CertificateError::Other(other) = error
        && let Some(WeakKey { bits, min_bits }) = other.0.downcast_ref()
    {
        return TlsFailure::WeakKey { bits: *bits, min_bits: *min_bits };
    }
    match error {
        CertificateError::ApplicationVerificationFailure if matches!(trust, Trust::Pinned(_)) => {
            TlsFailure::NotPinned
        }
        CertificateError::ExpiredContext { not_after, .. }
            if certificate
                .is_some_and(|leaf| leaf.not_after.timestamp() != seconds(*not_after)) =>
        {
            TlsFailure::IssuerExpired
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongName
        }
        CertificateError::Other(other) if other.0.is::<OwnCertificateError>() => {
            TlsFailure::OwnCertificate
        }
        _ if certificate.is_some_and(|leaf| leaf.self_signed) => TlsFailure::SelfSigned,
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        CertificateError::Other(other)
            if matches!(other.0.downcast_ref(), Some(webpki::Error::UnsupportedCertVersion)) =>
        {
            TlsFailure::OldFormat
        }
        other => TlsFailure::Other(other.to_string()),
    }
}

fn seconds(time: rustls::pki_types::UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

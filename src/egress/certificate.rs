//! Certificates: described for people, and fetched without sending anything.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use sha2::{Digest, Sha256};
use url::Url;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::client::Client;
use super::{failure, trace, trust};
use crate::model::Timestamp;
use crate::model::exchange::Certificate;
use crate::model::outcome::Cause;
use crate::model::webhook::{Fingerprint, Tls, Trust};

const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no certificate came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL cannot be used for it.
    #[error("Enter an https:// URL with a host first.")]
    Url,
    /// The server could not be asked.
    #[error("No certificate came: {}.", .0.summary())]
    Failed(Cause),
    /// What came is no certificate that can be read.
    #[error("The server's certificate cannot be read.")]
    Unreadable,
}

impl Client {
    /// The certificate that the server at this URL shows. Only the handshake is made; nothing is sent.
    ///
    /// # Errors
    /// Where there is no server, or none that speaks TLS, or the egress rules forbid it.
    pub async fn fetch_certificate(&self, url: &str) -> Result<Certificate, FetchError> {
        let url = Url::parse(url).map_err(|_error: url::ParseError| FetchError::Url)?;
        if url.scheme() != "https" {
            return Err(FetchError::Url);
        }
        let fetching = self.shake_hands(&url);
        let der = tokio::time::timeout(FETCH_TIMEOUT, fetching).await.map_err(
            |tokio::time::error::Elapsed { .. }| {
                let phase = crate::model::outcome::Phase::Connect;
                FetchError::Failed(Cause::Timeout { phase, seconds: FETCH_TIMEOUT.as_secs() })
            },
        )??;
        describe(&der).ok_or(FetchError::Unreadable)
    }

    async fn shake_hands(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let anybody = Tls::from(Trust::None);
        let config = trust::tls_config(&anybody).map_err(|_error| FetchError::Unreadable)?;
        let config = Arc::new(config);
        let trace = trace::Shared::default();
        let connecting = self.connector.connect(url, &config);
        let connected = trace::run(Arc::clone(&trace), connecting).await.map_err(|error| {
            let trace = trace::read(&trace);
            FetchError::Failed(failure::classify(&*error, &trace, &anybody.trust, false))
        })?;
        connected.certificate.map(|der| der.to_vec()).ok_or(FetchError::Unreadable)
    }
}

/// A certificate in words; `None` where it is not one.
pub(super) fn describe(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let moment = |time: x509_parser::time::ASN1Time| -> Timestamp {
        DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(DateTime::UNIX_EPOCH)
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(name_of)
        .collect();
    let digest: [u8; 32] = Sha256::digest(der).into();
    Some(Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names,
        not_before: moment(certificate.validity().not_before),
        not_after: moment(certificate.validity().not_after),
        sha256: Fingerprint(digest).to_string(),
        self_signed: certificate.subject() == certificate.issuer(),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds of name do not matter to HTTPS")]
fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => {
                <[u8; 4]>::try_from(*bytes).ok().map(|v4| std::net::Ipv4Addr::from(v4).to_string())
            }
            _ => {
                <[u8; 16]>::try_from(*bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    }
}

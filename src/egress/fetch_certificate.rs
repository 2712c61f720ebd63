//! Fetches a server's certificate. Only the TLS handshake is made and no request is sent.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::client::Client;
use super::failure::{self, Circumstances};
use super::timings::{self, SharedTrace};
use super::tls;
use crate::model::exchange::Certificate;
use crate::model::outcome::{Cause, Phase};
use crate::model::webhook::{Tls, Trust, server_of};

const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a certificate could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not `https://` or has no host.
    #[error("Enter an https:// URL with a host first.")]
    Url,
    /// The connection or the handshake failed.
    #[error("The certificate could not be fetched: {}.", .0.summary())]
    Failed(Cause),
    /// The server's certificate could not be parsed.
    #[error("The server's certificate cannot be read.")]
    Unreadable,
}

impl Client {
    /// Returns the certificate of the server at this URL.
    ///
    /// # Errors
    /// If the server cannot be reached, does not speak TLS, or is blocked by the egress rules.
    pub async fn fetch_certificate(&self, url: &str) -> Result<Certificate, FetchError> {
        let url = server_of(url).map_err(|_message| FetchError::Url)?;
        if url.scheme() != "https" {
            return Err(FetchError::Url);
        }
        let fetching = self.handshake(&url);
        let der = tokio::time::timeout(FETCH_TIMEOUT, fetching).await.map_err(
            |tokio::time::error::Elapsed { .. }| {
                let seconds = FETCH_TIMEOUT.as_secs();
                FetchError::Failed(Cause::Timeout { phase: Phase::Connect, seconds })
            },
        )??;
        tls::describe_certificate(&der).ok_or(FetchError::Unreadable)
    }

    /// Returns the server's certificate in DER.
    async fn handshake(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let policy = Tls::from(Trust::None);
        let config =
            tls::client_config(&policy, self.keys).map_err(|_error| FetchError::Unreadable)?;
        let config = Arc::new(config);
        let trace = SharedTrace::default();
        let connecting = self.connector.connect(url, &config);
        let connected = timings::record(Arc::clone(&trace), connecting).await.map_err(|error| {
            let trace = timings::snapshot(&trace);
            let (certificate, has_response) = (None, false);
            let circumstances =
                Circumstances { trace: &trace, tls: &policy, certificate, has_response };
            FetchError::Failed(failure::classify(&*error, &circumstances))
        })?;
        connected.certificate.map(|der| der.to_vec()).ok_or(FetchError::Unreadable)
    }
}

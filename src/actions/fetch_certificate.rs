//! Fetches a server's certificate for pinning.

use crate::actions::{Actions, FetchCertificateError};
use crate::model::exchange::Certificate;

impl Actions {
    /// Returns the certificate of the server at this URL. Only the TLS handshake is made.
    ///
    /// # Errors
    /// With a message for the form.
    pub async fn fetch_certificate(&self, url: &str) -> Result<Certificate, FetchCertificateError> {
        // The path may have placeholders. The handshake needs only the origin.
        let origin = url.trim().split('/').take(3).collect::<Vec<_>>().join("/");
        self.parts.client.fetch_certificate(&origin).await
    }
}

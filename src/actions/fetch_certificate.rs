//! Fetches a server's certificate, so that it can be pinned.

use crate::actions::{Actions, FetchCertificateError};
use crate::model::exchange::Certificate;

impl Actions {
    /// The certificate of the server at this URL. Nothing is sent but the handshake.
    ///
    /// # Errors
    /// A message for the field.
    pub async fn fetch_certificate(&self, url: &str) -> Result<Certificate, FetchCertificateError> {
        // Placeholders may stand in the path; the handshake needs only the host.
        let origin = url.trim().split('/').take(3).collect::<Vec<_>>().join("/");
        self.parts.client.fetch_certificate(&origin).await
    }
}

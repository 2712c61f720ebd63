//! Inspects certificates and keys before they are saved.

use crate::actions::Actions;
use crate::egress::{TlsError, describe_pem};
use crate::model::WebhookId;
use crate::model::exchange::Certificate;
use crate::model::webhook::{ClientCertificate, Draft, Field, FieldErrors, Tls, Trust, Webhook};
use crate::store;

/// The contents of a PEM text.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The certificates.
    pub certificates: Vec<Certificate>,
    /// Why it cannot be used.
    pub error: Option<String>,
    /// Whether a certificate and its key were checked together and match.
    pub is_complete: bool,
}

impl Inspected {
    fn new(pem: &str) -> Self {
        if pem.trim().is_empty() {
            return Self::default();
        }
        match describe_pem(pem) {
            Ok(certificates) => Self { certificates, ..Self::default() },
            Err(error) => Self { error: Some(error), ..Self::default() },
        }
    }
}

impl Actions {
    /// Inspects the private certificate authority of a draft.
    pub fn inspect_authority(&self, draft: &Draft) -> Inspected {
        let mut found = Inspected::new(&draft.tls.pem);
        if found.error.is_none() && !found.certificates.is_empty() {
            let tls = Tls::from(Trust::Ca(draft.tls.pem.clone()));
            found.error = self.parts.client.check_tls(&tls).err().map(|error| error.to_string());
        }
        found
    }

    /// Inspects the client certificate and the key of a draft. A masked key is replaced by that of `base`.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn inspect_client(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<Inspected, store::Error> {
        let tls = self.unmasked(base, draft).await?.tls;
        let mut found = Inspected::new(&tls.client_certificate);
        if found.error.is_none() && !found.certificates.is_empty() && !tls.client_key.is_empty() {
            let client =
                ClientCertificate { certificate: tls.client_certificate, key: tls.client_key };
            let tls = Tls { client: Some(client), ..Tls::from(Trust::Public) };
            found.error = self.parts.client.check_tls(&tls).err().map(|error| error.to_string());
            found.is_complete = found.error.is_none();
        }
        Ok(found)
    }

    /// Checks a draft, including that its certificates and keys can be used.
    pub(super) async fn check(&self, draft: Draft) -> Result<Webhook, FieldErrors> {
        let actions = self.clone();
        self.run_blocking(move || actions.check_now(draft)).await
    }

    /// Checks a draft on a blocking thread.
    pub(super) fn check_now(&self, draft: Draft) -> Result<Webhook, FieldErrors> {
        let webhook = Webhook::new(draft, &self.parts.rules)?;
        match self.parts.client.check_tls(webhook.tls()) {
            Ok(()) => Ok(webhook),
            Err(error) => {
                let field = match &error {
                    TlsError::Authority(_) => Field::TlsPem,
                    TlsError::ClientCertificate(_) => Field::TlsClientCertificate,
                    TlsError::ClientKey(_) => Field::TlsClientKey,
                    TlsError::Other(_) => Field::TlsVerify,
                };
                Err(FieldErrors::single(field, error.to_string()))
            }
        }
    }
}

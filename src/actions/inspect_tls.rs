//! Inspects certificates and keys before they are saved.

use crate::actions::{Actions, Entered};
use crate::egress::describe_pem;
use crate::model::exchange::Certificate;
use crate::model::secret::{SecretName, move_credentials};
use crate::model::webhook::{ClientCertificate, Draft, Tls, Trust};
use crate::store::{self, secrets};

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

    /// Inspects the client certificate and the key of a draft.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn inspect_client(&self, entered: &Entered) -> Result<Inspected, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        let available =
            secrets::resolve(&mut connection, &self.parts.vault, entered.webhook).await?;
        drop(connection);
        // The key may have been pasted with the certificate.
        let tls_only = Draft { tls: entered.draft.tls.clone(), ..Draft::default() };
        let Ok(moved) = move_credentials(&tls_only, &available, &entered.choices) else {
            return Ok(Inspected::default());
        };
        let (usable, tls) = (moved.usable(&available), moved.draft.tls);
        let mut found = Inspected::new(&tls.client_certificate);
        let key = SecretName::in_reference(&tls.client_key);
        let key = key.and_then(|name| usable.find(name.as_str()).map(|key| key.value.clone()));
        if let Some(key) = key.filter(|_| found.error.is_none() && !found.certificates.is_empty()) {
            let client = ClientCertificate { certificate: tls.client_certificate, key };
            let tls = Tls { client: Some(client), ..Tls::from(Trust::Public) };
            found.error = self.parts.client.check_tls(&tls).err().map(|error| error.to_string());
            found.is_complete = found.error.is_none();
        }
        Ok(found)
    }
}

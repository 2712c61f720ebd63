//! Secrets in webhooks: finding, masking, restoring and redacting them.
//!
//! A value counts as a secret because of its name: a JSON key, header or query parameter such as
//! `secret_key`, `Authorization` or `token`. Some services have a secret in the path of the URL. Pages,
//! exports and stored exchanges show [`MASK`] instead; a mask that is submitted again stands for the stored
//! value.

mod credentials;
mod host;
mod mask;
mod name;
mod redact;
mod resolved;
mod response_redactor;
mod scan;
mod secret_name;

pub use credentials::{Credential, Credentials};
pub use host::{AllowedHost, InvalidHost};
pub use mask::{check_masks, mask, mask_body, secrets_of, unmask, unmask_for_same_server};
pub use name::{MASK, is_secret_name};
pub use redact::Redactor;
pub use resolved::{ResolvedSecret, Secret, SecretLimits, SecretSet, TokenLimits};
pub use response_redactor::ResponseRedactor;
pub use scan::secret_names_in_url;
pub use secret_name::{InvalidSecretName, SecretName};

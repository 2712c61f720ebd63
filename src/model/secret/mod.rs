//! Secrets: objects with a value that may be sent only to certain hosts. Webhooks contain references to them, and no values.
//!
//! Credentials that a user enters literally are found ([`Credentials`]) and moved into secrets ([`move_credentials`]).
//! Requests are recorded with the labels of secrets. Responses are searched for values ([`ResponseRedactor`]).

mod credentials;
mod failure;
mod host;
mod move_credentials;
mod named;
mod resolved;
mod response_redactor;
mod scan;
mod secret_name;
mod value;

pub use credentials::{Credential, Credentials, is_credential_name};
pub use failure::SecretFailure;
pub use host::{AllowedHost, InvalidHost};
pub use move_credentials::{
    FoundCredential, MovedCredentials, NewSecret, SecretChoice, SecretChoices, move_credentials,
};
pub use named::{REDACTED, redact_named};
pub use resolved::{ResolvedSecret, Secret, SecretLimits, SecretSet, TokenLimits};
pub use response_redactor::ResponseRedactor;
pub use secret_name::{InvalidSecretName, SecretName};
pub use value::SecretValue;

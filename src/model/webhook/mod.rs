//! Webhooks: where and how to send events.
//!
//! A [`Draft`] is the unvalidated input of the form, a file or the API. [`Webhook::new`] validates it and
//! returns either a [`Webhook`], ready to match events and render requests, or every error with its field.

mod auth;
mod conditions;
mod delivery_policy;
mod draft;
mod dry_run;
mod errors;
mod file;
mod hints;
mod http;
mod json_path;
mod length;
mod mask;
mod name;
mod normalize;
mod not_sent;
pub mod preset;
mod request;
mod resolved;
mod revision;
mod secret_use;
mod server;
mod signing;
mod tls;
mod url_text;
mod validated;
mod validation;
mod validator;

pub use auth::{
    Authentication, ClientAuthentication, ClientCredentials, OAuthSettings, basic_credential,
};
pub use conditions::{Conditions, SkipReason};
pub use delivery_policy::{DeliveryPolicy, format_schedule};
pub use draft::{AuthDraft, Draft, SigningDraft, TlsDraft, ValidatorDraft};
pub use dry_run::DryRun;
pub use errors::{Field, FieldError, FieldErrors};
pub use file::{FileError, WebhookFile, read_file, write_yaml};
pub use hints::{Hint, hints, is_logpoint};
pub use http::{Method, RESERVED_HEADERS, Rules};
pub use mask::check_masks;
pub use name::fold_name;
pub use not_sent::NotSent;
pub use request::{RenderError, Rendered};
pub use resolved::{Authorization, ResolvedWebhook};
pub use revision::{Difference, Line, RevisionKind, differences};
pub use secret_use::SecretUse;
pub use server::server_of;
pub use tls::{ClientCertificate, Fingerprint, Tls, TlsVersion, Trust};
pub use validated::Webhook;
pub use validator::{Validator, ValidatorMismatch};

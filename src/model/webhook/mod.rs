//! A webhook: where and how to send.
//!
//! A [`Draft`] is what somebody typed, whether in the form, a file or the API; validating it gives
//! a [`Webhook`], ready to match and render, or every mistake at once, each at its field.

mod auth;
mod delivery_policy;
mod draft;
mod dry_run;
mod errors;
mod file;
mod hints;
mod http;
pub mod preset;
mod render;
mod revision;
mod tls;
mod validate;
mod validator;

pub use auth::{Authentication, ClientCredentials, basic_credential};
pub use delivery_policy::{DeliveryPolicy, format_schedule};
pub use draft::{AuthDraft, Draft, TlsDraft};
pub use dry_run::{DryRun, SkipReason};
pub use errors::{Field, FieldError, FieldErrors};
pub use file::{FileError, WebhookFile, read_file, write_yaml};
pub use hints::{Hint, hints, is_logpoint};
pub use http::{Method, RESERVED_HEADERS};
pub use render::{RenderError, Rendered};
pub use revision::{Difference, Line, RevisionKind, differences};
pub use tls::{ClientCertificate, Fingerprint, Tls, TlsVersion, Trust};
pub use validate::{Rules, Webhook};
pub use validator::{Validator, ValidatorMismatch};

//! TLS: policies, certificates in PEM, and certificates described for display.

mod pem;
mod trust;
mod verifier;
mod x509;

pub use pem::describe_pem;
pub use trust::TlsError;

pub(super) use trust::{check, client_config};
pub(super) use verifier::OwnCertificateError;
pub use x509::{check_key as check_certificate_key, describe as describe_certificate};

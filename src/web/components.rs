//! Parts that several pages print. Their markup is in `templates/components`.

use super::display_time::{DisplayTime, LocalNow};
use crate::model::exchange::Certificate;

/// An option of a menu or a group of checkboxes.
#[derive(Debug, Clone)]
pub(super) struct SelectOption {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
}

impl SelectOption {
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>, selected: bool) -> Self {
        Self { value: value.into(), label: label.into(), selected }
    }
}

/// A certificate, ready to print.
#[derive(Debug)]
pub(super) struct CertificateFacts {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) self_signed: bool,
    pub(super) names: String,
    pub(super) expires: DisplayTime,
    pub(super) expired: bool,
    pub(super) sha256: String,
}

impl CertificateFacts {
    pub(super) fn new(certificate: &Certificate, now: LocalNow) -> Self {
        Self {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            self_signed: certificate.self_signed,
            names: certificate.names.join(", "),
            expires: DisplayTime::new(certificate.not_after, now),
            expired: certificate.not_after < now.time,
            sha256: certificate.sha256.clone(),
        }
    }
}

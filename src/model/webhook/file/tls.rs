//! TLS settings in the file format.

use serde::{Deserialize, Serialize};

use super::value::non_empty;
use crate::model::webhook::draft::TlsDraft;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    #[serde(default = "public")]
    verify: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pem: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
}

fn public() -> String {
    "public".to_owned()
}

impl Default for TlsFile {
    fn default() -> Self {
        Self::from_draft(&TlsDraft::default())
    }
}

impl TlsFile {
    pub(super) fn from_draft(draft: &TlsDraft) -> Self {
        Self {
            verify: draft.verify.clone(),
            sha256: non_empty(&draft.sha256),
            pem: non_empty(&draft.pem),
            min_version: non_empty(&draft.min_version),
            client_certificate: non_empty(&draft.client_certificate),
            client_key: non_empty(&draft.client_key),
        }
    }

    pub(super) fn into_draft(self) -> TlsDraft {
        TlsDraft {
            verify: self.verify,
            sha256: self.sha256.unwrap_or_default(),
            pem: self.pem.unwrap_or_default(),
            min_version: self.min_version.unwrap_or_default(),
            client_certificate: self.client_certificate.unwrap_or_default(),
            client_key: self.client_key.unwrap_or_default(),
        }
    }
}

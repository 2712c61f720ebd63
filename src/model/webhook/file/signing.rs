//! Signatures in the file format.

use serde::{Deserialize, Serialize};

use crate::model::webhook::draft::SigningDraft;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningFile {
    scheme: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviousKey {
    secret: String,
    until: String,
}

impl SigningFile {
    /// Converts a draft. `None` if requests are not signed.
    pub(super) fn from_draft(draft: &SigningDraft) -> Option<Self> {
        let SigningDraft { scheme, key, previous_key, previous_until } = draft.clone().only_used();
        let previous = (!previous_key.is_empty())
            .then_some(PreviousKey { secret: previous_key, until: previous_until });
        (!scheme.is_empty()).then_some(Self { scheme, secret: key, previous })
    }

    pub(super) fn into_draft(self) -> SigningDraft {
        let Self { scheme, secret, previous } = self;
        let previous = previous.map(|PreviousKey { secret, until }| (secret, until));
        let (previous_key, previous_until) = previous.unwrap_or_default();
        SigningDraft { scheme, key: secret, previous_key, previous_until }
    }
}

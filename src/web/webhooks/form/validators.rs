//! The rows of response validators.

use crate::model::webhook::ValidatorDraft;

/// A row.
#[derive(Debug)]
pub(super) struct ValidatorView {
    /// Id of the row's elements, which errors refer to.
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) path: String,
    /// The expected values, one per line.
    pub(super) expected: String,
}

impl ValidatorView {
    /// A row to be added, without an id.
    pub(super) fn blank() -> Self {
        Self {
            id: String::new(),
            subject: String::new(),
            path: String::new(),
            expected: String::new(),
        }
    }

    /// A row of the form, numbered from 0.
    pub(super) fn new(row: usize, draft: ValidatorDraft) -> Self {
        Self {
            id: format!("validator-{row}"),
            subject: draft.subject,
            path: draft.json_path,
            expected: draft.expected.join("\n"),
        }
    }
}

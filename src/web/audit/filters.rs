//! The filters of the audit log, in the address of its list and in the form of exports.

use serde::Deserialize;

use crate::model::audit::{AuditAction, AuditFilter};
use crate::web::components::SelectOption;
use crate::web::list_filters::{FilterError, TimeRange, parse_times, query_string};

/// The filters as the user entered them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AuditQuery {
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) object: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The number of the last entry of the page before.
    pub(super) after: String,
}

impl AuditQuery {
    /// Removes spaces around the texts, and characters that cannot be stored.
    pub(super) fn cleaned(mut self) -> Self {
        for text in [&mut self.actor, &mut self.action, &mut self.object] {
            *text = text.trim().replace('\0', "");
        }
        self
    }

    /// Parses the range of time.
    pub(super) fn times(&self) -> Result<TimeRange, Vec<FilterError>> {
        parse_times(&self.from, &self.to)
    }

    /// The filter with a parsed range of time.
    pub(super) fn filter(&self, (from, until): TimeRange) -> AuditFilter<'_> {
        AuditFilter { actor: &self.actor, action: &self.action, object: &self.object, from, until }
    }

    /// Whether any filter is set.
    pub(super) fn is_filtered(&self) -> bool {
        [&self.actor, &self.action, &self.object, &self.from, &self.to]
            .iter()
            .any(|text| !text.is_empty())
    }

    /// The menu of actions.
    pub(super) fn actions(&self) -> Vec<SelectOption> {
        let option = |action: &AuditAction| {
            SelectOption::new(action.as_str(), action.label(), action.as_str() == self.action)
        };
        AuditAction::ALL.iter().map(option).collect()
    }

    /// Address of the page after this entry; of the first page without one.
    pub(super) fn href(&self, after: Option<i64>) -> String {
        let after = after.map(|seq| seq.to_string()).unwrap_or_default();
        let query = query_string([
            ("actor", self.actor.as_str()),
            ("action", self.action.as_str()),
            ("object", self.object.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("after", after.as_str()),
        ]);
        format!("/audit?{query}")
    }
}

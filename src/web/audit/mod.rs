//! The audit log: its list with filters, an entry, and exports.

pub(super) mod export;
mod filters;
pub(super) mod list;
pub(super) mod show;

use crate::model::Principal;
use crate::model::audit::RecordedEntry;
use crate::web::display_time::{DisplayTime, LocalNow};

/// An entry, ready to print.
struct EntryView {
    seq: i64,
    at: DisplayTime,
    action: String,
    actor: String,
    address: String,
    /// Such as `Webhook`; empty if there is no object.
    object_kind: String,
    object_name: String,
}

impl EntryView {
    fn new(entry: &RecordedEntry, now: LocalNow) -> Self {
        Self {
            seq: entry.seq,
            at: DisplayTime::new(entry.at, now),
            action: entry.label().to_owned(),
            actor: match entry.principal() {
                Principal::Person(email) => email,
                program @ (Principal::Token(_)
                | Principal::CommandLine
                | Principal::Gatepost
                | Principal::Unknown) => sentence_case(&program.to_string()),
            },
            address: entry.address.clone(),
            object_kind: sentence_case(&entry.object.kind.replace('_', " ")),
            object_name: entry.object.name.clone(),
        }
    }
}

/// Converts the first letter to upper case.
fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

//! Why an event was not sent to a webhook, including reasons that do not depend on its conditions.

use std::fmt;

use super::conditions::SkipReason;

/// Why an event was not sent to a webhook when it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// The event is a sample, which is sent only to the webhook that it was made for.
    Sample,
    /// The webhook was added later.
    CreatedLater,
    /// The webhook had been deleted.
    Deleted,
    /// The webhook was inactive.
    Inactive,
    /// The event does not meet the webhook's conditions.
    Skipped(SkipReason),
    /// The webhook's settings are invalid, so that it receives no events.
    Invalid,
    /// The settings that were in force are no longer stored.
    UnknownSettings,
    /// The settings had just been saved and were not in use yet.
    JustChanged,
}

impl NotSent {
    /// The name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::CreatedLater => "created_later",
            Self::Deleted => "deleted",
            Self::Inactive => "inactive",
            Self::Skipped(reason) => reason.code(),
            Self::Invalid => "invalid",
            Self::UnknownSettings => "unknown_settings",
            Self::JustChanged => "just_changed",
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sample => "A sample is sent only to the webhook that it was made for",
            Self::CreatedLater => "Created after this event",
            Self::Deleted => "Deleted before this event",
            Self::Inactive => "Inactive",
            Self::Skipped(reason) => return reason.fmt(f),
            Self::Invalid => "The webhook's settings are invalid: edit and save it",
            Self::UnknownSettings => "The webhook's settings of that time are no longer stored",
            Self::JustChanged => {
                "The webhook matches, but had just been saved, and its new settings were not in use yet"
            }
        })
    }
}

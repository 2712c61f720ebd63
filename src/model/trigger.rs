//! The statuses of an access request that can set off a webhook.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happened to an access request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// It was made.
    Created,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// Access was given.
    Granted,
    /// Access has ended.
    Expired,
    /// Access could not be given.
    Failed,
    /// A person fires the webhook by hand.
    Manual,
}

impl Trigger {
    /// The six that arrive from Apono, in the order of a request's life.
    pub const EVENTS: [Self; 6] =
        [Self::Created, Self::Approved, Self::Rejected, Self::Granted, Self::Expired, Self::Failed];

    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Approved,
        Self::Rejected,
        Self::Granted,
        Self::Expired,
        Self::Failed,
        Self::Manual,
    ];

    /// The word on the page and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Granted => "Granted",
            Self::Expired => "Expired",
            Self::Failed => "Failed",
            Self::Manual => "Manual",
        }
    }

    /// From the word, exactly as [`Self::as_str`] writes it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.as_str() == word)
    }

    /// From an event's `event_type`, in either documented spelling: `AccessRequestCreated` or
    /// `RequestCreated`.
    pub fn from_event_type(event_type: &str) -> Option<Self> {
        let rest = event_type.strip_prefix("Access").unwrap_or(event_type);
        let word = rest.strip_prefix("Request")?;
        Self::EVENTS.into_iter().find(|trigger| trigger.as_str() == word)
    }

    /// The spelling of Apono's documented example.
    pub fn event_type(self) -> String {
        format!("AccessRequest{}", self.as_str())
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_each_are_known() {
        for trigger in Trigger::EVENTS {
            for prefix in ["AccessRequest", "Request"] {
                let event_type = format!("{prefix}{trigger}");
                assert_eq!(Trigger::from_event_type(&event_type), Some(trigger), "{event_type}");
            }
        }
    }

    #[test]
    fn nothing_else_is() {
        for other in [
            "",
            "Created",
            "AccessCreated",
            "accessrequestcreated",
            "RequestManual",
            "RequestDeleted",
        ] {
            assert_eq!(Trigger::from_event_type(other), None, "{other}");
        }
    }
}

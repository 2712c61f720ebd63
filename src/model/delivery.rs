//! One event on its way to one webhook.

use std::fmt;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits for its time.
    Due,
    /// Waits for an earlier event of the same access request.
    Waiting,
    /// An instance has it in hand.
    Leased,
    /// Its webhook is inactive: it waits until the webhook is active again.
    Held,
    /// Arrived.
    Delivered,
    /// Given up after the last attempt.
    Failed,
    /// Will not be sent: its webhook was deleted.
    Cancelled,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Waiting,
        Self::Leased,
        Self::Held,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word in the database, in URLs and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// What the page calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Due => "Due",
            Self::Waiting => "In line",
            Self::Leased => "Sending",
            Self::Held => "On hold",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

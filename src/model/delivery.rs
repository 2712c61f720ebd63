//! States of a delivery.

use std::fmt;

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Scheduled: waits for its due time.
    Due,
    /// Waits for an earlier delivery of the same ordering lane.
    Waiting,
    /// Leased by an instance that sends it.
    Leased,
    /// Waits because its webhook is inactive.
    Held,
    /// Delivered successfully.
    Delivered,
    /// The last attempt failed.
    Failed,
    /// Never sent because its webhook was deleted.
    Cancelled,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Waiting,
        Self::Leased,
        Self::Held,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the database, in URLs and in the API.
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

    /// Finds a state by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The label on the page.
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

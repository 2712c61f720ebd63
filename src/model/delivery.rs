//! States of a delivery.

use strum::{Display, EnumString, IntoStaticStr};

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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

/// What users can do with many deliveries at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum BulkAction {
    /// Send finished deliveries again.
    Redeliver,
    /// Make the next attempts due now.
    Retry,
    /// Cancel deliveries that are not being sent.
    Cancel,
}

impl BulkAction {
    /// All actions, in the order of their buttons.
    pub const ALL: [Self; 3] = [Self::Redeliver, Self::Retry, Self::Cancel];

    /// The name in the database and in URLs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Finds an action by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether the action applies to deliveries in a state.
    pub fn applies_to(self, state: DeliveryState) -> bool {
        match self {
            Self::Redeliver => state.is_finished(),
            Self::Retry => state == DeliveryState::Due,
            Self::Cancel => {
                matches!(state, DeliveryState::Due | DeliveryState::Held | DeliveryState::Waiting)
            }
        }
    }
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
        self.into()
    }

    /// Finds a state by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether the delivery is not sent any more, apart from redeliveries.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Cancelled)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_in_the_database() {
        let names = DeliveryState::ALL.map(DeliveryState::as_str);
        assert_eq!(names, ["due", "waiting", "leased", "held", "delivered", "failed", "cancelled"]);
        assert_eq!(names.map(DeliveryState::from_name), DeliveryState::ALL.map(Some));
        assert_eq!(DeliveryState::from_name("Due"), None);
    }
}

//! Triggers: changes of an access request that webhooks react to.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// The `event_type` of entries of the audit log. Only Gatepost itself sends it.
pub const AUDIT_EVENT_TYPE: &str = "GatepostAudit";
/// The `event_type` of notifications, which are sent to the webhook that is chosen for them. Only Gatepost itself sends it.
pub const NOTIFICATION_EVENT_TYPE: &str = "GatepostNotification";

/// A change of an access request, a manual send, or an entry of the audit log.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
pub enum Trigger {
    /// The request was created.
    Created,
    /// The request was approved.
    Approved,
    /// The request was rejected.
    Rejected,
    /// Access was granted.
    Granted,
    /// Access expired.
    Expired,
    /// Access could not be granted.
    Failed,
    /// A user sent the event manually.
    Manual,
    /// An entry was added to the audit log of Gatepost, or a notification was sent.
    Audit,
}

impl Trigger {
    /// The triggers of events from Apono, in the order of a request's life cycle.
    pub const EVENTS: [Self; 6] =
        [Self::Created, Self::Approved, Self::Rejected, Self::Granted, Self::Expired, Self::Failed];

    /// All triggers.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Approved,
        Self::Rejected,
        Self::Granted,
        Self::Expired,
        Self::Failed,
        Self::Manual,
        Self::Audit,
    ];

    /// The name on the page, in files and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Finds a trigger by its exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Finds a trigger by an event's `event_type` in either documented spelling, `AccessRequestCreated` or
    /// `RequestCreated`, or those of Gatepost itself.
    pub fn from_event_type(event_type: &str) -> Option<Self> {
        if [AUDIT_EVENT_TYPE, NOTIFICATION_EVENT_TYPE].contains(&event_type) {
            return Some(Self::Audit);
        }
        let rest = event_type.strip_prefix("Access").unwrap_or(event_type);
        let name = rest.strip_prefix("Request")?;
        Self::EVENTS.into_iter().find(|trigger| trigger.as_str() == name)
    }

    /// The `event_type`, as in Apono's documentation.
    pub fn event_type(self) -> String {
        if self == Self::Audit {
            AUDIT_EVENT_TYPE.to_owned()
        } else {
            format!("AccessRequest{}", self.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_an_event_type_are_known() {
        for trigger in Trigger::EVENTS {
            for prefix in ["AccessRequest", "Request"] {
                let event_type = format!("{prefix}{trigger}");
                assert_eq!(Trigger::from_event_type(&event_type), Some(trigger), "{event_type}");
            }
        }
    }

    #[test]
    fn other_event_types_are_unknown() {
        for other in [
            "",
            "Created",
            "AccessCreated",
            "accessrequestcreated",
            "RequestManual",
            "RequestAudit",
            "gatepostaudit",
            "RequestDeleted",
        ] {
            assert_eq!(Trigger::from_event_type(other), None, "{other}");
        }
    }
}

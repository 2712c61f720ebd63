//! The event for a test, preview or manual send.

use crate::model::{EventId, Trigger};

/// A sample event or a received one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventChoice {
    /// The sample event of a trigger.
    Sample(Trigger),
    /// A stored event.
    Stored(EventId),
}

impl EventChoice {
    /// Parses the value of the event menu: the name of a trigger or the id of an event.
    pub fn from_value(value: &str) -> Option<Self> {
        let sample = Trigger::from_name(value).map(Self::Sample);
        sample.or_else(|| value.parse().ok().map(Self::Stored))
    }

    /// The value in the event menu.
    pub fn value(self) -> String {
        match self {
            Self::Sample(trigger) => trigger.as_str().to_owned(),
            Self::Stored(id) => id.to_string(),
        }
    }

    /// The sample event that best represents what a webhook with these triggers sends.
    pub fn sample_for(triggers: &[String]) -> Self {
        let first = triggers.iter().find_map(|name| Trigger::from_name(name));
        let first = first.unwrap_or(Trigger::Created);
        // A manual send uses a received event. The granted sample has all fields.
        Self::Sample(if first == Trigger::Manual { Trigger::Granted } else { first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu_values_are_parsed() {
        let id = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
        for value in ["Created", "Failed", id] {
            assert_eq!(EventChoice::from_value(value).unwrap().value(), value);
        }
        assert_eq!(EventChoice::from_value("nothing"), None);
        let sample_for = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            EventChoice::sample_for(&names).value()
        };
        assert_eq!(sample_for(&[]), "Created");
        assert_eq!(sample_for(&["Expired", "Granted"]), "Expired");
        assert_eq!(sample_for(&["Manual"]), "Granted");
    }
}

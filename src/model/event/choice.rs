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
    fn the_sample_has_the_first_trigger() {
        let sample_for = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            EventChoice::sample_for(&names)
        };
        assert_eq!(sample_for(&[]), EventChoice::Sample(Trigger::Created));
        assert_eq!(sample_for(&["Expired", "Granted"]), EventChoice::Sample(Trigger::Expired));
        assert_eq!(sample_for(&["Manual"]), EventChoice::Sample(Trigger::Granted));
    }
}

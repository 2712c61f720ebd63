//! Which event a person tries something out with.

use crate::model::{EventId, Trigger};

/// A made-up event, or one that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventChoice {
    /// The sample of a trigger.
    Sample(Trigger),
    /// A stored event.
    Stored(EventId),
}

impl EventChoice {
    /// From a menu's value: a trigger's word, or an event's id.
    pub fn from_value(value: &str) -> Option<Self> {
        let sample = Trigger::from_word(value).map(Self::Sample);
        sample.or_else(|| value.parse().ok().map(Self::Stored))
    }

    /// The menu's value.
    pub fn value(self) -> String {
        match self {
            Self::Sample(trigger) => trigger.as_str().to_owned(),
            Self::Stored(id) => id.to_string(),
        }
    }

    /// The sample that shows best what a webhook with these triggers sends.
    pub fn sample_for(triggers: &[String]) -> Self {
        let first = triggers.iter().find_map(|word| Trigger::from_word(word));
        let first = first.unwrap_or(Trigger::Created);
        // What is sent by hand is an event that exists; a granted one has all fields.
        Self::Sample(if first == Trigger::Manual { Trigger::Granted } else { first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menus_value_is_read_back() {
        let id = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
        for value in ["Created", "Failed", id] {
            assert_eq!(EventChoice::from_value(value).unwrap().value(), value);
        }
        assert_eq!(EventChoice::from_value("nothing"), None);
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            EventChoice::sample_for(&words).value()
        };
        assert_eq!(of(&[]), "Created");
        assert_eq!(of(&["Expired", "Granted"]), "Expired");
        assert_eq!(of(&["Manual"]), "Granted");
    }
}

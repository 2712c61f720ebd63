//! What open pages need to know about changes: which lists are out of date.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::id::WebhookId;

/// Maximum number of webhooks that are listed one by one. With all of them, a notification of PostgreSQL is still below
/// its limit of 8,000 bytes.
const MAX_WEBHOOKS: usize = 50;

/// Changes since the last report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveChanges {
    /// Whether events were received, or their results changed.
    pub events: bool,
    /// Whether deliveries were created or changed.
    pub deliveries: bool,
    /// The webhooks that were changed, or whose deliveries were.
    pub webhooks: ChangedWebhooks,
}

/// Some webhooks, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChangedWebhooks {
    /// At most [`MAX_WEBHOOKS`].
    Some(BTreeSet<WebhookId>),
    /// Any webhook may have changed.
    All(All),
}

/// The text `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// All webhooks.
    All,
}

impl Default for ChangedWebhooks {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl LiveChanges {
    /// Returns the report that everything may have changed.
    pub fn everything() -> Self {
        Self { events: true, deliveries: true, webhooks: ChangedWebhooks::All(All::All) }
    }

    /// Reads a report. One that cannot be read, such as that of another version, reports everything.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_error| Self::everything())
    }

    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds webhooks.
    pub fn add_webhooks(&mut self, webhooks: impl IntoIterator<Item = WebhookId>) {
        let ChangedWebhooks::Some(changed) = &mut self.webhooks else { return };
        changed.extend(webhooks);
        if changed.len() > MAX_WEBHOOKS {
            self.webhooks = ChangedWebhooks::All(All::All);
        }
    }

    /// Adds the changes of another report.
    pub fn merge(&mut self, other: Self) {
        self.events |= other.events;
        self.deliveries |= other.deliveries;
        match other.webhooks {
            ChangedWebhooks::Some(webhooks) => self.add_webhooks(webhooks),
            all @ ChangedWebhooks::All(_) => self.webhooks = all,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn ids(numbers: impl IntoIterator<Item = u128>) -> impl Iterator<Item = WebhookId> {
        numbers.into_iter().map(|number| Uuid::from_u128(number).into())
    }

    fn any_changes() -> impl Strategy<Value = LiveChanges> {
        let webhooks = proptest::collection::vec(0..200_u128, 0..80);
        (any::<bool>(), any::<bool>(), webhooks).prop_map(|(events, deliveries, webhooks)| {
            let mut changes = LiveChanges { events, deliveries, ..LiveChanges::default() };
            changes.add_webhooks(ids(webhooks));
            changes
        })
    }

    #[test]
    fn the_json_is_what_browsers_expect() {
        let mut changes = LiveChanges { events: true, ..LiveChanges::default() };
        changes.add_webhooks(ids([1]));
        let expected = r#"{"events":true,"deliveries":false,"webhooks":["00000000-0000-0000-0000-000000000001"]}"#;
        assert_eq!(changes.to_json(), expected);
        let everything = LiveChanges::everything();
        assert_eq!(everything.to_json(), r#"{"events":true,"deliveries":true,"webhooks":"all"}"#);
        for unreadable in ["", "{", r#"{"webhooks":"none"}"#] {
            assert_eq!(LiveChanges::from_json(unreadable), everything, "{unreadable}");
        }
    }

    #[test]
    fn many_webhooks_are_reported_as_all() {
        let mut changes = LiveChanges::default();
        changes.add_webhooks(ids(0..50));
        assert!(matches!(changes.webhooks, ChangedWebhooks::Some(_)));
        assert!(changes.to_json().len() < 8000);
        changes.add_webhooks(ids(49..51));
        assert_eq!(changes.webhooks, ChangedWebhooks::All(All::All));
    }

    proptest! {
        #[test]
        fn merging_loses_nothing_and_the_order_does_not_matter(a in any_changes(), b in any_changes()) {
            let (mut ab, mut ba) = (a.clone(), b.clone());
            ab.merge(b.clone());
            ba.merge(a.clone());
            prop_assert_eq!(&ab, &ba);
            let mut again = ab.clone();
            again.merge(a.clone());
            prop_assert_eq!(&again, &ab);
            prop_assert_eq!(ab.is_empty(), a.is_empty() && b.is_empty());
            prop_assert_eq!(LiveChanges::from_json(&ab.to_json()), ab);
        }
    }
}

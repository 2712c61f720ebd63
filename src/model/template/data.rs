//! What a template sees.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde_json::{Value, json};

/// What a template sees: the payload as received, and what Gatepost adds. The payload is only looked into: an
/// event that goes to many webhooks is not copied for each.
pub struct TemplateData<'a> {
    payload: Cow<'a, Value>,
    delivery_id: &'a str,
    attempt: u32,
    webhook_name: &'a str,
    secrets: Value,
    /// In the order of [`ADDED`], each made when it is looked at.
    added: [OnceLock<Value>; ADDED.len()],
}

/// The name under which secrets stand.
const SECRETS: &str = "secrets";

/// What Gatepost adds besides, by name. All that is added hides what the payload calls the same.
const ADDED: [&str; 2] = ["delivery", "webhook"];

impl<'a> TemplateData<'a> {
    /// For an attempt (from 1) of a delivery. A payload that is no object has no fields.
    pub fn new(
        payload: Cow<'a, Value>,
        delivery_id: &'a str,
        attempt: u32,
        webhook_name: &'a str,
        secrets: &[(String, String)],
    ) -> Self {
        let secrets = secrets.iter().map(|(name, secret)| (name.clone(), secret.clone())).collect();
        let added = Default::default();
        Self { payload, delivery_id, attempt, webhook_name, secrets, added }
    }

    /// The field of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.added(name).or_else(|| self.payload.get(name))
    }

    /// What Gatepost adds under that name.
    fn added(&self, name: &str) -> Option<&Value> {
        if name == SECRETS {
            return Some(&self.secrets);
        }
        let (_, value) = ADDED.iter().zip(&self.added).find(|(known, _)| **known == name)?;
        Some(value.get_or_init(|| match name {
            "delivery" => json!({ "id": self.delivery_id, "attempt": self.attempt }),
            _ => json!({ "name": self.webhook_name }),
        }))
    }

    /// The secrets' names.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str))
    }

    /// All of it in one, but for the secrets.
    pub(super) fn public(&self) -> Value {
        let mut public = self.payload.as_object().cloned().unwrap_or_default();
        public.shift_remove(SECRETS);
        public.extend(
            ADDED.iter().filter_map(|name| Some(((*name).to_owned(), self.added(name)?.clone()))),
        );
        Value::Object(public)
    }
}

impl fmt::Debug for TemplateData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets stand in it.
        f.debug_struct("TemplateData").finish_non_exhaustive()
    }
}

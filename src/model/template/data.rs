//! What a template sees.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value, json};

/// What a template sees: the payload as received, and what Gatepost adds. The payload is only looked into: an
/// event that goes to many webhooks is not copied for each.
pub struct TemplateData<'a> {
    payload: Cow<'a, Value>,
    /// By name; it hides what the payload calls the same.
    added: [(&'static str, Value); 3],
}

/// The name under which secrets stand.
const SECRETS: &str = "secrets";

impl<'a> TemplateData<'a> {
    /// For an attempt (from 1) of a delivery. A payload that is no object has no fields.
    pub fn new(
        payload: Cow<'a, Value>,
        delivery_id: &str,
        attempt: u32,
        webhook_name: &str,
        secrets: &[(String, String)],
    ) -> Self {
        let secrets: Map<String, Value> = secrets
            .iter()
            .map(|(name, secret)| (name.clone(), Value::from(secret.as_str())))
            .collect();
        let added = [
            ("delivery", json!({ "id": delivery_id, "attempt": attempt })),
            ("webhook", json!({ "name": webhook_name })),
            (SECRETS, Value::Object(secrets)),
        ];
        Self { payload, added }
    }

    /// The field of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let added = self.added.iter().find(|(known, _)| *known == name);
        added.map(|(_, value)| value).or_else(|| self.payload.get(name))
    }

    /// The secrets' names.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = self.get(SECRETS).and_then(Value::as_object);
        secrets.into_iter().flat_map(|map| map.keys().map(String::as_str))
    }

    /// All of it in one, but for the secrets.
    pub(super) fn public(&self) -> Value {
        let mut public = self.payload.as_object().cloned().unwrap_or_default();
        public.extend(self.added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        public.shift_remove(SECRETS);
        Value::Object(public)
    }
}

impl fmt::Debug for TemplateData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets stand in it.
        f.debug_struct("TemplateData").finish_non_exhaustive()
    }
}

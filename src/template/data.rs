//! The data that a template can use.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde_json::{Value, json};

/// The data that a template can use: the payload as received, and `delivery`, `webhook` and `secrets`,
/// which hide payload fields of the same name.
///
/// The payload is borrowed where possible, so that an event for many webhooks is not copied for each.
pub struct TemplateData<'a> {
    payload: Cow<'a, Value>,
    delivery_id: &'a str,
    attempt: u32,
    webhook_name: &'a str,
    secrets: &'a [TemplateSecret<'a>],
    /// Values of [`ADDED`] in the same order, built on first use.
    added: [OnceLock<Value>; ADDED.len()],
}

/// A secret that a template may print.
#[derive(Clone, Copy)]
pub struct TemplateSecret<'a> {
    /// The name in `{{secrets.NAME}}`.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
    /// What is recorded in place of the value.
    pub label: &'a str,
}

impl fmt::Debug for TemplateSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Name of the object that hides a payload field, because `secrets.NAME` refers to a secret.
const SECRETS: &str = "secrets";

/// Names of the other objects that Gatepost adds to the payload.
const ADDED: [&str; 2] = ["delivery", "webhook"];

impl<'a> TemplateData<'a> {
    /// Creates the data for an attempt (from 1) of a delivery. A payload other than an object has no fields.
    pub fn new(
        payload: Cow<'a, Value>,
        delivery_id: &'a str,
        attempt: u32,
        webhook_name: &'a str,
        secrets: &'a [TemplateSecret<'a>],
    ) -> Self {
        let added = Default::default();
        Self { payload, delivery_id, attempt, webhook_name, secrets, added }
    }

    /// Returns the top-level field of that name. Secrets are not among the fields.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.added(name).or_else(|| self.payload.get(name).filter(|_| name != SECRETS))
    }

    fn added(&self, name: &str) -> Option<&Value> {
        let (_, value) = ADDED.iter().zip(&self.added).find(|(known, _)| **known == name)?;
        Some(value.get_or_init(|| match name {
            "delivery" => json!({ "id": self.delivery_id, "attempt": self.attempt }),
            _ => json!({ "name": self.webhook_name }),
        }))
    }

    /// Returns the payload.
    pub(super) fn payload(&self) -> &Value {
        &self.payload
    }

    /// Returns the names of the secrets.
    pub(super) fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|secret| secret.name)
    }

    /// Returns the secret of that name.
    pub(super) fn secret(&self, name: &str) -> Option<&TemplateSecret<'a>> {
        self.secrets.iter().find(|secret| secret.name == name)
    }

    /// Returns all fields as one object.
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
        // The data are left out because they are long.
        f.debug_struct("TemplateData").finish_non_exhaustive()
    }
}

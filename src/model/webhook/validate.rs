//! From a draft to a webhook.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::auth::{self, Authentication};
use super::delivery_policy::DeliveryPolicy;
use super::draft::{AuthDraft, Draft};
use super::errors::{Field, FieldErrors};
use super::http::{self, Method};
use super::preset;
use super::render::RenderError;
use super::tls::{self, Tls};
use super::validator::Validator;
use crate::model::Trigger;
use crate::model::event::{Event, Projection, sample};
use crate::model::filter::{self, Filters};
use crate::model::secret;
use crate::model::template::{Place, Template, TemplateData, check_json};

/// What the operator allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Whether `http://` may be used.
    pub allow_http: bool,
}

/// A checked webhook, its templates compiled: ready to match and render.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub(super) draft: Draft,
    pub(super) method: Method,
    pub(super) url: Template,
    /// Its URL, where it has no placeholder.
    pub(super) fixed_url: Option<Url>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<Template>,
    pub(super) is_json: bool,
    triggers: Vec<Trigger>,
    pub(super) filters: Filters,
    timeout: Duration,
    validators: Vec<Validator>,
    authentication: Authentication,
    tls: Tls,
    delivery_policy: DeliveryPolicy,
}

impl Webhook {
    /// Longest name, in characters.
    pub const MAX_NAME: usize = 80;
    /// Where none is given.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Longest timeout, in seconds.
    pub const MAX_TIMEOUT_SECS: u64 = 60;
    const MAX_HEADERS: usize = 50;
    const MAX_VALIDATORS: usize = 20;

    /// Checks a draft.
    ///
    /// # Errors
    /// Every mistake in it, at once.
    pub fn new(draft: Draft, rules: &Rules) -> Result<Self, FieldErrors> {
        let draft = tidy(draft);
        let mut errors = FieldErrors::default();
        check_name(&draft.name, &mut errors);
        let method = Method::from_word(&draft.method);
        if method.is_none() {
            errors.add(Field::Method, "Choose one of POST, PUT, PATCH, GET and DELETE.");
        }
        let url = check_url(&draft.url, *rules, &mut errors);
        let headers = check_headers(&draft.headers, &mut errors);
        let place = body_place(&draft.headers);
        let body = check_body(&draft.body_template, place, &mut errors);
        let triggers = check_triggers(&draft.triggers, &mut errors);
        let filters = check_filters(&draft.filters, &mut errors);
        let timeout = check_timeout(&draft.timeout_in_sec, &mut errors);
        let validators = check_validators(&draft, &mut errors);
        let authentication = auth::check(&draft, *rules, &mut errors);
        let tls = tls::check(&draft.tls, &mut errors);
        let delivery_policy = DeliveryPolicy::check(&draft, &mut errors);
        preset::check_placeholders(&draft, &mut errors);
        secret::check_masks(&draft, &mut errors);
        let (Some(method), Some(url), true) = (method, url, errors.is_empty()) else {
            return Err(errors);
        };
        let webhook = Self {
            fixed_url: url.fixed().and_then(|url| http::check_rendered_url(&url).ok()),
            draft,
            method,
            url,
            headers,
            body,
            is_json: place == Place::JsonBody,
            triggers,
            filters,
            timeout,
            validators,
            authentication,
            tls,
            delivery_policy,
        };
        webhook.check_rendering()?;
        Ok(webhook)
    }

    /// What was typed.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.draft.name
    }

    /// Whether events are sent.
    pub fn is_active(&self) -> bool {
        self.draft.active
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// What sets it off.
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    /// Whether its triggers and filters want this event, be it active or not. What its filters look at is among what
    /// is wanted.
    pub fn matches(&self, event: &Event, projection: &Arc<Projection>) -> bool {
        self.triggers.contains(&event.trigger)
            && (self.filters.is_empty() || self.filters.matches(event.project(projection)))
    }

    /// How its deliveries go out.
    pub fn delivery_policy(&self) -> &DeliveryPolicy {
        &self.delivery_policy
    }

    /// For the whole exchange.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What an answer must hold.
    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    /// Shown in place of a validator's reason.
    pub fn custom_message(&self) -> Option<&str> {
        Some(self.draft.custom_validation_error_message.as_str()).filter(|text| !text.is_empty())
    }

    /// How Gatepost shows who it is.
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// Which filters say no to an event's payload.
    pub fn mismatch(&self, payload: &Value) -> filter::FilterMismatch {
        self.filters.mismatch(payload)
    }

    /// Whom to trust.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Renders the sample of each trigger, so that a mistake shows now and not at three at night.
    fn check_rendering(&self) -> Result<(), FieldErrors> {
        for trigger in &self.triggers {
            let payload = Cow::Owned(sample(*trigger));
            let data = TemplateData::new(payload, SAMPLE_DELIVERY, 1, &self.draft.name, &[]);
            let rendered = self.render(&data, None).map_err(RenderError::into_field_errors)?;
            if let (true, Some(body)) = (self.is_json && self.body.is_some(), &rendered.body)
                && let Err(error) = check_json(body)
            {
                let mut errors = FieldErrors::default();
                let message = format!(
                    "For a {} event this does not become valid JSON: {} (line {}, column {} of the \
                     rendered body). The Content-Type is JSON.",
                    trigger, error.message, error.line, error.column
                );
                errors.add_at_line(Field::BodyTemplate, message, error.line);
                return Err(errors);
            }
        }
        Ok(())
    }
}

/// A delivery id for samples.
pub(super) const SAMPLE_DELIVERY: &str = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";

/// Trims, and drops rows that were left empty.
fn tidy(mut draft: Draft) -> Draft {
    draft.name = draft.name.trim().to_owned();
    draft.url = draft.url.trim().to_owned();
    draft.method = draft.method.trim().to_ascii_uppercase();
    for (name, value) in &mut draft.headers {
        *name = name.trim().to_owned();
        // Spaces only: a line break is a mistake to tell, not to drop.
        *value = value.trim_matches(' ').to_owned();
    }
    draft.headers.retain(|(name, value)| !name.is_empty() || !value.is_empty());
    for (path, expected) in &mut draft.response_validators {
        *path = path.trim().to_owned();
        expected.retain(|value| !value.trim().is_empty());
    }
    draft.response_validators.retain(|(path, expected)| !path.is_empty() || !expected.is_empty());
    for choice in draft.filters.values_mut() {
        choice.values.retain(|value| !value.trim().is_empty());
    }
    draft.filters.retain(|_, choice| !choice.values.is_empty());
    draft.authentication = tidy_authentication(draft.authentication);
    draft.timeout_in_sec = draft.timeout_in_sec.trim().to_owned();
    draft.tls.verify = draft.tls.verify.trim().to_owned();
    draft.tls.sha256 = draft.tls.sha256.trim().to_owned();
    for text in [&mut draft.max_in_flight, &mut draft.rate_per_minute, &mut draft.retry_schedule] {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let message = draft.custom_validation_error_message.trim();
    draft.custom_validation_error_message = message.to_owned();
    draft
}

fn tidy_authentication(draft: AuthDraft) -> AuthDraft {
    let mut auth = draft.only_selected_kind();
    for text in [
        &mut auth.token,
        &mut auth.client_id,
        &mut auth.client_secret,
        &mut auth.token_endpoint_url,
    ] {
        *text = text.trim().to_owned();
    }
    auth.scopes = auth.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
    auth
}

fn check_name(name: &str, errors: &mut FieldErrors) {
    let allowed = |c: char| c.is_alphanumeric() || " -_.#()".contains(c);
    if name.is_empty() {
        errors.add(Field::Name, "Enter a name, such as Logpoint comment.");
    } else if name.chars().count() > Webhook::MAX_NAME {
        errors.add(Field::Name, format!("At most {} characters.", Webhook::MAX_NAME));
    } else if let Some(odd) = name.chars().find(|c| !allowed(*c)) {
        let message =
            format!("{odd:?} cannot stand in a name: use letters, digits, spaces and - _ . # ( )");
        errors.add(Field::Name, message);
    }
}

fn check_url(url: &str, rules: Rules, errors: &mut FieldErrors) -> Option<Template> {
    if let Err(message) = http::check_url(url, rules) {
        errors.add(Field::Url, message);
        return None;
    }
    compile(url, Place::Url, Field::Url, errors)
}

fn check_headers(
    headers: &[(String, String)],
    errors: &mut FieldErrors,
) -> Vec<(String, Template)> {
    if headers.len() > Webhook::MAX_HEADERS {
        errors.add(Field::Header(0), format!("At most {} headers.", Webhook::MAX_HEADERS));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut compiled = Vec::new();
    for (row, (name, value)) in headers.iter().enumerate() {
        if let Err(message) = http::check_header(name, value) {
            errors.add(Field::Header(row), message);
        } else if !seen.insert(name.to_ascii_lowercase()) {
            errors.add(Field::Header(row), format!("{name} stands here twice: keep one."));
        } else if let Some(template) = compile(value, Place::Header, Field::Header(row), errors) {
            compiled.push((name.clone(), template));
        }
    }
    compiled
}

/// How values are escaped in the body, by the Content-Type; JSON where none is given.
fn body_place(headers: &[(String, String)]) -> Place {
    let content_type = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match content_type.as_deref() {
        None | Some("application/json") => Place::JsonBody,
        Some("application/x-www-form-urlencoded") => Place::FormBody,
        Some(other) if other.ends_with("+json") => Place::JsonBody,
        Some(_) => Place::TextBody,
    }
}

fn check_body(source: &str, place: Place, errors: &mut FieldErrors) -> Option<Template> {
    if source.trim().is_empty() {
        return None;
    }
    compile(source, place, Field::BodyTemplate, errors)
}

fn compile(source: &str, place: Place, field: Field, errors: &mut FieldErrors) -> Option<Template> {
    match Template::compile(source, place) {
        Ok(template) => Some(template),
        Err(error) => {
            errors.add_at_line(field, error.as_sentence(), error.line);
            None
        }
    }
}

fn check_triggers(words: &[String], errors: &mut FieldErrors) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    for word in words {
        match Trigger::from_word(word) {
            Some(trigger) if !triggers.contains(&trigger) => triggers.push(trigger),
            Some(_) => {}
            None => {
                let message = format!(
                    "\"{word}\" is not a trigger: choose among Created, Approved, Rejected, Granted, \
                     Expired, Failed and Manual."
                );
                errors.add(Field::Triggers, message);
            }
        }
    }
    if words.is_empty() {
        errors.add(
            Field::Triggers,
            "Choose at least one trigger: without one, nothing is ever sent.",
        );
    }
    triggers
}

fn check_filters(choices: &filter::Choices, errors: &mut FieldErrors) -> Filters {
    Filters::new(choices).unwrap_or_else(|mistakes| {
        for mistake in mistakes {
            errors.add(Field::Filter(mistake.field), mistake.message);
        }
        Filters::default()
    })
}

fn check_timeout(text: &str, errors: &mut FieldErrors) -> Duration {
    if text.is_empty() {
        return Webhook::DEFAULT_TIMEOUT;
    }
    if let Ok(seconds @ 1..=Webhook::MAX_TIMEOUT_SECS) = text.parse() {
        return Duration::from_secs(seconds);
    }
    let message = format!("A whole number of seconds from 1 to {}.", Webhook::MAX_TIMEOUT_SECS);
    errors.add(Field::Timeout, message);
    Webhook::DEFAULT_TIMEOUT
}

fn check_validators(draft: &Draft, errors: &mut FieldErrors) -> Vec<Validator> {
    if draft.response_validators.len() > Webhook::MAX_VALIDATORS {
        let message = format!("At most {} response validators.", Webhook::MAX_VALIDATORS);
        errors.add(Field::Validator(0), message);
    }
    if draft.custom_validation_error_message.chars().count() > 300 {
        errors.add(Field::CustomMessage, "At most 300 characters.");
    }
    let mut validators = Vec::new();
    for (row, (path, expected)) in draft.response_validators.iter().enumerate() {
        match Validator::new(path, expected) {
            Ok(validator) => validators.push(validator),
            Err(message) => errors.add(Field::Validator(row), message),
        }
    }
    validators
}

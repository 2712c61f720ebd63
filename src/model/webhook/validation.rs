//! Validation: turns a draft into a webhook, or reports every error in it.

use std::collections::HashSet;
use std::time::Duration;

use super::auth;
use super::conditions::Conditions;
use super::delivery_policy::DeliveryPolicy;
use super::draft::Draft;
use super::errors::{Field, FieldErrors};
use super::http::{self, Method, Rules};
use super::length;
use super::name;
use super::normalize::normalize;
use super::preset;
use super::request::RenderError;
use super::signing;
use super::tls;
use super::url_text;
use super::validated::Webhook;
use super::validator::Validator;
use crate::model::event::sample;
use crate::template::{OutputContext, Template, check_json};

const MAX_HEADERS: usize = 50;
const MAX_VALIDATORS: usize = 20;
/// Longest custom failure message, in characters.
const MAX_CUSTOM_MESSAGE_CHARS: usize = 300;

impl Webhook {
    /// Validates a draft.
    ///
    /// # Errors
    /// Every error in the draft.
    pub fn new(draft: Draft, rules: &Rules) -> Result<Self, FieldErrors> {
        let draft = normalize(draft);
        let mut errors = length::check(&draft);
        if !errors.is_empty() {
            return Err(errors);
        }
        name::check(&draft.name, &mut errors);
        let method = Method::parse(&draft.method);
        if method.is_none() {
            errors.add(Field::Method, "Unknown method: use POST, PUT, PATCH, GET or DELETE.");
        }
        let url = check_url(&draft.url, *rules, &mut errors);
        let headers = check_headers(&draft.headers, &mut errors);
        let context = draft.body_context();
        let body = check_body(&draft.body_template, context, &mut errors);
        let conditions = Conditions::check(&draft, &mut errors);
        let timeout = check_timeout(&draft.timeout_in_sec, &mut errors);
        let validators = check_validators(&draft, &mut errors);
        let authentication = auth::check(&draft, *rules, &mut errors);
        let signing = signing::check(&draft.signing, &mut errors);
        let tls = tls::check(&draft.tls, *rules, &mut errors);
        let client_certificate = tls::check_client(&draft.tls, &mut errors);
        let delivery_policy = DeliveryPolicy::check(&draft, &mut errors);
        preset::check_placeholders(&draft, &mut errors);
        let (Some(method), Some(url), true) = (method, url, errors.is_empty()) else {
            return Err(errors);
        };
        let webhook = Self {
            literal_url: url.as_literal().and_then(|url| http::check_rendered_url(&url).ok()),
            draft,
            method,
            url,
            headers,
            body,
            is_json: context == OutputContext::JsonBody,
            conditions,
            timeout,
            validators,
            authentication,
            signing,
            tls,
            client_certificate,
            delivery_policy,
        };
        webhook.check_rendering()?;
        Ok(webhook)
    }

    /// Renders the sample event of each trigger, so that errors appear when the webhook is saved and not when
    /// an event arrives.
    fn check_rendering(&self) -> Result<(), FieldErrors> {
        for trigger in self.triggers() {
            let rendered = self.render_sample(&sample(*trigger), None);
            let rendered = rendered.map_err(RenderError::into_field_errors)?;
            if let (true, Some(body)) = (self.is_json && self.body.is_some(), &rendered.body)
                && let Err(error) = check_json(body)
            {
                let mut errors = FieldErrors::default();
                let message = format!(
                    "For a {} event this does not render valid JSON: {} (line {}, column {} of the \
                     rendered body). Correct the template, or set another Content-Type.",
                    trigger, error.message, error.line, error.column
                );
                errors.add_at_line(Field::BodyTemplate, message, error.line);
                return Err(errors);
            }
        }
        Ok(())
    }
}

fn check_url(url: &str, rules: Rules, errors: &mut FieldErrors) -> Option<Template> {
    let checked = http::check_url(url, rules).and_then(|()| url_text::check_literal(url));
    if let Err(message) = checked {
        errors.add(Field::Url, message);
        return None;
    }
    compile(url, OutputContext::Url, Field::Url, errors)
}

fn check_headers(
    headers: &[(String, String)],
    errors: &mut FieldErrors,
) -> Vec<(String, Template)> {
    if headers.len() > MAX_HEADERS {
        errors.add(Field::Header(0), format!("Too many headers: use at most {MAX_HEADERS}."));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut compiled = Vec::new();
    for (row, (name, value)) in headers.iter().enumerate() {
        if let Err(message) = http::check_header(name, value) {
            errors.add(Field::Header(row), message);
        } else if !seen.insert(name.to_ascii_lowercase()) {
            errors.add(
                Field::Header(row),
                format!("Duplicate header {name}: remove one of the two."),
            );
        } else if let Some(template) =
            compile(value, OutputContext::Header, Field::Header(row), errors)
        {
            compiled.push((name.clone(), template));
        }
    }
    compiled
}

fn check_body(source: &str, context: OutputContext, errors: &mut FieldErrors) -> Option<Template> {
    if source.trim().is_empty() {
        return None;
    }
    compile(source, context, Field::BodyTemplate, errors)
}

fn compile(
    source: &str,
    context: OutputContext,
    field: Field,
    errors: &mut FieldErrors,
) -> Option<Template> {
    match Template::compile(source, context) {
        Ok(template) => Some(template),
        Err(error) => {
            errors.add_at_line(field, error.as_sentence(), error.line);
            None
        }
    }
}

fn check_timeout(text: &str, errors: &mut FieldErrors) -> Duration {
    if text.is_empty() {
        return Webhook::DEFAULT_TIMEOUT;
    }
    if let Ok(seconds @ 1..=Webhook::MAX_TIMEOUT_SECS) = text.parse() {
        return Duration::from_secs(seconds);
    }
    let message = format!(
        "\"{text}\" is not a timeout: enter whole seconds from 1 to {}.",
        Webhook::MAX_TIMEOUT_SECS
    );
    errors.add(Field::Timeout, message);
    Webhook::DEFAULT_TIMEOUT
}

fn check_validators(draft: &Draft, errors: &mut FieldErrors) -> Vec<Validator> {
    if draft.response_validators.len() > MAX_VALIDATORS {
        let message = format!("Too many response validators: use at most {MAX_VALIDATORS}.");
        errors.add(Field::Validator(0), message);
    }
    if draft.custom_validation_error_message.chars().count() > MAX_CUSTOM_MESSAGE_CHARS {
        let message =
            format!("The message is too long: use at most {MAX_CUSTOM_MESSAGE_CHARS} characters.");
        errors.add(Field::CustomMessage, message);
    }
    let mut validators = Vec::new();
    for (row, validator) in draft.response_validators.iter().enumerate() {
        match Validator::new(validator) {
            Ok(validator) => validators.push(validator),
            Err(message) => errors.add(Field::Validator(row), message),
        }
    }
    validators
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides_about_escaping() {
        for (content_type, context) in [
            ("application/json", OutputContext::JsonBody),
            ("application/vnd.api+json; charset=utf-8", OutputContext::JsonBody),
            ("application/x-www-form-urlencoded", OutputContext::FormBody),
            ("application/xml", OutputContext::XmlBody),
            ("text/xml; charset=utf-8", OutputContext::XmlBody),
            ("Application/SOAP+XML", OutputContext::XmlBody),
            ("text/csv;header=absent", OutputContext::CsvBody),
            ("text/plain", OutputContext::TextBody),
        ] {
            let headers = vec![("content-type".to_owned(), content_type.to_owned())];
            let draft = Draft { headers, ..Draft::default() };
            assert_eq!(draft.body_context(), context, "{content_type}");
        }
        assert_eq!(Draft::default().body_context(), OutputContext::JsonBody);
    }
}

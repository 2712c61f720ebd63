//! Rendering: turns a webhook and an event into an HTTP request.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use url::Url;

use super::errors::{Field, FieldErrors};
use super::http::check_rendered_url;
use super::validated::Webhook;
use crate::model::event::{Event, Projection, SCHEMA};
use crate::model::exchange::{RecordedParts, Request};
use crate::model::secret::{ResolvedSecret, SecretLimits, SecretName};
use crate::template::{
    Budget, RenderedText, Template, TemplateData, TemplateError, TemplateSecret, Warning, lint,
};

/// Delivery id in samples, previews and dry runs.
pub(super) const SAMPLE_DELIVERY_ID: &str = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";

/// A rendered request.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The full URL.
    pub url: Url,
    /// The webhook's headers, and `Content-Type`.
    pub headers: Vec<(String, String)>,
    /// The body. GET and DELETE requests have one only if the webhook has a body template.
    pub body: Option<String>,
    /// What is recorded instead of the parts with secrets.
    pub recorded: RecordedParts,
}

impl Rendered {
    /// Returns the request as it is recorded and shown.
    pub fn into_record(self, method: &str) -> Request {
        let Self { url, headers, body, recorded } = self;
        let mut request = Request { method: method.to_owned(), url: url.into(), headers, body };
        request.record(recorded);
        request
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("recorded", &self.recorded).finish_non_exhaustive()
    }
}

/// Why a request could not be rendered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenderError {
    /// A template could not be rendered.
    #[error("{error}")]
    Template {
        /// The field that contains the template.
        field: Field,
        /// The error, with line and column.
        error: TemplateError,
    },
    /// The rendered URL is invalid.
    #[error("{0}")]
    Url(String),
}

impl RenderError {
    /// The field to correct.
    pub fn field(&self) -> Field {
        match self {
            Self::Template { field, .. } => *field,
            Self::Url(_) => Field::Url,
        }
    }

    /// Returns the error at its field.
    pub fn into_field_errors(self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        match &self {
            Self::Template { field, error } => {
                errors.add_at_line(*field, error.as_sentence(), error.line);
            }
            Self::Url(message) => errors.add(Field::Url, message.clone()),
        }
        errors
    }
}

impl Webhook {
    /// Renders the request. `raw` is the event as received, which is sent if there is no body template.
    ///
    /// # Errors
    /// The first template that could not be rendered.
    pub fn render(
        &self,
        data: &TemplateData<'_>,
        raw: Option<&str>,
    ) -> Result<Rendered, RenderError> {
        let budget = Budget::start();
        let render = |template: &Template, field| {
            template
                .render_within(data, &budget)
                .map_err(|error| RenderError::Template { field, error })
        };
        let mut recorded = RecordedParts::default();
        let url = if let Some(url) = &self.literal_url {
            url.clone()
        } else {
            let RenderedText { text, record } = render(&self.url, Field::Url)?;
            recorded.url = record;
            check_rendered_url(&text).map_err(|message| {
                // The message could quote a secret.
                let with_secret = || "The URL with the secret is invalid.".to_owned();
                RenderError::Url(recorded.url.as_ref().map_or(message, |_| with_secret()))
            })?
        };
        let is_bodyless = matches!(self.method.as_str(), "GET" | "DELETE");
        let has_body = self.body.is_some() || (!is_bodyless && raw.is_some());
        let mut headers = Vec::with_capacity(self.headers.len() + 3);
        let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
        if has_body && !self.headers.iter().any(|(name, _)| is_type(name)) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        for (row, (name, template)) in self.headers.iter().enumerate() {
            let RenderedText { text, record } = render(template, Field::Header(row))?;
            recorded.headers.extend(record.map(|record| (headers.len(), record)));
            headers.push((name.clone(), text));
        }
        let body = match &self.body {
            Some(template) => {
                let RenderedText { text, record } = render(template, Field::BodyTemplate)?;
                recorded.body = record;
                Some(text)
            }
            None if is_bodyless => None,
            None => raw.map(str::to_owned),
        };
        Ok(Rendered { url, headers, body, recorded })
    }

    /// Renders the request for a payload in a sample delivery, with the labels of secrets in place of their values.
    ///
    /// # Errors
    /// The first template that could not be rendered.
    pub fn render_sample(
        &self,
        payload: &Value,
        raw: Option<&str>,
    ) -> Result<Rendered, RenderError> {
        let names = self.secret_names();
        let names = names.iter().filter_map(|name| name.parse::<SecretName>().ok());
        let secrets: Vec<ResolvedSecret> =
            names.map(|name| ResolvedSecret::labelled(name, SecretLimits::default())).collect();
        let secrets: Vec<TemplateSecret<'_>> =
            secrets.iter().map(ResolvedSecret::for_template).collect();
        let payload = Cow::Borrowed(payload);
        let data = TemplateData::new(payload, SAMPLE_DELIVERY_ID, 1, self.name(), &secrets);
        self.render(&data, raw)
    }

    /// Renders the request for an event like [`Webhook::render_sample`].
    ///
    /// # Errors
    /// The error, with its field.
    pub fn render_event(&self, event: &Event) -> Result<Rendered, FieldErrors> {
        self.render_sample(event.payload(), Some(&event.raw))
            .map_err(RenderError::into_field_errors)
    }

    /// Adds the fields that the filters and templates read.
    pub fn extend_projection(&self, projection: &mut Projection) {
        let headers = self.headers.iter().map(|(_, template)| template);
        let templates = std::iter::once(&self.url).chain(headers).chain(&self.body);
        for path in templates.flat_map(Template::field_paths) {
            projection.add(path);
        }
        for path in self.conditions.field_paths() {
            projection.add(&path);
        }
    }

    /// Returns warnings about the body template, such as unknown fields.
    pub fn body_warnings(&self) -> Vec<Warning> {
        self.body.as_ref().map(|body| lint(body, &SCHEMA)).unwrap_or_default()
    }

    /// Returns warnings about all templates as sentences that name the template.
    pub fn warnings(&self) -> Vec<String> {
        let templates = std::iter::once(("URL", &self.url))
            .chain(self.headers.iter().map(|(name, template)| (name.as_str(), template)))
            .chain(self.body.iter().map(|template| ("Body template", template)));
        templates
            .flat_map(|(place, template)| {
                lint(template, &SCHEMA).into_iter().map(move |warning| {
                    let end = if warning.message.ends_with('?') { "" } else { "." };
                    format!("{place}, {warning}{end}")
                })
            })
            .collect()
    }
}

//! Rendering: turns a webhook and an event into an HTTP request.

use std::borrow::Cow;

use url::Url;

use super::errors::{Field, FieldErrors};
use super::http::check_rendered_url;
use super::validated::Webhook;
use crate::model::event::{Event, Projection, SCHEMA};
use crate::template::{Budget, Template, TemplateData, TemplateError, Warning, lint};

/// Delivery id in samples, previews and dry runs.
pub(super) const SAMPLE_DELIVERY_ID: &str = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";

/// A rendered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The full URL.
    pub url: Url,
    /// The webhook's headers, and `Content-Type`.
    pub headers: Vec<(String, String)>,
    /// The body. GET and DELETE requests have one only if the webhook has a body template.
    pub body: Option<String>,
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

    pub(super) fn into_field_errors(self) -> FieldErrors {
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
        let url = match &self.literal_url {
            Some(url) => url.clone(),
            None => {
                check_rendered_url(&render(&self.url, Field::Url)?).map_err(RenderError::Url)?
            }
        };
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        for (row, (name, template)) in self.headers.iter().enumerate() {
            headers.push((name.clone(), render(template, Field::Header(row))?));
        }
        let is_bodyless = matches!(self.method.as_str(), "GET" | "DELETE");
        let body = match &self.body {
            Some(template) => Some(render(template, Field::BodyTemplate)?),
            None if is_bodyless => None,
            None => raw.map(str::to_owned),
        };
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if body.is_some() && !has_type {
            headers.insert(0, ("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Ok(Rendered { url, headers, body })
    }

    /// Adds the fields that the filters and templates read.
    pub fn extend_projection(&self, projection: &mut Projection) {
        let headers = self.headers.iter().map(|(_, template)| template);
        let templates = std::iter::once(&self.url).chain(headers).chain(&self.body);
        for path in templates.flat_map(Template::field_paths) {
            projection.add(path);
        }
        for path in self.filters.field_paths() {
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

    /// Template data for an event in a sample delivery.
    pub(super) fn sample_data<'a>(&'a self, event: &'a Event) -> TemplateData<'a> {
        let payload = Cow::Borrowed(event.payload());
        TemplateData::new(payload, SAMPLE_DELIVERY_ID, 1, self.name(), &[])
    }

    /// Renders the request for an event in a sample delivery.
    ///
    /// # Errors
    /// The error, with its field.
    pub fn render_event(&self, event: &Event) -> Result<Rendered, FieldErrors> {
        let data = self.sample_data(event);
        self.render(&data, Some(&event.raw)).map_err(RenderError::into_field_errors)
    }
}

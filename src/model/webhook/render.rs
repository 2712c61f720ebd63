//! From a webhook and an event to the request that is sent.

use std::borrow::Cow;

use url::Url;

use super::errors::{Field, FieldErrors};
use super::http::check_rendered_url;
use super::validate::{SAMPLE_DELIVERY, Webhook};
use crate::model::event::{Event, Projection};
use crate::model::template::{Template, TemplateData, TemplateError, Warning, lint};

/// A request, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The full URL.
    pub url: Url,
    /// The webhook's own headers, and `Content-Type`.
    pub headers: Vec<(String, String)>,
    /// The body; none with GET and DELETE where no template is given.
    pub body: Option<String>,
}

/// Why a request could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenderError {
    /// A template could not be filled in.
    #[error("{error}")]
    Template {
        /// Which one.
        field: Field,
        /// Why, with line and column.
        error: TemplateError,
    },
    /// The filled-in URL is none.
    #[error("{0}")]
    Url(String),
}

impl RenderError {
    /// Which field is to be mended.
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
    /// Fills in all templates. `raw` is the event as received: what is sent where there is no body
    /// template.
    ///
    /// # Errors
    /// The first template that could not be filled in.
    pub fn render(
        &self,
        data: &TemplateData<'_>,
        raw: Option<&str>,
    ) -> Result<Rendered, RenderError> {
        let fill = |template: &Template, field| {
            template.render(data).map_err(|error| RenderError::Template { field, error })
        };
        let url = match &self.fixed_url {
            Some(url) => url.clone(),
            None => check_rendered_url(&fill(&self.url, Field::Url)?).map_err(RenderError::Url)?,
        };
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        for (row, (name, template)) in self.headers.iter().enumerate() {
            headers.push((name.clone(), fill(template, Field::Header(row))?));
        }
        let bodyless = matches!(self.method.as_str(), "GET" | "DELETE");
        let body = match &self.body {
            Some(template) => Some(fill(template, Field::BodyTemplate)?),
            None if bodyless => None,
            None => raw.map(str::to_owned),
        };
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if body.is_some() && !has_type {
            headers.insert(0, ("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Ok(Rendered { url, headers, body })
    }

    /// Adds what its filters and templates look at of an event.
    pub fn extend_projection(&self, projection: &mut Projection) {
        let headers = self.headers.iter().map(|(_, template)| template);
        let templates = std::iter::once(&self.url).chain(headers).chain(&self.body);
        for way in templates.flat_map(Template::field_paths) {
            projection.add(way);
        }
        for way in self.filters.field_paths() {
            projection.add(&way);
        }
    }

    /// Fields in its body template that no documented event has.
    pub fn body_warnings(&self) -> Vec<Warning> {
        self.body.as_ref().map(lint).unwrap_or_default()
    }

    /// Fields in its templates that no documented event has: likely slips, but no mistakes.
    pub fn warnings(&self) -> Vec<String> {
        let templates = std::iter::once(("URL", &self.url))
            .chain(self.headers.iter().map(|(name, template)| (name.as_str(), template)))
            .chain(self.body.iter().map(|template| ("Body template", template)));
        templates
            .flat_map(|(place, template)| {
                lint(template).into_iter().map(move |warning| {
                    let end = if warning.message.ends_with('?') { "" } else { "." };
                    format!("{place}, {warning}{end}")
                })
            })
            .collect()
    }

    /// What templates see of an event, in a delivery that is made up.
    pub(super) fn sample_data<'a>(&'a self, event: &'a Event) -> TemplateData<'a> {
        let payload = Cow::Borrowed(event.payload());
        TemplateData::new(payload, SAMPLE_DELIVERY, 1, self.name(), &[])
    }

    /// What would be sent for an event, by a delivery that is made up.
    ///
    /// # Errors
    /// The mistake, at its field.
    pub fn render_event(&self, event: &Event) -> Result<Rendered, FieldErrors> {
        let data = self.sample_data(event);
        self.render(&data, Some(&event.raw)).map_err(RenderError::into_field_errors)
    }
}

//! What the form would send, while it is being typed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::events::GONE;
use super::marks;
use super::typed::Typed;
use crate::actions::Preview;
use crate::model::event::{Event, EventChoice};
use crate::model::webhook::{AuthDraft, Draft, Field, FieldErrors, TlsDraft, hints, is_logpoint};
use crate::model::{Trigger, WebhookId, filter};
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, markup, page};

/// The preview, ready to print.
#[derive(Debug, Default)]
pub(super) struct PreviewView {
    pub(super) request_line: String,
    pub(super) headers: Vec<(String, String)>,
    /// Safe HTML.
    pub(super) body: String,
    /// Why there is nothing to show.
    pub(super) problems: Vec<String>,
    /// What is likely a slip.
    pub(super) warnings: Vec<String>,
    /// What the editor marks, as JSON.
    pub(super) marks: String,
    /// What the editor's status says.
    pub(super) status: String,
    pub(super) ok: bool,
    /// Whether it is likely meant for Logpoint.
    pub(super) is_logpoint: bool,
}

#[derive(Template)]
#[template(path = "webhooks/_preview_answer.html")]
struct Part {
    preview: PreviewView,
    condition: String,
    advice: Vec<(String, String)>,
}

/// Fields that hints are about.
const ADVISED: [Field; 3] = [Field::Method, Field::Url, Field::BodyTemplate];

/// The hints on a draft by the field's id; empty where there is none, so that an old one goes.
pub(super) fn advice(draft: &Draft) -> Vec<(String, String)> {
    let hints = hints(draft);
    let at = |field: Field| {
        let of_it = hints.iter().filter(|hint| hint.field == field);
        (field.id(), of_it.map(|hint| hint.message.as_str()).collect::<Vec<_>>().join(" "))
    };
    ADVISED.into_iter().map(at).collect()
}

/// `POST /webhooks/preview`
pub(in crate::web) async fn preview(
    State(state): State<WebState>,
    _current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::new(pairs);
    let draft = typed.draft();
    let triggers: Vec<Trigger> =
        draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
    let condition = filter::explain(&triggers, &draft.filters);
    let usual = EventChoice::sample_for(&draft.triggers);
    let choice = typed.subject().preview_event.unwrap_or(usual);
    let preview = PreviewView::make(&state, typed.secrets_from(), &draft, choice).await?;
    page::html(&Part { preview, condition, advice: advice(&draft) })
}

impl PreviewView {
    /// Renders a draft that need not be complete: what stops it from being saved (no name yet, no
    /// trigger) does not stop the preview.
    pub(super) async fn make(
        state: &WebState,
        base: Option<WebhookId>,
        draft: &Draft,
        choice: EventChoice,
    ) -> Result<Self, Error> {
        if draft.body_template.trim().is_empty() && draft.url.trim().is_empty() {
            return Ok(Self::default());
        }
        let Some(event) = state.actions.chosen_event(choice).await? else {
            return Ok(Self::gone());
        };
        let view = Self::of_event(state, base, draft, &event).await?;
        Ok(Self { is_logpoint: is_logpoint(draft), ..view })
    }

    async fn of_event(
        state: &WebState,
        base: Option<WebhookId>,
        draft: &Draft,
        event: &Event,
    ) -> Result<Self, Error> {
        let whole = match state.actions.preview_webhook(base, draft, event).await? {
            Ok(rendered) => return Ok(Self::rendered(&draft.method, &rendered, Vec::new())),
            Err(errors) => errors,
        };
        let (mut lenient, gaps) = without_gaps(draft, &whole);
        lenient.triggers = vec![event.trigger.as_str().to_owned()];
        lenient.filters.clear();
        Ok(match state.actions.preview_webhook(base, &lenient, event).await? {
            Ok(rendered) => Self::rendered(&draft.method, &rendered, gaps),
            Err(errors) => Self::broken(&errors),
        })
    }

    pub(super) fn rendered(method: &str, rendered: &Preview, problems: Vec<String>) -> Self {
        let body = rendered.body.as_deref().unwrap_or_default();
        let pretty = markup::pretty(body);
        let status = match &pretty {
            Some(_) => "Valid JSON",
            None if body.is_empty() => "No body",
            None => "Text",
        };
        Self {
            request_line: format!("{method} {}", rendered.url),
            headers: rendered.headers.clone(),
            body: markup::highlight(pretty.as_deref().unwrap_or(body)),
            problems,
            warnings: rendered.warnings.clone(),
            marks: marks::of_slips(&rendered.slips),
            status: status.to_owned(),
            ok: true,
            ..Self::default()
        }
    }

    fn gone() -> Self {
        Self { problems: vec![GONE.to_owned()], status: "No event".to_owned(), ..Self::default() }
    }

    fn broken(errors: &FieldErrors) -> Self {
        let mut in_body = errors.iter().filter(|error| error.field == Field::BodyTemplate);
        Self {
            problems: errors.messages(),
            status: match in_body.find_map(|error| error.line) {
                Some(line) => format!("Error on line {line}"),
                None => "Cannot be rendered".to_owned(),
            },
            marks: marks::of_errors(errors),
            ..Self::default()
        }
    }
}

/// The draft with every gap stopped that has nothing to do with what is sent, and what is still to do.
pub(super) fn without_gaps(draft: &Draft, errors: &FieldErrors) -> (Draft, Vec<String>) {
    let (mut lenient, left) = crate::model::webhook::preset::fill_placeholders(draft);
    if errors.iter().any(|error| error.field == Field::Name) {
        "Preview".clone_into(&mut lenient.name);
    }
    lenient.timeout_in_sec.clear();
    lenient.max_in_flight.clear();
    lenient.rate_per_minute.clear();
    lenient.retry_schedule.clear();
    lenient.response_validators.clear();
    lenient.custom_validation_error_message.clear();
    lenient.authentication = AuthDraft::default();
    lenient.tls = TlsDraft::default();
    let at_url = errors.iter().any(|error| error.field == Field::Url);
    if at_url && lenient.url == draft.url {
        "https://example.com/".clone_into(&mut lenient.url);
    }
    (lenient, left)
}

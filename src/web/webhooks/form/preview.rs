//! The preview: the request that the form would send, updated while the user types.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::annotations;
use super::event_menu::EVENT_REMOVED;
use super::field_id::element_id;
use super::input::FormInput;
use super::secrets::SecretsView;
use crate::actions::{Entered, Preview};
use crate::identity::Work;
use crate::model::event::{Event, EventChoice};
use crate::model::webhook::{
    AuthDraft, Draft, Field, FieldErrors, SigningDraft, TlsDraft, hints, is_logpoint,
};
use crate::model::{Trigger, filter};
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, highlight, page, work_limit};

/// The preview, ready to print.
#[derive(Debug, Default)]
pub(in crate::web::webhooks) struct PreviewView {
    pub(in crate::web::webhooks) request_line: String,
    pub(in crate::web::webhooks) headers: Vec<(String, String)>,
    /// Safe HTML.
    pub(in crate::web::webhooks) body: String,
    /// Errors that prevent the preview, or placeholders that are still to be replaced.
    pub(in crate::web::webhooks) problems: Vec<String>,
    /// Possible mistakes in the template.
    pub(in crate::web::webhooks) warnings: Vec<String>,
    /// Annotations for the editor, as JSON; empty if there are none.
    pub(in crate::web::webhooks) annotations: String,
    /// Text of the editor's status.
    pub(in crate::web::webhooks) status: String,
    /// Whether the request could be rendered.
    pub(in crate::web::webhooks) ok: bool,
    /// Whether the target is probably Logpoint.
    pub(in crate::web::webhooks) is_logpoint: bool,
}

#[derive(Template)]
#[template(path = "webhooks/form/_preview_response.html")]
struct PreviewPart {
    preview: PreviewView,
    secrets: SecretsView,
    condition: String,
    advice: Vec<(String, String)>,
}

/// The URL of a form that has none yet.
const SAMPLE_URL: &str = "https://example.com/";

/// Fields that can have advice.
const FIELDS_WITH_ADVICE: [Field; 3] = [Field::Method, Field::Url, Field::BodyTemplate];

/// Returns the advice on a draft by the id of its element. Fields without advice have an empty text, which replaces
/// earlier advice.
pub(super) fn advice(draft: &Draft) -> Vec<(String, String)> {
    let hints = hints(draft);
    let at = |field: Field| {
        let at_field = hints.iter().filter(|hint| hint.field == field);
        (
            element_id(field),
            at_field.map(|hint| hint.message.as_str()).collect::<Vec<_>>().join(" "),
        )
    };
    FIELDS_WITH_ADVICE.into_iter().map(at).collect()
}

/// `POST /webhooks/preview`
pub(in crate::web) async fn preview(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let input = FormInput::new(pairs);
    let draft = input.draft();
    let triggers: Vec<Trigger> =
        draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
    let condition = filter::explain(&triggers, &draft.filters);
    let default = EventChoice::sample_for(&draft.triggers);
    let choice = input.subject().preview_event.unwrap_or(default);
    let entered = input.entered();
    let refused = work_limit::start(&state, &current, Work::Preview).err();
    let preview = match &refused {
        Some(refused) => PreviewView::refused(&refused.message),
        None => PreviewView::load(&state, &entered, choice).await?,
    };
    let secrets = SecretsView::load(&state, &entered).await?;
    let part = PreviewPart { preview, secrets, condition, advice: advice(&draft) };
    Ok(work_limit::finish(refused, page::html(&part)?))
}

impl PreviewView {
    /// Renders a draft. Missing parts that do not affect the request, such as the name, do not prevent the preview.
    pub(super) async fn load(
        state: &WebState,
        entered: &Entered,
        choice: EventChoice,
    ) -> Result<Self, Error> {
        let draft = &entered.draft;
        if draft.body_template.trim().is_empty() && draft.url.trim().is_empty() {
            return Ok(Self::default());
        }
        let Some(event) = state.actions.chosen_event(choice).await? else {
            return Ok(Self::event_removed());
        };
        let view = Self::of_event(state, entered, &event).await?;
        Ok(Self { is_logpoint: is_logpoint(draft), ..view })
    }

    async fn of_event(state: &WebState, entered: &Entered, event: &Event) -> Result<Self, Error> {
        let draft = &entered.draft;
        let with = |draft: &Draft| Entered { draft: draft.clone(), ..entered.clone() };
        let errors = match state.actions.preview_webhook(entered.clone(), event).await? {
            Ok(rendered) => return Ok(Self::formatted(state, draft, rendered, Vec::new()).await),
            Err(errors) => errors,
        };
        let (mut completed, to_do) = complete(draft, &errors);
        completed.triggers = vec![event.trigger.as_str().to_owned()];
        completed.filters.clear();
        let errors = match state.actions.preview_webhook(with(&completed), event).await? {
            Ok(rendered) => return Ok(Self::formatted(state, draft, rendered, to_do).await),
            Err(errors) => errors,
        };
        let failed = Self::failed(&errors);
        if errors.iter().any(|error| error.field != Field::Url) {
            return Ok(failed);
        }
        // The rest of the request does not depend on the URL.
        SAMPLE_URL.clone_into(&mut completed.url);
        let Ok(rest) = state.actions.preview_webhook(with(&completed), event).await? else {
            return Ok(failed);
        };
        let rest = Self::formatted(state, draft, rest, Vec::new()).await;
        let request_line = format!("{} (the URL has an error)", draft.method);
        let Self { problems, status, annotations, .. } = failed;
        Ok(Self { problems, status, annotations, request_line, ok: false, ..rest })
    }

    /// Formats a request on a blocking thread, because it can be large.
    async fn formatted(
        state: &WebState,
        draft: &Draft,
        rendered: Preview,
        problems: Vec<String>,
    ) -> Self {
        let method = draft.method.clone();
        state.actions.run_blocking(move || Self::rendered(&method, &rendered, problems)).await
    }

    pub(in crate::web::webhooks) fn rendered(
        method: &str,
        rendered: &Preview,
        problems: Vec<String>,
    ) -> Self {
        let body = rendered.body.as_deref().unwrap_or_default();
        let pretty = highlight::pretty_json(body);
        let status = match &pretty {
            Some(_) => "Valid JSON",
            None if body.is_empty() => "No body",
            None => "Text",
        };
        Self {
            request_line: format!("{method} {}", rendered.url),
            headers: rendered.headers.clone(),
            body: highlight::to_html(pretty.as_deref().unwrap_or(body)),
            problems,
            warnings: rendered.warnings.clone(),
            annotations: annotations::of_warnings(&rendered.slips),
            status: status.to_owned(),
            ok: true,
            ..Self::default()
        }
    }

    fn refused(message: &str) -> Self {
        let problems = vec![message.to_owned()];
        Self { problems, status: "Preview is not up to date".to_owned(), ..Self::default() }
    }

    fn event_removed() -> Self {
        let problems = vec![EVENT_REMOVED.to_owned()];
        Self { problems, status: "No event".to_owned(), ..Self::default() }
    }

    fn failed(errors: &FieldErrors) -> Self {
        Self {
            problems: errors.messages(),
            status: status_of(errors),
            annotations: annotations::of_errors(errors),
            ..Self::default()
        }
    }
}

/// The place of the first error: a line of the body, or another part of the request.
fn status_of(errors: &FieldErrors) -> String {
    let mut in_body = errors.iter().filter(|error| error.field == Field::BodyTemplate);
    if let Some(line) = in_body.find_map(|error| error.line) {
        return format!("Error on line {line}");
    }
    let in_header = errors
        .iter()
        .find_map(|error| if let Field::Header(row) = error.field { Some(row + 1) } else { None });
    match in_header {
        _ if errors.iter().any(|error| error.field == Field::Url) => "Error in the URL".to_owned(),
        Some(number) => format!("Error in header {number}"),
        None => "Cannot be rendered".to_owned(),
    }
}

/// Returns the draft with sample values for missing or invalid parts that do not affect the request, and messages about
/// the placeholders that are still to be replaced.
pub(super) fn complete(draft: &Draft, errors: &FieldErrors) -> (Draft, Vec<String>) {
    let (mut completed, to_do) = crate::model::webhook::preset::fill_placeholders(draft);
    if errors.iter().any(|error| error.field == Field::Name) {
        "Preview".clone_into(&mut completed.name);
    }
    completed.timeout_in_sec.clear();
    completed.max_in_flight.clear();
    completed.rate_per_minute.clear();
    completed.retry_schedule.clear();
    completed.response_validators.clear();
    completed.custom_validation_error_message.clear();
    completed.authentication = AuthDraft::default();
    completed.signing = SigningDraft::default();
    completed.tls = TlsDraft::default();
    if completed.url.trim().is_empty() {
        SAMPLE_URL.clone_into(&mut completed.url);
    }
    (completed, to_do)
}

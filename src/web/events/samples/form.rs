//! The form that sends a sample access request.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::actions::{SampleOrder, SendSampleError};
use crate::model::event::{MAX_SAMPLE_VALUE_CHARS, SAMPLE_FIELDS, SamplePath};
use crate::model::{Trigger, WebhookId};
use crate::store::webhooks;
use crate::web::components::SelectOption;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Times between two events: seconds and label.
const PAUSES: [(u64, &str); 4] =
    [(0, "none"), (2, "2 seconds"), (10, "10 seconds"), (60, "1 minute")];
/// The proposed time between two events, in seconds.
const DEFAULT_PAUSE: u64 = 2;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct NewQuery {
    /// The only webhook that the events go to.
    webhook: String,
}

/// A value that the user can enter, ready to print.
struct FieldView {
    name: &'static str,
    label: &'static str,
    value: String,
    error: String,
}

/// The webhook that the user came from.
struct WebhookView {
    id: String,
    name: String,
    is_active: bool,
}

/// The form as the user left it.
struct Entered {
    fields: Vec<FieldView>,
    path: String,
    one: String,
    pause: u64,
    is_automatic: bool,
    /// The webhook that the user came from; empty if there is none.
    webhook: String,
    /// Whether only this webhook gets the events.
    is_for_one: bool,
}

#[derive(Template)]
#[template(path = "events/samples/form.html")]
struct SampleForm {
    page: Page,
    form: Entered,
    triggers: Vec<SelectOption>,
    pauses: Vec<SelectOption>,
    webhook: Option<WebhookView>,
    /// Why nothing was sent; empty if nothing was requested.
    problem: String,
}

/// `GET /events/samples/new`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<NewQuery>,
) -> Result<Response, Error> {
    render(&state, &current, Entered::new(query.webhook), String::new()).await
}

/// `POST /events/samples`
pub(in crate::web) async fn send(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let form = Entered::read(&pairs);
    let problem = match form.order() {
        Err(problem) => problem,
        Ok(order) => match state.actions.send_sample(order, &current.actor()).await {
            Ok(id) => return Ok(Redirect::to(&format!("/events/samples/{id}")).into_response()),
            Err(SendSampleError::Store(error)) => return Err(error.into()),
            Err(refused @ (SendSampleError::NotFound | SendSampleError::Inactive)) => {
                refused.to_string()
            }
        },
    };
    let page = render(&state, &current, form, problem).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn render(
    state: &WebState,
    current: &CurrentUser,
    form: Entered,
    problem: String,
) -> Result<Response, Error> {
    let webhook = match form.webhook.parse::<WebhookId>() {
        Ok(id) => webhooks::find(&state.db, id).await?.map(|draft| WebhookView {
            id: id.to_string(),
            name: draft.name,
            is_active: draft.active,
        }),
        Err(_) => None,
    };
    let option = |trigger: Trigger| {
        SelectOption::new(trigger.as_str(), trigger.as_str(), form.one == trigger.as_str())
    };
    let pause =
        |(secs, label): (u64, &str)| SelectOption::new(secs.to_string(), label, secs == form.pause);
    page::html(&SampleForm {
        page: Page::new(current, "Send a sample access request", Nav::Events).await?,
        triggers: Trigger::EVENTS.into_iter().map(option).collect(),
        pauses: PAUSES.into_iter().map(pause).collect(),
        form,
        webhook,
        problem,
    })
}

impl Entered {
    /// The form with the values of the examples.
    fn new(webhook: String) -> Self {
        let field = |field: &crate::model::event::SampleField| FieldView {
            name: field.name,
            label: field.label,
            value: field.example(),
            error: String::new(),
        };
        Self {
            fields: SAMPLE_FIELDS.iter().map(field).collect(),
            path: "granted".to_owned(),
            one: Trigger::Created.as_str().to_owned(),
            pause: DEFAULT_PAUSE,
            is_automatic: false,
            is_for_one: !webhook.is_empty(),
            webhook,
        }
    }

    fn read(pairs: &[(String, String)]) -> Self {
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let field = |field: &crate::model::event::SampleField| {
            let value = get(field.name);
            FieldView { name: field.name, label: field.label, error: check(&value), value }
        };
        Self {
            fields: SAMPLE_FIELDS.iter().map(field).collect(),
            path: get("path"),
            one: get("one"),
            pause: get("pause").parse().unwrap_or(DEFAULT_PAUSE),
            is_automatic: get("automatic") == "true",
            webhook: get("webhook"),
            is_for_one: get("to") == "one",
        }
    }

    /// What to send, or why it cannot be sent. Errors at fields are in the fields.
    fn order(&self) -> Result<SampleOrder, String> {
        if self.fields.iter().any(|field| !field.error.is_empty()) {
            return Err("Nothing was sent. Fix the fields below.".to_owned());
        }
        let path = match self.path.as_str() {
            "granted" => SamplePath::Granted,
            "rejected" => SamplePath::Rejected,
            "failed" => SamplePath::Failed,
            _ => {
                let trigger =
                    Trigger::from_name(&self.one).filter(|it| Trigger::EVENTS.contains(it));
                SamplePath::One(trigger.ok_or("Choose the events to send.")?)
            }
        };
        let pause = PAUSES.into_iter().find(|(secs, _)| *secs == self.pause);
        let (pause, _) = pause.ok_or("Choose the time between two events from the list.")?;
        let webhook = if self.is_for_one {
            Some(self.webhook.parse().map_err(|_error| "There is no such webhook.")?)
        } else {
            None
        };
        Ok(SampleOrder {
            values: self.fields.iter().map(|field| field.value.clone()).collect(),
            is_automatic: self.is_automatic,
            path,
            pause: Duration::from_secs(pause),
            webhook,
        })
    }
}

/// Returns the error in a value; empty if it is valid.
fn check(value: &str) -> String {
    if value.is_empty() {
        return "Enter a value.".to_owned();
    }
    let count = value.chars().count();
    if count > MAX_SAMPLE_VALUE_CHARS {
        return format!("Too long: {count} characters. Use at most {MAX_SAMPLE_VALUE_CHARS}.");
    }
    if value.chars().any(char::is_control) {
        return "Contains a control character. Remove it.".to_owned();
    }
    String::new()
}

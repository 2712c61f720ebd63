//! `POST /api/v1/events`: one event, or an array of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::value::RawValue;

use super::sender_limit;
use crate::api::sender_signature::{self, Sender};
use crate::api::{ApiState, MAX_REQUEST_BYTES, Problem, ProblemId, request_body};
use crate::delivery::{IntakeError, SubmittedEvent};
use crate::model::event::{Event, EventError};
use crate::model::{Origin, Trigger};

/// Maximum number of events in one request.
const MAX_EVENTS: usize = 1000;
/// Maximum size of an event, in bytes.
const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// Detail of the problem with a larger request than [`MAX_REQUEST_BYTES`].
const TOO_LARGE: &str = "A request can have at most 16 MiB. Send fewer events at once.";
/// Maximum length of an `Idempotency-Key`, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The response body.
#[derive(Debug, Serialize)]
pub(in crate::api) struct AcceptResponse {
    events: Vec<AcceptedItem>,
}

#[derive(Debug, Serialize)]
struct AcceptedItem {
    id: String,
    duplicate: bool,
    deliveries: usize,
}

/// Stores events. Responds when they are committed.
pub(in crate::api) async fn accept(
    State(state): State<Arc<ApiState>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<AcceptResponse>), Problem> {
    let accepted = store(&state, origin, &headers, body).await;
    if let Err(problem) = &accepted {
        state.metrics.event_request_rejected(problem.id().into());
    }
    accepted
}

async fn store(
    state: &ApiState,
    origin: Origin,
    headers: &HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<AcceptResponse>), Problem> {
    let sender = sender_signature::check_headers(state, origin, headers).await?;
    check_content_type(headers)?;
    check_content_encoding(headers)?;
    // Held until the sender is known.
    let permit = match sender {
        Sender::OnlySigned(_) => Some(state.sender_keys.try_receive().ok_or_else(|| {
            let detail =
                "Too many requests without a token are being received. Send the request again.";
            Problem::new(ProblemId::Unavailable, detail)
        })?),
        Sender::Token(_) | Sender::Signed(..) => None,
    };
    let reading = request_body::read(body, MAX_REQUEST_BYTES, TOO_LARGE);
    let bytes = match &permit {
        Some(permit) => permit.within(reading).await.ok_or_else(|| {
            let detail =
                "The body did not arrive in time. Nothing was stored. Send the request again.";
            Problem::new(ProblemId::Timeout, detail)
        })??,
        None => reading.await?,
    };
    let proven = sender_signature::check_body(state, origin, headers, sender, &bytes).await?;
    drop(permit);
    let mut submitted = parse(&bytes)?;
    set_keys(&mut submitted, proven.message_id, headers)?;
    sender_limit::take(state, &proven.token, submitted.len())?;
    let accepted = state.intake.accept(submitted).await.map_err(|error| match error {
        IntakeError::Unavailable => Problem::new(
            ProblemId::Unavailable,
            "The database is not available. Send the request again.",
        ),
        IntakeError::Stopping => {
            Problem::new(ProblemId::Unavailable, "The server is stopping. Send the request again.")
        }
    })?;
    let span = tracing::Span::current();
    span.record("event.count", accepted.len());
    if let [one] = accepted.as_slice() {
        span.record("event.id", tracing::field::display(one.id));
    }
    let events = accepted
        .into_iter()
        .map(|one| AcceptedItem {
            id: one.id.to_string(),
            duplicate: one.duplicate,
            deliveries: one.deliveries,
        })
        .collect();
    Ok((StatusCode::ACCEPTED, Json(AcceptResponse { events })))
}

/// Sets the idempotency keys of events: from the signed id of the message, or from the header.
fn set_keys(
    submitted: &mut [SubmittedEvent],
    message_id: Option<String>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if let Some(id) = message_id {
        for (index, one) in submitted.iter_mut().enumerate() {
            one.key = Some(format!("{id}/{index}"));
        }
    } else if let Some(key) = idempotency_key(headers)? {
        match submitted {
            [one] => one.key = Some(key),
            several => {
                let detail = format!(
                    "Idempotency-Key can be used only with a single event, but this request has {}. Without it, events are \
                     identified by event_type, data.id and event_time.",
                    several.len()
                );
                return Err(Problem::new(ProblemId::Invalid, detail));
            }
        }
    }
    Ok(())
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail =
        "Unsupported Content-Type. Send JSON with the header Content-Type: application/json.";
    Err(Problem::new(ProblemId::UnsupportedMediaType, detail))
}

/// Checks that the body is not encoded. The router has decoded gzip, and removed the header.
fn check_content_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(()) };
    let coding = value.to_str().unwrap_or_default().trim();
    if coding.eq_ignore_ascii_case("identity") {
        return Ok(());
    }
    let detail = format!(
        "Unsupported Content-Encoding \"{coding}\". Send the body as it is, or compressed with gzip."
    );
    Err(Problem::new(ProblemId::UnsupportedMediaType, detail))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY_BYTES).contains(&key.trim().len()) => {
            Ok(Some(key.trim().to_owned()))
        }
        _ => {
            let detail = format!(
                "Idempotency-Key must have 1 to {MAX_KEY_BYTES} printable ASCII characters."
            );
            Err(Problem::new(ProblemId::Invalid, detail))
        }
    }
}

/// Parses an event from outside, which cannot be one of Gatepost's own.
fn parse_event(text: &str) -> Result<Event, Vec<EventError>> {
    let event = Event::parse(text)?;
    if event.trigger != Trigger::Audit {
        return Ok(event);
    }
    let message =
        format!("cannot be \"{}\": only Gatepost itself sends these events", event.event_type);
    Err(vec![EventError { pointer: "/event_type".to_owned(), message }])
}

fn parse(bytes: &[u8]) -> Result<Vec<SubmittedEvent>, Problem> {
    let not_json = |error: &dyn std::fmt::Display| {
        Problem::new(ProblemId::NotJson, format!("The body is not JSON: {error}."))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| not_json(&error))?;
    let text = text.trim_start_matches('\u{feff}');
    let is_array = text.trim_start().starts_with('[');
    let raw: Vec<&str> = if is_array {
        let entries: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| not_json(&error))?;
        entries.into_iter().map(RawValue::get).collect()
    } else {
        vec![text]
    };
    if raw.is_empty() || raw.len() > MAX_EVENTS {
        let detail =
            format!("An array must have 1 to {MAX_EVENTS} events, but this one has {}.", raw.len());
        return Err(Problem::new(ProblemId::Invalid, detail));
    }
    let mut submitted = Vec::with_capacity(raw.len());
    let mut errors = Vec::new();
    for (index, one) in raw.into_iter().enumerate() {
        if one.trim().len() > MAX_EVENT_BYTES {
            let detail = format!("Event {index} is larger than 1 MiB. Nothing was stored.");
            return Err(Problem::new(ProblemId::TooLarge, detail));
        }
        match parse_event(one) {
            Ok(event) => submitted.push(SubmittedEvent { event, key: None, is_sample: false }),
            Err(_) if !is_array && let Err(error) = serde_json::from_str::<&RawValue>(one) => {
                return Err(not_json(&error));
            }
            Err(faults) => errors.extend(faults.into_iter().map(|fault| {
                let pointer =
                    if is_array { format!("/{index}{}", fault.pointer) } else { fault.pointer };
                EventError { pointer, message: fault.message }
            })),
        }
    }
    if errors.is_empty() {
        return Ok(submitted);
    }
    let detail = match errors.as_slice() {
        [EventError { pointer, message }] => {
            let subject = if pointer.is_empty() { "The event" } else { pointer };
            format!("{subject} {message}. Nothing was stored.")
        }
        several => format!("{} fields are invalid. Nothing was stored.", several.len()),
    };
    errors.truncate(100);
    Err(Problem::new(ProblemId::Invalid, detail).with_errors(errors))
}

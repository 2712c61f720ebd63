//! Access-request events as Apono sends them.
//!
//! The received JSON is kept exactly: all digits of numbers, unknown fields, and the order of fields.

mod choice;
pub mod field;
mod projection;
mod sample;
mod sample_request;
#[cfg(test)]
mod template_projection_tests;

use std::sync::{Arc, LazyLock, OnceLock};

use serde_json::Value;

pub use choice::EventChoice;
pub use field::SCHEMA;
pub use projection::Projection;
pub(super) use sample::epoch;
pub use sample::sample;
pub use sample_request::{
    MAX_SAMPLE_VALUE_CHARS, SAMPLE_FIELDS, SAMPLE_ID_PREFIX, SampleField, SamplePath, SampleRequest,
};

use super::Trigger;
use super::json;
use super::text::storable;

/// Longest text in a summary or error message, in characters.
const MAX_SUMMARY_CHARS: usize = 200;

/// A valid event: it has the fields that Gatepost needs to route and list it.
#[derive(Debug, Clone)]
pub struct Event {
    /// The JSON text as received.
    pub raw: String,
    /// The trigger.
    pub trigger: Trigger,
    /// `event_type` as received, in either spelling.
    pub event_type: String,
    /// `event_time` as received: epoch seconds with all digits.
    pub event_time: String,
    /// `data.id`.
    pub request_id: String,
    /// The fields that lists show.
    pub summary: Summary,
    /// Whether the text can be read by `serde_json` alone. See [`json`].
    is_plain: bool,
    payload: OnceLock<Value>,
    /// Some fields of the payload, and the projection that selected them.
    projected: OnceLock<(Arc<Projection>, Value)>,
}

/// The fields that are read when an event is received.
static INTAKE_FIELDS: LazyLock<Projection> = LazyLock::new(|| {
    Projection::new(&[
        &["event_type"],
        &["event_time"],
        &["data", "id"],
        &["data", "friendly_id"],
        &["data", "requester", "email"],
        &["data", "requester", "name"],
        &["data", "requester", "id"],
        &["data", "access_groups", "integration", "name"],
    ])
});

/// The fields of an event that lists show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// `data.friendly_id`, else `data.id`.
    pub request: String,
    /// The requester's email, else name, else id.
    pub requester: String,
    /// The names of the integrations, joined with commas.
    pub integrations: String,
}

/// A validation error of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    /// JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// The problem and the fix.
    pub message: String,
}

impl EventError {
    fn new(pointer: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), message: message.into() }
    }
}

impl Event {
    /// Parses and validates an event.
    ///
    /// # Errors
    /// Every error in the event.
    pub fn parse(raw: &str) -> Result<Self, Vec<EventError>> {
        let raw = raw.trim_start_matches('\u{feff}').trim();
        let (payload, is_plain) = read(raw)
            .map_err(|error| vec![EventError::new("", format!("is not valid JSON: {error}"))])?;
        if !payload.is_object() {
            return Err(vec![EventError::new("", "must be a JSON object")]);
        }
        let mut errors = Vec::new();
        let trigger = check_event_type(&payload).map_err(|error| errors.push(error)).ok();
        let event_time = check_event_time(&payload).map_err(|error| errors.push(error)).ok();
        let request_id = check_request_id(&payload).map_err(|error| errors.push(error)).ok();
        match (trigger, event_time, request_id) {
            (Some((event_type, trigger)), Some(event_time), Some(request_id)) => {
                let summary = summarize(&payload, &request_id);
                let raw = raw.to_owned();
                let (payload, projected) = <_>::default();
                Ok(Self {
                    raw,
                    trigger,
                    event_type,
                    event_time,
                    request_id,
                    summary,
                    is_plain,
                    payload,
                    projected,
                })
            }
            _ => Err(errors),
        }
    }

    /// The complete event, parsed on first use: the dispatch queue holds many events, and a text needs a
    /// fraction of the memory. Numbers keep their spelling.
    pub fn payload(&self) -> &Value {
        // The text was validated by `parse`.
        let read = if self.is_plain { serde_json::from_str } else { json::parse };
        self.payload.get_or_init(|| read(&self.raw).unwrap_or_default())
    }

    /// At least the fields in `projection`, parsed on first use.
    pub fn project(&self, projection: &Arc<Projection>) -> &Value {
        if let Some(payload) = self.payload.get() {
            return payload;
        }
        if !self.is_plain {
            return self.payload();
        }
        // The text was validated by `parse`.
        let read = || projection::read_unchecked(&self.raw, projection).unwrap_or_default();
        match self.projected.get_or_init(|| (Arc::clone(projection), read())) {
            (known, projected) if Arc::ptr_eq(known, projection) => projected,
            // The webhooks, and with them the projection, have changed.
            _ => self.payload(),
        }
    }

    /// The same event for a manual send.
    #[must_use]
    pub fn as_manual(&self) -> Self {
        Self { trigger: Trigger::Manual, ..self.clone() }
    }

    /// The sample event of a trigger.
    ///
    /// # Errors
    /// The sample is invalid, which a test rules out.
    pub fn sample(trigger: Trigger) -> Result<Self, Vec<EventError>> {
        Self::parse(&sample(trigger).to_string())
    }
}

/// Reads the fields that are needed to accept an event. Also returns whether the text is plain: `serde_json` alone reads it
/// exactly. Other texts are rare, and read as a whole.
fn read(raw: &str) -> Result<(Value, bool), serde_json::Error> {
    if json::needs_exact_read(raw) {
        return Ok((json::parse(raw)?, false));
    }
    projection::read(raw, &INTAKE_FIELDS)
        .map(|payload| (payload, true))
        .or_else(|error| json::parse(raw).map(|payload| (payload, false)).map_err(|_same| error))
}

fn check_event_type(payload: &Value) -> Result<(String, Trigger), EventError> {
    let pointer = "/event_type";
    let Some(value) = payload.get("event_type") else {
        return Err(EventError::new(
            pointer,
            "is missing: add the type of the event, such as \"AccessRequestCreated\"",
        ));
    };
    let Some(text) = value.as_str() else {
        return Err(EventError::new(pointer, "must be a string, such as \"AccessRequestCreated\""));
    };
    match Trigger::from_event_type(text) {
        Some(trigger) => Ok((text.to_owned(), trigger)),
        None => Err(EventError::new(
            pointer,
            format!(
                "\"{}\" is unknown: use AccessRequest or Request followed by Created, Approved, \
                 Rejected, Granted, Expired or Failed",
                shorten(text)
            ),
        )),
    }
}

/// Accepts a JSON number, or a string with a number because body templates may quote it.
fn check_event_time(payload: &Value) -> Result<String, EventError> {
    let pointer = "/event_time";
    let expected = "epoch seconds, such as 1696263265.851898000";
    let digits = match payload.get("event_time") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        None => {
            return Err(EventError::new(pointer, format!("is missing: add {expected}")));
        }
        Some(_) => return Err(EventError::new(pointer, format!("must be {expected}"))),
    };
    match digits.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 && digits.len() <= 40 => Ok(digits),
        _ => Err(EventError::new(pointer, format!("must be {expected}"))),
    }
}

fn check_request_id(payload: &Value) -> Result<String, EventError> {
    let Some(data) = payload.get("data") else {
        return Err(EventError::new("/data", "is missing: add the access request"));
    };
    if !data.is_object() {
        return Err(EventError::new("/data", "must be an object with the access request"));
    }
    let pointer = "/data/id";
    let id = match data.get("id") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        None => {
            return Err(EventError::new(pointer, "is missing: add the id of the access request"));
        }
        Some(_) => return Err(EventError::new(pointer, "must be a string")),
    };
    match id.len() {
        0 => Err(EventError::new(pointer, "is empty: enter the id of the access request")),
        1..=200 => Ok(storable(&id).into_owned()),
        _ => Err(EventError::new(pointer, "is longer than 200 bytes: shorten it")),
    }
}

fn summarize(payload: &Value, request_id: &str) -> Summary {
    let text = |pointer: &str| {
        payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    let request = text("/data/friendly_id").unwrap_or(request_id);
    let requester = ["email", "name", "id"]
        .iter()
        .find_map(|key| text(&format!("/data/requester/{key}")))
        .unwrap_or_default();
    let groups = payload.pointer("/data/access_groups").and_then(Value::as_array);
    let mut integrations: Vec<&str> = Vec::new();
    for group in groups.into_iter().flatten() {
        if let Some(name) = group.pointer("/integration/name").and_then(Value::as_str)
            && !integrations.contains(&name)
        {
            integrations.push(name);
        }
    }
    Summary {
        request: shorten(request),
        requester: shorten(requester),
        integrations: shorten(&integrations.join(", ")),
    }
}

/// The first [`MAX_SUMMARY_CHARS`] characters, storable.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_SUMMARY_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    storable(&short).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_payload_is_valid() {
        let raw = sample(Trigger::Granted).to_string();
        let event = Event::parse(&raw).unwrap();
        assert_eq!(event.trigger, Trigger::Granted);
        assert_eq!(event.raw, raw);
        assert_eq!(event.summary.request, "AR-123");
        assert_eq!(event.summary.requester, "user@example.com");
        assert_eq!(event.summary.integrations, "prod db");
    }

    #[test]
    fn numbers_keep_their_digits() {
        let event = Event::parse(
            r#"{"event_type":"RequestCreated","event_time":1696263265.851898000,"data":{"id":"1"}}"#,
        )
        .unwrap();
        assert_eq!(event.event_time, "1696263265.851898000");
        assert_eq!(event.payload()["event_time"].to_string(), "1696263265.851898000");
    }

    #[test]
    fn every_error_has_the_pointer_of_its_field() {
        let pointers = |raw: &str| -> Vec<String> {
            Event::parse(raw).unwrap_err().into_iter().map(|error| error.pointer).collect()
        };
        assert_eq!(pointers("[]"), [""]);
        assert_eq!(pointers("{"), [""]);
        assert_eq!(pointers("{}"), ["/event_type", "/event_time", "/data"]);
        assert_eq!(
            pointers(r#"{"event_type":"X","event_time":"soon","data":{"id":""}}"#),
            ["/event_type", "/event_time", "/data/id"]
        );
        assert_eq!(
            pointers(r#"{"event_type":"RequestFailed","event_time":1,"data":{}}"#),
            ["/data/id"]
        );
        for data in ["1", "\"x\"", "[]", "null"] {
            let raw = format!(r#"{{"event_type":"RequestFailed","event_time":1,"data":{data}}}"#);
            assert_eq!(pointers(&raw), ["/data"]);
        }
    }

    #[test]
    fn nul_is_removed_from_database_columns() {
        let raw = r#"{"event_type":"RequestFailed","event_time":1,"data":{"id":"a\u0000b"}}"#;
        let event = Event::parse(raw).unwrap();
        assert!(!event.request_id.contains('\0'));
        assert_eq!(event.raw, raw);
    }

    #[test]
    fn a_lone_surrogate_is_kept_and_read_as_the_replacement_character() {
        let raw = r#"{"event_type":"RequestFailed","event_time":1,"data":{"id":"1","justification":"cut \ud83d"}}"#;
        let event = Event::parse(raw).unwrap();
        assert_eq!(event.raw, raw);
        let everything = Arc::new(Projection::All);
        for payload in [event.payload(), event.project(&everything)] {
            assert_eq!(payload["data"]["justification"], "cut \u{fffd}");
        }
        assert_eq!(Event::parse(&format!("\u{feff}{raw}")).unwrap().raw, raw);
    }

    /// A document that has this text as the value of a field, and as a member of objects in several places.
    fn with_key(key: &str, value: &str) -> String {
        let member = format!("{{\"{key}\":{value}}}");
        format!(
            r#"{{"event_type":"RequestFailed","event_time":1.50,"extra":{member},"data":{{"id":"7","justification":{member},
            "requester":{{"email":"a@b.example","{key}":{value}}},"list":[{member},1]}}}}"#
        )
    }

    proptest! {
        #[test]
        fn no_key_changes_how_an_event_is_parsed(
            key in "(\\$|\\\\u0024)serde_json::private::(Number|RawValue)|[a-z]{1,3}",
            value in "\"(abc|1|\\\\ud83d|\\{\\}|)\"|[1-9][0-9]{0,2}|\\{\\}|null",
        ) {
            let event = Event::parse(&with_key(&key, &value)).unwrap();
            let key: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
            let value = json::parse(&value).unwrap();
            prop_assert_eq!(&event.summary.requester, "a@b.example");
            let projection = Arc::new(Projection::new(&[&["data"], &["extra"]]));
            for payload in [event.payload(), event.project(&projection)] {
                for object in ["/extra", "/data/justification", "/data/requester", "/data/list/0"] {
                    prop_assert_eq!(&payload.pointer(object).unwrap()[&key], &value);
                }
                prop_assert_eq!(&payload["data"]["id"], "7");
            }
        }

        #[test]
        fn any_text_is_parsed_or_rejected_without_panic(text in ".{0,200}") {
            if let Ok(event) = Event::parse(&text) {
                prop_assert_eq!(event.raw, text.trim_start_matches('\u{feff}').trim());
            }
        }
    }
}

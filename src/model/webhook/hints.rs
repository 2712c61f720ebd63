//! Hints: likely mistakes in a webhook. They do not prevent saving.

use strsim::levenshtein;

use super::draft::Draft;
use super::errors::Field;

/// Logpoint API calls that an access event can make. All are POST.
const ACTIONS: [&str; 5] = [
    "add_incident_comment",
    "reopen_incident",
    "assign_incident",
    "resolve_incident",
    "close_incident",
];

/// Logpoint API calls that only read data.
const QUERIES: [&str; 5] =
    ["incidents", "incident_states", "get_data_from_incident", "get_users", "getalloweddata"];

/// A hint for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The field.
    pub field: Field,
    /// The likely mistake, and what to enter instead.
    pub message: String,
}

/// Returns all hints for a draft.
pub fn hints(draft: &Draft) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut add = |field: Field, message: String| hints.push(Hint { field, message });
    if let Some(message) = path_hint(draft) {
        add(Field::Url, message);
    }
    if is_logpoint(draft) {
        if !draft.method.trim().eq_ignore_ascii_case("post") {
            add(Field::Method, "Logpoint accepts only POST: change the method.".to_owned());
        }
        if let Some(message) = incident_id_hint(&draft.body_template) {
            add(Field::BodyTemplate, message);
        }
        if draft.response_validators.is_empty() {
            let message = "Logpoint also rejects requests with status 200: add the response validator $.success = true \
                           under Advanced, or a rejected request counts as delivered.";
            add(Field::BodyTemplate, message.to_owned());
        }
    }
    hints
}

/// Whether a draft is probably meant for Logpoint, judging by its path or its body. The word "incident"
/// alone proves nothing, because other services have incidents too.
pub fn is_logpoint(draft: &Draft) -> bool {
    let body = &draft.body_template;
    (body.contains("\"requestData\"") && body.contains("\"secret_key\""))
        || last_segment(&draft.url).is_some_and(|last| nearest_action(&last).is_some())
}

/// The action whose name equals the last path segment up to two typing errors.
fn nearest_action(last: &str) -> Option<&'static str> {
    ACTIONS.into_iter().find(|call| levenshtein(call, last) <= 2)
}

/// The last path segment in lower case.
fn last_segment(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let (_, path) = path.split_once('/')?;
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    Some(last.to_ascii_lowercase()).filter(|last| !last.is_empty())
}

fn path_hint(draft: &Draft) -> Option<String> {
    let last = last_segment(&draft.url)?;
    if ACTIONS.contains(&last.as_str()) {
        return None;
    }
    if let Some(query) = QUERIES.into_iter().find(|query| *query == last) {
        return is_logpoint(draft)
            .then(|| format!("/{query} only reads data. For an event, use one of {}.", paths()));
    }
    if last.starts_with("create_incident") || last.starts_with("add_incident_s") {
        return Some(format!(
            "Logpoint has no call that creates an incident, only alert rules do. Use one of {}.",
            paths()
        ));
    }
    if let Some(near) = nearest_action(&last) {
        return Some(format!(
            "Did you mean Logpoint's path /{near}? It is singular and has underscores."
        ));
    }
    is_logpoint(draft).then(|| format!("Logpoint has no path /{last}. Use one of {}.", paths()))
}

fn paths() -> String {
    ACTIONS.map(|call| format!("/{call}")).join(", ")
}

/// Finds an `incident_id` (32 hex digits) where Logpoint expects the id of the incident (24 hex digits).
fn incident_id_hint(body: &str) -> Option<String> {
    let at = body.find("\"incident_ids\"").or_else(|| body.find("\"_id\""))?;
    let mut texts = body.get(at..)?.split('"');
    let id = texts.find(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let start = id.get(..8)?;
    Some(format!(
        "{start}… has 32 digits, so it is an incident_id. Use the id of the incident, which has 24 digits."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::ValidatorDraft;

    const BODY: &str = r#"{"username": "u", "secret_key": "k", "requestData": {"incident_ids": ["5a62bd8cce983de89085429c"]}}"#;

    fn draft(url: &str, body: &str) -> Draft {
        Draft {
            url: url.to_owned(),
            body_template: body.to_owned(),
            response_validators: vec![ValidatorDraft::at("$.success", "true")],
            ..Draft::default()
        }
    }

    fn hints_for(url: &str, body: &str) -> Vec<(Field, String)> {
        hints(&draft(url, body)).into_iter().map(|hint| (hint.field, hint.message)).collect()
    }

    #[test]
    fn a_correct_webhook_has_no_hints() {
        for call in ACTIONS {
            assert_eq!(hints_for(&format!("https://10.0.0.5/{call}"), BODY), []);
            assert_eq!(hints_for(&format!("https://10.0.0.5:8443/{call}/"), BODY), []);
        }
        for url in [
            "https://a.example/x",
            "https://a.example",
            "https://a.example/incidents",
            "",
            "no url",
        ] {
            assert_eq!(hints_for(url, "{}"), [], "{url}");
        }
    }

    #[test]
    fn mistakes_in_the_path_are_found() {
        for (path, hint) in [
            ("close_incidents", "/close_incident?"),
            ("Reopen_Incidents", "/reopen_incident?"),
            ("add_incident_comments", "/add_incident_comment?"),
            ("create_incident", "no call that creates"),
            ("create_incidents", "no call that creates"),
            ("get_users", "only reads data"),
            ("delete_incident", "no path /delete_incident"),
        ] {
            let found = hints_for(&format!("https://10.0.0.5/{path}"), BODY);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(found[0].0 == Field::Url && found[0].1.contains(hint), "{path}: {found:?}");
        }
    }

    #[test]
    fn an_incident_id_instead_of_an_id_is_found() {
        let long = BODY.replace("5a62bd8cce983de89085429c", "00a1d29cb9849c4e8b3edb9f6e1a1f2c");
        let found = hints_for("https://10.0.0.5/close_incident", &long);
        assert!(found[0].0 == Field::BodyTemplate && found[0].1.contains("00a1d29c…"), "{found:?}");
    }

    #[test]
    fn unchecked_responses_are_found() {
        let unchecked = Draft {
            response_validators: Vec::new(),
            method: "GET".to_owned(),
            ..draft("https://10.0.0.5/close_incident", BODY)
        };
        let fields: Vec<Field> = hints(&unchecked).iter().map(|hint| hint.field).collect();
        assert_eq!(fields, [Field::Method, Field::BodyTemplate]);
    }
}

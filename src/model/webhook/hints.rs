//! What looks like a slip in a webhook, told at its field: no mistake that keeps it from being saved.

use strsim::levenshtein;

use super::draft::Draft;
use super::errors::Field;
use crate::model::secret;

/// Logpoint's calls that take an access event (its documented API); all are POST.
const CALLS: [&str; 5] = [
    "add_incident_comment",
    "reopen_incident",
    "assign_incident",
    "resolve_incident",
    "close_incident",
];

/// Logpoint's other documented calls: right, but nothing that an event can do.
const QUERIES: [&str; 5] =
    ["incidents", "incident_states", "get_data_from_incident", "get_users", "getalloweddata"];

/// A hint at a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where.
    pub field: Field,
    /// What may be wrong, and what would be right.
    pub message: String,
}

/// All hints on a draft.
pub fn hints(draft: &Draft) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut add = |field: Field, message: String| hints.push(Hint { field, message });
    if let Some(message) = about_path(draft) {
        add(Field::Url, message);
    }
    if let Some(message) = about_url_secret(&draft.url) {
        add(Field::Url, message);
    }
    if is_logpoint(draft) {
        if !draft.method.trim().eq_ignore_ascii_case("post") {
            add(Field::Method, "Logpoint takes its calls as POST.".to_owned());
        }
        if let Some(message) = about_ids(&draft.body_template) {
            add(Field::BodyTemplate, message);
        }
        if draft.response_validators.is_empty() {
            let message = "Logpoint says no with HTTP 200 too: add the validator $.success = true under Advanced, \
                           or a refusal counts as delivered.";
            add(Field::BodyTemplate, message.to_owned());
        }
    }
    hints
}

/// Whether a draft is likely meant for Logpoint: by its path, or by its body. Other services have
/// incidents too, so that the word alone says nothing.
pub fn is_logpoint(draft: &Draft) -> bool {
    let body = &draft.body_template;
    (body.contains("\"requestData\"") && body.contains("\"secret_key\""))
        || last_segment(&draft.url).is_some_and(|last| nearest(&last).is_some())
}

/// The call that a path's last part names, or nearly names: a plural, or a word that is mistyped.
fn nearest(last: &str) -> Option<&'static str> {
    CALLS.into_iter().find(|call| levenshtein(call, last) <= 2)
}

/// The last part of the path, in lower case.
fn last_segment(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let (_, path) = path.split_once('/')?;
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    Some(last.to_ascii_lowercase()).filter(|last| !last.is_empty())
}

fn about_path(draft: &Draft) -> Option<String> {
    let last = last_segment(&draft.url)?;
    if CALLS.contains(&last.as_str()) {
        return None;
    }
    if let Some(query) = QUERIES.into_iter().find(|query| *query == last) {
        return is_logpoint(draft)
            .then(|| format!("/{query} only reads. What an event can do: {}.", paths()));
    }
    if last.starts_with("create_incident") || last.starts_with("add_incident_s") {
        return Some(format!(
            "Logpoint has no call that creates an incident: they come from alert rules. What an event can do: {}.",
            paths()
        ));
    }
    if let Some(near) = nearest(&last) {
        return Some(format!("Logpoint's path is /{near}: singular, and with underscores."));
    }
    is_logpoint(draft)
        .then(|| format!("Logpoint has no /{last}. What an event can do: {}.", paths()))
}

fn paths() -> String {
    CALLS.map(|call| format!("/{call}")).join(", ")
}

fn about_url_secret(url: &str) -> Option<String> {
    let found = secret::secret_names_in_url(url);
    let first = found.first()?;
    let what = if first == "path" { "Its path".to_owned() } else { format!("Its {first}") };
    Some(format!(
        "{what} is a secret: whoever has this URL can use it. It is kept sealed and shows as {} from now on.",
        secret::MASK
    ))
}

/// Ids of 32 hex digits where 24 are wanted.
fn about_ids(body: &str) -> Option<String> {
    let at = body.find("\"incident_ids\"").or_else(|| body.find("\"_id\""))?;
    let mut texts = body.get(at..)?.split('"');
    let id = texts.find(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let start = id.get(..8)?;
    Some(format!(
        "{start}… has 32 digits: that is Logpoint's incident_id. Its calls take the incident's id, of 24."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"username": "u", "secret_key": "k", "requestData": {"incident_ids": ["5a62bd8cce983de89085429c"]}}"#;

    fn draft(url: &str, body: &str) -> Draft {
        Draft {
            url: url.to_owned(),
            body_template: body.to_owned(),
            response_validators: vec![("$.success".to_owned(), vec!["true".to_owned()])],
            ..Draft::default()
        }
    }

    fn told(url: &str, body: &str) -> Vec<(Field, String)> {
        hints(&draft(url, body)).into_iter().map(|hint| (hint.field, hint.message)).collect()
    }

    #[test]
    fn what_is_right_gets_no_hint() {
        for call in CALLS {
            assert_eq!(told(&format!("https://10.0.0.5/{call}"), BODY), []);
            assert_eq!(told(&format!("https://10.0.0.5:8443/{call}/"), BODY), []);
        }
        for url in [
            "https://a.example/x",
            "https://a.example",
            "https://a.example/incidents",
            "",
            "no url",
        ] {
            assert_eq!(told(url, "{}"), [], "{url}");
        }
    }

    #[test]
    fn slips_in_the_path_are_told() {
        for (path, hint) in [
            ("close_incidents", "/close_incident:"),
            ("Reopen_Incidents", "/reopen_incident:"),
            ("add_incident_comments", "/add_incident_comment:"),
            ("create_incident", "no call that creates"),
            ("create_incidents", "no call that creates"),
            ("get_users", "only reads"),
            ("delete_incident", "no /delete_incident"),
        ] {
            let found = told(&format!("https://10.0.0.5/{path}"), BODY);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(found[0].0 == Field::Url && found[0].1.contains(hint), "{path}: {found:?}");
        }
    }

    #[test]
    fn the_other_id_is_told_apart() {
        let long = BODY.replace("5a62bd8cce983de89085429c", "00a1d29cb9849c4e8b3edb9f6e1a1f2c");
        let found = told("https://10.0.0.5/close_incident", &long);
        assert!(found[0].0 == Field::BodyTemplate && found[0].1.contains("00a1d29c…"), "{found:?}");
    }

    #[test]
    fn a_url_that_is_a_secret_and_an_answer_that_nobody_reads() {
        for url in ["https://l.example/?token=abc", "https://hooks.slack.com/services/T/B/x"] {
            assert!(told(url, "{}")[0].1.contains("is a secret"), "{url}");
        }
        let blind = Draft {
            response_validators: Vec::new(),
            method: "GET".to_owned(),
            ..draft("https://10.0.0.5/close_incident", BODY)
        };
        let fields: Vec<Field> = hints(&blind).iter().map(|hint| hint.field).collect();
        assert_eq!(fields, [Field::Method, Field::BodyTemplate]);
    }
}

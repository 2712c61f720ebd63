//! Where to start from: the calls that Logpoint offers.
//!
//! No call of Logpoint creates an incident; alert rules do. An access event can comment on one that
//! stands, reopen, assign, resolve or close it.

use super::draft::Draft;
use super::errors::{Field, FieldErrors};

/// A filled-in form to start from.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// In URLs.
    pub id: &'static str,
    /// On the page.
    pub title: &'static str,
    /// What it does and what to fill in.
    pub notes: &'static str,
    path: &'static str,
    request_data: &'static str,
    triggers: &'static [&'static str],
}

/// The presets, most useful first.
pub const PRESETS: [Preset; 5] = [
    Preset {
        id: "logpoint-comment",
        title: "Logpoint: comment",
        notes: "Adds a comment to a standing incident. A comment that was posted but whose answer got \
                lost is posted again: the delivery id in its text tells a double.",
        path: "add_incident_comment",
        request_data: r#"{
    "version": "0.1",
    "states": [
      {
        "_id": "<incident id>",
        "comments": ["{{data.friendly_id}} {{event_type}}: {{data.requester.email}} for {{data.access_groups.[0].integration.name}} ({{data.justification}}) [{{delivery.id}}]"]
      }
    ]
  }"#,
        triggers: &["Created", "Approved", "Rejected", "Granted", "Expired", "Failed"],
    },
    Preset {
        id: "logpoint-reopen",
        title: "Logpoint: reopen",
        notes: "Reopens incidents, for example when access that an incident was about is asked for again.",
        path: "reopen_incident",
        request_data: INCIDENTS,
        triggers: &["Created"],
    },
    Preset {
        id: "logpoint-assign",
        title: "Logpoint: assign",
        notes: "Assigns incidents to a user. Resolve and close work only on incidents that are assigned \
                to the API's user: assign, then resolve, then close.",
        path: "assign_incident",
        request_data: r#"{
    "version": "0.1",
    "incident_ids": ["<incident id>"],
    "new_assignee": "<user id>"
  }"#,
        triggers: &["Created"],
    },
    Preset {
        id: "logpoint-resolve",
        title: "Logpoint: resolve",
        notes: "Resolves incidents that are assigned to the API's user.",
        path: "resolve_incident",
        request_data: INCIDENTS,
        triggers: &["Granted"],
    },
    Preset {
        id: "logpoint-close",
        title: "Logpoint: close",
        notes: "Closes incidents that are resolved and assigned to the API's user.",
        path: "close_incident",
        request_data: INCIDENTS,
        triggers: &["Expired"],
    },
];

const INCIDENTS: &str = r#"{
    "version": "0.1",
    "incident_ids": ["<incident id>"]
  }"#;

/// What a preset leaves to fill in, and where it comes from.
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("<logpoint address>", "your Logpoint's name or address"),
    ("<user name>", "the user name of a Logpoint account in an incident user group"),
    ("<secret key>", "that account's key, from My Preferences in Logpoint"),
    ("<incident id>", "the incident's id: 24 hex digits"),
    ("<user id>", "the id of the user to assign to: 24 hex digits"),
];

impl Preset {
    /// The preset of that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }

    /// The form filled in. Logpoint answers HTTP 200 to say no, so the answer is looked at.
    pub fn draft(&self) -> Draft {
        Draft {
            name: self.title.replace(':', ""),
            url: format!("https://<logpoint address>/{}", self.path),
            body_template: format!(
                "{{\n  \"username\": \"<user name>\",\n  \"secret_key\": \"<secret key>\",\n  \
                 \"requestData\": {}\n}}",
                self.request_data
            ),
            triggers: self.triggers.iter().map(|word| (*word).to_owned()).collect(),
            response_validators: vec![("$.success".to_owned(), vec!["true".to_owned()])],
            ..Draft::default()
        }
    }
}

/// The draft with something harmless in place of what a preset leaves to fill in, for previews, and
/// what is still to do.
pub fn fill_placeholders(draft: &Draft) -> (Draft, Vec<String>) {
    let mut filled = draft.clone();
    let mut left = Vec::new();
    for (placeholder, meaning) in PLACEHOLDERS {
        if draft.url.contains(placeholder) || draft.body_template.contains(placeholder) {
            left.push(format!("Replace {placeholder} with {meaning}."));
            let shown = placeholder.replace('<', "‹").replace('>', "›");
            filled.body_template = filled.body_template.replace(placeholder, &shown);
            filled.url = filled.url.replace(placeholder, "logpoint.example");
        }
    }
    (filled, left)
}

/// A preset cannot be saved or sent with its placeholders left in.
pub(super) fn check_placeholders(draft: &Draft, errors: &mut FieldErrors) {
    for (placeholder, meaning) in PLACEHOLDERS {
        let message = format!("Replace {placeholder} with {meaning}.");
        if draft.url.contains(placeholder) {
            errors.add(Field::Url, message);
        } else if let Some(line) =
            draft.body_template.lines().position(|line| line.contains(placeholder))
        {
            errors.add_at_line(Field::BodyTemplate, message, line + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::{Rules, Webhook};

    #[test]
    fn a_preset_needs_its_placeholders_filled_in_and_nothing_else() {
        for preset in PRESETS {
            let draft = preset.draft();
            let errors = Webhook::new(draft.clone(), &Rules::default()).unwrap_err();
            assert!(errors.iter().all(|error| error.message.starts_with("Replace <")), "{errors}");
            let mut filled = draft;
            filled.url = filled.url.replace("<logpoint address>", "10.0.0.5");
            for (placeholder, _) in PLACEHOLDERS {
                filled.body_template =
                    filled.body_template.replace(placeholder, "5a62bd8cce983de89085429c");
            }
            let webhook = Webhook::new(filled, &Rules::default()).unwrap();
            assert_eq!(webhook.validators()[0].path(), "$.success");
        }
    }
}

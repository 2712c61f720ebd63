//! Presets: webhooks to start from. Each is a file in `presets/` that contains a webhook with
//! `<placeholders>` for values that only the administrator knows, their meanings, and notes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::draft::Draft;
use super::errors::{Field, FieldError, FieldErrors};
use super::file::{WebhookFile, parse_yaml};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/presets");

/// All presets, sorted by file name, which is the order on the page.
pub static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let mut files: Vec<_> = FILES.files().collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .filter_map(|file| {
            let name = file.path().file_stem()?.to_str()?;
            let (_number, id) = name.split_once('-')?;
            // A test ensures that every file is valid.
            Preset::read(id, file.contents_utf8()?).ok()
        })
        .collect()
});

/// A webhook to start from.
#[derive(Debug, Clone)]
pub struct Preset {
    /// Id in URLs.
    pub id: String,
    /// Title on the page.
    pub title: String,
    /// Group of the target.
    pub group: Group,
    /// What the webhook does, and what to configure at the target.
    pub notes: String,
    draft: Draft,
    placeholders: BTreeMap<String, String>,
}

/// Groups of presets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Group {
    /// Calls to Logpoint.
    Logpoint,
    /// Other targets.
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    group: Group,
    notes: String,
    /// Placeholders without angle brackets, and their meanings.
    placeholders: BTreeMap<String, String>,
    webhook: WebhookFile,
}

impl Preset {
    /// Finds the preset with that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }

    /// Whether the target is Logpoint.
    pub fn is_logpoint(&self) -> bool {
        self.group == Group::Logpoint
    }

    /// The draft to fill into the form.
    pub fn draft(&self) -> Draft {
        self.draft.clone()
    }

    fn read(id: &str, text: &str) -> Result<Self, String> {
        let file: File = parse_yaml(text).map_err(|(_path, error)| error)?;
        Ok(Self {
            id: id.to_owned(),
            title: file.title,
            group: file.group,
            notes: file.notes,
            draft: file.webhook.into_draft().map_err(|error| error.to_string())?,
            placeholders: file.placeholders,
        })
    }
}

/// The placeholders of all presets with angle brackets, and their meanings.
static PLACEHOLDERS: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let all = PRESETS.iter().flat_map(|preset| &preset.placeholders);
    all.map(|(name, meaning)| (format!("<{name}>"), meaning.as_str())).collect()
});

/// Whether a text is a placeholder of a preset, such as `<secret key>`.
pub fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.contains_key(text)
}

/// The texts of a draft that may contain placeholders of presets, each with its field.
fn texts(draft: &mut Draft) -> Vec<(Field, &mut String)> {
    let mut texts = vec![(Field::Url, &mut draft.url)];
    let headers = draft.headers.iter_mut().enumerate();
    texts.extend(headers.map(|(row, (_, value))| (Field::Header(row), value)));
    let auth = &mut draft.authentication;
    texts.extend([
        (Field::AuthToken, &mut auth.token),
        (Field::AuthUsername, &mut auth.username),
        (Field::AuthPassword, &mut auth.password),
        (Field::AuthClientId, &mut auth.client_id),
        (Field::AuthClientSecret, &mut auth.client_secret),
        (Field::AuthTokenEndpoint, &mut auth.token_endpoint_url),
        (Field::BodyTemplate, &mut draft.body_template),
    ]);
    texts
}

/// Returns an error for each remaining placeholder.
fn unfilled_placeholders(draft: &Draft) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for (field, text) in texts(&mut draft.clone()) {
        for (placeholder, meaning) in &*PLACEHOLDERS {
            let Some(line) = text.lines().position(|line| line.contains(placeholder.as_str()))
            else {
                continue;
            };
            let message = format!("Replace {placeholder} with {meaning}.");
            if field == Field::BodyTemplate {
                errors.add_at_line(field, message, line + 1);
            } else {
                errors.add(field, message);
            }
        }
    }
    errors
}

/// Returns the draft with valid sample values instead of placeholders, for previews, and the messages about
/// the placeholders.
pub fn fill_placeholders(draft: &Draft) -> (Draft, Vec<String>) {
    let mut messages: Vec<String> =
        unfilled_placeholders(draft).iter().map(|error| error.message.clone()).collect();
    messages.sort();
    messages.dedup();
    let mut filled = draft.clone();
    for (field, text) in texts(&mut filled) {
        for placeholder in PLACEHOLDERS.keys() {
            if !text.contains(placeholder.as_str()) {
                continue;
            }
            let name = placeholder.trim_matches(['<', '>']);
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "all other fields take a single word"
            )]
            let shown = match field {
                Field::BodyTemplate => format!("‹{name}›"),
                Field::Header(_) => format!("({name})"),
                _ => name.replace(' ', "-"),
            };
            *text = text.replace(placeholder.as_str(), &shown);
        }
    }
    (filled, messages)
}

/// Adds an error for each remaining placeholder. Other errors of the same field are dropped, because
/// they may only be caused by the placeholder.
pub(super) fn check_placeholders(draft: &Draft, errors: &mut FieldErrors) {
    let unfilled = unfilled_placeholders(draft);
    let is_unfilled = |field: Field| unfilled.iter().any(|error| error.field == field);
    errors.retain(|error: &FieldError| !is_unfilled(error.field));
    errors.extend(unfilled);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::{SecretChoices, SecretSet, move_credentials};
    use crate::model::webhook::{Rules, Webhook};
    use crate::model::{Trigger, event::Event};

    /// The draft with valid values instead of placeholders.
    fn filled(preset: &Preset) -> Draft {
        let mut draft = preset.draft();
        for (_, text) in texts(&mut draft) {
            for name in preset.placeholders.keys() {
                let value = if name.contains("address") && !name.contains("email") {
                    "10.0.0.5"
                } else {
                    "5a62bd8cce983de89085429c"
                };
                *text = text.replace(&format!("<{name}>"), value);
            }
        }
        moved(&draft)
    }

    /// The draft with its credentials moved into secrets.
    fn moved(draft: &Draft) -> Draft {
        move_credentials(draft, &SecretSet::default(), &SecretChoices::new()).unwrap().draft
    }

    #[test]
    fn every_file_is_a_preset() {
        for file in FILES.files() {
            let name = file.path().file_stem().unwrap().to_str().unwrap();
            let (number, id) = name.split_once('-').unwrap();
            assert!(number.parse::<u8>().is_ok(), "{name}: starts with its position");
            let preset = Preset::read(id, file.contents_utf8().unwrap());
            let preset = preset.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(preset.notes.ends_with('.'), "{name}: notes are sentences");
        }
        assert_eq!(PRESETS.len(), FILES.files().count());
    }

    #[test]
    fn a_preset_is_valid_except_for_its_placeholders() {
        for preset in PRESETS.iter() {
            let errors = Webhook::new(moved(&preset.draft()), &Rules::default()).unwrap_err();
            assert!(errors.iter().all(|error| error.message.starts_with("Replace <")), "{errors}");
            for name in preset.placeholders.keys() {
                let is_used =
                    errors.iter().any(|error| error.message.contains(&format!("<{name}>")));
                assert!(is_used, "{}: <{name}> is used", preset.id);
            }
            let webhook = Webhook::new(filled(preset), &Rules::default());
            let webhook = webhook.unwrap_or_else(|errors| panic!("{}: {errors}", preset.id));
            assert_eq!(webhook.warnings(), Vec::<String>::new(), "{}", preset.id);
        }
    }

    #[test]
    fn the_preview_of_a_preset_lists_its_placeholders() {
        for preset in PRESETS.iter() {
            let (shown, messages) = fill_placeholders(&preset.draft());
            assert_eq!(messages.len(), preset.placeholders.len(), "{}: {messages:?}", preset.id);
            let webhook = Webhook::new(moved(&shown), &Rules::default());
            assert!(webhook.is_ok(), "{}: {}", preset.id, webhook.unwrap_err());
        }
    }

    #[test]
    fn nested_json_is_valid_at_both_levels() {
        let mut nested = 0;
        for preset in PRESETS.iter() {
            let webhook = Webhook::new(filled(preset), &Rules::default()).unwrap();
            for trigger in Trigger::EVENTS {
                let body = webhook.render_event(&Event::sample(trigger).unwrap()).unwrap().body;
                let body = body.unwrap();
                let outer: serde_json::Value = serde_json::from_str(&body).unwrap();
                for key in [
                    "/message",
                    "/integration_type_fields",
                    "/description",
                    "/message/shortMessage",
                ] {
                    let inner = outer.pointer(key).and_then(serde_json::Value::as_str);
                    if let Some(inner) = inner.filter(|text| text.starts_with('{')) {
                        let inner: serde_json::Value = serde_json::from_str(inner).unwrap();
                        assert_eq!(inner["requester"], "user@example.com", "{}", preset.id);
                        nested += 1;
                    }
                }
            }
        }
        assert_eq!(nested, 5 * Trigger::EVENTS.len());
    }

    #[test]
    fn logpoint_presets_validate_the_response() {
        for preset in PRESETS.iter().filter(|preset| preset.group == Group::Logpoint) {
            let webhook = Webhook::new(filled(preset), &Rules::default()).unwrap();
            assert_eq!(webhook.validators()[0].path(), "$.success", "{}", preset.id);
        }
    }
}

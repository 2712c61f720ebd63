//! Where to start from. Each preset is a file in `presets/`: a webhook with `<placeholders>` for what
//! only the admin knows, notes, and what each placeholder stands for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::draft::Draft;
use super::errors::{Field, FieldError, FieldErrors};
use super::file::WebhookFile;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/presets");

/// All presets, in the order of the page: that of their files' names.
pub static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let mut files: Vec<_> = FILES.files().collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .filter_map(|file| {
            let name = file.path().file_stem()?.to_str()?;
            let (_number, id) = name.split_once('-')?;
            // A test reads every one of them.
            Preset::read(id, file.contents_utf8()?).ok()
        })
        .collect()
});

/// A filled-in form to start from.
#[derive(Debug, Clone)]
pub struct Preset {
    /// In URLs.
    pub id: String,
    /// On the page.
    pub title: String,
    /// Whom it sends to, where presets are grouped by that.
    pub group: Group,
    /// What it does and what to fill in.
    pub notes: String,
    draft: Draft,
    placeholders: BTreeMap<String, String>,
}

/// Presets that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Group {
    /// Calls of Logpoint.
    Logpoint,
    /// Everything else.
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    group: Group,
    notes: String,
    /// Name, without the angle brackets, and meaning.
    placeholders: BTreeMap<String, String>,
    webhook: WebhookFile,
}

impl Preset {
    /// The preset of that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }

    /// Whether it is a call of Logpoint.
    pub fn is_logpoint(&self) -> bool {
        self.group == Group::Logpoint
    }

    /// The form filled in.
    pub fn draft(&self) -> Draft {
        self.draft.clone()
    }

    fn read(id: &str, text: &str) -> Result<Self, String> {
        let file: File = serde_norway::from_str(text).map_err(|error| error.to_string())?;
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

/// Every placeholder of every preset, in its angle brackets, and what to put there.
static PLACEHOLDERS: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let all = PRESETS.iter().flat_map(|preset| &preset.placeholders);
    all.map(|(name, meaning)| (format!("<{name}>"), meaning.as_str())).collect()
});

/// The texts of a draft that may hold a placeholder, each with its field.
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

/// What a preset left to fill in and nobody has yet, each at its field.
fn unfilled(draft: &Draft) -> FieldErrors {
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

/// The draft with something harmless in place of what a preset leaves to fill in, for previews, and
/// what is still to do.
pub fn fill_placeholders(draft: &Draft) -> (Draft, Vec<String>) {
    let mut left: Vec<String> = unfilled(draft).iter().map(|error| error.message.clone()).collect();
    left.sort();
    left.dedup();
    let mut filled = draft.clone();
    for (field, text) in texts(&mut filled) {
        for placeholder in PLACEHOLDERS.keys() {
            if !text.contains(placeholder.as_str()) {
                continue;
            }
            let name = placeholder.trim_matches(['<', '>']);
            #[expect(clippy::wildcard_enum_match_arm, reason = "all others are one word")]
            let shown = match field {
                Field::BodyTemplate => format!("‹{name}›"),
                Field::Header(_) => format!("({name})"),
                _ => name.replace(' ', "-"),
            };
            *text = text.replace(placeholder.as_str(), &shown);
        }
    }
    (filled, left)
}

/// A preset cannot be saved or sent with its placeholders left in. Whatever else is wrong with such a
/// field will be another thing once it is filled in.
pub(super) fn check_placeholders(draft: &Draft, errors: &mut FieldErrors) {
    let unfilled = unfilled(draft);
    let is_unfilled = |field: Field| unfilled.iter().any(|error| error.field == field);
    errors.retain(|error: &FieldError| !is_unfilled(error.field));
    errors.extend(unfilled);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::{Rules, Webhook};
    use crate::model::{Trigger, event::Event};

    /// The draft with all filled in as an admin would.
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
        draft
    }

    #[test]
    fn every_file_is_a_preset() {
        for file in FILES.files() {
            let name = file.path().file_stem().unwrap().to_str().unwrap();
            let (number, id) = name.split_once('-').unwrap();
            assert!(number.parse::<u8>().is_ok(), "{name}: begins with its place");
            let preset = Preset::read(id, file.contents_utf8().unwrap());
            let preset = preset.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(preset.notes.ends_with('.'), "{name}: notes are sentences");
        }
        assert_eq!(PRESETS.len(), FILES.files().count());
    }

    #[test]
    fn a_preset_needs_its_placeholders_filled_in_and_nothing_else() {
        for preset in PRESETS.iter() {
            let errors = Webhook::new(preset.draft(), &Rules::default()).unwrap_err();
            assert!(errors.iter().all(|error| error.message.starts_with("Replace <")), "{errors}");
            for name in preset.placeholders.keys() {
                let told = errors.iter().any(|error| error.message.contains(&format!("<{name}>")));
                assert!(told, "{}: <{name}> is used", preset.id);
            }
            let webhook = Webhook::new(filled(preset), &Rules::default());
            let webhook = webhook.unwrap_or_else(|errors| panic!("{}: {errors}", preset.id));
            assert_eq!(webhook.warnings(), Vec::<String>::new(), "{}", preset.id);
        }
    }

    #[test]
    fn the_preview_of_a_preset_says_what_is_left() {
        for preset in PRESETS.iter() {
            let (shown, left) = fill_placeholders(&preset.draft());
            assert_eq!(left.len(), preset.placeholders.len(), "{}: {left:?}", preset.id);
            let webhook = Webhook::new(shown, &Rules::default());
            assert!(webhook.is_ok(), "{}: {}", preset.id, webhook.unwrap_err());
        }
    }

    #[test]
    fn json_within_json_is_valid_at_both_depths() {
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
    fn logpoints_presets_look_into_the_answer() {
        for preset in PRESETS.iter().filter(|preset| preset.group == Group::Logpoint) {
            let webhook = Webhook::new(filled(preset), &Rules::default()).unwrap();
            assert_eq!(webhook.validators()[0].path(), "$.success", "{}", preset.id);
        }
    }
}

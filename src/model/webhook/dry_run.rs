//! Dry runs: what a webhook would do with an event, without sending anything.

use super::conditions::SkipReason;
use super::errors::Field;
use super::request::{RenderError, Rendered};
use super::validated::Webhook;
use crate::model::event::Event;
use crate::template::check_json;

/// Result of a dry run.
#[derive(Debug, Clone)]
pub enum DryRun {
    /// The event would not be sent.
    Skipped(SkipReason),
    /// This request would be sent.
    Rendered(Rendered),
    /// The request could not be rendered, or its body would be invalid. Contains the message.
    Invalid(String),
}

impl Webhook {
    /// Evaluates the webhook for an event without sending anything.
    pub fn dry_run(&self, event: &Event) -> DryRun {
        match self.conditions.skip_reason(event) {
            Some(reason) => DryRun::Skipped(reason),
            None => self.dry_run_regardless(event),
        }
    }

    /// Does the same, whether or not the event matches.
    pub fn dry_run_regardless(&self, event: &Event) -> DryRun {
        let rendered = match self.render_sample(event.payload(), Some(&event.raw)) {
            Ok(rendered) => rendered,
            Err(error) => return DryRun::Invalid(describe(&error)),
        };
        let json_body = rendered.body.as_deref().filter(|_| self.is_json && self.body.is_some());
        match json_body.map(check_json) {
            Some(Err(error)) => {
                let position = format!("line {}, column {}", error.line, error.column);
                DryRun::Invalid(format!(
                    "The body is not valid JSON ({position}): {}",
                    error.message
                ))
            }
            Some(Ok(())) | None => DryRun::Rendered(rendered),
        }
    }
}

/// The error with the name of the template.
fn describe(error: &RenderError) -> String {
    let field = error.field();
    if let Field::Header(row) = field {
        return format!("Header {}, {error}", row + 1);
    }
    format!("{}, {error}", if field == Field::Url { "URL" } else { "Body template" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Trigger;
    use crate::model::webhook::{Draft, Rules};
    use serde_json::json;

    fn webhook(change: impl FnOnce(&mut Draft)) -> Webhook {
        let mut draft = Draft {
            name: "A".to_owned(),
            url: "https://10.0.0.5/x".to_owned(),
            triggers: vec!["Granted".to_owned()],
            ..Draft::default()
        };
        change(&mut draft);
        Webhook::new(draft, &Rules::default()).unwrap()
    }

    fn event(change: impl FnOnce(&mut serde_json::Value)) -> Event {
        let mut payload = crate::model::event::sample(Trigger::Granted);
        change(&mut payload);
        Event::parse(&payload.to_string()).unwrap()
    }

    #[test]
    fn a_rendering_error_names_the_template_and_the_position() {
        let webhook = webhook(|draft| {
            draft.headers = vec![
                ("X-A".to_owned(), "a".to_owned()),
                ("X-B".to_owned(), "{{data.justification}}".to_owned()),
            ];
        });
        let good = event(|_| {});
        assert!(matches!(webhook.dry_run(&good), DryRun::Rendered(_)));
        let bad = event(|payload| payload["data"]["justification"] = "two\nlines".into());
        let DryRun::Invalid(message) = webhook.dry_run(&bad) else { panic!("rendered") };
        assert!(message.starts_with("Header 2, line 1, column 1: "), "{message}");
    }

    #[test]
    fn a_body_that_is_invalid_json_for_this_event_is_reported() {
        let webhook = webhook(|draft| {
            draft.body_template = "{{#each data.approvals}}{\"a\": 1}{{/each}}".to_owned();
        });
        let none = event(|payload| payload["data"]["approvals"] = json!([]));
        let DryRun::Invalid(message) = webhook.dry_run(&none) else { panic!("rendered") };
        assert!(message.starts_with("The body is not valid JSON (line 1, column 1)"), "{message}");
    }
}

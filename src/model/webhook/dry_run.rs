//! What a webhook would make of an event, and why.

use super::errors::Field;
use super::render::{RenderError, Rendered};
use super::validate::Webhook;
use crate::model::Trigger;
use crate::model::event::Event;
use crate::model::filter;
use crate::model::template::check_json;

/// Why an event is not sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// This trigger is not chosen.
    Trigger(Trigger),
    /// This filter does not fit.
    Filter(filter::Field),
    /// Each of these filters fits, but not all of them one and the same access group.
    NoSingleGroup(Vec<filter::Field>),
}

/// What would become of an event.
#[derive(Debug, Clone)]
pub enum DryRun {
    /// It would not be sent.
    Skipped(SkipReason),
    /// This would be sent.
    Rendered(Rendered),
    /// It would be sent, but something is wrong with what: told in words.
    Invalid(String),
}

impl Webhook {
    /// What would become of an event.
    pub fn dry_run(&self, event: &Event) -> DryRun {
        match self.skip_reason(event) {
            Some(refusal) => DryRun::Skipped(refusal),
            None => self.try_render(event),
        }
    }

    fn skip_reason(&self, event: &Event) -> Option<SkipReason> {
        if !self.triggers().contains(&event.trigger) {
            return Some(SkipReason::Trigger(event.trigger));
        }
        let mismatch = self.mismatch(event.payload());
        if mismatch.no_single_group {
            return Some(SkipReason::NoSingleGroup(mismatch.fields));
        }
        mismatch.fields.first().copied().map(SkipReason::Filter)
    }

    fn try_render(&self, event: &Event) -> DryRun {
        let rendered = match self.render(&self.sample_data(event), Some(&event.raw)) {
            Ok(rendered) => rendered,
            Err(error) => return DryRun::Invalid(in_words(&error)),
        };
        let written = rendered.body.as_deref().filter(|_| self.is_json && self.body.is_some());
        match written.map(check_json) {
            Some(Err(error)) => {
                let place = format!("line {}, column {}", error.line, error.column);
                DryRun::Invalid(format!("The body is not valid JSON ({place}): {}", error.message))
            }
            Some(Ok(())) | None => DryRun::Rendered(rendered),
        }
    }
}

/// Which template it is, and where in it.
fn in_words(error: &RenderError) -> String {
    let field = error.field();
    if let Field::Header(row) = field {
        return format!("Header {}, {error}", row + 1);
    }
    format!("{}, {error}", if field == Field::Url { "URL" } else { "Body template" })
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn refused(webhook: &Webhook, event: &Event) -> SkipReason {
        let DryRun::Skipped(refusal) = webhook.dry_run(event) else { panic!("it is not refused") };
        refusal
    }

    #[test]
    fn the_trigger_is_asked_first_then_each_filter() {
        let webhook = webhook(|draft| {
            draft.filters.insert(filter::Field::Integration, filter::Choice::any_of(["prod*"]));
            draft.filters.insert(filter::Field::ResourceType, filter::Choice::any_of(["Bucket"]));
        });
        let created = Event::sample(Trigger::Created).unwrap();
        assert_eq!(refused(&webhook, &created), SkipReason::Trigger(Trigger::Created));
        let database = event(|_| {});
        assert_eq!(refused(&webhook, &database), SkipReason::Filter(filter::Field::ResourceType));
        let apart = event(|payload| {
            payload["data"]["access_groups"] = json!([
                {"integration": {"name": "prod db"}},
                {"integration": {"name": "b"}, "resource_types": [{"name": "Bucket"}]},
            ]);
        });
        let both = vec![filter::Field::Integration, filter::Field::ResourceType];
        assert_eq!(refused(&webhook, &apart), SkipReason::NoSingleGroup(both));
    }

    #[test]
    fn what_cannot_be_rendered_is_told_with_its_place() {
        let webhook = webhook(|draft| {
            draft.headers = vec![
                ("X-A".to_owned(), "a".to_owned()),
                ("X-B".to_owned(), "{{data.justification}}".to_owned()),
            ];
        });
        let good = event(|_| {});
        assert!(matches!(webhook.dry_run(&good), DryRun::Rendered(_)));
        let bad = event(|payload| payload["data"]["justification"] = "two\nlines".into());
        let DryRun::Invalid(told) = webhook.dry_run(&bad) else { panic!("it was rendered") };
        assert!(told.starts_with("Header 2, line 1, column 1: "), "{told}");
    }

    #[test]
    fn a_body_that_is_not_json_for_this_event_is_told() {
        let webhook = webhook(|draft| {
            draft.body_template = "{{#each data.approvals}}{\"a\": 1}{{/each}}".to_owned();
        });
        let none = event(|payload| payload["data"]["approvals"] = json!([]));
        let DryRun::Invalid(told) = webhook.dry_run(&none) else { panic!("it was rendered") };
        assert!(told.starts_with("The body is not valid JSON (line 1, column 1)"), "{told}");
    }
}

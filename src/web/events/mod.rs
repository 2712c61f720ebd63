//! The list of events, and an event with what became of it.

pub(super) mod list;
pub(super) mod samples;
pub(super) mod show;

use crate::model::Trigger;
use crate::store::deliveries::by_event::EventResult;
use crate::store::events::StoredEvent;
use crate::web::display_time::{DisplayTime, LocalNow};

/// An event with its result, ready to print.
struct EventView {
    id: String,
    trigger: Trigger,
    is_sample: bool,
    request: String,
    requester: String,
    integrations: String,
    received: DisplayTime,
    result: ResultView,
}

impl EventView {
    fn new(event: &StoredEvent, result: EventResult, now: LocalNow) -> Self {
        Self {
            id: event.id.to_string(),
            trigger: event.status(),
            is_sample: event.is_sample(),
            request: event.request.clone(),
            requester: event.requester.clone(),
            integrations: event.integrations.clone(),
            received: DisplayTime::new(event.received_at, now),
            result: ResultView::new(result),
        }
    }
}

/// The result of an event, as a text and a CSS class.
#[derive(Debug, PartialEq, Eq)]
struct ResultView {
    text: String,
    tone: &'static str,
}

impl ResultView {
    fn new(result: EventResult) -> Self {
        let EventResult { delivered, failed, cancelled, unfinished } = result;
        let parts: Vec<String> = [
            (delivered, "delivered"),
            (failed, "failed"),
            (unfinished, "waiting"),
            (cancelled, "cancelled"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        let tone = match result {
            _ if failed > 0 => "bad",
            _ if unfinished > 0 => "busy",
            _ if delivered > 0 => "good",
            _ => "quiet",
        };
        let text = if parts.is_empty() { "not sent".to_owned() } else { parts.join(", ") };
        Self { text, tone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_names_all_states_and_has_the_tone_of_the_worst() {
        let view = |delivered, failed, cancelled, unfinished| {
            let view = ResultView::new(EventResult { delivered, failed, cancelled, unfinished });
            (view.text, view.tone)
        };
        assert_eq!(view(0, 0, 0, 0), ("not sent".to_owned(), "quiet"));
        assert_eq!(view(2, 1, 0, 0), ("2 delivered, 1 failed".to_owned(), "bad"));
        assert_eq!(view(1, 0, 0, 1), ("1 delivered, 1 waiting".to_owned(), "busy"));
        assert_eq!(view(3, 0, 0, 0), ("3 delivered".to_owned(), "good"));
        assert_eq!(view(0, 0, 1, 0), ("1 cancelled".to_owned(), "quiet"));
    }
}

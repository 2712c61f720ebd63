//! The filters of the list of deliveries, as they are in its address.

use serde::Deserialize;

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, Trigger, WebhookId};
use crate::store::delivery_search::{DeliveryFilter, Scope, StatusFilter};
use crate::web::components::SelectOption;
use crate::web::list_filters::{FilterError, parse_times, query_string};

/// Name of the option that searches the responses.
const IN_RESPONSE: &str = "response";
/// Suggestions for the response status.
pub(super) const STATUSES: [&str; 8] =
    ["no response", "5xx", "4xx", "3xx", "2xx", "500", "503", "429"];

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    pub(super) q: String,
    #[serde(rename = "in")]
    pub(super) search_in: String,
    pub(super) state: String,
    pub(super) webhook: String,
    /// The name typed in the form. It is replaced by the id in the address of the list.
    pub(super) webhook_name: Option<String>,
    pub(super) trigger: String,
    pub(super) status: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) after: String,
    /// The number of rows that the page has already, if a search is continued.
    pub(super) found: Option<usize>,
}

impl ListQuery {
    /// The text to search for, without characters that cannot be stored.
    pub(super) fn text(&self) -> String {
        self.q.trim().replace('\0', "")
    }

    pub(super) fn is_in_response(&self) -> bool {
        self.search_in == IN_RESPONSE
    }

    /// The filters. `text` is from [`ListQuery::text`].
    pub(super) fn parse<'a>(&self, text: &'a str) -> Result<DeliveryFilter<'a>, Vec<FilterError>> {
        let status = parse_status(&self.status);
        let times = parse_times(&self.from, &self.to);
        match (status, times) {
            (Ok(status), Ok((from, until))) => Ok(DeliveryFilter {
                state: DeliveryState::from_name(&self.state),
                webhook: self.webhook.parse::<WebhookId>().ok(),
                trigger: Trigger::from_name(&self.trigger),
                status,
                from,
                until,
                text,
                in_response: self.is_in_response(),
                after: self.after.parse().ok(),
                scope: Scope::All,
            }),
            (status, times) => {
                Err(status.err().into_iter().chain(times.err().into_iter().flatten()).collect())
            }
        }
    }

    pub(super) fn states(&self) -> Vec<SelectOption> {
        let chosen = DeliveryState::from_name(&self.state);
        let option = |state: DeliveryState| {
            SelectOption::new(state.as_str(), state.label(), chosen == Some(state))
        };
        DeliveryState::ALL.into_iter().map(option).collect()
    }

    pub(super) fn triggers(&self) -> Vec<SelectOption> {
        let chosen = Trigger::from_name(&self.trigger);
        let option = |trigger: Trigger| {
            SelectOption::new(trigger.as_str(), trigger.as_str(), chosen == Some(trigger))
        };
        Trigger::ALL.into_iter().map(option).collect()
    }

    pub(super) fn places(&self) -> [SelectOption; 2] {
        [
            SelectOption::new("", "request", !self.is_in_response()),
            SelectOption::new(IN_RESPONSE, "response", self.is_in_response()),
        ]
    }

    /// The query string of the filters, without the page.
    pub(super) fn filters(&self) -> String {
        self.query_string("")
    }

    /// The query string of the filters, for deliveries older than this one.
    pub(super) fn filters_after(&self, after: DeliveryId) -> String {
        self.query_string(&after.to_string())
    }

    pub(super) fn href(&self, after: Option<DeliveryId>) -> String {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        format!("/deliveries?{}", self.query_string(&after))
    }

    fn query_string(&self, after: &str) -> String {
        // The place matters only with a text.
        let search_in = if self.is_in_response() && !self.q.is_empty() { IN_RESPONSE } else { "" };
        query_string([
            ("q", self.q.as_str()),
            ("in", search_in),
            ("state", self.state.as_str()),
            ("webhook", self.webhook.as_str()),
            ("trigger", self.trigger.as_str()),
            ("status", self.status.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("after", after),
        ])
    }
}

/// Whether a filter is set. The page does not matter.
pub(super) fn is_filtered(filter: &DeliveryFilter<'_>) -> bool {
    let DeliveryFilter {
        state,
        webhook,
        trigger,
        status,
        from,
        until,
        text,
        in_response: _,
        after: _,
        scope: _,
    } = filter;
    state.is_some()
        || webhook.is_some()
        || trigger.is_some()
        || status.is_some()
        || from.is_some()
        || until.is_some()
        || !text.is_empty()
}

/// Parses a response status: `500`, `5xx` or `no response`.
fn parse_status(text: &str) -> Result<Option<StatusFilter>, FilterError> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Ok(None);
    }
    if text == "no response" || text == "none" {
        return Ok(Some(StatusFilter::NoResponse));
    }
    let class = text.strip_suffix("xx").and_then(|class| class.parse::<i32>().ok());
    let range = match (class, text.parse::<i32>()) {
        (Some(class @ 1..=9), _) => Some((class * 100, class * 100 + 99)),
        (None, Ok(status @ 100..=999)) => Some((status, status)),
        _ => None,
    };
    range.map(|(from, to)| Some(StatusFilter::Between(from, to))).ok_or_else(|| {
        let message =
            "is not a response status. Enter a number such as 500, a class such as 5xx, or no response.";
        FilterError::new("status", &text, message)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_status_is_a_number_a_class_or_no_response() {
        use StatusFilter::{Between, NoResponse};
        for (text, status) in [
            ("", None),
            (" 500 ", Some(Between(500, 500))),
            ("5xx", Some(Between(500, 599))),
            ("4XX", Some(Between(400, 499))),
            ("No response", Some(NoResponse)),
        ] {
            assert_eq!(parse_status(text), Ok(status), "{text}");
        }
        for text in ["five", "50", "1000", "0xx", "55xx", "xx", "-500", "5x"] {
            let error = parse_status(text).unwrap_err();
            assert_eq!(error.field, "status");
            assert!(error.message.contains("such as 5xx"), "{}", error.message);
        }
        for text in STATUSES {
            assert!(parse_status(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_keeps_the_filters(q in ".*", status in "[1-9]xx|[1-9][0-9]{2}|", state in "failed|") {
            let query = ListQuery { q, status, state, search_in: IN_RESPONSE.to_owned(), ..ListQuery::default() };
            let address = query.filters();
            let again: ListQuery = serde_html_form::from_str(&address).unwrap();
            let (text, same) = (query.text(), again.text());
            let (parsed, reparsed) = (query.parse(&text).unwrap(), again.parse(&same).unwrap());
            prop_assert_eq!((parsed.text, parsed.state, parsed.status), (reparsed.text, reparsed.state, reparsed.status));
            prop_assert_eq!(again.filters(), address);
        }
    }
}

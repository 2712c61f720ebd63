//! Results of the form's buttons, ready to print.

use super::event_menu;
use super::preview::PreviewView;
use crate::actions::{Backtest, MAX_BACKTEST_EVENTS, Preview};
use crate::model::invocation::Invocation;
use crate::model::webhook::SkipReason;
use crate::store::events::StoredEvent;
use crate::web::components::CertificateFacts;
use crate::web::display_time::{self, DisplayTime, LocalNow};
use crate::web::invocations::troubleshooting;

/// Result of **Test**.
#[derive(Debug, Clone)]
pub(super) struct TestResultView {
    pub(super) ok: bool,
    /// Address of the invocation; empty if nothing was sent.
    pub(super) href: String,
    /// The response status, or the reason for the failure.
    pub(super) detail: String,
    /// Address of the tip for the failure; empty if there is none.
    pub(super) tip_href: String,
}

impl TestResultView {
    pub(super) fn new(invocation: &Invocation) -> Self {
        let took = display_time::duration(invocation.exchange.timings.total_us);
        Self {
            ok: invocation.succeeded(),
            tip_href: invocation.failure.as_ref().map(troubleshooting::href).unwrap_or_default(),
            href: format!("/invocations/{}", invocation.id),
            detail: match (&invocation.failure, &invocation.exchange.response) {
                (Some(cause), _) => cause.summary(),
                (None, Some(response)) => format!("{} in {took}", response.status),
                (None, None) => took,
            },
        }
    }

    /// A test that is beyond a limit, with a sentence about it.
    pub(super) fn refused(message: &str) -> Self {
        let detail = format!("Nothing was sent. {message}");
        Self { ok: false, href: String::new(), detail, tip_href: String::new() }
    }

    /// A test that was not sent, with the reason.
    pub(super) fn not_sent(reason: &str) -> Self {
        let detail = format!("Nothing was sent: {reason}");
        Self { ok: false, href: String::new(), detail, tip_href: String::new() }
    }
}

/// Result of **Fetch certificate**.
#[derive(Debug, Default)]
pub(super) struct CertificateView {
    pub(super) error: String,
    pub(super) found: Option<CertificateFacts>,
}

/// Result of **Check credentials**.
#[derive(Debug, Default)]
pub(super) struct CredentialsView {
    /// Whether the button was used.
    pub(super) requested: bool,
    pub(super) ok: bool,
    pub(super) headline: String,
    pub(super) details: String,
}

impl CredentialsView {
    /// Credentials that were not checked, with the reason.
    pub(super) fn not_checked(details: String) -> Self {
        Self { requested: true, ok: false, headline: "Not checked.".to_owned(), details }
    }
}

/// Result of **Try on past events**.
#[derive(Debug, Default)]
pub(super) struct BacktestView {
    /// Errors that prevented the backtest.
    pub(super) errors: Vec<String>,
    /// Number of evaluated events.
    pub(super) tried: usize,
    /// When the oldest evaluated event was received.
    pub(super) since: Option<DisplayTime>,
    pub(super) sent: usize,
    pub(super) skipped: usize,
    /// Skip reasons, each with its number of events, most frequent first.
    pub(super) reasons: Vec<(usize, String)>,
    /// Events whose request cannot be rendered, each with the error.
    pub(super) broken: Vec<(String, String)>,
    pub(super) requests: Vec<BacktestRequest>,
}

/// A request that would have been sent for a past event.
#[derive(Debug)]
pub(super) struct BacktestRequest {
    pub(super) label: String,
    pub(super) requester: String,
    pub(super) preview: PreviewView,
}

impl BacktestView {
    pub(super) fn new(done: Backtest, method: &str, now: LocalNow) -> Self {
        let mut reasons: Vec<(usize, String)> =
            done.refused.iter().map(|(reason, count)| (*count, describe_skip(reason))).collect();
        reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let request = |(event, preview): (StoredEvent, Preview)| BacktestRequest {
            label: event_menu::label(&event, now.time),
            requester: event.requester,
            preview: PreviewView::rendered(method, &preview, Vec::new()),
        };
        let broken = done.broken.into_iter();
        Self {
            errors: Vec::new(),
            tried: done.tried,
            since: done.oldest.map(|event| DisplayTime::new(event.received_at, now)),
            sent: done.sent,
            skipped: done.refused.values().sum(),
            reasons,
            broken: broken
                .map(|(event, error)| (event_menu::label(&event, now.time), error))
                .collect(),
            requests: done.shown.into_iter().map(request).collect(),
        }
    }

    /// Describes which events were evaluated.
    pub(super) fn scope(&self) -> String {
        match self.tried {
            1 => "Of the 1 stored event".to_owned(),
            MAX_BACKTEST_EVENTS => format!("Of the newest {} events", self.tried),
            tried => format!("Of the {tried} stored events"),
        }
    }
}

/// Describes a skip reason without its values.
pub(in crate::web::webhooks) fn describe_skip(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Filters(unmet) => {
            let labels = unmet.iter().map(|unmet| unmet.field.label());
            format!("Filter {} does not match", labels.collect::<Vec<_>>().join(", "))
        }
        SkipReason::Trigger(_) | SkipReason::NoSingleGroup(_) => reason.to_string(),
    }
}

//! The checks of the installation: what is wrong at the top, then the figures behind them, then all checks.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::figures::FiguresView;
use crate::health::{Check, CheckId, CheckState};
use crate::identity::Permission;
use crate::store::hours;
use crate::web::charts::{ChartsView, Period};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// A part of a text. Commands and names of settings are code.
struct Part {
    text: String,
    is_code: bool,
}

/// A check, ready to print.
struct CheckView {
    id: &'static str,
    title: &'static str,
    tone: &'static str,
    state: &'static str,
    found: String,
    fix: Vec<Part>,
    /// Address of the list that the fix mentions; empty if it mentions none.
    href: &'static str,
    /// Label of the link.
    link: &'static str,
}

struct ReportView {
    /// Checks that are not ok, the worst first.
    wrong: Vec<CheckView>,
    /// All checks.
    checks: Vec<CheckView>,
    figures: FiguresView,
    /// Number of unfinished deliveries.
    unfinished: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct StatusQuery {
    period: String,
}

#[derive(Template)]
#[template(path = "status/show.html")]
struct StatusPage {
    page: Page,
    report: ReportView,
    charts: ChartsView,
}

#[derive(Template)]
#[template(path = "status/show.html", block = "report")]
struct StatusReport {
    report: ReportView,
}

/// `GET /status`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Query(query): Query<StatusQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let report = load(&state, &current).await;
    if is_htmx(&headers) {
        return page::html(&StatusReport { report });
    }
    let (now, period) = (current.now(&state), Period::from_query(&query.period));
    let hours = hours::of_all(&state.db, ChartsView::first_hour(period, now.time)).await?;
    let waiting = report.unfinished.clone();
    page::html(&StatusPage {
        page: Page::new(&current, "Status", Nav::Status).await?,
        report,
        charts: ChartsView::new("/status", period, now, &hours, waiting),
    })
}

async fn load(state: &WebState, current: &CurrentUser) -> ReportView {
    let report = state.health.report().await;
    let sees_settings = current.role().allows(Permission::ReadSettings);
    let is_shown = |check: &&Check| sees_settings || !check.id.is_about_settings();
    let shown: Vec<&Check> = report.checks.iter().filter(is_shown).collect();
    let mut wrong: Vec<&Check> = shown.clone();
    wrong.retain(|check| check.state > CheckState::Ok);
    wrong.sort_by_key(|check| std::cmp::Reverse(check.state));
    let unfinished = report.figures.queue.as_ref();
    ReportView {
        unfinished: unfinished.map_or_else(|| "–".to_owned(), |queue| queue.total().to_string()),
        wrong: wrong.into_iter().map(CheckView::new).collect(),
        checks: shown.into_iter().map(CheckView::new).collect(),
        figures: FiguresView::new(report.figures, current.now(state), sees_settings),
    }
}

impl CheckView {
    fn new(check: &Check) -> Self {
        let (tone, state) = match check.state {
            CheckState::Ok => ("good", "OK"),
            CheckState::Warning => ("warn", "Warning"),
            CheckState::Problem => ("bad", "Problem"),
        };
        let (href, link) = list_of(check.id);
        Self {
            id: check.id.as_str(),
            title: check.id.title(),
            tone,
            state,
            found: check.found.clone(),
            fix: parts(&check.fix),
            href,
            link,
        }
    }
}

/// Returns the list with what a check is about, and the label of a link to it.
fn list_of(check: CheckId) -> (&'static str, &'static str) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no list")]
    match check {
        CheckId::Queue => ("/deliveries?state=due", "Show due deliveries"),
        CheckId::Failures => ("/deliveries?state=failed", "Show failed deliveries"),
        CheckId::CircuitBreakers => ("/webhooks?status=failing", "Show failing webhooks"),
        CheckId::PausedWebhooks => ("/webhooks?status=paused", "Show paused webhooks"),
        CheckId::WebhookVerification => ("/webhooks", "Show webhooks"),
        CheckId::TokenExpiry => ("/tokens", "Show API tokens"),
        _ => ("", ""),
    }
}

/// Splits a text at its backticks.
fn parts(text: &str) -> Vec<Part> {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| Part { text: part.to_owned(), is_code: index % 2 == 1 });
    parts.filter(|part| !part.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_code() {
        let shown = |text| {
            let parts = parts(text).into_iter();
            parts.map(|part| (part.text, part.is_code)).collect::<Vec<_>>()
        };
        assert_eq!(shown(""), []);
        let expected = [("Run ", false), ("gatepost migrate", true), (".", false)];
        let expected = expected.map(|(text, is_code)| (text.to_owned(), is_code));
        assert_eq!(shown("Run `gatepost migrate`."), expected);
    }
}

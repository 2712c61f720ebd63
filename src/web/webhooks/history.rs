//! The history of a webhook, and the differences between two revisions.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::parse_id;
use crate::identity::Permission;
use crate::model::Principal;
use crate::model::webhook::{Difference, Line, RevisionKind};
use crate::store::revisions::{self, Revision};
use crate::store::webhooks;
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// A revision, ready to print.
#[derive(Debug)]
pub(super) struct RevisionView {
    pub(super) number: i32,
    /// Such as `Changed by ann@example.com`.
    pub(super) title: String,
    /// The changed fields, or the reason for a pause.
    pub(super) detail: String,
    pub(super) made: DisplayTime,
    /// Address of the differences from the revision before; empty if there is none.
    pub(super) changes_href: String,
    /// Whether it can be restored.
    pub(super) can_restore: bool,
}

impl RevisionView {
    /// Returns the history of a webhook. The `current` revision cannot be restored, and without one, none can.
    pub(super) fn all(
        id: &str,
        revisions: &[Revision],
        current: Option<i32>,
        now: LocalNow,
    ) -> Vec<Self> {
        let oldest = revisions.last().map(|revision| revision.number);
        revisions
            .iter()
            .map(|revision| {
                let number = revision.number;
                let compares = Some(number) != oldest && revision.kind != RevisionKind::Deleted;
                Self {
                    number,
                    title: title(revision),
                    detail: detail(revision),
                    made: DisplayTime::new(revision.made_at, now),
                    changes_href: if compares {
                        format!("/webhooks/{id}/changes?from={}&to={number}", number - 1)
                    } else {
                        String::new()
                    },
                    can_restore: current.is_some_and(|current| current != number),
                }
            })
            .collect()
    }
}

fn title(revision: &Revision) -> String {
    match (revision.kind, &revision.actor.principal) {
        (RevisionKind::Added, Principal::Unknown) => {
            "Saved before changes were recorded".to_owned()
        }
        (RevisionKind::Restored, principal) => {
            format!("Revision {} restored by {principal}", revision.note)
        }
        (kind, principal) => format!("{} by {principal}", kind.as_str()),
    }
}

fn detail(revision: &Revision) -> String {
    if revision.kind == RevisionKind::Paused {
        revision.note.clone()
    } else {
        revision.changed.clone()
    }
}

/// A field with different values, ready to print.
#[derive(Debug)]
pub(in crate::web) struct DifferenceView {
    pub(in crate::web) label: String,
    pub(in crate::web) before: Option<String>,
    pub(in crate::web) after: Option<String>,
    /// Line-by-line differences, shown for a long text instead of both values.
    pub(in crate::web) lines: Vec<LineView>,
}

/// A line of a difference.
#[derive(Debug)]
pub(in crate::web) struct LineView {
    pub(in crate::web) class: &'static str,
    pub(in crate::web) sign: &'static str,
    pub(in crate::web) text: String,
}

impl DifferenceView {
    pub(in crate::web) fn all(differences: Vec<Difference>) -> Vec<Self> {
        let view = |one: Difference| Self {
            lines: one.lines().into_iter().map(LineView::new).collect(),
            label: one.label,
            before: one.before,
            after: one.after,
        };
        differences.into_iter().map(view).collect()
    }
}

impl LineView {
    fn new(line: Line) -> Self {
        let (class, sign, text) = match line {
            Line::Kept(text) => ("", " ", text),
            Line::Removed(text) => ("gone", "−", text),
            Line::Added(text) => ("come", "+", text),
            Line::Gap => ("gap", "", "…".to_owned()),
        };
        Self { class, sign, text }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ChangesQuery {
    from: i32,
    to: i32,
}

struct ChangesView {
    id: String,
    name: String,
    query: ChangesQuery,
    /// All revisions, newest first.
    revisions: Vec<RevisionView>,
    /// Title of the newer revision.
    title: Option<String>,
    made: Option<DisplayTime>,
    differences: Vec<DifferenceView>,
    can_restore: bool,
}

#[derive(Template)]
#[template(path = "webhooks/changes.html")]
struct ChangesPage {
    page: Page,
    view: ChangesView,
}

#[derive(Template)]
#[template(path = "webhooks/changes.html", block = "panel")]
struct ChangesPanel {
    view: ChangesView,
}

/// `GET /webhooks/{id}/changes?from=&to=`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Query<ChangesQuery>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let shown = webhooks::find_including_deleted(&state.db, id).await?.ok_or(Error::NotFound)?;
    let differences = state.actions.compare_revisions(id, query.from, query.to).await?;
    let differences = DifferenceView::all(differences.ok_or(Error::NotFound)?);
    let all = revisions::list(&state.db, id).await?;
    let current_revision =
        all.first().map(|newest| newest.number).filter(|_| shown.deleted_at.is_none());
    let revisions = RevisionView::all(&id.to_string(), &all, current_revision, current.now(&state));
    let newer = revisions.iter().find(|revision| revision.number == query.to);
    let view = ChangesView {
        id: id.to_string(),
        name: shown.draft.name,
        title: newer.map(|revision| revision.title.clone()),
        made: newer.map(|revision| revision.made.clone()),
        can_restore: current_revision.is_some_and(|number| number != query.from)
            && current.can(Permission::EditWebhooks),
        query,
        revisions,
        differences,
    };
    if is_htmx(&headers) {
        return page::html(&ChangesPanel { view });
    }
    let page = Page::new(&current, format!("Changes · {}", view.name), Nav::Webhooks).await?;
    page::html(&ChangesPage { page, view })
}

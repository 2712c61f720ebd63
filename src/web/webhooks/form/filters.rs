//! The filters of the form, and suggestions for their values.

use axum::extract::{Query, State};
use axum::response::Json;
use serde::Deserialize;

use super::field_id::element_id;
use crate::model::filter::{self, Field, Rule};
use crate::model::webhook;
use crate::store::{self, PgPool, filter_values};
use crate::web::components::SelectOption;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Maximum number of values suggested for a filter. Typing searches all values.
const MAX_SUGGESTIONS: i64 = 50;

/// One filter.
#[derive(Debug)]
pub(super) struct FilterView {
    /// The form element's id.
    pub(super) id: String,
    /// Name of the filter in files.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) placeholder: &'static str,
    /// The values, one per line.
    pub(super) text: String,
    /// Whether the filter excludes its values.
    pub(super) none_of: bool,
    /// Suggestions: values seen in events.
    pub(super) seen: Vec<String>,
}

/// All filters of the form.
#[derive(Debug)]
pub(super) struct FiltersView {
    /// Most common filters, always visible.
    pub(super) first: Vec<FilterView>,
    /// Kinds of approval, always visible.
    pub(super) approvals: [SelectOption; 2],
    /// Other filters, collapsed unless used.
    pub(super) more: Vec<FilterView>,
    /// Number of other filters with values.
    pub(super) more_used: usize,
}

impl FiltersView {
    pub(super) fn new(choices: &filter::Choices, seen: &SeenValues) -> Self {
        let view = |field: Field| FilterView {
            id: element_id(webhook::Field::Filter(field)),
            key: field.key(),
            label: field.label(),
            placeholder: placeholder(field),
            text: choices.get(&field).map(|one| one.values.join("\n")).unwrap_or_default(),
            none_of: choices.get(&field).is_some_and(|one| one.rule == Rule::NoneOf),
            seen: seen.of(field),
        };
        let first = [Field::Integration, Field::IntegrationType, Field::ResourceType];
        let rest = Field::ALL
            .into_iter()
            .filter(|field| !first.contains(field) && *field != Field::Approval);
        let more: Vec<FilterView> = rest.map(view).collect();
        let approval = choices.get(&Field::Approval);
        let approval = |value: &'static str, label| {
            // The form has no "none of" for approvals, but a file can have it. As there are only two kinds, excluding one
            // selects the other.
            let selected = approval.is_some_and(|one| {
                one.values.iter().any(|known| known == value) == (one.rule == Rule::AnyOf)
            });
            SelectOption::new(value, label, selected)
        };
        Self {
            first: first.into_iter().map(view).collect(),
            approvals: [approval("manual", "Manual"), approval("automatic", "Automatic")],
            more_used: more.iter().filter(|filter| !filter.text.is_empty()).count(),
            more,
        }
    }

    /// The selected kinds of approval.
    pub(super) fn selected_approvals(&self) -> impl Iterator<Item = &SelectOption> {
        self.approvals.iter().filter(|option| option.selected)
    }
}

/// Placeholder of an empty filter.
fn placeholder(field: Field) -> &'static str {
    if field == Field::CustomField { "Any, or name=value" } else { "Any" }
}

/// The newest values of each filter field in received events.
#[derive(Debug, Default)]
pub(super) struct SeenValues(Vec<(Field, String)>);

impl SeenValues {
    pub(super) async fn load(db: &PgPool) -> Result<Self, store::Error> {
        filter_values::list_newest(db, MAX_SUGGESTIONS).await.map(Self)
    }

    fn of(&self, field: Field) -> Vec<String> {
        let of_field = self.0.iter().filter(|(of, _)| *of == field);
        let mut values: Vec<String> = of_field.map(|(_, value)| value.clone()).collect();
        values.sort();
        values
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct ValuesQuery {
    field: Field,
    /// Search text.
    #[serde(default)]
    q: String,
}

/// `GET /webhooks/values`: suggestions for a filter, while the user types.
pub(in crate::web) async fn values(
    State(state): State<WebState>,
    _current: CurrentUser,
    Query(query): Query<ValuesQuery>,
) -> Result<Json<Vec<String>>, Error> {
    let text = query.q.trim().replace('\0', "");
    Ok(Json(filter_values::search(&state.db, query.field, &text, MAX_SUGGESTIONS).await?))
}

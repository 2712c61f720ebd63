//! The filters' part of the form.

use axum::extract::{Query, State};
use axum::response::Json;
use serde::Deserialize;

use crate::model::filter::{self, Field, Rule};
use crate::store::{self, PgPool, filter_values};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// At most so many values are offered for a filter; typing finds the others.
const MAX_OFFERED: i64 = 50;

/// One filter.
#[derive(Debug)]
pub(super) struct FilterView {
    /// The form element's id.
    pub(super) id: String,
    /// The name in files.
    pub(super) key: &'static str,
    /// The label.
    pub(super) label: &'static str,
    pub(super) placeholder: &'static str,
    /// The values, one a line.
    pub(super) text: String,
    /// Whether none of the values may be there.
    pub(super) none_of: bool,
    /// Values seen in events.
    pub(super) seen: Vec<String>,
}

/// One of the kinds of approval.
#[derive(Debug)]
pub(super) struct ApprovalChoice {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) chosen: bool,
}

/// All filters: those that are used most, and the rest.
#[derive(Debug)]
pub(super) struct FiltersView {
    /// Always shown.
    pub(super) first: Vec<FilterView>,
    /// Always shown, after the first ones.
    pub(super) approvals: [ApprovalChoice; 2],
    /// Folded.
    pub(super) more: Vec<FilterView>,
    /// Number of folded filters that have values.
    pub(super) more_used: usize,
}

impl FiltersView {
    pub(super) fn new(choices: &filter::Choices, seen: &Seen) -> Self {
        let view = |field: Field| FilterView {
            id: format!("filter-{}", field.key()),
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
        let approval = |value: &'static str, label| ApprovalChoice {
            value,
            label,
            // Only a file can say "none of". As there are two kinds, that is the other one.
            chosen: approval.is_some_and(|one| {
                one.values.iter().any(|known| known == value) == (one.rule == Rule::AnyOf)
            }),
        };
        Self {
            first: first.into_iter().map(view).collect(),
            approvals: [approval("manual", "Manual"), approval("automatic", "Automatic")],
            more_used: more.iter().filter(|filter| !filter.text.is_empty()).count(),
            more,
        }
    }

    /// The kinds of approval that are chosen.
    pub(super) fn chosen_approvals(&self) -> impl Iterator<Item = &ApprovalChoice> {
        self.approvals.iter().filter(|choice| choice.chosen)
    }
}

/// What an empty filter shows.
fn placeholder(field: Field) -> &'static str {
    if field == Field::CustomField { "Any, or name=value" } else { "Any" }
}

/// Values that were seen in events, to offer.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(Field, String)>);

impl Seen {
    pub(super) async fn load(db: &PgPool) -> Result<Self, store::Error> {
        filter_values::list_newest(db, MAX_OFFERED).await.map(Self)
    }

    fn of(&self, field: Field) -> Vec<String> {
        let of_field = self.0.iter().filter(|(of, _)| *of == field);
        let mut values: Vec<String> = of_field.map(|(_, value)| value.clone()).collect();
        values.sort();
        values
    }
}

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Asked {
    field: Field,
    #[serde(default)]
    q: String,
}

/// `GET /webhooks/values`
pub(in crate::web) async fn values(
    State(state): State<WebState>,
    _current: CurrentUser,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<String>>, Error> {
    let text = asked.q.trim().replace('\0', "");
    Ok(Json(filter_values::search(&state.db, asked.field, &text, MAX_OFFERED).await?))
}

//! The filter by webhook: a field for its name, with suggestions from the server. The address of the list contains the id, so
//! that it stays valid when the webhook is renamed.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::filters::ListQuery;
use crate::model::WebhookId;
use crate::model::webhook::fold_name;
use crate::store::webhooks;
use crate::web::list_filters::FilterError;
use crate::web::page;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Maximum number of suggestions. Typing searches all webhooks.
const MAX_SUGGESTIONS: i64 = 50;

/// The field.
#[derive(Debug, Default)]
pub(super) struct WebhookField {
    /// The id, if the name is one of a webhook.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) suggestions: Vec<String>,
}

/// Replaces the typed name in the query by the id of the webhook. The id that was sent with the form counts if the name is
/// still that webhook's: it may be deleted, and another one may have the same name.
///
/// Returns an error for the field if no webhook has the name.
pub(super) async fn resolve(
    state: &WebState,
    query: &mut ListQuery,
) -> Result<Option<FilterError>, Error> {
    let Some(typed) = query.webhook_name.clone() else { return Ok(None) };
    let typed = typed.trim().replace('\0', "");
    if typed.is_empty() {
        query.webhook.clear();
        return Ok(None);
    }
    if let Ok(id) = query.webhook.parse::<WebhookId>()
        && let Some(name) = webhooks::find_name(&state.db, id).await?
        && fold_name(&name) == fold_name(&typed)
    {
        return Ok(None);
    }
    let mut connection = state.db.acquire().await.map_err(crate::store::Error::from)?;
    let found = webhooks::find_id_by_name(&mut connection, &typed).await?;
    query.webhook = found.map(|id| id.to_string()).unwrap_or_default();
    Ok(found.is_none().then(|| {
        let message =
            "is not the name of a webhook. Choose one of the suggestions, or empty the field.";
        FilterError::new("webhook_name", &typed, message)
    }))
}

/// Loads the field of a page.
pub(super) async fn load(state: &WebState, query: &ListQuery) -> Result<WebhookField, Error> {
    let id = query.webhook.parse::<WebhookId>().ok();
    let name = match id {
        Some(id) => webhooks::find_name(&state.db, id).await?,
        None => query.webhook_name.clone(),
    };
    let suggestions = first_suggestions(state).await?;
    let id = id.filter(|_| name.is_some()).map(|id| id.to_string()).unwrap_or_default();
    Ok(WebhookField { id, name: name.unwrap_or_default(), suggestions })
}

/// Suggestions before the user types.
pub(in crate::web) async fn first_suggestions(state: &WebState) -> Result<Vec<String>, Error> {
    Ok(webhooks::search_names(&state.db, "", MAX_SUGGESTIONS).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SuggestionsQuery {
    /// The typed text.
    webhook_name: String,
}

#[derive(Template)]
#[template(path = "deliveries/_webhooks.html")]
struct Suggestions {
    suggestions: Vec<String>,
}

/// `GET /deliveries/webhooks`: suggestions while the user types.
pub(in crate::web) async fn suggest(
    State(state): State<WebState>,
    _current: CurrentUser,
    Query(query): Query<SuggestionsQuery>,
) -> Result<Response, Error> {
    let text = query.webhook_name.trim().replace('\0', "");
    let suggestions = webhooks::search_names(&state.db, &text, MAX_SUGGESTIONS).await?;
    page::html(&Suggestions { suggestions })
}

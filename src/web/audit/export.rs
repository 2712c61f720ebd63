//! Exports of the audit log.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;

use super::filters::AuditQuery;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ExportForm {
    format: String,
    #[serde(flatten)]
    query: AuditQuery,
}

/// `POST /audit/export`: a file with the entries that match the filters, oldest first. Entries are read while they are sent,
/// so that the log need not fit into memory.
pub(in crate::web) async fn export(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<ExportForm>,
) -> Result<Response, Error> {
    let query = form.query.cleaned();
    let (Ok(format), Ok(times)) = (form.format.parse(), query.times()) else {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, "The filters are invalid.\n").into_response());
    };
    let format: crate::model::audit::ExportFormat = format;
    state.actions.start_audit_export(format, &query.filter(times), &current.actor()).await?;
    let name = format!("audit-log-{}.{}", state.sources.now().format("%Y-%m-%d"), format.as_str());
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let first = (state, query, format.header(), 0);
    let parts = stream::try_unfold(first, move |(state, query, mut text, after)| async move {
        let page = state.actions.list_audit_page(&query.filter(times), after).await?;
        let Some(last) = page.last() else {
            let end = (!text.is_empty()).then(|| (text, (state, query, String::new(), after)));
            return Ok::<_, crate::store::Error>(end);
        };
        let after = last.seq;
        text.extend(page.iter().map(|entry| format.line(entry)));
        Ok(Some((text, (state, query, String::new(), after))))
    });
    Ok((headers, Body::from_stream(parts)).into_response())
}

//! Style sheets, scripts and pictures: built into the program, cached by their hash.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use serde::Deserialize;

use super::Error;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// The address of a file, changing with its content.
pub(super) fn url(path: &str) -> String {
    match Files::get(path) {
        Some(file) => format!("/static/{path}?v={}", version(&file)),
        None => format!("/static/{path}"),
    }
}

fn version(file: &rust_embed::EmbeddedFile) -> String {
    hex::encode(file.metadata.sha256_hash().get(..8).unwrap_or_default())
}

#[derive(Debug, Deserialize)]
pub(super) struct Version {
    v: Option<String>,
}

/// One file.
pub(super) async fn serve(
    Path(path): Path<String>,
    Query(asked): Query<Version>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = Files::get(&path) else { return Error::NotFound.into_response() };
    let version = version(&file);
    let etag = format!("\"{version}\"");
    // A script that another imports comes without its hash: it is asked for again each time.
    let cache = if asked.v.as_deref() == Some(version.as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let common = [(header::CACHE_CONTROL, cache.to_owned()), (header::ETAG, etag.clone())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known == Some(etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, content_type(&path))], file.data).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

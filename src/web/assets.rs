//! Style sheets, scripts and images: part of the program, under addresses that contain the hash of their content.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::Error;

/// A file of `static/`, as `build.rs` prepares it.
#[derive(Debug)]
struct Asset {
    /// Path in `static/`.
    path: &'static str,
    /// Address, with the hash of the content.
    url: &'static str,
    /// Addresses of all modules that a script imports, directly and indirectly.
    imports: &'static [&'static str],
    identity: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Returns the address of a file.
pub(super) fn url(path: &str) -> &'static str {
    find(path).map_or("", |asset| asset.url)
}

/// Returns the addresses of all modules that a script imports, so that the browser can request them at once.
pub(super) fn imports(path: &str) -> &'static [&'static str] {
    find(path).map_or(&[], |asset| asset.imports)
}

fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// `GET /static/{path}`
pub(super) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let matches = |asset: &&Asset| asset.url.strip_prefix("/static/") == Some(path.as_str());
    let Some(asset) = ASSETS.iter().find(matches) else { return Error::NotFound.into_response() };
    let (encoding, body) = choose_encoding(asset, headers.get(header::ACCEPT_ENCODING));
    let mut response = (
        [
            (header::CONTENT_TYPE, content_type(asset.path)),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "Accept-Encoding"),
        ],
        body,
    )
        .into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Chooses the smallest encoding that the client accepts (RFC 9110, section 12.5.3).
fn choose_encoding(
    asset: &Asset,
    accepted: Option<&HeaderValue>,
) -> (Option<&'static str>, &'static [u8]) {
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_zero_weight = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, weight)| {
            name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0)
        })
    };
    let accepts = |encoding: &str| {
        accepted.split(',').any(|item| {
            let mut parts = item.split(';');
            let name = parts.next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case(encoding) && !parts.any(is_zero_weight)
        })
    };
    if accepts("br") {
        (Some("br"), asset.brotli)
    } else if accepts("gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.identity)
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn encoding(accepted: &str) -> Option<&'static str> {
        let accepted = HeaderValue::from_str(accepted).unwrap();
        choose_encoding(&ASSETS[0], Some(&accepted)).0
    }

    #[test]
    fn sends_the_smallest_encoding_that_is_accepted() {
        assert_eq!(encoding("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(encoding("gzip, deflate"), Some("gzip"));
        assert_eq!(encoding("br;q=0, GZIP;q=0.5"), Some("gzip"));
        assert_eq!(encoding("br; foo=1; Q=0.000, gzip"), Some("gzip"));
        assert_eq!(encoding("identity"), None);
        assert_eq!(choose_encoding(&ASSETS[0], None).0, None);
    }

    #[test]
    fn templates_name_only_files_that_exist() {
        for name in ["js/app.js", "js/editing.js", "css/app.css", "icons.svg"] {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn imports_are_addresses_of_files() {
        let urls: BTreeSet<&str> = ASSETS.iter().map(|asset| asset.url).collect();
        assert_eq!(urls.len(), ASSETS.len());
        for asset in ASSETS {
            let text = str::from_utf8(asset.identity).unwrap();
            assert!(
                !text.contains("from\"./dom.js\""),
                "{} imports a name without hash",
                asset.path
            );
            assert!(asset.imports.iter().all(|url| urls.contains(url)), "{asset:?}");
        }
        assert!(imports("js/app.js").contains(&url("js/dom.js")));
        // The editor is imported on demand.
        assert!(!imports("js/editing.js").contains(&url("vendor/codemirror.js")));
    }
}

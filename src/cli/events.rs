//! `gatepost events`.

use std::path::Path;

use anyhow::bail;

use crate::config::Config;
use crate::egress::post_events;

/// Maximum number of NDJSON lines in one request.
const MAX_EVENTS_PER_REQUEST: usize = 100;

/// Sends an event, an array of events, or one event per line. Without a URL, the server runs on this machine.
pub(super) async fn send(
    config: &Config,
    file: &Path,
    url: Option<String>,
    token: &str,
) -> anyhow::Result<()> {
    let text = super::read(file)?;
    let text = text.trim_start_matches('\u{feff}');
    let host = config.public_host().filter(|_host| url.is_none());
    let url = url.unwrap_or_else(|| config.local_url());
    let url = format!("{}/api/v1/events", url.trim_end_matches('/'));
    for body in requests(text) {
        let posted = post_events(&url, host.as_deref(), token, body).await;
        let (status, response) = posted.map_err(|error| {
            let advice = advice(&format!("{error:#}"));
            error.context(format!("{url} cannot be reached; {advice}"))
        })?;
        if status != 202 {
            bail!("the server responded with status {status}: {}", response.trim_end());
        }
        super::print(&format!("{response}\n"))?;
    }
    Ok(())
}

/// Says what to do about an error with its causes.
fn advice(error: &str) -> &'static str {
    if error.contains("UnknownIssuer") || error.contains("CaUsedAsEndEntity") {
        "the certificate of the server is not trusted: set SSL_CERT_FILE to the certificate (PEM) of the authority that issued \
         it, or use a certificate of an authority in place of a self-signed one"
    } else if error.contains("invalid peer certificate") {
        "the certificate of the server is not valid for this address and time: check --url and the certificate"
    } else if error.contains("invalid HTTP version") {
        "the server uses HTTPS: use --url https://…"
    } else {
        "check that the server is running and --url is correct"
    }
}

/// Returns the bodies of the requests to send: one for JSON, one per 100 lines for NDJSON.
fn requests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_value = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if lines.len() < 2 || is_value(text) || !lines.iter().all(|line| is_value(line)) {
        return vec![text.to_owned()];
    }
    lines.chunks(MAX_EVENTS_PER_REQUEST).map(|chunk| format!("[{}]", chunk.join(","))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_json_unchanged_and_groups_lines() {
        assert_eq!(requests("{\"a\":\n1}"), ["{\"a\":\n1}"]);
        assert_eq!(requests("[1,\n2]"), ["[1,\n2]"]);
        assert_eq!(requests("{\"a\":1}\n\n{\"a\":2}\n"), ["[{\"a\":1},{\"a\":2}]"]);
        assert_eq!(requests("{\"a\":1}\n{oops"), ["{\"a\":1}\n{oops"]);
        assert_eq!(requests(&"1\n".repeat(250)).len(), 3);
    }
}

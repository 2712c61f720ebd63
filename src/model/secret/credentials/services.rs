//! Services with secrets in the paths of their URLs, and URLs inside texts.

use std::ops::Range;

use super::placeholders::has_placeholder;
use crate::model::webhook::preset;

/// Longest URL in a text that is read, in bytes.
const MAX_URL_BYTES: usize = 4096;

/// A service with secrets in the path.
struct Service {
    /// The host, or its end, starting with a dot.
    host: &'static str,
    /// The path before the secrets.
    prefix: &'static str,
    /// Number of segments after it that are not secret, if others follow.
    skipped: usize,
    /// Number of secret segments.
    secret: usize,
}

const fn service(
    host: &'static str,
    prefix: &'static str,
    skipped: usize,
    secret: usize,
) -> Service {
    Service { host, prefix, skipped, secret }
}

const SERVICES: [Service; 15] = [
    service("hooks.slack.com", "/services/", 2, 1),
    service("hooks.slack.com", "/triggers/", 2, 1),
    service("hooks.slack.com", "/workflows/", 3, 1),
    service(".workflows.okta.com", "/api/flo/", 0, 1),
    service(".workflows.oktapreview.com", "/api/flo/", 0, 1),
    service(".webhook.office.com", "/webhookb2/", 2, 4),
    service("discord.com", "/api/webhooks/", 1, 1),
    service("discordapp.com", "/api/webhooks/", 1, 1),
    service("hooks.zapier.com", "/hooks/catch/", 1, 1),
    service("events.pagerduty.com", "/integration/", 0, 1),
    service("alert.victorops.com", "/integrations/generic/20131114/alert/", 0, 1),
    service("logs-01.loggly.com", "/inputs/", 0, 1),
    service(".tines.com", "/webhook/", 1, 1),
    service("webexapis.com", "/v1/webhooks/incoming/", 0, 1),
    service("api.telegram.org", "/bot", 0, 1),
];

/// Finds the secrets of a URL inside another text, without decoding it. `scheme` is the position of `://`.
pub(super) fn secrets_in_text(text: &str, scheme: usize) -> Vec<(Range<usize>, String)> {
    let ends = |c: char| c.is_whitespace() || "\"'<>\\|`".contains(c);
    let start = scheme + 3;
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.get(..rest.floor_char_boundary(MAX_URL_BYTES)).unwrap_or_default();
    let rest = rest.split("://").next().unwrap_or_default();
    let end = start + rest.find(ends).unwrap_or(rest.len());
    let url = text.get(..end).unwrap_or_default();
    let mut found = Vec::new();
    if let Some(password) = password_in_url(url, start) {
        found.push((password, "password".to_owned()));
    }
    if let Some(path) = path_of(url, scheme) {
        let query = url.get(path.start..).and_then(|path| path.find(['?', '#']));
        let path = path.start..query.map_or(end, |query| path.start + query);
        let secrets = secret_segments(url, &path).into_iter();
        found.extend(secrets.map(|range| (range, "url_path".to_owned())));
    }
    found
}

/// The password in `://name:password@host`.
fn password_in_url(url: &str, start: usize) -> Option<Range<usize>> {
    let authority = url.get(start..)?.split(['/', '?', '#']).next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    let (name, password) = credentials.split_once(':')?;
    let from = start + name.len() + 1;
    Some(from..from + password.len())
}

/// Returns the range of the path in a URL whose `://` is at or after a position.
pub(super) fn path_of(url: &str, from: usize) -> Option<Range<usize>> {
    let host = from + url.get(from..)?.find("://")? + 3;
    let path = host + url.get(host..)?.find('/')?;
    Some(path..url.len())
}

/// Finds the secret segments in the path of a known service.
pub(super) fn secret_segments(url: &str, path: &Range<usize>) -> Vec<Range<usize>> {
    let before = url.get(..path.start).unwrap_or_default();
    let host = before.rsplit_once("://").map_or("", |(_, host)| host);
    let host = host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let text = url.get(path.clone()).unwrap_or_default();
    let is_host = |name: &str| host == name || (name.starts_with('.') && host.ends_with(name));
    let is_known = |service: &&Service| is_host(service.host) && text.starts_with(service.prefix);
    let Some(service) = SERVICES.iter().find(is_known) else { return Vec::new() };
    let mut at = path.start + service.prefix.len();
    let mut segments = Vec::new();
    for segment in url.get(at..path.end).unwrap_or_default().split('/') {
        if !segment.is_empty() {
            // A bot of Telegram has an id before its token.
            let id = segment.find(':').map_or(0, |colon| colon + 1);
            segments.push(at + id..at + segment.len());
        }
        at += segment.len() + 1;
    }
    let skipped = if segments.len() > service.skipped { service.skipped } else { 0 };
    segments
        .into_iter()
        .skip(skipped)
        .take(service.secret)
        .filter(|range| {
            let segment = url.get(range.clone()).unwrap_or_default();
            !segment.is_empty() && !has_placeholder(segment) && !preset::is_placeholder(segment)
        })
        .collect()
}

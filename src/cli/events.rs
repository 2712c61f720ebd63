//! `gatepost events`.

use std::path::Path;

use anyhow::{Context, bail};

use crate::egress::post_events;

/// Sends an event, an array of events, or one event a line.
pub(super) async fn send(file: &Path, url: &str, token: &str) -> anyhow::Result<()> {
    let text = super::read(file)?;
    let url = format!("{}/api/v1/events", url.trim_end_matches('/'));
    for body in requests(&text) {
        let (status, answer) = post_events(&url, token, body).await.with_context(|| {
            format!("{url} cannot be reached: is the server running, is --url right?")
        })?;
        if status != 202 {
            bail!("the server answered {status}: {answer}");
        }
        super::print(&format!("{answer}\n"))?;
    }
    Ok(())
}

/// One request for JSON; for NDJSON, one for each hundred lines.
fn requests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_value = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if lines.len() < 2 || is_value(text) || !lines.iter().all(|line| is_value(line)) {
        return vec![text.to_owned()];
    }
    lines.chunks(100).map(|chunk| format!("[{}]", chunk.join(","))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_as_it_is_and_lines_are_gathered() {
        assert_eq!(requests("{\"a\":\n1}"), ["{\"a\":\n1}"]);
        assert_eq!(requests("[1,\n2]"), ["[1,\n2]"]);
        assert_eq!(requests("{\"a\":1}\n\n{\"a\":2}\n"), ["[{\"a\":1},{\"a\":2}]"]);
        assert_eq!(requests("{\"a\":1}\n{oops"), ["{\"a\":1}\n{oops"]);
        assert_eq!(requests(&"1\n".repeat(250)).len(), 3);
    }
}

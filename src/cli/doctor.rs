//! `gatepost doctor`.

use std::fmt::Write as _;

use anyhow::bail;
use serde_json::json;

use crate::app::{diagnose, system_sources};
use crate::config::{Config, Options};
use crate::health::{CheckState, Report};

/// Prints all checks.
///
/// # Errors
/// If a problem was found, after the checks have been printed.
pub(super) async fn run(options: &Options, json: bool) -> anyhow::Result<()> {
    let report = match Config::load(options) {
        Ok(config) => diagnose(&config, &system_sources()).await,
        Err(error) => Report::of_unusable_settings(&error),
    };
    super::print(&if json { to_json(&report)? } else { to_text(&report) })?;
    match count(&report, CheckState::Problem) {
        0 => Ok(()),
        // The summary has printed their number.
        _ if !json => bail!("fix the problems above, and run gatepost doctor again"),
        1 => bail!("1 problem was found"),
        problems => bail!("{problems} problems were found"),
    }
}

fn count(report: &Report, state: CheckState) -> usize {
    report.checks.iter().filter(|check| check.state == state).count()
}

fn to_json(report: &Report) -> anyhow::Result<String> {
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id.as_str(),
                "title": check.id.title(),
                "state": check.state.as_str(),
                "found": check.found,
                "fix": check.fix,
            })
        })
        .collect();
    let is_ok = report.state() < CheckState::Problem;
    let text = serde_json::to_string_pretty(&json!({ "ok": is_ok, "checks": checks }))?;
    Ok(text + "\n")
}

fn to_text(report: &Report) -> String {
    let mut text = String::new();
    for check in &report.checks {
        let _written = writeln!(text, "{:<8} {}: {}", check.state, check.id.title(), check.found);
        if !check.fix.is_empty() {
            let _written = writeln!(text, "         {}", check.fix);
        }
    }
    let warnings = match count(report, CheckState::Warning) {
        1 => "1 warning".to_owned(),
        warnings => format!("{warnings} warnings"),
    };
    let problems = match count(report, CheckState::Problem) {
        1 => "1 problem".to_owned(),
        problems => format!("{problems} problems"),
    };
    let _written = writeln!(text, "\n{problems}, {warnings}");
    text
}

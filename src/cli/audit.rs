//! `gatepost audit`.

use std::fmt::Write as _;

use anyhow::bail;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::actions::{Actions, VerifyAuditError};
use crate::config::Config;
use crate::model::audit::{AuditFilter, ExportFormat};
use crate::model::{Actor, Timestamp};

/// Parses a date or a time with a time zone (RFC 3339).
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    text.parse::<NaiveDate>()
        .map(|date| date.and_time(NaiveTime::MIN).and_utc())
        .map_err(|_error| "use a time such as 2026-11-27 or 2026-11-27T09:30:00Z".to_owned())
}

/// Verifies the chain of entries.
pub(super) async fn verify(config: &Config) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let verified = actions.verify_audit().await;
    database.close().await;
    let verified = match verified {
        Err(VerifyAuditError::Broken(error)) => bail!("the audit log is broken: {error}"),
        other => other?,
    };
    let (count, chain) = (verified.count, verified.chain);
    let entries = if count == 1 { "entry" } else { "entries" };
    let mut text = format!("The audit log is intact: {count} {entries}.\n");
    if let Some(pruned_at) = chain.pruned_at {
        let until = chain.anchor_seq;
        let at = super::table::minute(pruned_at);
        writeln!(text, "Retention has deleted all entries up to {until}, the last time at {at}.")?;
    }
    writeln!(text, "Newest entry: {} {}", chain.head_seq, hex::encode(chain.head_hash))?;
    super::print(&text)
}

/// Prints the entries of the audit log.
pub(super) async fn export(
    config: &Config,
    since: Option<Timestamp>,
    format: ExportFormat,
) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let exported = write(&actions, since, format).await;
    database.close().await;
    exported
}

async fn write(
    actions: &Actions,
    since: Option<Timestamp>,
    format: ExportFormat,
) -> anyhow::Result<()> {
    let filter = AuditFilter { from: since, ..AuditFilter::default() };
    actions.start_audit_export(format, &filter, &Actor::COMMAND_LINE).await?;
    super::print(&format.header())?;
    let mut after = 0;
    loop {
        let page = actions.list_audit_page(&filter, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        let lines: String = page.iter().map(|entry| format.line(entry)).collect();
        super::print(&lines)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_has_a_time_zone() {
        let time = |text: &str| parse_time(text).map(|time| time.to_rfc3339());
        assert_eq!(time("2026-11-27"), Ok("2026-11-27T00:00:00+00:00".to_owned()));
        assert_eq!(time("2026-11-27T09:30:00+02:00"), Ok("2026-11-27T07:30:00+00:00".to_owned()));
        assert!(time("2026-11-27T09:30").is_err());
        assert!(time("yesterday").is_err());
    }
}

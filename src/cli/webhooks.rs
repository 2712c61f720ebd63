//! `gatepost webhooks`.

use std::path::Path;

use anyhow::Context;
use similar::{ChangeTag, TextDiff};

use crate::actions::Change;
use crate::config::Config;

/// Writes all webhooks as YAML.
pub(super) async fn export(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let exported = actions.export_webhooks().await;
    database.close().await;
    let yaml = exported?;
    if let Some(file) = file {
        return std::fs::write(file, yaml)
            .with_context(|| format!("{} cannot be written", file.display()));
    }
    print!("{yaml}");
    Ok(())
}

/// Brings the webhooks to what a file says, and prints the difference.
pub(super) async fn import(config: &Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let text = super::read(file)?;
    let (database, actions) = super::open(config).await?;
    let imported = actions.import_webhooks(&text, dry_run).await;
    database.close().await;
    let changes = imported.with_context(|| format!("{}: nothing was imported", file.display()))?;
    let mut count = 0;
    for change in changes.iter().filter(|change| !change.is_none()) {
        count += 1;
        print(change);
    }
    let verb = if dry_run { "would change" } else { "changed" };
    println!("{count} of {} webhooks {verb}.", changes.len());
    Ok(())
}

fn print(change: &Change) {
    let before = change.before.as_deref().unwrap_or_default();
    println!("{} {}", if before.is_empty() { "+" } else { "~" }, change.name);
    for line in diff(before, &change.after) {
        println!("    {line}");
    }
    if change.secrets_change {
        println!("    (a secret changes)");
    }
}

/// The lines that go and come.
fn diff(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    TextDiff::from_slices(&before, &after)
        .iter_all_changes()
        .filter(|change| change.tag() != ChangeTag::Equal)
        .map(|change| format!("{} {}", change.tag(), change.value()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_goes_and_what_comes() {
        assert_eq!(diff("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert_eq!(diff("", "a"), ["+ a"]);
        assert!(diff("a\nb", "a\nb").is_empty());
    }
}

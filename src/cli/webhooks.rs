//! `gatepost webhooks`.

use std::path::Path;

use anyhow::Context;
use similar::{ChangeTag, TextDiff};

use crate::actions::ImportedWebhook;
use crate::config::Config;
use crate::model::Actor;

/// Exports all webhooks as YAML.
pub(super) async fn export(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let exported = actions.export_webhooks(&Actor::COMMAND_LINE).await;
    database.close().await;
    let yaml = exported?;
    if let Some(file) = file.filter(|file| file.as_os_str() != "-") {
        return std::fs::write(file, yaml)
            .with_context(|| format!("{} cannot be written", file.display()));
    }
    super::print(&yaml)
}

/// Imports webhooks from a file and prints the differences.
pub(super) async fn import(config: &Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let text = super::read(file)?;
    let (database, actions) = super::open(config).await?;
    let imported = actions.import_webhooks(&text, dry_run, &Actor::COMMAND_LINE).await;
    database.close().await;
    let import = imported.with_context(|| format!("{}: nothing was imported", file.display()))?;
    let changes = import.webhooks;
    let effective: Vec<&ImportedWebhook> =
        changes.iter().filter(|change| !change.is_unchanged()).collect();
    let mut lines: Vec<String> = effective.iter().flat_map(|change| describe(change)).collect();
    let verb = if dry_run { "would change" } else { "changed" };
    lines.push(format!("{} of {} webhooks {verb}.\n", effective.len(), changes.len()));
    if !import.is_in_force {
        lines.push(
            "A running server does not use the changes yet. It will within seconds.\n".to_owned(),
        );
    }
    super::print(&lines.join("\n"))
}

fn describe(change: &ImportedWebhook) -> Vec<String> {
    let before = change.before.as_deref().unwrap_or_default();
    let mut lines = vec![format!("{} {}", if before.is_empty() { "+" } else { "~" }, change.name)];
    lines.extend(diff(before, &change.after).into_iter().map(|line| format!("    {line}")));
    for name in &change.changed_secrets {
        lines.push(format!("    (the value of the secret {name} is moved out of the webhook)"));
    }
    lines
}

/// Returns the removed and added lines.
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
    fn shows_removed_and_added_lines() {
        assert_eq!(diff("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert_eq!(diff("", "a"), ["+ a"]);
        assert!(diff("a\nb", "a\nb").is_empty());
    }
}

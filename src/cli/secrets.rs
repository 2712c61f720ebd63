//! `gatepost secrets`.

use std::io::Read as _;

use anyhow::{Context, bail};
use clap::Args;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::actions::{DeleteSecretError, SetSecret};
use crate::config::Config;
use crate::model::Actor;

const NOT_IN_FORCE: &str =
    "A running server does not use the change yet. It will within seconds.\n";

/// The arguments of `gatepost secrets set`.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The name: lower-case letters, digits and underscores
    name: String,
    /// A host that the value may be sent to, such as `https://10.0.0.5`; can be repeated [default: the present hosts]
    #[arg(long = "host")]
    hosts: Vec<String>,
    /// Of an OAuth client secret: a host that access tokens may be sent to; can be repeated [default: the present ones]
    #[arg(long = "token-host", value_name = "HOST")]
    token_hosts: Vec<String>,
    /// Of an OAuth client secret: a scope that may be requested; can be repeated [default: the present ones]
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// What the secret is for [default: the present description]
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Creates a shared secret, or replaces its value.
pub(super) async fn set(config: &Config, args: SetArgs) -> anyhow::Result<()> {
    let value = read_value()?;
    let given = |list: &[String]| (!list.is_empty()).then(|| list.join(" "));
    let set = SetSecret {
        value,
        hosts: given(&args.hosts),
        scopes: given(&args.scopes),
        token_hosts: given(&args.token_hosts),
        description: args.description,
        name: args.name.clone(),
    };
    let (database, actions) = super::open(config).await?;
    let changed = actions.set_secret(set, &Actor::COMMAND_LINE).await;
    database.close().await;
    let changed = changed.context("the secret was not saved")?;
    let verb = if changed.is_new { "Created" } else { "Replaced the value of" };
    let mut text = format!("{verb} the secret {}.\n", args.name.trim());
    if !changed.has_hosts {
        text += "It cannot be used yet, because it has no allowed hosts. Add them with --host.\n";
    }
    if !changed.is_in_force {
        text += NOT_IN_FORCE;
    }
    super::print(&text)
}

/// Returns standard input without its last line break, which echo and editors add.
fn read_value() -> anyhow::Result<SecretString> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        bail!("the value on standard input is not UTF-8. Encode it, for example with base64");
    };
    Ok(without_line_break(text).into())
}

fn without_line_break(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}

/// Prints a table of all secrets.
pub(super) async fn list(config: &Config) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let listed = actions.list_secrets().await;
    database.close().await;
    let rows = listed?.into_iter().map(|listed| {
        let secret = listed.secret;
        let hosts: Vec<String> = secret.limits.hosts.iter().map(ToString::to_string).collect();
        [
            secret.name.as_str().to_owned(),
            listed
                .webhook_name
                .map_or_else(|| "shared".to_owned(), |name| format!("private to {name}")),
            if hosts.is_empty() { "-".to_owned() } else { hosts.join(", ") },
            listed.uses.to_string(),
            format!("{} by {}", super::table::minute(secret.updated_at), secret.updated_by),
        ]
    });
    let head = ["NAME", "WEBHOOKS", "HOSTS", "USES", "UPDATED"].map(str::to_owned);
    super::print(&super::table::align(&std::iter::once(head).chain(rows).collect::<Vec<_>>()))
}

/// Deletes a shared secret.
pub(super) async fn delete(config: &Config, name: &str) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let deleted = actions.delete_shared_secret(name, &Actor::COMMAND_LINE).await;
    database.close().await;
    let is_in_force = match deleted {
        Err(DeleteSecretError::NotFound) => {
            bail!("there is no shared secret \"{name}\"; `gatepost secrets list` shows all secrets")
        }
        other => other.with_context(|| format!("{name} was not deleted"))?,
    };
    let later = if is_in_force { "" } else { NOT_IN_FORCE };
    super::print(&format!("Deleted the secret {name}.\n{later}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_only_the_last_line_break() {
        for (text, value) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a ", " a "),
            ("a\r", "a\r"),
            ("", ""),
        ] {
            assert_eq!(without_line_break(text), value, "{text:?}");
        }
    }
}

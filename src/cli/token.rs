//! `gatepost token`.

use std::io::Write as _;

use anyhow::bail;
use chrono::TimeDelta;

use super::table::{align, minute};
use crate::actions::{Actions, IssueTokenError, IssuedToken, NewToken, RevokeTokenError};
use crate::app::system_sources;
use crate::config::Config;
use crate::identity::TokenText;
use crate::model::Actor;
use crate::model::secret::SecretValue;

/// Maximum lifetime of a token, in days.
const MAX_LIFETIME_DAYS: u32 = 3650;

/// Parses a lifetime such as `90d`.
pub(super) fn parse_lifetime(text: &str) -> Result<TimeDelta, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    days.filter(|days| (1..=MAX_LIFETIME_DAYS).contains(days))
        .map(|days| TimeDelta::days(days.into()))
        .ok_or_else(|| format!("use a number of days from 1d to {MAX_LIFETIME_DAYS}d, such as 90d"))
}

/// Creates a token and prints it, and the signing key on the next line. Says on standard error which is which.
pub(super) async fn create(config: &Config, new: NewToken<'_>) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let expires = new.lifetime.is_some();
    let issued = actions.issue_token(new, &Actor::COMMAND_LINE).await;
    database.close().await;
    let IssuedToken { text, key } = match issued {
        Err(error @ IssueTokenError::Lifetime(_)) => {
            bail!("{error}; set the lifetime with --expires-in, such as --expires-in 90d")
        }
        other => other?,
    };
    let lines = [text.as_ref().map(TokenText::reveal), key.as_ref().map(SecretValue::expose)];
    let lines: Vec<&str> = lines.into_iter().flatten().collect();
    if key.is_some() {
        let printed = if text.is_some() {
            "The first line is the token, and the second one the signing key. They are not shown again."
        } else {
            "This is the signing key. It is not shown again."
        };
        let end = if expires { "" } else { " It does not expire; --expires-in limits it." };
        let how = "docs/api.md shows how to sign.";
        writeln!(std::io::stderr().lock(), "{printed}{end} {how}")?;
    }
    super::print(&(lines.join("\n") + "\n"))
}

/// Prints a table of all tokens.
pub(super) async fn list(config: &Config) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let rows = rows(&actions).await;
    database.close().await;
    super::print(&align(&rows?))
}

async fn rows(actions: &Actions) -> anyhow::Result<Vec<[String; 7]>> {
    let head = ["NAME", "TOKEN", "SCOPE", "SIGNATURE", "CREATED", "LAST USED", "EXPIRES"];
    let mut rows = vec![head.map(str::to_owned)];
    let now = system_sources().now();
    let mut after = String::new();
    loop {
        let page = actions.list_tokens(&after).await?;
        let Some((last, _)) = page.last() else { return Ok(rows) };
        after.clone_from(&last.name);
        rows.extend(page.into_iter().map(|(token, signature)| {
            let is_expired = token.is_expired(now);
            let used = token.last_used_at.map(|at| match token.last_used_address.as_str() {
                "" => minute(at),
                address => format!("{} from {address}", minute(at)),
            });
            [
                token.name,
                if token.prefix.is_empty() {
                    "-".to_owned()
                } else {
                    format!("{}…", token.prefix)
                },
                token.scope,
                signature.unwrap_or("-").to_owned(),
                minute(token.created_at),
                used.unwrap_or_else(|| "never".to_owned()),
                match token.expires_at {
                    None => "never".to_owned(),
                    Some(_) if is_expired => "expired".to_owned(),
                    Some(at) => minute(at),
                },
            ]
        }));
    }
}

/// Revokes a token.
pub(super) async fn revoke(config: &Config, name: &str) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let revoked = actions.revoke_token_by_name(name, &Actor::COMMAND_LINE).await;
    database.close().await;
    if let Err(RevokeTokenError::NotFound) = revoked {
        bail!("there is no token \"{name}\"; list them with gatepost token list");
    }
    revoked?;
    super::print(&format!("Revoked \"{}\". It stops working within a second.\n", name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_of_days() {
        assert_eq!(parse_lifetime("90d"), Ok(TimeDelta::days(90)));
        for wrong in ["90", "0d", "-1d", "3651d", "2h", "d", "99999999999d", ""] {
            assert!(parse_lifetime(wrong).is_err(), "{wrong}");
        }
    }
}

//! `gatepost token`.

use crate::config::Config;
use crate::identity::Scope;
use crate::model::Actor;

/// Creates a token and prints it.
pub(super) async fn create(config: &Config, name: &str, scope: Scope) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let issued = actions.issue_token(name, scope, &Actor::COMMAND_LINE).await;
    database.close().await;
    super::print(&format!("{}\n", issued?.reveal()))
}

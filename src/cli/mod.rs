//! The commands.

mod events;
mod serve;
mod token;
mod webhooks;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::actions::{Actions, Parts};
use crate::app::{Database, system_sources, telemetry};
use crate::config::{Config, Options, without_empty_variables};
use crate::egress::{AddressRules, Client, TokenClient};
use crate::model::webhook::Rules;
use crate::vault::Vault;

/// Delivers Apono's access-request events to Logpoint and other targets.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server (also without a command)
    Serve,
    /// Applies migrations and exits
    Migrate,
    /// API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Webhooks as a file
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Events to a running server
    #[command(subcommand)]
    Events(EventsCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Makes a token and prints it, alone; it is never shown again
    Create {
        /// What it is for
        name: String,
        /// events, manage or read
        #[arg(long, default_value = "events")]
        scope: crate::identity::Scope,
    },
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Writes all webhooks as YAML, no secret values in it
    Export {
        /// Standard output where none is given
        file: Option<PathBuf>,
    },
    /// Adds and changes webhooks by name, all or none, and prints what changes
    Import {
        /// YAML or JSON; - is standard input
        file: PathBuf,
        /// Only prints
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// Sends an event, an array of events, or one event a line
    Send {
        /// JSON or NDJSON; - is standard input
        file: PathBuf,
        /// The server [default: this machine, at the address of --listen]
        #[arg(long, env = "GATEPOST_URL")]
        url: Option<String>,
        /// A token with the scope events
        #[arg(long, env = "GATEPOST_TOKEN", hide_env_values = true)]
        token: String,
    },
}

/// Parses the command line and runs the command.
///
/// # Errors
/// Whatever went wrong, with what to do about it.
pub async fn run() -> anyhow::Result<()> {
    let matches = without_empty_variables(Cli::command()).get_matches();
    let Cli { command, options } =
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let config = Config::load(&options)?;
    match command.unwrap_or(Command::Serve) {
        Command::Serve => {
            telemetry::start(&config)?;
            serve::run(config).await
        }
        Command::Migrate => {
            let database = Database::open_beside(&config).await?;
            let migrated = database.migrate().await;
            database.close().await;
            migrated?;
            print("The database is up to date.\n")
        }
        Command::Token(TokenCommand::Create { name, scope }) => {
            token::create(&config, &name, scope).await
        }
        Command::Webhooks(WebhooksCommand::Export { file }) => {
            webhooks::export(&config, file.as_deref()).await
        }
        Command::Webhooks(WebhooksCommand::Import { file, dry_run }) => {
            webhooks::import(&config, &file, dry_run).await
        }
        Command::Events(EventsCommand::Send { file, url, token }) => {
            events::send(&file, &url.unwrap_or_else(|| config.local_url()), &token).await
        }
    }
}

/// The database and the actions, for a command beside a server.
async fn open(config: &Config) -> anyhow::Result<(Database, Actions)> {
    let sources = system_sources();
    let database = Database::open_beside(config).await?;
    let prepared = async {
        database.migrate().await?;
        let egress = AddressRules::new(config.egress_allow.clone(), config.egress_deny.clone());
        let client = Client::new(egress);
        let actions = Actions::new(Parts {
            db: database.pool().clone(),
            vault: Vault::new(config.master_key(&sources)?.bytes(), sources.clone()),
            tokens: TokenClient::new(client.clone()),
            client,
            sources,
            rules: Rules { allow_http: config.allow_http },
            dispatcher: None,
            setup_code: None,
        })?;
        anyhow::Ok(actions)
    };
    match prepared.await {
        Ok(actions) => Ok((database, actions)),
        Err(error) => {
            database.close().await;
            Err(error)
        }
    }
}

/// Prints. Whoever reads may have seen enough (`gatepost webhooks export | head`): that is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// A file's text; `-` is standard input.
fn read(file: &std::path::Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin()).context("standard input cannot be read");
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

//! The commands.

mod audit;
mod doctor;
mod events;
mod explain;
mod rotate_key;
mod secrets;
mod serve;
mod table;
mod token;
mod user;
mod webhooks;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::actions::{Actions, NewToken, Parts, UserChange};
use crate::app::{
    Database, Unlocked, check_strict, open_leaked_passwords, system_sources, telemetry,
};
use crate::config::{Config, Options, without_empty_variables};
use crate::egress::{AddressRules, Client, TokenClient};
use crate::identity::{DeviceKey, LeakedPasswords};
use crate::model::audit::ExportFormat;
use crate::model::{EventId, Sources, Timestamp};

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
    /// Checks the installation, with or without a running server, and prints how to fix what is wrong
    Doctor {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Manages API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manages users
    #[command(subcommand)]
    User(UserCommand),
    /// Exports and imports webhooks
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Manages secrets and the master key
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Sends and explains events
    #[command(subcommand)]
    Events(EventsCommand),
    /// Verifies and exports the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Creates a shared secret, or replaces its value, which is read from standard input
    Set(secrets::SetArgs),
    /// Lists all secrets without their values
    List,
    /// Deletes a shared secret that no webhook uses
    Delete {
        /// The name of the secret
        name: String,
    },
    /// Encrypts all secrets with a new master key
    RotateKey,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Creates a token and prints it; it is not shown again
    Create {
        /// The name of the token
        name: String,
        /// The scope: events, manage or read
        #[arg(long, default_value = "events")]
        scope: crate::identity::Scope,
        /// How long it can be used, such as 90d; strict mode requires it [default: until it is revoked]
        #[arg(long, value_parser = token::parse_lifetime)]
        expires_in: Option<TimeDelta>,
        /// Requires a signature with a new key, which is printed too: standard-webhooks or hmac-sha256
        #[arg(long)]
        signature: Option<crate::model::sender_key::SenderScheme>,
        /// Lets the signature replace the token, so that only the key is printed
        #[arg(long, requires = "signature")]
        signature_only: bool,
    },
    /// Lists all tokens without their texts
    List,
    /// Revokes a token, which stops working within a second
    Revoke {
        /// The name of the token
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Creates a user; the password is read from the terminal
    Create {
        /// The email address
        email: String,
        /// The role: admin, editor or viewer
        #[arg(long)]
        role: crate::identity::Role,
        /// Reads the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lists all users
    List,
    /// Sets a new password, which is read from the terminal, and ends the sessions of the user
    ResetPassword {
        /// The email address
        email: String,
        /// Reads the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Removes the authenticator app and the recovery codes of a user, and ends the sessions of the user
    ResetTwoFactor {
        /// The email address
        email: String,
    },
    /// Ends the sessions of a user and prevents signing in
    Disable {
        /// The email address
        email: String,
    },
    /// Allows a disabled user to sign in again
    Enable {
        /// The email address
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Exports all webhooks as YAML with masked secrets
    Export {
        /// The file to write [default: standard output]
        file: Option<PathBuf>,
    },
    /// Adds and changes webhooks by name, all or none, and prints the changes
    Import {
        /// A file in YAML or JSON; - for standard input
        file: PathBuf,
        /// Prints the changes without making them
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Verifies that no entry was changed, removed or moved
    Verify,
    /// Prints all entries, oldest first
    Export {
        /// The time of the first entry, such as 2026-11-27 or 2026-11-27T09:30:00Z [default: all]
        #[arg(long, value_parser = audit::parse_time)]
        since: Option<Timestamp>,
        /// The format: csv or jsonl
        #[arg(long, default_value = "jsonl")]
        format: ExportFormat,
    },
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// Explains for every webhook whether an event was sent to it, and if not, why
    Explain {
        /// The id of the event, as returned when it was sent and shown on its page
        id: EventId,
        /// Prints JSON, like GET /api/v1/events/{id}/explain
        #[arg(long)]
        json: bool,
    },
    /// Sends an event, an array of events, or one event per line
    Send {
        /// A file in JSON or NDJSON; - for standard input
        file: PathBuf,
        /// The URL of the server [default: the address of --listen on this machine]
        #[arg(long, env = "GATEPOST_URL")]
        url: Option<String>,
        /// An API token with the scope events
        #[arg(long, env = "GATEPOST_TOKEN", hide_env_values = true)]
        token: String,
    },
}

/// Parses the command line and runs the command.
///
/// # Errors
/// Any failure, with how to fix it.
pub async fn run() -> anyhow::Result<()> {
    let matches = without_empty_variables(Cli::command()).get_matches();
    let Cli { command, options } =
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let command = command.unwrap_or(Command::Serve);
    if let Command::Doctor { json } = command {
        return doctor::run(&options, json).await;
    }
    let config = Config::load(&options)?;
    check_strict(&config)?;
    match command {
        // It also runs if the settings cannot be used.
        Command::Doctor { .. } => Ok(()),
        Command::Serve => {
            let telemetry = telemetry::start(&config)?;
            // Boxed: the future is large.
            let served = Box::pin(serve::run(config)).await;
            telemetry.stop().await;
            served
        }
        Command::Migrate => {
            let database = Database::open_beside(&config).await?;
            let migrated = database.migrate().await;
            database.close().await;
            migrated?;
            print("The database is up to date.\n")
        }
        Command::Token(TokenCommand::Create {
            name,
            scope,
            expires_in,
            signature,
            signature_only,
        }) => {
            let signature = signature.map(|scheme| (scheme, signature_only));
            let new = NewToken { name: &name, scope, lifetime: expires_in, signature };
            token::create(&config, new).await
        }
        Command::Token(TokenCommand::List) => token::list(&config).await,
        Command::Token(TokenCommand::Revoke { name }) => token::revoke(&config, &name).await,
        Command::User(command) => run_user_command(&config, command).await,
        Command::Webhooks(WebhooksCommand::Export { file }) => {
            webhooks::export(&config, file.as_deref()).await
        }
        Command::Webhooks(WebhooksCommand::Import { file, dry_run }) => {
            webhooks::import(&config, &file, dry_run).await
        }
        Command::Secrets(SecretsCommand::Set(args)) => secrets::set(&config, args).await,
        Command::Secrets(SecretsCommand::List) => secrets::list(&config).await,
        Command::Secrets(SecretsCommand::Delete { name }) => secrets::delete(&config, &name).await,
        Command::Secrets(SecretsCommand::RotateKey) => rotate_key::run(&config).await,
        Command::Audit(AuditCommand::Verify) => audit::verify(&config).await,
        Command::Audit(AuditCommand::Export { since, format }) => {
            audit::export(&config, since, format).await
        }
        Command::Events(EventsCommand::Explain { id, json }) => {
            explain::explain(&config, id, json).await
        }
        Command::Events(EventsCommand::Send { file, url, token }) => {
            events::send(&config, &file, url, &token).await
        }
    }
}

async fn run_user_command(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Create { email, role, password_stdin } => {
            user::create(config, &email, role, password_stdin).await
        }
        UserCommand::List => user::list(config).await,
        UserCommand::ResetPassword { email, password_stdin } => {
            user::reset_password(config, &email, password_stdin).await
        }
        UserCommand::ResetTwoFactor { email } => user::reset_second_factor(config, &email).await,
        UserCommand::Disable { email } => user::change(config, &email, UserChange::Disable).await,
        UserCommand::Enable { email } => user::change(config, &email, UserChange::Enable).await,
    }
}

/// An open database whose secrets can be read.
struct OpenDatabase {
    database: Database,
    _unlocked: Unlocked,
}

impl OpenDatabase {
    /// Closes the connections, and stops the database if it is private.
    async fn close(self) {
        self.database.close().await;
    }
}

/// Opens the database and creates the actions, for a command beside a running server.
async fn open(config: &Config) -> anyhow::Result<(OpenDatabase, Actions)> {
    let sources = system_sources();
    let leaked = open_leaked_passwords(config)?;
    let database = Database::open_beside(config).await?;
    let prepared = async {
        database.migrate().await?;
        let unlocked = Unlocked::open(config, &sources, &database).await?;
        database.move_secrets(&unlocked.vault, &sources).await?;
        let actions = create_actions(config, &sources, &database, &unlocked, leaked)?;
        anyhow::Ok((unlocked, actions))
    };
    match prepared.await {
        Ok((unlocked, actions)) => Ok((OpenDatabase { database, _unlocked: unlocked }, actions)),
        Err(error) => {
            database.close().await;
            Err(error)
        }
    }
}

fn create_actions(
    config: &Config,
    sources: &Sources,
    database: &Database,
    unlocked: &Unlocked,
    leaked_passwords: LeakedPasswords,
) -> anyhow::Result<Actions> {
    let egress = AddressRules::new(config.egress_allow.clone(), config.egress_deny.clone())
        .only(config.egress_only.clone());
    let client = Client::new(egress).with_key_policy(config.policy.keys);
    Ok(Actions::new(Parts {
        db: database.pool().clone(),
        vault: unlocked.vault.clone(),
        // Commands sign no user in.
        device_key: DeviceKey::new(sources.bytes()),
        tokens: TokenClient::new(client.clone()),
        client,
        sources: sources.clone(),
        rules: config.webhook_rules(),
        policy: config.policy,
        dispatcher: None,
        oidc: None,
        password_sign_in: config.password_sign_in,
        leaked_passwords,
        mailer: None,
        setup_code: None,
    })?)
}

/// Prints to standard output. A closed pipe (`gatepost webhooks export | head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// Returns the text of a file, or of standard input for `-`.
fn read(file: &std::path::Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin()).context("standard input cannot be read");
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

//! One struct that defines the settings as flags, environment variables and file keys.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, CommandFactory, Parser};
use serde::{Deserialize, Serialize};

/// Settings. Flags take precedence over environment variables, and those over `gatepost.toml`, which has the same names
/// in `snake_case`.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "Settings")]
pub struct Options {
    /// The URL of PostgreSQL 14 or newer [default: a private PostgreSQL in the data directory]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,

    /// A file that holds the URL of PostgreSQL; it is read again when it changes
    #[arg(long, env = "DATABASE_URL_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url_file: Option<PathBuf>,

    /// The directory of the private PostgreSQL and the generated master key [default: ./data]
    #[arg(long, env = "GATEPOST_DATA_DIR", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,

    /// The address that pages and API listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "GATEPOST_LISTEN", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,

    /// The URL that browsers and senders use; other hosts are rejected, and https makes cookies Secure [default: from
    /// the listen address]
    #[arg(long, env = "GATEPOST_PUBLIC_URL", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,

    /// Networks (CIDR, comma-separated) of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count
    #[arg(long, env = "GATEPOST_TRUSTED_PROXIES", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<String>,

    /// The key that encrypts secrets at rest, 32 bytes in base64; required with a database URL [default:
    /// generated in the data directory]
    #[arg(long, env = "GATEPOST_MASTER_KEY", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<String>,

    /// A file that holds the master key; further lines hold previous keys that only decrypt
    #[arg(long, env = "GATEPOST_MASTER_KEY_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,

    /// The previous master key, which only decrypts until gatepost secrets rotate-key has finished
    #[arg(long, env = "GATEPOST_PREVIOUS_MASTER_KEY", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_master_key: Option<String>,

    /// A file that holds previous master keys, one per line
    #[arg(long, env = "GATEPOST_PREVIOUS_MASTER_KEY_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_master_key_file: Option<PathBuf>,

    /// The email address of the first administrator, who is created if there are no users
    #[arg(long, env = "GATEPOST_ADMIN_EMAIL", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_email: Option<String>,

    /// The password of the first administrator, at least 12 characters
    #[arg(long, env = "GATEPOST_ADMIN_PASSWORD", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_password: Option<String>,

    /// A file that holds the password of the first administrator
    #[arg(long, env = "GATEPOST_ADMIN_PASSWORD_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_password_file: Option<PathBuf>,

    /// A file with the hashes of leaked passwords, in the format of the Pwned Passwords download with SHA-1 hashes that is
    /// ordered by hash; new passwords must not be in it [default: an embedded list of common ones]
    #[arg(long, env = "GATEPOST_LEAKED_PASSWORDS_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaked_passwords_file: Option<PathBuf>,

    /// Networks (CIDR, comma-separated) that deliveries may reach although they are this machine's own, loopback,
    /// link-local, multicast or other special addresses
    #[arg(long, env = "GATEPOST_EGRESS_ALLOW", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_allow: Option<String>,

    /// Networks that deliveries may not reach; takes precedence over allowed networks
    #[arg(long, env = "GATEPOST_EGRESS_DENY", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_deny: Option<String>,

    /// The only networks that deliveries may reach [default: all that the other rules permit]
    #[arg(long, env = "GATEPOST_EGRESS_ONLY", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_only: Option<String>,

    /// Allows webhooks to use http:// [default: false]
    #[arg(long, env = "GATEPOST_ALLOW_HTTP", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_http: Option<bool>,

    /// Strict mode, which meets what OWASP ASVS level 2 requires and most installations find inconvenient [default: false]
    #[arg(
        long,
        env = "GATEPOST_STRICT",
        global = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,

    /// How many days events, deliveries and invocations are kept; unfinished deliveries are kept longer
    /// [default: 30]
    #[arg(long, env = "GATEPOST_RETENTION_DAYS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u16>,

    /// How many events each API token may send per minute; further ones are rejected with status 429 [default: no limit]
    #[arg(long, env = "GATEPOST_EVENTS_PER_MINUTE", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_minute: Option<u32>,

    /// After how many hours without use a session ends [default: 24]
    #[arg(long, env = "GATEPOST_SESSION_IDLE_HOURS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_hours: Option<u16>,

    /// After how many hours a session ends in any case [default: 168]
    #[arg(long, env = "GATEPOST_SESSION_MAX_HOURS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_max_hours: Option<u16>,

    /// The URL of the mail server, smtps or smtp with STARTTLS; needs a public URL [default: no mails are sent]
    #[arg(long, env = "GATEPOST_SMTP_URL", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,

    /// A file that holds the URL of the mail server
    #[arg(long, env = "GATEPOST_SMTP_URL_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url_file: Option<PathBuf>,

    /// The sender's address of mails [default: gatepost@ and the host of the public URL]
    #[arg(long, env = "GATEPOST_SMTP_FROM", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_from: Option<String>,

    /// The issuer URL of an OpenID Connect provider that users sign in with; needs a public URL [default: no single
    /// sign-on]
    #[arg(long, env = "GATEPOST_OIDC_ISSUER", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_issuer: Option<String>,

    /// The client id of Gatepost at the provider
    #[arg(long, env = "GATEPOST_OIDC_CLIENT_ID", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_client_id: Option<String>,

    /// The client secret of Gatepost at the provider
    #[arg(long, env = "GATEPOST_OIDC_CLIENT_SECRET", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_client_secret: Option<String>,

    /// A file that holds the client secret
    #[arg(long, env = "GATEPOST_OIDC_CLIENT_SECRET_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_client_secret_file: Option<PathBuf>,

    /// The claim with the groups or roles of a user: a name, or a path with dots
    #[arg(long, env = "GATEPOST_OIDC_ROLE_CLAIM", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_role_claim: Option<String>,

    /// Which value of the claim gives which role, such as gatepost-admins=admin,soc=editor,*=viewer
    #[arg(long, env = "GATEPOST_OIDC_ROLES", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_roles: Option<String>,

    /// The scopes that are requested from the provider [default: openid email profile]
    #[arg(long, env = "GATEPOST_OIDC_SCOPES", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_scopes: Option<String>,

    /// Classes of authentication (the claim acr) of which the provider must confirm one, separated by spaces
    #[arg(long, env = "GATEPOST_OIDC_ACR_VALUES", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_acr_values: Option<String>,

    /// The name of the provider on the sign-in page [default: single sign-on]
    #[arg(long, env = "GATEPOST_OIDC_NAME", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_name: Option<String>,

    /// A file with certificates (PEM) of authorities that are trusted at the provider, beside the public ones
    #[arg(long, env = "GATEPOST_OIDC_CA_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_ca_file: Option<PathBuf>,

    /// A file with the certificate of this server and its chain (PEM), to serve HTTPS without a reverse proxy
    #[arg(long, env = "GATEPOST_TLS_CERTIFICATE_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificate_file: Option<PathBuf>,

    /// A file with the private key of the certificate (PEM)
    #[arg(long, env = "GATEPOST_TLS_KEY_FILE", global = true, value_parser = path())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key_file: Option<PathBuf>,

    /// Whether users may sign in with passwords; can be false only with single sign-on [default: true]
    #[arg(long, env = "GATEPOST_PASSWORD_SIGN_IN", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_sign_in: Option<bool>,

    /// How many days entries of the audit log are kept, at least 30 [default: 400]
    #[arg(long, env = "GATEPOST_AUDIT_RETENTION_DAYS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_retention_days: Option<u16>,

    /// The URL of an OpenTelemetry collector that traces are sent to by OTLP over HTTP, without a path [default: no
    /// traces are sent]
    #[arg(long, env = "GATEPOST_OTLP_ENDPOINT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,

    /// The log filter, such as info or gatepost=debug [default: info]
    #[arg(long, env = "GATEPOST_LOG", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,

    /// The log format, text or json [default: text]
    #[arg(long, env = "GATEPOST_LOG_FORMAT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
}

/// A parser that accepts empty paths, unlike clap's own. An empty setting is unset.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Ignores empty variables: `docker compose` passes unset variables as empty ones.
pub fn without_empty_variables(command: Command) -> Command {
    command.mut_args(unless_empty).mut_subcommands(without_empty_variables)
}

fn unless_empty(argument: Arg) -> Arg {
    let value = argument.get_env().and_then(std::env::var_os);
    if value.is_some_and(|value| value.is_empty()) { argument.env(None) } else { argument }
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    _options: Options,
}

/// Variables of commands that are not settings.
const COMMAND_VARIABLES: [&str; 2] = ["GATEPOST_URL", "GATEPOST_TOKEN"];

impl Options {
    /// Removes empty settings, which count as unset.
    #[must_use]
    pub(super) fn without_empty(mut self) -> Self {
        for text in [
            &mut self.database_url,
            &mut self.listen,
            &mut self.public_url,
            &mut self.trusted_proxies,
            &mut self.master_key,
            &mut self.previous_master_key,
            &mut self.admin_email,
            &mut self.admin_password,
            &mut self.egress_allow,
            &mut self.egress_deny,
            &mut self.egress_only,
            &mut self.smtp_url,
            &mut self.smtp_from,
            &mut self.oidc_issuer,
            &mut self.oidc_client_id,
            &mut self.oidc_client_secret,
            &mut self.oidc_role_claim,
            &mut self.oidc_roles,
            &mut self.oidc_scopes,
            &mut self.oidc_acr_values,
            &mut self.oidc_name,
            &mut self.otlp_endpoint,
            &mut self.log,
            &mut self.log_format,
        ] {
            text.take_if(|text| text.trim().is_empty());
        }
        for path in [
            &mut self.database_url_file,
            &mut self.data_dir,
            &mut self.master_key_file,
            &mut self.previous_master_key_file,
            &mut self.admin_password_file,
            &mut self.smtp_url_file,
            &mut self.oidc_client_secret_file,
            &mut self.oidc_ca_file,
            &mut self.leaked_passwords_file,
            &mut self.tls_certificate_file,
            &mut self.tls_key_file,
        ] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        self
    }

    /// Returns the names of all environment variables.
    pub fn variables() -> Vec<String> {
        Settings::command()
            .get_arguments()
            .filter_map(|argument| argument.get_env())
            .map(|name| name.to_string_lossy().into_owned())
            .chain(COMMAND_VARIABLES.iter().map(|name| (*name).to_owned()))
            .collect()
    }
}

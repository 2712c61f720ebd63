//! Settings, from flags, environment variables, `gatepost.toml` and defaults, in this order of precedence.

mod child_environment;
mod key;
mod key_file;
mod key_settings;
mod oidc;
mod options;
mod secret_setting;
mod smtp;
mod strict;
mod tls_files;
mod urls;

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use key::{MasterKey, MasterKeys};
pub use key_file::KeyFile;
pub use key_settings::KeySettings;
pub use oidc::OidcSettings;
pub use options::{Options, without_empty_variables};
pub use smtp::{SmtpEncryption, SmtpSettings};
pub use strict::is_loopback;
pub use tls_files::TlsFiles;

use crate::model::{SecurityPolicy, Sources};
use secret_setting::{read_secret, value_of};
use urls::{collector_url, http_url};

/// The setting of the file with the URL of the database.
const DATABASE_URL_FILE: &str = "DATABASE_URL_FILE";

/// The optional configuration file.
const FILE: &str = "gatepost.toml";

/// The checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The URL of PostgreSQL. `None` for a private PostgreSQL in the data directory.
    pub database_url: Option<SecretString>,
    /// The file that contains the URL, if it is in one.
    pub database_url_file: Option<PathBuf>,
    /// The directory of the private PostgreSQL and the generated master key.
    pub data_dir: PathBuf,
    /// Directories with PostgreSQL's programs, in search order.
    pub postgres_folders: Vec<PathBuf>,
    /// The environment of child processes.
    pub child_environment: Vec<(OsString, OsString)>,
    /// The address that pages and API listen on.
    pub listen: SocketAddr,
    /// The certificate, if the server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// The URL that browsers use, if it differs from the listen address.
    pub public_url: Option<Url>,
    /// Networks of reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the master keys are.
    pub keys: KeySettings,
    /// Email address and password of the first administrator, if set.
    pub admin: Option<(String, SecretString)>,
    /// A file with the hashes of leaked passwords.
    pub leaked_passwords_file: Option<PathBuf>,
    /// Networks that deliveries may reach although they are blocked by default.
    pub egress_allow: Vec<IpNet>,
    /// Networks that deliveries may not reach.
    pub egress_deny: Vec<IpNet>,
    /// The only networks that outbound connections may reach, if there are any.
    pub egress_only: Vec<IpNet>,
    /// Whether webhooks may use `http://`.
    pub allow_http: bool,
    /// What strict mode requires, or what is required without it.
    pub policy: SecurityPolicy,
    /// How many days events, deliveries and invocations are kept.
    pub retention_days: u16,
    /// After how many hours without use a session ends.
    pub session_idle_hours: u16,
    /// After how many hours a session ends in any case.
    pub session_max_hours: u16,
    /// The mail server, if there is one.
    pub smtp: Option<SmtpSettings>,
    /// Single sign-on, if it is on.
    pub oidc: Option<OidcSettings>,
    /// Whether users may sign in with passwords.
    pub password_sign_in: bool,
    /// How many events each token may send per minute, if that is limited.
    pub events_per_minute: Option<NonZeroU32>,
    /// How many days entries of the audit log are kept.
    pub audit_retention_days: u16,
    /// The URL of the collector that traces are sent to.
    pub otlp_endpoint: Option<Url>,
    /// The log filter.
    pub log: String,
    /// Whether logs are written as JSON.
    pub log_json: bool,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl Config {
    /// Merges flags and environment variables with the file, and checks the settings.
    ///
    /// # Errors
    /// The first invalid setting, by name.
    pub fn load(options: &Options) -> Result<Self, ConfigError> {
        check_environment()?;
        // An absolute path, because Figment looks for a relative one in parent directories too, which may belong to
        // other users.
        let file = std::path::absolute(FILE)
            .map_err(|error| ConfigError(format!("{FILE} cannot be read: {error}")))?;
        let merged: Options = Figment::new()
            .merge(Toml::file(file))
            .merge(Serialized::defaults(options.clone().without_empty()))
            .extract()
            .map_err(|error| ConfigError(format!("{FILE} or a flag: {error}")))?;
        Self::check(merged)
    }

    fn check(options: Options) -> Result<Self, ConfigError> {
        let mut options = options.without_empty();
        let keys = KeySettings::new(&mut options)?;
        let admin = first_administrator(&mut options)?;
        let database_url_file = options.database_url_file.take();
        let database_url = value_of(
            ("DATABASE_URL", options.database_url.take()),
            (DATABASE_URL_FILE, database_url_file.clone()),
        )?;
        let public_url = http_url(
            "GATEPOST_PUBLIC_URL",
            options.public_url.take(),
            "https://gatepost.example.com",
        )?;
        let otlp_endpoint = options.otlp_endpoint.take();
        let otlp_endpoint = otlp_endpoint.as_deref().map(collector_url).transpose()?;
        let tls = TlsFiles::take(&mut options, public_url.as_ref())?;
        let smtp = SmtpSettings::take(&mut options, public_url.as_ref())?;
        let oidc = OidcSettings::take(&mut options, public_url.as_ref())?;
        let listen = options.listen.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let log_format = options.log_format.unwrap_or_else(|| "text".to_owned());
        Ok(Self {
            database_url: database_url.map(SecretString::from),
            database_url_file,
            data_dir: options.data_dir.unwrap_or_else(|| PathBuf::from("data")),
            postgres_folders: postgres_folders(),
            child_environment: child_environment::child_environment(),
            listen: listen.parse().map_err(|error| {
                let why = format!("{error}; write an IP address and a port such as 0.0.0.0:8080");
                invalid("GATEPOST_LISTEN", &listen, &why)
            })?,
            tls,
            public_url,
            trusted_proxies: networks(
                "GATEPOST_TRUSTED_PROXIES",
                options.trusted_proxies.as_deref(),
            )?,
            keys,
            admin,
            leaked_passwords_file: options.leaked_passwords_file,
            egress_allow: networks("GATEPOST_EGRESS_ALLOW", options.egress_allow.as_deref())?,
            egress_deny: networks("GATEPOST_EGRESS_DENY", options.egress_deny.as_deref())?,
            egress_only: networks("GATEPOST_EGRESS_ONLY", options.egress_only.as_deref())?,
            allow_http: options.allow_http.unwrap_or(false),
            policy: strict::policy(options.strict),
            retention_days: match options.retention_days.unwrap_or(30) {
                0 => return Err(invalid("GATEPOST_RETENTION_DAYS", "0", &"keep at least one day")),
                days => days,
            },
            events_per_minute: options.events_per_minute.map(event_limit).transpose()?,
            session_idle_hours: hours(
                "GATEPOST_SESSION_IDLE_HOURS",
                options.session_idle_hours.unwrap_or(24),
            )?,
            session_max_hours: hours(
                "GATEPOST_SESSION_MAX_HOURS",
                options.session_max_hours.unwrap_or(7 * 24),
            )?,
            smtp,
            password_sign_in: oidc::allows_passwords(options.password_sign_in, oidc.as_ref())?,
            oidc,
            audit_retention_days: match options.audit_retention_days.unwrap_or(400) {
                days @ ..30 => {
                    let days = days.to_string();
                    let fix = "keep the audit log at least 30 days";
                    return Err(invalid("GATEPOST_AUDIT_RETENTION_DAYS", &days, &fix));
                }
                days => days,
            },
            otlp_endpoint,
            log: options.log.unwrap_or_else(|| "info".to_owned()),
            log_json: match log_format.as_str() {
                "text" => false,
                "json" => true,
                other => return Err(invalid("GATEPOST_LOG_FORMAT", other, &"use text or json")),
            },
        })
    }

    /// Returns the URL of a server with these settings on this machine.
    pub fn local_url(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Reads the URL of the database again. `None` if it is not in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub fn read_database_url(&self) -> Result<Option<SecretString>, ConfigError> {
        let read = |path| read_secret(DATABASE_URL_FILE, path).map(SecretString::from);
        self.database_url_file.as_deref().map(read).transpose()
    }

    /// Returns the host and port of the public URL, if it is set.
    pub fn public_host(&self) -> Option<String> {
        let url = self.public_url.as_ref()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// Returns the master keys. With a private PostgreSQL, generates one in the data directory if there is none.
    ///
    /// # Errors
    /// If there is none, or one is not 32 bytes in base64.
    pub fn master_keys(&self, sources: &Sources) -> Result<MasterKeys, ConfigError> {
        key_settings::master_keys(self, sources)
    }

    /// Returns the master keys without generating one. `None` if one would be generated.
    ///
    /// # Errors
    /// If there is none and one is required, or one is not 32 bytes in base64.
    pub fn existing_master_keys(&self) -> Result<Option<MasterKeys>, ConfigError> {
        key_settings::existing_master_keys(self)
    }

    /// Returns the file that contains the current master key. `None` if the key is a setting.
    ///
    /// # Errors
    /// If a key is required and there is none.
    pub fn master_key_file(&self) -> Result<Option<KeyFile>, ConfigError> {
        key_settings::file(self)
    }
}

fn invalid(name: &str, value: &str, why: &dyn std::fmt::Display) -> ConfigError {
    ConfigError(format!("{name} cannot be \"{value}\": {why}"))
}

fn first_administrator(
    options: &mut Options,
) -> Result<Option<(String, SecretString)>, ConfigError> {
    let password = value_of(
        ("GATEPOST_ADMIN_PASSWORD", options.admin_password.take()),
        ("GATEPOST_ADMIN_PASSWORD_FILE", options.admin_password_file.take()),
    )?;
    match (options.admin_email.take(), password) {
        (Some(email), Some(password)) => Ok(Some((email, SecretString::from(password)))),
        (None, None) => Ok(None),
        _ => {
            let message = "GATEPOST_ADMIN_EMAIL and GATEPOST_ADMIN_PASSWORD (or GATEPOST_ADMIN_PASSWORD_FILE) must be set \
                           together; set both or none";
            Err(ConfigError(message.to_owned()))
        }
    }
}

fn hours(name: &str, hours: u16) -> Result<u16, ConfigError> {
    if hours == 0 { Err(invalid(name, "0", &"set at least one hour")) } else { Ok(hours) }
}

fn event_limit(per_minute: u32) -> Result<NonZeroU32, ConfigError> {
    let fix = "set at least one event, or leave it unset for no limit";
    NonZeroU32::new(per_minute).ok_or_else(|| invalid("GATEPOST_EVENTS_PER_MINUTE", "0", &fix))
}

fn networks(name: &str, list: Option<&str>) -> Result<Vec<IpNet>, ConfigError> {
    let items = list.unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            item.parse::<IpNet>()
                .or_else(|error| {
                    item.parse::<std::net::IpAddr>().map(IpNet::from).map_err(|_not| error)
                })
                .map_err(|error| {
                    invalid(name, item, &format!("{error}; write networks such as 10.0.0.0/8"))
                })
        })
        .collect()
}

/// Returns the directories of `PG_BIN_DIR`, then of `PATH`.
fn postgres_folders() -> Vec<PathBuf> {
    let given = std::env::var_os("PG_BIN_DIR").filter(|folder| !folder.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    given.map(PathBuf::from).into_iter().chain(std::env::split_paths(&path)).collect()
}

/// Rejects unknown `GATEPOST_` variables, which are probably misspelled.
fn check_environment() -> Result<(), ConfigError> {
    let known = Options::variables();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("GATEPOST_") && !known.iter().any(|known| *known == name) {
            let message =
                format!("unknown setting {name}; known settings are {}", known.join(", "));
            return Err(ConfigError(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_defaults() {
        let config = Config::check(Options::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from("data"));
        assert!(!config.allow_http && config.database_url.is_none());
    }

    #[test]
    fn names_the_invalid_setting() {
        let options = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            Config::check(options).unwrap_err().to_string()
        };
        assert!(options(|o| o.listen = Some("8080".to_owned())).contains("GATEPOST_LISTEN"));
        assert!(
            options(|o| o.egress_allow = Some("10.0.0.0/33".to_owned()))
                .contains("GATEPOST_EGRESS_ALLOW")
        );
        assert!(
            options(|o| o.admin_email = Some("a@b".to_owned())).contains("GATEPOST_ADMIN_PASSWORD")
        );
        assert!(options(|o| o.log_format = Some("xml".to_owned())).contains("GATEPOST_LOG_FORMAT"));
    }

    #[test]
    fn uses_loopback_for_a_server_on_all_addresses() {
        for (listen, url) in [
            ("10.0.0.9:8081", "http://10.0.0.9:8081"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8080", "http://[::1]:8080"),
        ] {
            let options = Options { listen: Some(listen.to_owned()), ..Options::default() };
            assert_eq!(Config::check(options).unwrap().local_url(), url);
        }
    }

    #[test]
    fn parses_an_address_as_a_network() {
        let nets = networks("X", Some("127.0.0.1, ::1,10.0.0.0/8")).unwrap();
        assert_eq!(nets.len(), 3);
    }
}

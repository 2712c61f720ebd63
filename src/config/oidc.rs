//! The settings of single sign-on with OpenID Connect.

use secrecy::SecretString;
use url::Url;

use super::secret_setting::{read_file, value_of};
use super::{ConfigError, Options};

const ISSUER: &str = "GATEPOST_OIDC_ISSUER";
const CLIENT_ID: &str = "GATEPOST_OIDC_CLIENT_ID";
const CLIENT_SECRET: &str = "GATEPOST_OIDC_CLIENT_SECRET";
const CLIENT_SECRET_FILE: &str = "GATEPOST_OIDC_CLIENT_SECRET_FILE";
const ROLE_CLAIM: &str = "GATEPOST_OIDC_ROLE_CLAIM";
const ROLES: &str = "GATEPOST_OIDC_ROLES";
const SCOPES: &str = "GATEPOST_OIDC_SCOPES";
const ACR_VALUES: &str = "GATEPOST_OIDC_ACR_VALUES";
const NAME: &str = "GATEPOST_OIDC_NAME";
const CA_FILE: &str = "GATEPOST_OIDC_CA_FILE";

const DEFAULT_SCOPES: &str = "openid email profile";
const DEFAULT_NAME: &str = "single sign-on";
/// Maximum length of the provider's name, in characters. It is on a button.
const MAX_NAME_CHARS: usize = 40;

/// The identity provider, and what its users may do.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// The provider's identifier, exactly as the provider writes it.
    pub issuer: String,
    /// Gatepost's identifier at the provider.
    pub client_id: String,
    /// Gatepost's password at the provider.
    pub client_secret: SecretString,
    /// The claim that contains groups or roles: a name, or a path with dots. Empty if roles do not depend on a claim.
    pub role_claim: String,
    /// Which value of the claim gives which role, such as `gatepost-admins=admin,*=viewer`.
    pub roles: String,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// The classes of authentication of which the provider must confirm one. If there are none, any is enough.
    pub acr_values: Vec<String>,
    /// The provider's name on pages.
    pub name: String,
    /// Certificates (PEM) of authorities that are trusted at the provider in addition to the public ones.
    pub authorities: Option<String>,
    /// Whether the provider may use `http://`.
    pub allow_http: bool,
    /// The URL that browsers use for Gatepost.
    pub public_url: Url,
}

impl OidcSettings {
    /// Takes the settings. `None` if single sign-on is off.
    ///
    /// # Errors
    /// If a setting is missing or invalid.
    pub(super) fn take(
        options: &mut Options,
        public_url: Option<&Url>,
    ) -> Result<Option<Self>, ConfigError> {
        let allow_http = options.allow_http.unwrap_or(false);
        let secret = value_of(
            (CLIENT_SECRET, options.oidc_client_secret.take()),
            (CLIENT_SECRET_FILE, options.oidc_client_secret_file.take()),
        )?;
        let others = [
            (CLIENT_ID, options.oidc_client_id.is_some()),
            (CLIENT_SECRET, secret.is_some()),
            (ROLE_CLAIM, options.oidc_role_claim.is_some()),
            (ROLES, options.oidc_roles.is_some()),
            (SCOPES, options.oidc_scopes.is_some()),
            (ACR_VALUES, options.oidc_acr_values.is_some()),
            (NAME, options.oidc_name.is_some()),
            (CA_FILE, options.oidc_ca_file.is_some()),
        ];
        let Some(issuer) = options.oidc_issuer.take() else {
            let alone = others.into_iter().find(|(_, is_set)| *is_set);
            return alone.map_or(Ok(None), |(name, _)| {
                let message =
                    format!("{name} needs {ISSUER}; set it to the URL of the identity provider");
                Err(ConfigError(message))
            });
        };
        check_issuer(&issuer, allow_http)?;
        let public_url = public_url.cloned().ok_or_else(|| {
            let why = "because the identity provider sends users back to it";
            ConfigError(format!("{ISSUER} needs GATEPOST_PUBLIC_URL, {why}"))
        })?;
        let fix = "set it to the client ID of Gatepost at the identity provider";
        let client_id = required(CLIENT_ID, options.oidc_client_id.take(), fix)?;
        let client_secret =
            required(CLIENT_SECRET, secret, "set it to the secret that belongs to the client ID")?;
        let fix = "set it, for example, to gatepost-admins=admin,soc=editor,*=viewer";
        let roles = required(ROLES, options.oidc_roles.take(), fix)?;
        Ok(Some(Self {
            issuer,
            client_id,
            client_secret: client_secret.into(),
            role_claim: options.oidc_role_claim.take().unwrap_or_default(),
            roles,
            scopes: scopes(options.oidc_scopes.take())?,
            acr_values: words(&options.oidc_acr_values.take().unwrap_or_default()),
            name: provider_name(options.oidc_name.take())?,
            authorities: options
                .oidc_ca_file
                .take()
                .map(|path| read_file(CA_FILE, &path))
                .transpose()?,
            allow_http,
            public_url,
        }))
    }
}

/// Returns whether users may sign in with passwords, which can be switched off only if there is another way.
pub(super) fn allows_passwords(
    setting: Option<bool>,
    oidc: Option<&OidcSettings>,
) -> Result<bool, ConfigError> {
    let allowed = setting.unwrap_or(true);
    if !allowed && oidc.is_none() {
        let message = format!(
            "GATEPOST_PASSWORD_SIGN_IN is false, but there is no single sign-on, so no user could sign in; set {ISSUER}, or \
             remove GATEPOST_PASSWORD_SIGN_IN"
        );
        return Err(ConfigError(message));
    }
    Ok(allowed)
}

fn required(name: &str, value: Option<String>, fix: &str) -> Result<String, ConfigError> {
    value.ok_or_else(|| ConfigError(format!("{ISSUER} needs {name}; {fix}")))
}

fn check_issuer(issuer: &str, allow_http: bool) -> Result<(), ConfigError> {
    let invalid = |why: &str| Err(ConfigError(format!("{ISSUER} cannot be \"{issuer}\": {why}")));
    let Ok(url) = Url::parse(issuer) else {
        return invalid("write it as https://login.example.com");
    };
    if url.query().is_some()
        || url.fragment().is_some()
        || issuer.ends_with("/.well-known/openid-configuration")
    {
        return invalid("leave out the query, the fragment and /.well-known/openid-configuration");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_http => Ok(()),
        "http" => invalid("use https, or set GATEPOST_ALLOW_HTTP to true"),
        _ => invalid("write it as https://login.example.com"),
    }
}

fn scopes(setting: Option<String>) -> Result<Vec<String>, ConfigError> {
    let text = setting.unwrap_or_else(|| DEFAULT_SCOPES.to_owned());
    let scopes = words(&text);
    if scopes.iter().any(|scope| scope == "openid") {
        return Ok(scopes);
    }
    Err(ConfigError(format!("{SCOPES} cannot be \"{text}\": it must contain openid")))
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn provider_name(setting: Option<String>) -> Result<String, ConfigError> {
    let name = setting.unwrap_or_else(|| DEFAULT_NAME.to_owned());
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("{NAME} is too long; use at most {MAX_NAME_CHARS} characters");
        return Err(ConfigError(message));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Options {
        let text = |text: &str| Some(text.to_owned());
        Options {
            oidc_issuer: text("https://login.example.com"),
            oidc_client_id: text("gatepost"),
            oidc_client_secret: text("s3cret"),
            oidc_role_claim: text("groups"),
            oidc_roles: text("*=viewer"),
            ..Options::default()
        }
    }

    fn take(change: impl FnOnce(&mut Options)) -> Result<Option<OidcSettings>, String> {
        let public = Url::parse("https://gatepost.example.com").unwrap();
        let mut options = complete();
        change(&mut options);
        OidcSettings::take(&mut options, Some(&public)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_scopes_and_name() {
        let settings = take(|_| {}).unwrap().unwrap();
        assert_eq!(settings.scopes, ["openid", "email", "profile"]);
        assert_eq!(settings.name, "single sign-on");
    }

    #[test]
    fn an_incomplete_combination_says_what_is_missing() {
        type Case = (fn(&mut Options), [&'static str; 2]);
        let cases: [Case; 11] = [
            (|o| o.oidc_issuer = None, ["GATEPOST_OIDC_CLIENT_ID needs", ISSUER]),
            (|o| o.oidc_client_id = None, [CLIENT_ID, "set it"]),
            (|o| o.oidc_client_secret = None, [CLIENT_SECRET, "set it"]),
            (|o| o.oidc_roles = None, [ROLES, "gatepost-admins=admin"]),
            (
                |o| o.oidc_issuer = Some("http://login.example.com".into()),
                [ISSUER, "GATEPOST_ALLOW_HTTP"],
            ),
            (|o| o.oidc_issuer = Some("login.example.com".into()), [ISSUER, "https://"]),
            (
                |o| o.oidc_issuer = Some("https://x/.well-known/openid-configuration".into()),
                [ISSUER, "leave out"],
            ),
            (|o| o.oidc_scopes = Some("email".into()), [SCOPES, "openid"]),
            (|o| o.oidc_name = Some("x".repeat(41)), [NAME, "40"]),
            (|o| o.oidc_client_secret_file = Some("x".into()), [CLIENT_SECRET_FILE, "remove one"]),
            (|o| o.oidc_ca_file = Some("/no/such/file".into()), [CA_FILE, "cannot be read"]),
        ];
        for (change, parts) in cases {
            let error = take(change).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(
            take(|o| {
                o.oidc_issuer = Some("http://localhost:1".into());
                o.allow_http = Some(true);
            })
            .is_ok()
        );
    }

    #[test]
    fn a_public_url_is_needed() {
        let error = OidcSettings::take(&mut complete(), None).unwrap_err().to_string();
        assert!(error.contains("GATEPOST_PUBLIC_URL"), "{error}");
        assert!(OidcSettings::take(&mut Options::default(), None).unwrap().is_none());
    }

    #[test]
    fn passwords_are_switched_off_only_with_single_sign_on() {
        let settings = take(|_| {}).unwrap();
        assert!(!allows_passwords(Some(false), settings.as_ref()).unwrap());
        assert!(allows_passwords(None, None).unwrap());
        let error = allows_passwords(Some(false), None).unwrap_err().to_string();
        assert!(error.contains(ISSUER), "{error}");
    }
}

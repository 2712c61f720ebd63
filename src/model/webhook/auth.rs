//! Authentication to the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::draft::{AuthDraft, Draft};
use super::errors::{Field, FieldErrors};
use super::http::{self, Rules};
use crate::model::secret::{SecretName, SecretValue, is_credential_name};

/// How Gatepost authenticates, in addition to credentials in headers and body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// No authentication.
    #[default]
    None,
    /// A fixed token: `Authorization: Bearer …` (RFC 6750).
    Bearer(SecretName),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name, without a colon.
        username: String,
        /// Password. `None` for an empty one.
        password: Option<SecretName>,
    },
    /// A token from the client credentials grant (RFC 6749, section 4.4), renewed before it expires.
    OAuth(OAuthSettings),
}

/// How the client authenticates at the token endpoint (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum ClientAuthentication {
    /// In the header, and if that is rejected in the form. Servers must support the header, but many support only the form.
    #[default]
    Automatic,
    /// `client_secret_basic`: in the header `Authorization`.
    Header,
    /// `client_secret_post`: in the form.
    Form,
}

/// Settings of the client credentials grant with the value of the client secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// The settings.
    pub settings: OAuthSettings,
    /// The value of the client secret.
    pub client_secret: SecretValue,
}

/// Settings of the client credentials grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OAuthSettings {
    /// Client ID.
    pub client_id: String,
    /// Client secret.
    pub client_secret: SecretName,
    /// URL of the token endpoint.
    pub token_endpoint: Url,
    /// Scopes separated by spaces, possibly empty.
    pub scopes: String,
    /// How the client authenticates.
    pub client_authentication: ClientAuthentication,
    /// Names and values of further form parameters, such as `audience`.
    pub parameters: Vec<(String, String)>,
}

/// Form parameters that Gatepost sets itself.
const OWN_PARAMETERS: [&str; 4] = ["grant_type", "scope", "client_id", "client_secret"];
/// Maximum number of further form parameters.
const MAX_PARAMETERS: usize = 20;

/// Returns the value of `Authorization` for a name and a password (RFC 7617).
pub fn basic_credential(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Validates the settings. An `Authorization` header would contradict them.
pub(super) fn check(draft: &Draft, rules: Rules, errors: &mut FieldErrors) -> Authentication {
    let auth = &draft.authentication;
    if !matches!(auth.kind.as_str(), "" | "none") {
        let is_authorization =
            |(name, _): &(String, String)| name.trim().eq_ignore_ascii_case("authorization");
        if let Some(row) = draft.headers.iter().position(is_authorization) {
            let message = "Authentication already sets this header: remove the header, or set Authentication to None.";
            errors.add(Field::Header(row), message);
        }
    }
    match auth.kind.as_str() {
        "" | "none" => Authentication::None,
        "bearer" => check_bearer(&auth.token, errors),
        "basic" => check_basic(auth, errors),
        "oauth" => check_oauth(auth, rules, errors),
        other => {
            let message = format!("Unknown type \"{other}\": use none, bearer, basic or oauth.");
            errors.add(Field::Authentication, message);
            Authentication::None
        }
    }
}

fn check_bearer(token: &str, errors: &mut FieldErrors) -> Authentication {
    reference(token, Field::AuthToken, "Enter the token.", errors)
        .map_or(Authentication::None, Authentication::Bearer)
}

/// Reads a field that refers to a secret. The value itself was moved into a secret before.
pub(super) fn reference(
    text: &str,
    field: Field,
    if_empty: &str,
    errors: &mut FieldErrors,
) -> Option<SecretName> {
    let name = SecretName::in_reference(text);
    if name.is_none() {
        let message =
            if text.is_empty() { if_empty } else { "Refer to a secret: {{secrets.NAME}}." };
        errors.add(field, message);
    }
    name
}

fn check_basic(auth: &AuthDraft, errors: &mut FieldErrors) -> Authentication {
    if auth.username.is_empty() {
        errors.add(Field::AuthUsername, "Enter the user name.");
    } else if auth.username.contains(':') {
        let message = "The user name cannot contain a colon, because the server would read the rest as the password.";
        errors.add(Field::AuthUsername, message);
    } else if auth.username.chars().any(char::is_control) {
        errors.add(
            Field::AuthUsername,
            "The user name contains a control character, such as a line break: remove it.",
        );
    }
    let password = if auth.password.is_empty() {
        None
    } else {
        reference(&auth.password, Field::AuthPassword, "", errors)
    };
    Authentication::Basic { username: auth.username.clone(), password }
}

fn check_oauth(auth: &AuthDraft, rules: Rules, errors: &mut FieldErrors) -> Authentication {
    if auth.client_id.is_empty() {
        errors.add(Field::AuthClientId, "Enter the client ID.");
    }
    let client_secret =
        reference(&auth.client_secret, Field::AuthClientSecret, "Enter the client secret.", errors);
    let client_authentication = check_client_authentication(&auth.client_authentication, errors);
    check_parameters(&auth.parameters, errors);
    let endpoint = &auth.token_endpoint_url;
    let checked = if endpoint.is_empty() {
        Err("Enter the URL of the token endpoint, such as https://login.example.com/oauth2/token."
            .to_owned())
    } else if endpoint.contains("{{") {
        Err("The URL of the token endpoint cannot contain placeholders: remove them.".to_owned())
    } else {
        http::check_url(endpoint, rules).and_then(|()| http::check_rendered_url(endpoint))
    };
    let token_endpoint =
        checked.map_err(|message| errors.add(Field::AuthTokenEndpoint, message)).ok();
    match (token_endpoint, client_secret) {
        (Some(token_endpoint), Some(client_secret)) => Authentication::OAuth(OAuthSettings {
            client_id: auth.client_id.clone(),
            client_secret,
            token_endpoint,
            scopes: auth.scopes.clone(),
            client_authentication,
            parameters: auth.parameters.clone(),
        }),
        _ => Authentication::None,
    }
}

fn check_client_authentication(text: &str, errors: &mut FieldErrors) -> ClientAuthentication {
    if text.is_empty() {
        return ClientAuthentication::default();
    }
    text.parse().unwrap_or_else(|_error: strum::ParseError| {
        let message =
            format!("Unknown client authentication \"{text}\": use automatic, header or form.");
        errors.add(Field::AuthClientAuthentication, message);
        ClientAuthentication::default()
    })
}

fn check_parameters(parameters: &[(String, String)], errors: &mut FieldErrors) {
    let mut add = |message: String| errors.add(Field::AuthParameters, message);
    if parameters.len() > MAX_PARAMETERS {
        add(format!("Too many parameters: use at most {MAX_PARAMETERS}."));
    }
    for (name, value) in parameters {
        if name.is_empty() || value.is_empty() {
            add(format!("\"{name}{value}\" is not a parameter: write name=value, one per line."));
        } else if OWN_PARAMETERS.contains(&name.as_str()) {
            add(format!("Gatepost sets {name} itself: use the field above instead."));
        } else if is_credential_name(name) {
            add(format!(
                "{name} looks like a secret, and parameters are stored and shown as entered: remove it."
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid_fields(auth: AuthDraft) -> Vec<Field> {
        let draft = Draft {
            authentication: auth,
            headers: vec![("authorization".to_owned(), "x".to_owned())],
            ..Draft::default()
        };
        let mut errors = FieldErrors::default();
        check(&draft, Rules::default(), &mut errors);
        errors.iter().map(|error| error.field).collect()
    }

    fn of(kind: &str) -> AuthDraft {
        AuthDraft { kind: kind.to_owned(), ..AuthDraft::default() }
    }

    #[test]
    fn each_type_has_required_fields() {
        let duplicate = Field::Header(0);
        assert_eq!(invalid_fields(of("none")), []);
        assert_eq!(invalid_fields(of("bearer")), [duplicate, Field::AuthToken]);
        assert_eq!(invalid_fields(of("basic")), [duplicate, Field::AuthUsername]);
        assert_eq!(
            invalid_fields(of("oauth")),
            [duplicate, Field::AuthClientId, Field::AuthClientSecret, Field::AuthTokenEndpoint]
        );
        assert_eq!(invalid_fields(of("digest")), [duplicate, Field::Authentication]);
    }

    #[test]
    fn rejects_parameters_that_conflict_or_look_like_secrets() {
        let rejected = |name: &str, value: &str| {
            let auth = AuthDraft {
                client_id: "a".to_owned(),
                client_secret: "{{secrets.b}}".to_owned(),
                token_endpoint_url: "https://a/token".to_owned(),
                parameters: vec![(name.to_owned(), value.to_owned())],
                ..of("oauth")
            };
            invalid_fields(auth).contains(&Field::AuthParameters)
        };
        assert!(!rejected("audience", "https://api.example.com/?a=b"));
        for (name, value) in
            [("scope", "a"), ("client_secret", "x"), ("api_key", "x"), ("audience", ""), ("", "x")]
        {
            assert!(rejected(name, value), "{name}={value}");
        }
    }

    #[test]
    fn rejects_values_that_cannot_be_sent() {
        for token in ["abc", "{{data.id}}", "a {{secrets.a}}"] {
            let auth = AuthDraft { token: token.to_owned(), ..of("bearer") };
            assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthToken], "{token:?}");
        }
        let auth = AuthDraft { username: "a:b".to_owned(), ..of("basic") };
        assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthUsername]);
        for url in ["http://a.example/token", "https://a/{{data.id}}", "a.example"] {
            let auth = AuthDraft {
                client_id: "a".to_owned(),
                client_secret: "{{secrets.b}}".to_owned(),
                token_endpoint_url: url.to_owned(),
                ..of("oauth")
            };
            assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthTokenEndpoint], "{url}");
        }
    }
}

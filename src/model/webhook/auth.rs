//! Authentication to the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::draft::{AuthDraft, Draft};
use super::errors::{Field, FieldErrors};
use super::http::{self, Rules};

/// How Gatepost authenticates, in addition to credentials in headers and body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// No authentication.
    #[default]
    None,
    /// A fixed token: `Authorization: Bearer …` (RFC 6750).
    Bearer(String),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name, without a colon.
        username: String,
        /// Password, possibly empty.
        password: String,
    },
    /// A token from the client credentials grant (RFC 6749, section 4.4), renewed before it expires.
    OAuth(ClientCredentials),
}

/// Settings of the client credentials grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// Client ID.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// URL of the token endpoint.
    pub token_endpoint: Url,
    /// Scopes separated by spaces, possibly empty.
    pub scopes: String,
}

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
    if token.is_empty() {
        errors.add(Field::AuthToken, "Enter the token.");
    } else if token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        errors
            .add(Field::AuthToken, "Enter the token without the word Bearer, which Gatepost adds.");
    } else if token.chars().any(char::is_whitespace) {
        errors.add(Field::AuthToken, "A token cannot contain spaces or line breaks: remove them.");
    } else if ::http::HeaderValue::try_from(token).is_err() {
        errors.add(Field::AuthToken, "The token contains a control character: remove it.");
    }
    Authentication::Bearer(token.to_owned())
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
    if auth.password.chars().any(char::is_control) {
        errors.add(
            Field::AuthPassword,
            "The password contains a control character, such as a line break: remove it.",
        );
    }
    Authentication::Basic { username: auth.username.clone(), password: auth.password.clone() }
}

fn check_oauth(auth: &AuthDraft, rules: Rules, errors: &mut FieldErrors) -> Authentication {
    if auth.client_id.is_empty() {
        errors.add(Field::AuthClientId, "Enter the client ID.");
    }
    if auth.client_secret.is_empty() {
        errors.add(Field::AuthClientSecret, "Enter the client secret.");
    }
    let endpoint = &auth.token_endpoint_url;
    let checked = if endpoint.is_empty() {
        Err("Enter the URL of the token endpoint, such as https://login.example.com/oauth2/token."
            .to_owned())
    } else if endpoint.contains("{{") {
        Err("The URL of the token endpoint cannot contain placeholders: remove them.".to_owned())
    } else {
        http::check_url(endpoint, rules).and_then(|()| http::check_rendered_url(endpoint))
    };
    match checked {
        Ok(token_endpoint) => Authentication::OAuth(ClientCredentials {
            client_id: auth.client_id.clone(),
            client_secret: auth.client_secret.clone(),
            token_endpoint,
            scopes: auth.scopes.clone(),
        }),
        Err(message) => {
            errors.add(Field::AuthTokenEndpoint, message);
            Authentication::None
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
    fn rejects_values_that_cannot_be_sent() {
        for token in ["Bearer abc", "a b", "a\nb", "\u{7f}"] {
            let auth = AuthDraft { token: token.to_owned(), ..of("bearer") };
            assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthToken], "{token:?}");
        }
        let auth = AuthDraft { username: "a:b".to_owned(), ..of("basic") };
        assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthUsername]);
        for url in ["http://a.example/token", "https://a/{{data.id}}", "a.example"] {
            let auth = AuthDraft {
                client_id: "a".to_owned(),
                client_secret: "b".to_owned(),
                token_endpoint_url: url.to_owned(),
                ..of("oauth")
            };
            assert_eq!(invalid_fields(auth), [Field::Header(0), Field::AuthTokenEndpoint], "{url}");
        }
    }
}

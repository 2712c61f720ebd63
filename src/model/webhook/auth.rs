//! How Gatepost shows a server who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::Rules;
use super::draft::{AuthDraft, Draft};
use super::errors::{Field, FieldErrors};
use super::http;

/// How Gatepost shows who it is, beyond what stands in headers and body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Not at all.
    #[default]
    None,
    /// A fixed token: `Authorization: Bearer …` (RFC 6750).
    Bearer(String),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// Without a colon.
        username: String,
        /// May be empty.
        password: String,
    },
    /// A token that is asked for, and asked for anew before it ends (RFC 6749, section 4.4).
    OAuth(ClientCredentials),
}

/// OAuth's client credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// Who asks.
    pub client_id: String,
    /// The proof.
    pub client_secret: String,
    /// Where to ask.
    pub token_endpoint: Url,
    /// What for, with spaces in between; may be empty.
    pub scopes: String,
}

/// The value of `Authorization` for a name and a password (RFC 7617).
pub fn basic_credential(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Checks what was typed. An `Authorization` header beside it would contradict it.
pub(super) fn check(draft: &Draft, rules: Rules, errors: &mut FieldErrors) -> Authentication {
    let auth = &draft.authentication;
    if !matches!(auth.kind.as_str(), "" | "none") {
        let is_authorization =
            |(name, _): &(String, String)| name.trim().eq_ignore_ascii_case("authorization");
        if let Some(row) = draft.headers.iter().position(is_authorization) {
            let message = "Authentication below sends this header already: remove the row, or choose None there.";
            errors.add(Field::Header(row), message);
        }
    }
    match auth.kind.as_str() {
        "" | "none" => Authentication::None,
        "bearer" => check_bearer(&auth.token, errors),
        "basic" => check_basic(auth, errors),
        "oauth" => check_oauth(auth, rules, errors),
        other => {
            let message = format!("\"{other}\" is none of none, bearer, basic and oauth.");
            errors.add(Field::Authentication, message);
            Authentication::None
        }
    }
}

fn check_bearer(token: &str, errors: &mut FieldErrors) -> Authentication {
    if token.is_empty() {
        errors.add(Field::AuthToken, "Enter the token.");
    } else if token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        errors.add(Field::AuthToken, "Leave out the word Bearer: it is put before the token.");
    } else if token.chars().any(char::is_whitespace) {
        errors.add(Field::AuthToken, "A token holds no spaces or line breaks: paste it without.");
    } else if ::http::HeaderValue::try_from(token).is_err() {
        errors.add(Field::AuthToken, "The token has a character that a header cannot hold.");
    }
    Authentication::Bearer(token.to_owned())
}

fn check_basic(auth: &AuthDraft, errors: &mut FieldErrors) -> Authentication {
    if auth.username.is_empty() {
        errors.add(Field::AuthUsername, "Enter the user name.");
    } else if auth.username.contains(':') {
        let message = "A user name with a colon cannot be sent: what follows would be taken for the password.";
        errors.add(Field::AuthUsername, message);
    } else if auth.username.chars().any(char::is_control) {
        errors.add(Field::AuthUsername, "The user name holds a line break or the like: remove it.");
    }
    if auth.password.chars().any(char::is_control) {
        errors.add(Field::AuthPassword, "The password holds a line break or the like: remove it.");
    }
    Authentication::Basic { username: auth.username.clone(), password: auth.password.clone() }
}

fn check_oauth(auth: &AuthDraft, rules: Rules, errors: &mut FieldErrors) -> Authentication {
    if auth.client_id.is_empty() {
        errors.add(Field::AuthClientId, "Enter the client id.");
    }
    if auth.client_secret.is_empty() {
        errors.add(Field::AuthClientSecret, "Enter the client secret.");
    }
    let endpoint = &auth.token_endpoint_url;
    let checked = if endpoint.is_empty() {
        Err("Enter the address that gives out tokens, such as https://login.example.com/oauth2/token."
            .to_owned())
    } else if endpoint.contains("{{") {
        Err("The token endpoint is fixed: it takes no placeholders.".to_owned())
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

    fn mistakes(auth: AuthDraft) -> Vec<Field> {
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
    fn each_kind_needs_its_own() {
        let twice = Field::Header(0);
        assert_eq!(mistakes(of("none")), []);
        assert_eq!(mistakes(of("bearer")), [twice, Field::AuthToken]);
        assert_eq!(mistakes(of("basic")), [twice, Field::AuthUsername]);
        assert_eq!(
            mistakes(of("oauth")),
            [twice, Field::AuthClientId, Field::AuthClientSecret, Field::AuthTokenEndpoint]
        );
        assert_eq!(mistakes(of("digest")), [twice, Field::Authentication]);
    }

    #[test]
    fn what_would_not_arrive_is_told() {
        for token in ["Bearer abc", "a b", "a\nb", "\u{7f}"] {
            let auth = AuthDraft { token: token.to_owned(), ..of("bearer") };
            assert_eq!(mistakes(auth), [Field::Header(0), Field::AuthToken], "{token:?}");
        }
        let auth = AuthDraft { username: "a:b".to_owned(), ..of("basic") };
        assert_eq!(mistakes(auth), [Field::Header(0), Field::AuthUsername]);
        for url in ["http://a.example/token", "https://a/{{data.id}}", "a.example"] {
            let auth = AuthDraft {
                client_id: "a".to_owned(),
                client_secret: "b".to_owned(),
                token_endpoint_url: url.to_owned(),
                ..of("oauth")
            };
            assert_eq!(mistakes(auth), [Field::Header(0), Field::AuthTokenEndpoint], "{url}");
        }
    }
}

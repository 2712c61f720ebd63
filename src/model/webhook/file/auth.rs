//! Authentication in the file format: `oauth` as in Apono's JSON, plus `bearer` and `basic`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::value::{FileError, non_empty, scalar_text};
use crate::model::webhook::draft::AuthDraft;

/// Exactly one of the fields is set. Validation of the webhook reports missing values. This is not an enum,
/// because an enum would be written as a YAML tag, which Apono's JSON does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bearer: Option<Bearer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basic: Option<Basic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oauth: Option<OAuth>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bearer {
    #[serde(default)]
    token: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Basic {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuth {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    token_endpoint_url: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_authentication: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Value>,
}

impl AuthFile {
    /// Converts a draft. `None` if there is no authentication or its type is unknown.
    pub(super) fn from_draft(draft: &AuthDraft) -> Option<Self> {
        let mut file = Self::default();
        match draft.kind.as_str() {
            "bearer" => file.bearer = Some(Bearer { token: draft.token.clone() }),
            "basic" => {
                let (username, password) = (draft.username.clone(), draft.password.clone());
                file.basic = Some(Basic { username, password });
            }
            "oauth" => {
                file.oauth = Some(OAuth {
                    client_id: draft.client_id.clone(),
                    client_secret: draft.client_secret.clone(),
                    token_endpoint_url: draft.token_endpoint_url.clone(),
                    scopes: draft.scopes.split_whitespace().map(str::to_owned).collect(),
                    client_authentication: non_empty(&draft.client_authentication)
                        .filter(|text| text != "automatic"),
                    parameters: write_parameters(&draft.parameters),
                });
            }
            _ => return None,
        }
        Some(file)
    }

    pub(super) fn into_draft(self) -> Result<AuthDraft, FileError> {
        let draft = AuthDraft::default();
        Ok(match (self.bearer, self.basic, self.oauth) {
            (None, None, None) => {
                let message =
                    "authentication_config is empty: add bearer, basic or oauth, or remove it";
                return Err(FileError(message.to_owned()));
            }
            (Some(Bearer { token }), None, None) => {
                AuthDraft { kind: "bearer".to_owned(), token, ..draft }
            }
            (None, Some(Basic { username, password }), None) => {
                AuthDraft { kind: "basic".to_owned(), username, password, ..draft }
            }
            (None, None, Some(oauth)) => AuthDraft {
                kind: "oauth".to_owned(),
                client_id: oauth.client_id,
                client_secret: oauth.client_secret,
                token_endpoint_url: oauth.token_endpoint_url,
                scopes: oauth.scopes.join(" "),
                client_authentication: oauth.client_authentication.unwrap_or_default(),
                parameters: read_parameters(oauth.parameters)?,
                ..draft
            },
            _ => {
                let message =
                    "authentication_config has several types: keep one of bearer, basic and oauth";
                return Err(FileError(message.to_owned()));
            }
        })
    }
}

/// A parameter that occurs several times, such as `resource` (RFC 8707, section 2), becomes a list.
fn write_parameters(parameters: &[(String, String)]) -> Map<String, Value> {
    let mut written = Map::new();
    for (name, value) in parameters {
        let value = Value::from(value.clone());
        match written.get_mut(name) {
            None => {
                written.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    written
}

fn read_parameters(parameters: Map<String, Value>) -> Result<Vec<(String, String)>, FileError> {
    let mut read = Vec::new();
    for (name, value) in parameters {
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            let Some(value) = scalar_text(&value) else {
                let message = format!(
                    "authentication_config.oauth.parameters.{name} must be a string or a list of strings"
                );
                return Err(FileError(message));
            };
            read.push((name.clone(), value));
        }
    }
    Ok(read)
}

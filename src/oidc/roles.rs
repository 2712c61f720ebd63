//! Which values of a claim give which role.

use serde_json::Value;

use super::claims;
use super::error::printable;
use crate::identity::Role;

/// The value in a mapping that every user has.
const ANY: &str = "*";
/// Maximum number of values or names in an error.
const MAX_LISTED: usize = 20;
/// Maximum length of each, in characters.
const MAX_LISTED_CHARS: usize = 60;

/// Gives roles to users by a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMapping {
    claim: String,
    roles: Vec<(String, Role)>,
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleMappingError {
    /// A part does not have the form `value=role`.
    #[error(
        "GATEPOST_OIDC_ROLES: \"{0}\" is not of the form value=role; write it as gatepost-admins=admin,*=viewer"
    )]
    Form(String),
    /// The role does not exist.
    #[error("GATEPOST_OIDC_ROLES: {0}")]
    Role(String),
    /// The mapping contains nothing.
    #[error("GATEPOST_OIDC_ROLES gives no role; write it as gatepost-admins=admin,*=viewer")]
    Empty,
    /// Values are compared, but with no claim.
    #[error(
        "GATEPOST_OIDC_ROLES needs GATEPOST_OIDC_ROLE_CLAIM, because it contains other values than *; set it to the claim \
         with the groups of a user"
    )]
    NoClaim,
}

/// Why a user gets no role: what the provider sent instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingRole {
    /// The provider did not send the claim.
    #[error("the claim \"{claim}\" is missing; present: {}", present.join(", "))]
    NoClaim {
        /// The claim.
        claim: String,
        /// The names of the claims that the provider sent.
        present: Vec<String>,
    },
    /// No value of the claim is in the mapping.
    #[error(
        "no value of the claim \"{claim}\" is in GATEPOST_OIDC_ROLES; values: {}",
        list(values)
    )]
    NoMatch {
        /// The claim.
        claim: String,
        /// Its values.
        values: Vec<String>,
    },
}

fn list(values: &[String]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ")
}

impl RoleMapping {
    /// Parses a mapping such as `gatepost-admins=admin,soc=editor,*=viewer`. `claim` is a name or a path with dots.
    ///
    /// # Errors
    /// If the mapping cannot be used.
    pub fn parse(claim: &str, text: &str) -> Result<Self, RoleMappingError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let roles = parts.map(parse_part).collect::<Result<Vec<_>, _>>()?;
        if roles.is_empty() {
            return Err(RoleMappingError::Empty);
        }
        let claim = claim.trim();
        if claim.is_empty() && roles.iter().any(|(value, _)| value != ANY) {
            return Err(RoleMappingError::NoClaim);
        }
        Ok(Self { claim: claim.to_owned(), roles })
    }

    /// Returns the values of the claim. `None` if the claims do not contain it.
    pub(super) fn values(&self, claims: &Value) -> Option<Vec<String>> {
        if self.claim.is_empty() {
            return Some(Vec::new());
        }
        claims::find(claims, &self.claim).map(claims::texts)
    }

    /// Returns the highest role that one of these values gives.
    pub fn role(&self, values: &[String]) -> Option<Role> {
        let is_given = |value: &str| value == ANY || values.iter().any(|found| found == value);
        let given = self.roles.iter().filter(|(value, _)| is_given(value));
        given.map(|(_, role)| *role).max()
    }

    /// Describes why these values give no role. `present` are the names of all claims.
    pub(super) fn missing(
        &self,
        values: Option<Vec<String>>,
        present: impl IntoIterator<Item = String>,
    ) -> MissingRole {
        let shorten = |text: String| printable(&text, MAX_LISTED_CHARS);
        let claim = self.claim.clone();
        if let Some(values) = values {
            let values = values.into_iter().take(MAX_LISTED).map(shorten).collect();
            MissingRole::NoMatch { claim, values }
        } else {
            let present = present.into_iter().take(MAX_LISTED).map(shorten).collect();
            MissingRole::NoClaim { claim, present }
        }
    }
}

fn parse_part(part: &str) -> Result<(String, Role), RoleMappingError> {
    let form = || RoleMappingError::Form(part.to_owned());
    let (value, role) = part.rsplit_once('=').ok_or_else(form)?;
    let (value, role) = (value.trim(), role.trim());
    if value.is_empty() {
        return Err(form());
    }
    Ok((value.to_owned(), role.parse().map_err(RoleMappingError::Role)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn role(mapping: &str, claims: &Value) -> Option<Role> {
        let mapping = RoleMapping::parse("realm_access.roles", mapping).unwrap();
        mapping.role(&mapping.values(claims).unwrap_or_default())
    }

    #[test]
    fn the_highest_role_counts() {
        let mapping = "admins=admin, soc=editor,*=viewer";
        for (values, expected) in [
            (json!(["soc", "admins"]), Role::Administrator),
            (json!(["admins", "soc"]), Role::Administrator),
            (json!("soc"), Role::Editor),
            (json!(["Admins", "admin", "*"]), Role::Viewer),
            (json!(null), Role::Viewer),
            (json!({"admins": true}), Role::Viewer),
        ] {
            let claims = json!({ "realm_access": { "roles": values } });
            assert_eq!(role(mapping, &claims), Some(expected), "{claims}");
        }
        assert_eq!(role(mapping, &json!({})), Some(Role::Viewer));
        assert_eq!(role("admins=admin", &json!({})), None);
        assert_eq!(role("admins=admin", &json!({"realm_access": {"roles": ["*"]}})), None);
    }

    #[test]
    fn an_error_quotes_the_part() {
        for (claim, text, part) in [
            ("groups", "admins", "\"admins\" is not of the form"),
            ("groups", "=admin", "\"=admin\" is not of the form"),
            ("groups", "x=root", "unknown role \"root\""),
            ("groups", " , ", "gives no role"),
            ("", "x=admin,*=viewer", "GATEPOST_OIDC_ROLE_CLAIM"),
        ] {
            let error = RoleMapping::parse(claim, text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(RoleMapping::parse("", "*=viewer").is_ok());
    }

    #[test]
    fn a_missing_role_says_what_the_provider_has_sent() {
        let mapping = RoleMapping::parse("groups", "admins=admin").unwrap();
        let missing = |claims: Value| {
            let present = claims.as_object().unwrap().keys().cloned();
            mapping.missing(mapping.values(&claims), present).to_string()
        };
        assert_eq!(
            missing(json!({ "sub": "1", "email": "eve@example.com" })),
            "the claim \"groups\" is missing; present: sub, email"
        );
        let no_match = |values: &str| {
            format!("no value of the claim \"groups\" is in GATEPOST_OIDC_ROLES; values: {values}")
        };
        assert_eq!(missing(json!({ "groups": ["a", "b\n"] })), no_match("\"a\", \"b\""));
        assert_eq!(missing(json!({ "groups": {} })), no_match("none"));
        let many: Vec<String> = (0..1000).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
        assert!(missing(json!({ "groups": many })).len() < 2000);
    }

    fn any_role() -> impl Strategy<Value = Role> {
        proptest::sample::select(Role::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_role_is_given_exactly_by_its_values(
            mapping in proptest::collection::vec(("[a-c]{1,2}|\\*", any_role()), 1..6),
            values in proptest::collection::vec("[a-c]{1,2}|\\*", 0..5),
        ) {
            let text: Vec<String> = mapping.iter().map(|(value, role)| format!("{value}={}", role.as_str())).collect();
            let parsed = RoleMapping::parse("groups", &text.join(",")).unwrap();
            let mut expected = None;
            for (value, role) in &mapping {
                // A value "*" of the provider is only a text.
                if value == "*" || values.contains(value) {
                    expected = expected.max(Some(*role));
                }
            }
            prop_assert_eq!(parsed.role(&values), expected);
        }

        #[test]
        fn more_values_never_lower_the_role(
            values in proptest::collection::vec("[a-c]", 0..5), more in proptest::collection::vec("[a-c]", 0..5),
        ) {
            let mapping = RoleMapping::parse("groups", "a=admin,b=editor,c=viewer").unwrap();
            let all = [values.clone(), more].concat();
            prop_assert!(mapping.role(&all) >= mapping.role(&values));
        }

        #[test]
        fn no_text_panics(claim in ".{0,20}", text in ".{0,60}") {
            let _parsed = RoleMapping::parse(&claim, &text);
        }
    }
}

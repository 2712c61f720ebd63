//! Claims: the facts about a user in an ID token or a `UserInfo` response.

use std::collections::BTreeSet;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, Client, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdToken, IdTokenClaims, IdTokenFields, StandardErrorResponse, StandardTokenResponse,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All claims that have no field of their own in the library.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OtherClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

impl OtherClaims {
    /// Returns the claims as one object.
    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.all.clone())
    }
}

pub(super) type Token = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(super) type TokenClaims = IdTokenClaims<OtherClaims, CoreGenderClaim>;
pub(super) type UserInfo = UserInfoClaims<OtherClaims, CoreGenderClaim>;

type TokenFields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// The library's client, with the endpoints of a provider.
pub(super) type ProtocolClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<TokenFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Returns the claim with a name, or at a path with dots. A name can contain dots, too, such as `https://example.com/roles`.
pub(super) fn find<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    let object = claims.as_object()?;
    if let Some(found) = object.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (first, rest) = path.split_at_checked(at)?;
        find(object.get(first)?, rest.strip_prefix('.')?)
    })
}

/// Returns the names of all claims of a token or a response.
pub(super) fn names(claims: &impl Serialize) -> BTreeSet<String> {
    let value = serde_json::to_value(claims).unwrap_or_default();
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Whether Microsoft Entra ID says that the tenant owns the domain of the email address. It does not send `email_verified`,
/// but the optional claim `xms_edov`.
pub(super) fn is_owned_by_tenant(claims: &TokenClaims) -> bool {
    let is_entra = claims.issuer().as_str().starts_with("https://login.microsoftonline.com/");
    let owned = claims.additional_claims().all.get("xms_edov");
    is_entra && owned.is_some_and(is_true)
}

/// Entra ID writes the claim in several ways.
fn is_true(claim: &Value) -> bool {
    ["true", "1"].contains(&claim.to_string().trim_matches('"'))
}

/// Returns the texts of a claim, which is one text or a list.
pub(super) fn texts(claim: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    match claim.as_array() {
        Some(items) => items.iter().filter_map(one).collect(),
        None => one(claim).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_a_claim_by_name_or_path() {
        let claims = json!({
            "groups": ["a", 1, "b"],
            "realm_access": { "roles": "c" },
            "https://example.com/roles": ["d"],
            "resource_access": { "my.client": { "roles": ["e"] } },
            "a": { "b": 1 },
            "a.b": ["f"],
        });
        for (path, expected) in [
            ("groups", vec!["a", "b"]),
            ("realm_access.roles", vec!["c"]),
            ("https://example.com/roles", vec!["d"]),
            ("resource_access.my.client.roles", vec!["e"]),
            ("a.b", vec!["f"]),
        ] {
            assert_eq!(texts(find(&claims, path).unwrap()), expected, "{path}");
        }
        for path in ["", ".", "group", "groups.", "realm_access", "realm_access.roles.x", "a.b.c"] {
            let found = find(&claims, path).map(texts).unwrap_or_default();
            assert!(found.is_empty(), "{path}: {found:?}");
        }
    }

    #[test]
    fn the_claim_of_entra_id_is_read_in_every_form() {
        for yes in [json!(true), json!(1), json!("1"), json!("true")] {
            assert!(is_true(&yes), "{yes}");
        }
        for no in [json!(false), json!(0), json!("0"), json!(null), json!([true]), json!("")] {
            assert!(!is_true(&no), "{no}");
        }
    }

    proptest! {
        #[test]
        fn a_nested_claim_is_found_by_its_path(names in proptest::collection::vec("[a-z]{1,3}", 1..6), role in "[a-z]{1,8}") {
            let nested = |inner: Value, name: &String| json!({ name: inner });
            let claims = names.iter().rev().fold(json!([role.clone()]), nested);
            let found = find(&claims, &names.join(".")).map(texts);
            prop_assert_eq!(found, Some(vec![role]));
        }

        #[test]
        fn no_path_panics(path in "[a-z.é]{0,30}") {
            let _found = find(&json!({ "a": { "b": { "é": 1 } } }), &path);
        }
    }
}

//! Names of credentials: JSON keys, headers, parameters, XML elements.

/// Parts of the names of credentials, without case and separators.
const PARTS: [&str; 32] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "authorization",
    "bearer",
    "clientassertion",
    "connectionstring",
    "cookie",
    "credential",
    "honeycombteam",
    "integrationkey",
    "kennwort",
    "licensekey",
    "masterkey",
    "motdepasse",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "privatekey",
    "routingkey",
    "secret",
    "sentryauth",
    "servicekey",
    "sharedkey",
    "signature",
    "signingkey",
    "storagekey",
    "subscriptionkey",
    "token",
];

/// Whole names of credentials, without case and separators.
const WHOLE: [&str; 4] = ["assertion", "mfa", "session", "xauth"];

/// Last words of the names of credentials.
const LAST_WORDS: [&str; 15] = [
    "auth", "creds", "dsn", "hmac", "jwt", "key", "otp", "pass", "pin", "psk", "pw", "pwd", "sas",
    "sig", "totp",
];

/// Names of credentials that end like those of ids.
const WITH_ID: [&str; 4] = ["jsessionid", "phpsessid", "secretid", "sessionid"];

/// What precedes `key` in names that are not those of credentials, such as `project_key`.
const HARMLESS_KEYS: [&str; 67] = [
    "aggregation",
    "alert",
    "answer",
    "arrow",
    "attribute",
    "board",
    "bucket",
    "business",
    "cache",
    "category",
    "column",
    "component",
    "composite",
    "conversation",
    "correlation",
    "dedup",
    "dedupe",
    "deduplication",
    "entity",
    "epic",
    "event",
    "feature",
    "field",
    "file",
    "flag",
    "foreign",
    "group",
    "grouping",
    "hot",
    "idempotency",
    "incident",
    "index",
    "issue",
    "item",
    "join",
    "label",
    "lookup",
    "map",
    "message",
    "metric",
    "natural",
    "object",
    "order",
    "ordering",
    "parent",
    "partition",
    "primary",
    "project",
    "property",
    "public",
    "publishable",
    "record",
    "registry",
    "request",
    "resource",
    "row",
    "site",
    "sort",
    "space",
    "sprint",
    "status",
    "tag",
    "template",
    "thread",
    "translation",
    "type",
    "unique",
];

/// Words that end in `key`.
const ENGLISH: [&str; 7] = ["donkey", "hockey", "jockey", "lackey", "monkey", "turkey", "whiskey"];

/// Last words of names that tell something about a credential, such as `token_type`.
const ABOUT: [&str; 40] = [
    "algorithm",
    "at",
    "count",
    "date",
    "description",
    "email",
    "enabled",
    "endpoint",
    "exp",
    "expires",
    "expiry",
    "field",
    "format",
    "hint",
    "id",
    "ids",
    "in",
    "issuer",
    "label",
    "length",
    "limit",
    "location",
    "manager",
    "method",
    "name",
    "path",
    "policy",
    "prefix",
    "provider",
    "required",
    "scope",
    "state",
    "status",
    "title",
    "type",
    "uri",
    "url",
    "usage",
    "user",
    "version",
];

/// Last words of names whose values look random without being secret.
const RANDOM: [&str; 15] = [
    "checksum",
    "commit",
    "digest",
    "etag",
    "fingerprint",
    "guid",
    "hash",
    "icon",
    "image",
    "md5",
    "revision",
    "sha",
    "sha1",
    "sha256",
    "uuid",
];

/// Whether a name is one of a credential. Case and separators do not matter.
pub fn is_credential_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last().map(String::as_str) else { return false };
    let plain = words.concat();
    if WITH_ID.contains(&plain.as_str()) {
        return true;
    }
    let is_about = words.len() > 1 && ABOUT.contains(&last);
    if is_about || is_count_of_tokens(&words) || is_harmless_key(&words) {
        return false;
    }
    PARTS.iter().any(|part| plain.contains(part))
        || WHOLE.contains(&plain.as_str())
        || LAST_WORDS.contains(&last)
        || plain.ends_with("key")
        || plain.starts_with("xauth")
}

/// Whether the name of a URL parameter is one of a credential.
pub(super) fn is_credential_parameter(name: &str) -> bool {
    is_credential_name(name) || name.eq_ignore_ascii_case("code")
}

/// Whether an object of this name has a `key` that is not a credential, such as `"project": {"key": "OPS"}`.
pub(super) fn has_harmless_keys(object: &str) -> bool {
    words(object).last().is_some_and(|last| {
        let singular = last.strip_suffix('s').unwrap_or(last);
        HARMLESS_KEYS.contains(&singular) || HARMLESS_KEYS.contains(&last.as_str())
    })
}

/// Whether values of this name look random without being secret, such as ids.
pub(super) fn has_random_values(name: &str) -> bool {
    let words = words(name);
    let plain = words.concat();
    plain.ends_with("id")
        || plain.ends_with("ids")
        || words.last().is_some_and(|last| RANDOM.contains(&last.as_str()))
        || matches!(plain.as_str(), "traceparent" | "tracestate" | "ifnonematch" | "useragent")
}

fn is_harmless_key(words: &[String]) -> bool {
    match words {
        [name] => {
            let start = name.strip_suffix("key").unwrap_or_default();
            ENGLISH.contains(&name.as_str()) || HARMLESS_KEYS.contains(&start)
        }
        [.., before, last] => last == "key" && HARMLESS_KEYS.contains(&before.as_str()),
        [] => false,
    }
}

/// Whether a name is one of a number of tokens of a language model, such as `max_tokens`.
fn is_count_of_tokens(words: &[String]) -> bool {
    const COUNTED: [&str; 9] =
        ["max", "min", "total", "prompt", "completion", "input", "output", "num", "used"];
    words.last().is_some_and(|last| last == "tokens")
        && words.iter().any(|word| COUNTED.contains(&word.as_str()))
}

/// The words of a name in lower case. They are separated by signs, or by a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        let starts_word = !c.is_alphanumeric() || (c.is_uppercase() && after_small);
        if starts_word && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognized_without_case_and_separators() {
        for name in [
            "secret_key",
            "Secret-Key",
            "SECRETKEY",
            "secretKey",
            "password",
            "userPass",
            "db_pwd",
            "pin",
            "card-pin",
            "X-Auth",
            "X-Auth-Token",
            "Ocp-Apim-Subscription-Key",
            "X-Functions-Key",
            "AccountKey",
            "sig",
            "X-Signature",
            "PRIVATE-TOKEN",
            "private_token",
            "x-api-key",
            "apiToken",
            "DD-API-KEY",
            "jwt",
            "session",
            "Cookie",
            "webhook_secret",
            "client_assertion",
            "Authorization",
            "X-Vault-Token",
            "GenieKey",
            "key",
            "user_key",
            "integration key",
            "routing_key",
            "X-Honeycomb-Team",
            "secret_id",
            "ConnectionString",
            "otp",
            "SAS",
            "X-Sentry-Auth",
            "access_token",
            "refreshToken",
            "hapikey",
            "encryption_key",
        ] {
            assert!(is_credential_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_resemble_those_of_credentials_are_not_recognized() {
        for name in [
            "dedup_key",
            "publicKey",
            "primary_key",
            "PartitionKey",
            "Idempotency-Key",
            "issue key",
            "projectKey",
            "token_type",
            "tokenEndpoint",
            "max_tokens",
            "password_policy",
            "monkey",
            "author",
            "authority",
            "ping",
            "spin",
            "compass",
            "user",
            "description",
            "key_id",
            "AccessKeyId",
            "secret_name",
            "",
            "_",
            "signature_algorithm",
            "password_changed_at",
            "threadKey",
            "sitekey",
            "code",
            "sortKey",
            "token_url",
            "turkey",
            "session_type",
        ] {
            assert!(!is_credential_name(name), "{name}");
        }
        assert!(is_credential_parameter("code") && !is_credential_parameter("country"));
        assert!(
            has_harmless_keys("project")
                && has_harmless_keys("issues")
                && !has_harmless_keys("aws")
        );
        assert!(
            has_random_values("sys_id")
                && has_random_values("incident_ids")
                && !has_random_values("text")
        );
    }
}

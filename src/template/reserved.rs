//! Paths below `secrets`, `delivery` and `webhook`, whose fields are fixed.

use super::error::{TemplateErrorKind as Kind, shorten};

/// Checks a path from the root. Returns the name of the secret, if the path refers to one.
pub(super) fn check_reserved_names(path: &str) -> Result<Option<Box<str>>, Kind> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    // The fields are texts and numbers.
    let field = rest.trim_end_matches("[]");
    let field = field.strip_suffix(".length").unwrap_or(field);
    match (root, field) {
        ("secrets" | "secrets[]", "") => Err(Kind::SecretsWhole),
        ("secrets", name) => Ok(Some(name.into())),
        ("delivery", "" | "id" | "attempt") | ("webhook", "" | "name") => Ok(None),
        ("delivery", _) => Err(Kind::UnknownField {
            path: shorten(path),
            known: "delivery.id or delivery.attempt",
        }),
        ("webhook", _) => Err(Kind::UnknownField { path: shorten(path), known: "webhook.name" }),
        _ => Ok(None),
    }
}

//! Paths below `secrets`, `delivery` and `webhook`, whose fields are fixed.

use super::error::{TemplateErrorKind as Kind, shorten};

/// Returns the name of the secret that a path from the root refers to.
///
/// # Errors
/// The path refers to all secrets, or to a part of one.
pub(super) fn secret_name(path: &str) -> Result<Option<Box<str>>, Kind> {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (root, rest) = path.split_at(end);
    if root != "secrets" {
        return Ok(None);
    }
    match rest.strip_prefix('.') {
        Some(name) if !name.is_empty() && !name.contains(['.', '[']) => Ok(Some(name.into())),
        _ => Err(Kind::SecretsWhole),
    }
}

/// Checks a path from the root.
pub(super) fn check_reserved_names(path: &str) -> Result<(), Kind> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    // The fields are texts and numbers.
    let field = rest.trim_end_matches("[]");
    let field = field.strip_suffix(".length").unwrap_or(field);
    match (root, field) {
        ("delivery", "" | "id" | "attempt") | ("webhook", "" | "name") => Ok(()),
        ("delivery", _) => Err(Kind::UnknownField {
            path: shorten(path),
            known: "delivery.id or delivery.attempt",
        }),
        ("webhook", _) => Err(Kind::UnknownField { path: shorten(path), known: "webhook.name" }),
        _ => Ok(()),
    }
}

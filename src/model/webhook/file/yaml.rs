//! YAML as all its readers understand it: texts that are numbers or booleans in YAML 1.1 are quoted, and read as texts.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_path_to_error::Path;
use serde_saphyr::DuplicateKeyPolicy;

/// Parses YAML.
///
/// # Errors
/// The path of the value, if it is known, and the message. It contains no part of the file, which may have secrets.
pub(in crate::model::webhook) fn parse<T: DeserializeOwned>(
    text: &str,
) -> Result<T, (Option<Path>, String)> {
    let mut path = None;
    let options = serde_saphyr::options! {
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        // Reported with their path by the tree.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        serde_path_to_error::deserialize(yaml).map_err(|error| {
            path = Some(error.path().clone());
            error.into_inner()
        })
    })
    .map_err(|error| (path, error.to_string()))
}

/// Writes YAML.
///
/// # Errors
/// Serialization failed, which no webhook causes.
pub(super) fn write<T: Serialize>(value: &T) -> Result<String, impl std::fmt::Display> {
    let options = serde_saphyr::ser_options! {
        min_fold_chars: 0,
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(value, options)
}

/// Writes a text as a block, so that the quotes of its JSON need no escapes. Other formats are not affected.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn as_block<S: Serializer>(text: &Option<String>, file: S) -> Result<S::Ok, S::Error> {
    text.as_deref().map(serde_saphyr::LitStr).serialize(file)
}

//! Secrets, each with two settings: the value, or a file that contains it.

use std::path::{Path, PathBuf};

use super::ConfigError;

/// Returns the value or the file, of which only one may be set.
pub(super) fn one_of(
    (value_name, value): (&str, Option<String>),
    (file_name, file): (&str, Option<PathBuf>),
) -> Result<(Option<String>, Option<PathBuf>), ConfigError> {
    if value.is_some() && file.is_some() {
        return Err(ConfigError(format!("{value_name} and {file_name} are both set; remove one")));
    }
    Ok((value, file))
}

/// Returns the value, or the content of the file. `None` if neither is set.
pub(super) fn value_of(
    value: (&str, Option<String>),
    file: (&str, Option<PathBuf>),
) -> Result<Option<String>, ConfigError> {
    let file_name = file.0;
    let (value, file) = one_of(value, file)?;
    match file {
        Some(path) => read_secret(file_name, &path).map(Some),
        None => Ok(value),
    }
}

/// Reads a secret from a file, without the line break that most editors add.
pub(super) fn read_secret(name: &str, path: &Path) -> Result<String, ConfigError> {
    let text = read_file(name, path)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        return Err(ConfigError(format!("{name}: {} is empty", path.display())));
    }
    Ok(secret.to_owned())
}

/// Reads a text file.
pub(super) fn read_file(name: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("{name}: {} cannot be read: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUE: &str = "GATEPOST_SMTP_URL";
    const FILE: &str = "GATEPOST_SMTP_URL_FILE";

    fn from_file(content: &str) -> Result<Option<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        value_of((VALUE, None), (FILE, Some(path))).map_err(|error| error.to_string())
    }

    proptest! {
        #[test]
        fn a_file_contains_the_secret_and_line_breaks(
            secret in "[^\r\n]*[^\r\n\\s][^\r\n]*", end in "(\n|\r\n)?"
        ) {
            prop_assert_eq!(from_file(&format!("{secret}{end}")).unwrap().unwrap(), secret);
        }
    }

    #[test]
    fn unusable_files_and_double_settings_say_what_to_do() {
        for content in ["", "\n", " \r\n\n"] {
            assert!(from_file(content).unwrap_err().contains("is empty"), "{content:?}");
        }
        let missing = value_of((VALUE, None), (FILE, Some("/no/such/file".into())));
        let error = missing.unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("/no/such/file cannot be read"), "{error}");
        let both = value_of((VALUE, Some("s3cret".to_owned())), (FILE, Some("x".into())));
        let error = both.unwrap_err().to_string();
        assert!(error.contains("both set; remove one") && !error.contains("s3cret"), "{error}");
        assert_eq!(value_of((VALUE, None), (FILE, None)).unwrap(), None);
    }
}

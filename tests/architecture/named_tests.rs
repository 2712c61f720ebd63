//! Tests that the documentation names exist.

use crate::File;

/// Heading of the table whose last column names tests.
const HEADING: &str = "## OWASP ASVS";

/// Returns the violations: tests that the table names and that are in none of the files.
pub(super) fn check(document: &File, sources: &[File]) -> Vec<String> {
    let (_, table) = document.text.split_once(HEADING).unwrap_or_default();
    let names = table.lines().filter(|line| line.starts_with("| ")).flat_map(quoted);
    let is_missing = |name: &&str| {
        let definition = format!("fn {name}(");
        !sources.iter().any(|file| file.text.contains(&definition))
    };
    names
        .filter(is_missing)
        .map(|name| format!("{} names the test {name}, which does not exist", document.path))
        .collect()
}

/// The names of functions in backquotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| {
        text.contains('_') && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    line.split('`').skip(1).step_by(2).filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tests_are_reported() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let document = file(
            "a.md",
            "`fn_before`\n## OWASP ASVS\n| 1 | met | `is_there`, `no-store`, `is_gone` |",
        );
        let sources = [file("a.rs", "async fn is_there() {}")];
        assert_eq!(
            check(&document, &sources),
            ["a.md names the test is_gone, which does not exist"]
        );
    }
}

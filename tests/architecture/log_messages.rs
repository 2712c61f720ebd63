//! The messages of the log: each is documented, with its level.

use std::collections::BTreeSet;

use super::File;

/// The levels that are shown by default, with their macros.
const LEVELS: [&str; 3] = ["error", "warn", "info"];

/// Returns the messages of the source that the document lacks, and those of the document that the source lacks.
pub(super) fn check(files: &[File], document: &File) -> Vec<String> {
    let used: BTreeSet<(String, String)> = files.iter().flat_map(messages).collect();
    let documented = documented(&document.text);
    let missing = used.difference(&documented).map(|(level, message)| {
        format!("{} lacks the message `{message}` of the level {level}: add a row", document.path)
    });
    let obsolete = documented.difference(&used).map(|(level, message)| {
        format!(
            "{} has the message `{message}` of the level {level}, which is not in src",
            document.path
        )
    });
    missing.chain(obsolete).collect()
}

/// Returns the level and text of every message in a file. One without a text is reported as one without a row.
fn messages(file: &File) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for level in LEVELS {
        for rest in file.text.split(&format!("tracing::{level}!(")).skip(1) {
            let message = last_text(rest).unwrap_or_else(|| format!("(none in {})", file.path));
            found.push((level.to_owned(), message));
        }
    }
    found
}

/// Returns the last string literal among the arguments of a macro. `rest` begins after its parenthesis.
fn last_text(rest: &str) -> Option<String> {
    let (mut depth, mut last) = (1, None);
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '"' => {
                let text: String = chars.by_ref().take_while(|c| *c != '"').collect();
                assert!(!text.contains('\\'), "an escape in a log message: {text}");
                if depth == 1 {
                    last = Some(text);
                }
            }
            _ => {}
        }
        if depth == 0 {
            return last;
        }
    }
    None
}

/// Returns the level and text of every row of the tables.
fn documented(text: &str) -> BTreeSet<(String, String)> {
    let row = |line: &str| {
        let mut columns = line.strip_prefix("| ")?.split(" | ");
        let (level, message) = (columns.next()?, columns.next()?);
        let message = message.strip_prefix('`')?.strip_suffix('`')?;
        LEVELS.contains(&level).then(|| (level.to_owned(), message.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn every_message_needs_a_row_and_every_row_a_message() {
    let source = file(
        "src/a.rs",
        "tracing::warn!(error = error.chain(\"x\"), \"could not (a) b\");\n\
         tracing::info!(\n    id = %f(\"no\"),\n    \"did c\"\n);\ntracing::debug!(\"quiet\");",
    );
    let rows = "| level | message | meaning |\n| warn | `could not (a) b` | x |\n| debug | `other` | x |\n";
    let complete = file("docs/logging.md", &format!("{rows}| info | `did c` | x |\n"));
    assert_eq!(check(std::slice::from_ref(&source), &complete), [""; 0]);
    let other = file("docs/logging.md", &format!("{rows}| warn | `did c` | x |\n"));
    assert_eq!(
        check(&[source], &other),
        [
            "docs/logging.md lacks the message `did c` of the level info: add a row",
            "docs/logging.md has the message `did c` of the level warn, which is not in src"
        ]
    );
}

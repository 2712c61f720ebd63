//! The documentation of settings matches the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::assert_says;
use crate::support::process::{directory, gatepost, run, with_args};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    assert!(path.exists(), "{} is missing", path.display());
    std::fs::read_to_string(&path).unwrap()
}

/// Returns the variable and flag of each setting in a command's help.
async fn settings(command: &[&str]) -> Vec<(String, String)> {
    let help = run(with_args(gatepost(), command), "").await.printed();
    let mut found = Vec::new();
    let mut flag = "";
    for line in help.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("--") {
            flag = rest.split([' ', '[']).next().unwrap_or_default();
        }
        if let Some((_, rest)) = line.split_once("[env: ") {
            let variable = rest.split(['=', ']']).next().unwrap_or_default();
            found.push((variable.to_owned(), flag.to_owned()));
        }
    }
    assert!(!found.is_empty(), "no settings in {help}");
    found
}

fn key_of(flag: &str) -> String {
    flag.replace('-', "_")
}

/// Returns the keys of the example file, which are all commented out.
fn example_keys(example: &str) -> BTreeSet<String> {
    let is_key = |key: &&str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let lines = example.lines().filter_map(|line| line.strip_prefix('#')?.split_once(" = "));
    lines.map(|(key, _)| key).filter(is_key).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_table_of_settings_is_complete() {
    let settings = settings(&["serve", "--help"]).await;
    let expected: BTreeSet<String> = settings
        .iter()
        .map(|(variable, flag)| format!("| `{variable}` | `--{flag}` | `{}` |", key_of(flag)))
        .collect();
    let text = read("docs/configuration.md");
    let (table, _) = text.split_once("\n## ").expect("the table comes first");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    // Variable, flag and key. Default and meaning are prose.
    let first_columns = |row: &str| row.split_inclusive('|').take(4).collect::<String>();
    assert_eq!(rows.map(first_columns).collect::<BTreeSet<_>>(), expected, "docs/configuration.md");
}

#[tokio::test]
async fn the_example_file_has_every_key_and_is_accepted() {
    let settings = settings(&["serve", "--help"]).await;
    let expected: BTreeSet<String> = settings.iter().map(|(_, flag)| key_of(flag)).collect();
    let example = read("gatepost.example.toml");
    assert_eq!(example_keys(&example), expected, "gatepost.example.toml");

    // Uncomments all keys except secrets and keys that exclude others.
    let excluded = [
        "database_url",
        "database_url_file",
        "master_key",
        "master_key_file",
        "previous_master_key",
        "previous_master_key_file",
        "admin_email",
        "admin_password",
        "admin_password_file",
        "smtp_url_file",
        "oidc_client_secret_file",
        "oidc_ca_file",
    ];
    let is_used = |line: &&str| match line.split_once(" = ") {
        Some((key, _)) => expected.contains(key) && !excluded.contains(&key),
        None => false,
    };
    let lines = example.lines().filter_map(|line| line.strip_prefix('#')).filter(is_used);
    let toml: String = lines.flat_map(|line| [line, "\n"]).collect();
    let directory = directory();
    std::fs::write(directory.path().join("gatepost.toml"), toml).unwrap();
    let mut command = with_args(gatepost(), &["--listen", "nowhere"]);
    command.current_dir(directory.path());
    // The file is accepted: only the flag is rejected.
    assert_says(&run(command, "").await.failure(), &["GATEPOST_LISTEN", "nowhere"]);
}

/// Returns the files that mention settings.
fn texts() -> Vec<PathBuf> {
    let files = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "Dockerfile",
        "docker-compose.yml",
        ".env.example",
        "gatepost.example.toml",
    ];
    let mut found: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    for folder in ["docs", "docs/decisions"] {
        let entries = root().join(folder).read_dir().unwrap().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    found
}

#[tokio::test]
async fn documents_name_only_existing_variables() {
    // This command has variables in addition to the settings.
    let known: BTreeSet<String> =
        settings(&["events", "send", "--help"]).await.into_iter().map(|(name, _)| name).collect();
    for path in texts() {
        let text = read(&path);
        let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
        for word in text.split(|c: char| !is_part(c)) {
            let is_setting = word.strip_prefix("GATEPOST_").is_some_and(|rest| !rest.is_empty());
            assert!(!is_setting || known.contains(word), "{} names {word}", path.display());
        }
    }
}

/// The page is generated from the schema that the editor, the schema panel, the warnings and the sample event use.
#[test]
fn the_payload_page_matches_the_schema() {
    use std::fmt::Write as _;
    let mut page = "# Event payload\n\n\
        The documented fields of an event, and the fields that Gatepost adds. `[]` follows a list. Undocumented fields are\n\
        kept as received, and templates can use them, too. **View event's payload schema**, the editor's completion, the\n\
        warnings about misspelled fields and the sample event use the same list.\n\n\
        | field | type | meaning | example |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for field in gatepost::model::event::field::FIELDS {
        let row = [field.path, field.kind, field.description, field.example];
        writeln!(page, "| `{}` | {} | {} | `{}` |", row[0], row[1], row[2], row[3]).unwrap();
    }
    let expected = Path::new(env!("CARGO_TARGET_TMPDIR")).join("payload.md");
    std::fs::write(&expected, &page).unwrap();
    let actual = std::fs::read_to_string(root().join("docs/payload.md")).unwrap_or_default();
    assert_eq!(
        actual,
        page,
        "docs/payload.md is out of date: replace it with {}",
        expected.display()
    );
}

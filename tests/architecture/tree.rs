//! Names, lengths and contents of files.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{File, files, has_extension, root};

/// Names without a meaning.
const MEANINGLESS_NAMES: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "misc", "types", "manager"];
/// The exception: helpers are a concept of Handlebars.
const HELPERS: &str = "src/template/helpers.rs";
/// Maximum number of lines of a Rust file.
const MAX_LINES: usize = 400;
/// Folders without source files, for a tree without git.
const IGNORED: [&str; 5] = [".git", "target", "data", "kept-databases", "node_modules"];

/// Returns the files with a meaningless name in their path.
pub(super) fn names(files: &[File]) -> Vec<String> {
    let is_meaningless = |part: &str| MEANINGLESS_NAMES.contains(&part.trim_end_matches(".rs"));
    let named = files
        .iter()
        .filter(|file| file.path != HELPERS && file.path.split('/').any(is_meaningless));
    named.map(|file| format!("{}: choose a name that describes the content", file.path)).collect()
}

/// Returns the files that are too long.
pub(super) fn lengths(files: &[File]) -> Vec<String> {
    let long = |file: &File| {
        let lines = file.text.lines().count();
        let text = format!("{} has {lines} lines; the maximum is {MAX_LINES}: split it", file.path);
        (lines > MAX_LINES).then_some(text)
    };
    files.iter().filter_map(long).collect()
}

/// Returns the migrations that do not start with a comment.
pub(super) fn migrations(files: &[File]) -> Vec<String> {
    let lacks_comment =
        |file: &&File| has_extension(&file.path, "sql") && !file.text.starts_with("--");
    let found = files.iter().filter(lacks_comment);
    found.map(|file| format!("{}: start with a comment that gives the reason", file.path)).collect()
}

/// Returns the lines with paths of a development machine, which do not exist elsewhere.
pub(super) fn machine_paths(files: &[File]) -> Vec<String> {
    // Assembled here so that this file passes the check.
    let homes = ["work", "root", "farm"].map(|name| format!("/{name}/"));
    let beside = format!("{}/shared", "..");
    let starts_path =
        |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c));
    let machine_path = |line: &str| {
        let home = homes.iter().find(|home| {
            line.match_indices(home.as_str()).any(|(at, _)| line.get(..at).is_some_and(starts_path))
        });
        home.or_else(|| line.contains(&beside).then_some(&beside)).cloned()
    };
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(name) = machine_path(line) {
                let at = index + 1;
                violations.push(format!(
                    "{}:{at} contains {name}: remove the path of a development machine",
                    file.path
                ));
            }
        }
    }
    violations
}

/// The text files that git tracks or would add. Without git, all text files outside [`IGNORED`].
pub(super) fn tracked() -> io::Result<Vec<File>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let found = match listed {
        Ok(listed) if listed.status.success() => {
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let paths = listed.split('\0').filter(|path| !path.is_empty());
            paths.filter_map(read).collect()
        }
        _ => walk()?,
    };
    let generated = |path: &str| path == "Cargo.lock" || path.starts_with(".sqlx/");
    Ok(found.into_iter().filter(|file| !generated(&file.path)).collect())
}

/// Reads a file; `None` if it was deleted or is not text.
fn read(path: &str) -> Option<File> {
    let text = std::fs::read_to_string(root().join(path)).ok()?;
    Some(File { path: path.to_owned(), text })
}

fn walk() -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    for entry in root().read_dir()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type()?.is_dir() {
            found.extend(read(&name));
        } else if !IGNORED.contains(&name.as_str()) {
            found.append(&mut files(&name)?);
        }
    }
    Ok(found)
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn meaningless_names_are_reported() {
    let of = |path: &str| names(&[file(path, "")]).len();
    assert_eq!(of("src/web/utils.rs"), 1);
    assert_eq!(of("src/common/list.rs"), 1);
    assert_eq!(of("src/web/helpers.rs"), 1);
    assert_eq!(of(HELPERS), 0);
    assert_eq!(of("src/web/prototypes.rs"), 0);
    assert_eq!(
        names(&[file("src/misc.rs", "")]),
        ["src/misc.rs: choose a name that describes the content"]
    );
}

#[test]
fn too_long_files_are_reported() {
    assert_eq!(lengths(&[file("src/a.rs", &"\n".repeat(400))]), [""; 0]);
    let expected = "src/a.rs has 401 lines; the maximum is 400: split it";
    assert_eq!(lengths(&[file("src/a.rs", &"\n".repeat(401))]), [expected]);
}

#[test]
fn a_migration_without_a_comment_is_reported() {
    let good = file("migrations/1_a.sql", "-- Why.\ncreate table a ();");
    let bad = file("migrations/2_b.sql", "create table b (); -- Why.");
    let other = file("migrations/README.md", "# Migrations");
    let expected = "migrations/2_b.sql: start with a comment that gives the reason";
    assert_eq!(migrations(&[good, bad, other]), [expected]);
}

#[test]
fn paths_of_a_machine_are_found() {
    let of = |text: &str| machine_paths(&[file("docs/a.md", text)]);
    for name in ["work", "root", "farm"] {
        let text = format!("# A\nSee /{name}/main.");
        assert_eq!(
            of(&text),
            [format!("docs/a.md:2 contains /{name}/: remove the path of a development machine")]
        );
        assert_eq!(of(&format!("https://example.com/{name}/main, net{name}/")), [""; 0]);
    }
    assert_eq!(of(&format!("cat {}/shared/domain.md", "..")).len(), 1);
    assert!(!tracked().unwrap().iter().any(|file| Path::new(&file.path).starts_with("target")));
}

#[test]
fn the_tree_is_read_without_git() {
    let walked = walk().unwrap();
    assert!(walked.iter().any(|file| file.path == "Cargo.toml"));
    assert!(walked.iter().any(|file| file.path == "tests/architecture/tree.rs"));
    assert!(!walked.iter().any(|file| Path::new(&file.path).starts_with("target")));
}

//! Names, lengths, and what no file may hold.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{File, files, has_extension, root};

/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "misc", "types", "manager"];
/// The exception: Handlebars calls them so.
const HELPERS: &str = "src/model/template/helpers.rs";
/// Most lines of a Rust file.
const MAX_LINES: usize = 400;
/// Folders that hold nothing of ours, for a tree without git.
const FOREIGN: [&str; 5] = [".git", "target", "data", "kept-databases", "node_modules"];

/// Files and folders whose name says nothing.
pub(super) fn names(files: &[File]) -> Vec<String> {
    let empty = |part: &str| EMPTY_NAMES.contains(&part.trim_end_matches(".rs"));
    let named = files.iter().filter(|file| file.path != HELPERS && file.path.split('/').any(empty));
    named.map(|file| format!("{}: name it for what it is about", file.path)).collect()
}

/// Files that are too long.
pub(super) fn lengths(files: &[File]) -> Vec<String> {
    let long = |file: &File| {
        let lines = file.text.lines().count();
        let text = format!("{} has {lines} lines of at most {MAX_LINES}: split it", file.path);
        (lines > MAX_LINES).then_some(text)
    };
    files.iter().filter_map(long).collect()
}

/// Migrations that do not open with a comment.
pub(super) fn migrations(files: &[File]) -> Vec<String> {
    let silent = |file: &&File| has_extension(&file.path, "sql") && !file.text.starts_with("--");
    let silent = files.iter().filter(silent);
    silent.map(|file| format!("{}: begin with a comment that says why", file.path)).collect()
}

/// Places of the machine where something was written, which mean nothing anywhere else.
pub(super) fn machine_paths(files: &[File]) -> Vec<String> {
    // Put together here, so that this file passes.
    let homes = ["work", "root", "farm"].map(|name| format!("/{name}/"));
    let beside = format!("{}/shared", "..");
    let begins =
        |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c));
    let named = |line: &str| {
        let home = homes.iter().find(|home| {
            line.match_indices(home.as_str()).any(|(at, _)| line.get(..at).is_some_and(begins))
        });
        home.or_else(|| line.contains(&beside).then_some(&beside)).cloned()
    };
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(name) = named(line) {
                let at = index + 1;
                violations
                    .push(format!("{}:{at} names {name}, which is elsewhere only", file.path));
            }
        }
    }
    violations
}

/// The text files that git tracks or would; all that are ours where there is no git.
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

/// None where it is deleted, or no text.
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
        } else if !FOREIGN.contains(&name.as_str()) {
            found.append(&mut files(&name)?);
        }
    }
    Ok(found)
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn names_that_say_nothing_are_refused() {
    let of = |path: &str| names(&[file(path, "")]).len();
    assert_eq!(of("src/web/utils.rs"), 1);
    assert_eq!(of("src/common/list.rs"), 1);
    assert_eq!(of("src/web/helpers.rs"), 1);
    assert_eq!(of(HELPERS), 0);
    assert_eq!(of("src/web/prototypes.rs"), 0);
    assert_eq!(names(&[file("src/misc.rs", "")]), ["src/misc.rs: name it for what it is about"]);
}

#[test]
fn the_line_after_the_last_is_one_too_many() {
    assert_eq!(lengths(&[file("src/a.rs", &"\n".repeat(400))]), [""; 0]);
    let expected = "src/a.rs has 401 lines of at most 400: split it";
    assert_eq!(lengths(&[file("src/a.rs", &"\n".repeat(401))]), [expected]);
}

#[test]
fn a_migration_without_a_comment_is_refused() {
    let good = file("migrations/1_a.sql", "-- Why.\ncreate table a ();");
    let bad = file("migrations/2_b.sql", "create table b (); -- Why.");
    let other = file("migrations/README.md", "# Migrations");
    let expected = "migrations/2_b.sql: begin with a comment that says why";
    assert_eq!(migrations(&[good, bad, other]), [expected]);
}

#[test]
fn a_place_on_a_machine_is_found() {
    let of = |text: &str| machine_paths(&[file("docs/a.md", text)]);
    for name in ["work", "root", "farm"] {
        let text = format!("# A\nSee /{name}/main.");
        assert_eq!(of(&text), [format!("docs/a.md:2 names /{name}/, which is elsewhere only")]);
        assert_eq!(of(&format!("https://example.com/{name}/main, net{name}/")), [""; 0]);
    }
    assert_eq!(of(&format!("cat {}/shared/domain.md", "..")).len(), 1);
    assert!(!tracked().unwrap().iter().any(|file| Path::new(&file.path).starts_with("target")));
}

#[test]
fn without_git_the_tree_is_walked() {
    let walked = walk().unwrap();
    assert!(walked.iter().any(|file| file.path == "Cargo.toml"));
    assert!(walked.iter().any(|file| file.path == "tests/house/tree.rs"));
    assert!(!walked.iter().any(|file| Path::new(&file.path).starts_with("target")));
}

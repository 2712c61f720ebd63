//! Architecture rules that neither the compiler nor clippy can check: imports between modules and files, the
//! place of files, their names, lengths and language. See docs/architecture.md#modules.
//!
//! Each rule is a function from texts to violations with unit tests beside it. The tests here apply the rules
//! to the source tree. A violation is one line with the problem and the fix.

#[path = "architecture/cycles.rs"]
mod cycles;
#[path = "architecture/image.rs"]
mod image;
#[path = "architecture/language.rs"]
mod language;
#[path = "architecture/log_messages.rs"]
mod log_messages;
#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/named_tests.rs"]
mod named_tests;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/scripts.rs"]
mod scripts;
#[path = "architecture/templates.rs"]
mod templates;
#[path = "architecture/tree.rs"]
mod tree;

use std::io;
use std::path::Path;

/// A text file of the source tree.
#[derive(Debug, Clone)]
struct File {
    /// Path from the root of the repository, with slashes.
    path: String,
    text: String,
}

impl File {
    /// The path inside a folder, or `None` if the file is elsewhere.
    fn inside(&self, folder: &str) -> Option<&str> {
        self.path.strip_prefix(folder)?.strip_prefix('/')
    }

    /// The number of the first line of code that contains the first of these words that occurs at all;
    /// 1 if none does.
    fn line_of(&self, words: &[&str]) -> usize {
        let is_code = |line: &str| !line.trim_start().starts_with("//");
        let find =
            |word: &&str| self.text.lines().position(|line| is_code(line) && line.contains(*word));
        words.iter().find_map(find).unwrap_or_default() + 1
    }
}

/// The text files of a folder and its subfolders, sorted by path.
fn files(folder: &str) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in root().join(&folder).read_dir()? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn rust_files(folder: &str) -> io::Result<Vec<File>> {
    let mut found = files(folder)?;
    found.retain(|file| has_extension(&file.path, "rs"));
    Ok(found)
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n\n{}\n", violations.join("\n"));
}

#[test]
fn modules_import_only_what_they_may() {
    assert_none(&modules::check(&rust_files("src").unwrap()));
}

#[test]
fn modules_need_what_they_may_import() {
    assert_none(&modules::unused_permissions(&rust_files("src").unwrap()));
}

#[test]
fn files_do_not_import_each_other_in_cycles() {
    assert_none(&cycles::check(&rust_files("src").unwrap()));
}

#[test]
fn texts_use_the_terms_of_the_glossary() {
    let folders = ["src", "templates", "static/js", "docs"];
    let files: Vec<File> = folders.iter().flat_map(|folder| files(folder).unwrap()).collect();
    assert_none(&language::check(&files, language::EXCEPTIONS));
}

#[test]
fn every_log_message_is_documented() {
    let path = "docs/logging.md".to_owned();
    let text = std::fs::read_to_string(root().join(&path)).unwrap();
    assert_none(&log_messages::check(&rust_files("src").unwrap(), &File { path, text }));
}

#[test]
fn tests_named_in_the_documentation_exist() {
    let path = "docs/security.md".to_owned();
    let text = std::fs::read_to_string(root().join(&path)).unwrap();
    let sources = ["src", "tests"].map(|folder| rust_files(folder).unwrap()).concat();
    assert_none(&named_tests::check(&File { path, text }, &sources));
}

#[test]
fn every_template_is_used_exactly_once() {
    assert_none(&templates::check(&rust_files("src/web").unwrap(), &files("templates").unwrap()));
}

#[test]
fn transactions_are_started_so_that_the_caller_can_be_cancelled() {
    let is_wrong = |file: &&File| file.text.contains(".begin()");
    let sources = rust_files("src").unwrap();
    let violations: Vec<String> = sources
        .iter()
        .filter(is_wrong)
        .map(|file| format!("{} uses Pool::begin: use store::begin", file.path))
        .collect();
    assert_none(&violations);
}

#[test]
fn scripts_insert_no_html_and_store_only_what_is_listed() {
    let mut scripts = files("static/js").unwrap();
    scripts.retain(|file| has_extension(&file.path, "js"));
    assert!(scripts.len() > 20, "the scripts were not found");
    assert_none(&scripts::check(&scripts));
}

#[test]
fn rust_files_are_short_and_have_meaningful_names() {
    let mut violations = Vec::new();
    for folder in ["src", "tests", "examples"] {
        let files = rust_files(folder).unwrap();
        assert!(!files.is_empty(), "{folder} is empty");
        violations.extend(tree::names(&files));
        violations.extend(tree::lengths(&files));
    }
    assert_none(&violations);
}

#[test]
fn migrations_start_with_a_comment() {
    assert_none(&tree::migrations(&files("migrations").unwrap()));
}

#[test]
fn the_image_contains_every_folder_that_the_build_reads() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let sources = rust_files("src").unwrap();
    assert_none(&image::check(&sources, &read("Dockerfile"), &read(".dockerignore")));
}

#[test]
fn no_file_contains_a_path_of_a_development_machine() {
    let files = tree::tracked().unwrap();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the tree was not found");
    assert_none(&tree::machine_paths(&files));
}

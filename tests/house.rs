//! The rules of the house that neither the compiler nor clippy knows: who may use whom, where what
//! lies, how large it may be. See docs/architecture.md#rooms.
//!
//! Each rule is a function from texts to violations, tried out on small texts beside it; here they
//! are run on the tree itself. A violation is one line that says what is wrong and what is right.

#[path = "house/image.rs"]
mod image;
#[path = "house/rooms.rs"]
mod rooms;
#[path = "house/templates.rs"]
mod templates;
#[path = "house/tree.rs"]
mod tree;

use std::io;
use std::path::Path;

/// A file of the tree.
#[derive(Debug, Clone)]
struct File {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl File {
    /// The path inside of a folder; none where the file lies elsewhere.
    fn inside(&self, folder: &str) -> Option<&str> {
        self.path.strip_prefix(folder)?.strip_prefix('/')
    }

    /// Of the first line of code that holds one of the words, tried in turn; 1 where none does.
    fn line_of(&self, words: &[&str]) -> usize {
        let code = |line: &str| !line.trim_start().starts_with("//");
        let find =
            |word: &&str| self.text.lines().position(|line| code(line) && line.contains(*word));
        words.iter().find_map(find).unwrap_or_default() + 1
    }
}

/// The text files of a folder and below, in order.
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

/// Fails with all violations, one a line.
#[track_caller]
fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n\n{}\n", violations.join("\n"));
}

#[test]
fn rooms_use_only_what_they_may() {
    none(&rooms::check(&rust_files("src").unwrap()));
}

#[test]
fn templates_are_used_once_and_none_is_left_over() {
    none(&templates::check(&rust_files("src/web").unwrap(), &files("templates").unwrap()));
}

#[test]
fn rust_files_have_telling_names_and_end_soon() {
    let mut violations = Vec::new();
    for folder in ["src", "tests", "examples"] {
        let files = rust_files(folder).unwrap();
        assert!(!files.is_empty(), "{folder} is empty");
        violations.extend(tree::names(&files));
        violations.extend(tree::lengths(&files));
    }
    none(&violations);
}

#[test]
fn migrations_say_why() {
    none(&tree::migrations(&files("migrations").unwrap()));
}

#[test]
fn the_image_is_built_from_all_that_the_build_reads() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let sources = rust_files("src").unwrap();
    none(&image::check(&sources, &read("Dockerfile"), &read(".dockerignore")));
}

#[test]
fn no_file_knows_a_machine() {
    let files = tree::tracked().unwrap();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the tree was not found");
    none(&tree::machine_paths(&files));
}

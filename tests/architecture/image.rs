//! The container image: every folder that the build reads must be copied into it.

use std::collections::BTreeSet;

use super::File;

/// Folders that the build reads although no file of src mentions them.
const IMPLICIT: [&str; 5] = [".cargo", ".sqlx", "migrations", "src", "templates"];
/// Text before the name of a folder that is embedded in the program.
const PREFIXES: [&str; 2] = ["$CARGO_MANIFEST_DIR/", "#[folder = \""];

/// Returns the folders that the build reads, but that the Dockerfile does not copy or `.dockerignore` excludes.
pub(super) fn check(sources: &[File], dockerfile: &str, ignored: &str) -> Vec<String> {
    let mut read: BTreeSet<&str> = IMPLICIT.into();
    read.extend(sources.iter().flat_map(|file| file.text.lines()).filter_map(embedded_folder));
    let mut missing = Vec::new();
    for folder in read {
        for (file, line) in
            [(dockerfile, format!("COPY {folder} {folder}")), (ignored, format!("!{folder}"))]
        {
            if !file.lines().any(|known| known == line) {
                missing.push(format!("the image's build reads {folder}/: add the line {line:?}"));
            }
        }
    }
    missing
}

fn embedded_folder(line: &str) -> Option<&str> {
    let at = PREFIXES.iter().find_map(|prefix| line.find(prefix).map(|at| at + prefix.len()))?;
    line.get(at..)?.split(['/', '"']).next()
}

#[test]
fn a_folder_missing_from_the_image_is_reported() {
    let source = |text: &str| {
        let text = text.to_owned();
        [File { path: "src/a.rs".to_owned(), text }]
    };
    let copied = IMPLICIT.map(|name| format!("COPY {name} {name}\n")).concat();
    let passed = IMPLICIT.map(|name| format!("!{name}\n")).concat();
    assert_eq!(check(&source("fn f() {}"), &copied, &passed), [""; 0]);
    for text in ["include_dir!(\"$CARGO_MANIFEST_DIR/x\");", "#[folder = \"x/\"]"] {
        assert_eq!(
            check(&source(text), &copied, &passed),
            [
                "the image's build reads x/: add the line \"COPY x x\"",
                "the image's build reads x/: add the line \"!x\""
            ]
        );
    }
    assert_eq!(check(&[], "", &passed).len(), IMPLICIT.len());
}

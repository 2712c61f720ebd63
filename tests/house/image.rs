//! What the image's build is given.

use std::collections::BTreeSet;

use super::File;

/// Folders that are read while building, without any file of `src` naming them.
const UNNAMED: [&str; 5] = [".cargo", ".sqlx", "migrations", "src", "templates"];
/// Before the name of a folder whose files become part of the program.
const MARKS: [&str; 2] = ["$CARGO_MANIFEST_DIR/", "#[folder = \""];

/// Folders that the build reads, and that the Dockerfile does not copy or `.dockerignore` keeps away.
pub(super) fn check(sources: &[File], dockerfile: &str, ignored: &str) -> Vec<String> {
    let mut read: BTreeSet<&str> = UNNAMED.into();
    read.extend(sources.iter().flat_map(|file| file.text.lines()).filter_map(named));
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

fn named(line: &str) -> Option<&str> {
    let at = MARKS.iter().find_map(|mark| line.find(mark).map(|at| at + mark.len()))?;
    line.get(at..)?.split(['/', '"']).next()
}

#[test]
fn a_folder_that_the_image_lacks_is_told() {
    let source = |text: &str| {
        let text = text.to_owned();
        [File { path: "src/a.rs".to_owned(), text }]
    };
    let copied = UNNAMED.map(|name| format!("COPY {name} {name}\n")).concat();
    let passed = UNNAMED.map(|name| format!("!{name}\n")).concat();
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
    assert_eq!(check(&[], "", &passed).len(), UNNAMED.len());
}

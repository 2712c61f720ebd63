//! Language: words that the glossary and the style of the project avoid. See docs/architecture.md#glossary.

use super::File;

/// Avoided words and phrases, and what to write instead.
const AVOIDED: [(&str, &str); 14] = [
    ("people", "users, administrators"),
    ("somebody", "another user"),
    ("nobody", "no user, no instance"),
    ("whoever", "the user who"),
    ("in hand", "in flight, queued"),
    ("room", "capacity, module"),
    ("rooms", "modules"),
    ("mend", "correct"),
    ("mended", "corrected"),
    ("mending", "correcting"),
    ("seldom", "rarely"),
    ("shall", "should, must"),
    ("so many", "the number of"),
    ("so much", "the amount of"),
];

/// Files and folders in which these words may occur, with the reason. Remove an entry when its reason is gone.
pub(super) const EXCEPTIONS: &[(&str, &str)] = &[
    ("docs/decisions/0012-private-postgresql.md", "the name of the system account nobody"),
    (
        "docs/decisions/0031-database-outside-a-private-data-directory.md",
        "the name of the system account nobody",
    ),
    ("docs/operating.md", "the name of the system account nobody"),
    ("src/identity/leaked_passwords/NOTICE.md", "the text of a license"),
    ("src/private_postgres/account.rs", "the name of the system account nobody"),
];

/// Returns the lines with avoided words, and the exceptions without any.
pub(super) fn check(files: &[File], exceptions: &[(&str, &str)]) -> Vec<String> {
    let covers =
        |(path, _): &(&str, &str), file: &File| file.path == *path || file.inside(path).is_some();
    let (excepted, checked): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| exceptions.iter().any(|exception| covers(exception, file)));
    let obsolete = exceptions
        .iter()
        .filter(|exception| {
            let mut files = excepted.iter().filter(|file| covers(exception, file));
            files.all(|file| violations(file).is_empty())
        })
        .map(|(path, _)| format!("{path} has no avoided words: remove it from EXCEPTIONS"));
    checked.into_iter().flat_map(violations).chain(obsolete).collect()
}

fn violations(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let words: Vec<String> = line
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let line = format!(" {} ", words.join(" "));
        let avoided = AVOIDED.iter().filter(|(word, _)| line.contains(&format!(" {word} ")));
        found.extend(avoided.map(|(word, instead)| {
            format!("{}:{} says \"{word}\": write {instead}", file.path, index + 1)
        }));
    }
    found
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn avoided_words_are_reported_with_an_alternative() {
    let bad = file("src/a.rs", "//! Fine.\n// Nobody waits;\n/// jobs in\u{a0}hand");
    assert_eq!(
        check(&[bad], &[]),
        [
            "src/a.rs:2 says \"nobody\": write no user, no instance",
            "src/a.rs:3 says \"in hand\": write in flight, queued"
        ]
    );
    let good = file("src/a.rs", "roommate, marshall, in the hand, recommended, peoples");
    assert_eq!(check(&[good], &[]), [""; 0]);
}

#[test]
fn exceptions_are_accepted_while_they_are_needed() {
    let exceptions = [("docs", "reason")];
    let bad = file("docs/a.md", "Rooms");
    assert_eq!(check(&[bad], &exceptions), [""; 0]);
    let expected = "docs has no avoided words: remove it from EXCEPTIONS";
    assert_eq!(check(&[file("docs/a.md", "Modules")], &exceptions), [expected]);
    let elsewhere = file("docs2/a.md", "Rooms");
    assert_eq!(check(&[elsewhere], &exceptions).len(), 2);
}

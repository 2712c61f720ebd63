//! Scripts: none inserts HTML from text or runs text as code, and browsers store only what is listed here.

use super::File;

/// What no script may do, unless the file is listed with it.
const FORBIDDEN: [&str; 10] = [
    ".innerHTML =",
    ".outerHTML =",
    "insertAdjacentHTML",
    "document.write",
    "document.cookie",
    "eval(",
    "new Function",
    "postMessage",
    "localStorage",
    "sessionStorage",
];

const EXCEPTIONS: [(&str, &str); 4] = [
    // The sign-in form, which the server has rendered and escaped.
    ("static/js/session.js", ".innerHTML ="),
    // The theme, and whether live updates are paused.
    ("static/js/theme.js", "localStorage"),
    ("static/js/theme-switch.js", "localStorage"),
    ("static/js/live.js", "sessionStorage"),
];

/// Returns the violations in the scripts.
pub(super) fn check(scripts: &[File]) -> Vec<String> {
    let uses = |file: &File, word: &str| {
        file.text.contains(word) && !EXCEPTIONS.contains(&(file.path.as_str(), word))
    };
    scripts
        .iter()
        .flat_map(|file| {
            FORBIDDEN.iter().filter(|word| uses(file, word)).map(|word| {
                format!("{} uses {word}: build elements with static/js/dom.js", file.path)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_from_text_and_unlisted_storage_are_reported() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let scripts = [
            file("static/js/session.js", "dialog.innerHTML = html; sessionStorage.setItem('a', b)"),
            file("static/js/other.js", "box.innerHTML = html; box.textContent = text;"),
        ];
        assert_eq!(
            check(&scripts),
            [
                "static/js/session.js uses sessionStorage: build elements with static/js/dom.js",
                "static/js/other.js uses .innerHTML =: build elements with static/js/dom.js",
            ]
        );
    }
}

//! Validation of rendered JSON, with messages for authors of templates.

/// A JSON syntax error and its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct JsonError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The problem and the fix.
    pub message: String,
}

/// Checks that a rendered text is one JSON value.
///
/// # Errors
/// The first syntax error.
pub fn check_json(rendered: &str) -> Result<(), JsonError> {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(rendered);
    let Err(error) = parsed else { return Ok(()) };
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let message = match message {
        "EOF while parsing a value" if rendered.trim().is_empty() => "it is empty",
        "EOF while parsing an object" => "it ends within an object: add a }",
        "EOF while parsing a list" => "it ends within a list: add a ]",
        "EOF while parsing a string" => "it ends within a string: add a \"",
        "EOF while parsing a value" => "it ends where a value is expected",
        "trailing comma" => "there is a comma before a closing bracket: remove it",
        "trailing characters" => "the JSON ends here: remove the text after it",
        "key must be a string" => {
            "a field name in double quotes is expected here; if there is none, remove the comma before"
        }
        "expected value" | "expected ident" => "a value is expected here; texts need double quotes",
        "expected `,` or `}`" => "a comma or } is missing here",
        "expected `,` or `]`" => "a comma or ] is missing here",
        "expected `:`" => "a colon is missing here",
        "invalid escape" => "this backslash is not followed by one of \" \\ / b f n r t u",
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "a string contains a line break or control character: write \\n"
        }
        other => other,
    };
    Err(JsonError {
        line: error.line().max(1),
        column: error.column().max(1),
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_position_and_a_fix() {
        let error = |text: &str| check_json(text).unwrap_err().to_string();
        assert_eq!(check_json(r#" {"a": [1.50, "\n", null]} "#), Ok(()));
        assert_eq!(error(""), "line 1, column 1: it is empty");
        assert_eq!(
            error("{\"a\": 1,\n}"),
            "line 2, column 1: a field name in double quotes is expected here; if there is none, remove the comma before"
        );
        assert_eq!(
            error("{\"a\": text}"),
            "line 1, column 8: a value is expected here; texts need double quotes"
        );
        assert!(error("{\"a\": \"x\ny\"}").contains("line break"));
        assert!(error("{\"a\": \"x\" \"y\"}").contains("comma or }"));
        assert!(error("{} {}").contains("remove the text after it"));
        assert!(error("{").contains("add a }"));
    }
}

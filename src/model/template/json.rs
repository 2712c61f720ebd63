//! Whether a rendered text is JSON, and where it is not.

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct JsonError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Checks that a rendered text is one JSON value.
///
/// # Errors
/// Where it stops being JSON.
pub fn check_json(rendered: &str) -> Result<(), JsonError> {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(rendered);
    let Err(error) = parsed else { return Ok(()) };
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let message = match message {
        "EOF while parsing a value" if rendered.trim().is_empty() => "it is empty",
        "EOF while parsing an object" => "it ends within an object: a } is missing",
        "EOF while parsing a list" => "it ends within a list: a ] is missing",
        "EOF while parsing a string" => "it ends within a string: a \" is missing",
        "EOF while parsing a value" => "it ends where a value should stand",
        "trailing comma" => "there is a comma before a closing bracket",
        "trailing characters" => "the JSON ends here, but the text goes on",
        "key must be a string" => {
            "the name of a field, in double quotes, should stand here, or there is a comma too many"
        }
        "expected value" | "expected ident" => {
            "a value should stand here: texts need double quotes"
        }
        "expected `,` or `}`" => "a comma or } is missing here",
        "expected `,` or `]`" => "a comma or ] is missing here",
        "expected `:`" => "a colon is missing here",
        "invalid escape" => "this backslash is not followed by one of \" \\ / b f n r t u",
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "a line break or control character stands within a string: write \\n"
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
    fn faults_are_told_where_they_are() {
        let fault = |text: &str| check_json(text).unwrap_err().to_string();
        assert_eq!(check_json(r#" {"a": [1.50, "\n", null]} "#), Ok(()));
        assert_eq!(fault(""), "line 1, column 1: it is empty");
        assert_eq!(
            fault("{\"a\": 1,\n}"),
            "line 2, column 1: the name of a field, in double quotes, should stand here, or there is a comma too many"
        );
        assert_eq!(
            fault("{\"a\": text}"),
            "line 1, column 8: a value should stand here: texts need double quotes"
        );
        assert!(fault("{\"a\": \"x\ny\"}").contains("line break"));
        assert!(fault("{\"a\": \"x\" \"y\"}").contains("comma or }"));
        assert!(fault("{} {}").contains("goes on"));
        assert!(fault("{").contains("} is missing"));
    }
}

//! Texts about responses that do not meet a response validator.

use super::Explanation;
use crate::model::exchange::Response;
use crate::model::json;

/// Explains that the body is not JSON.
pub(super) fn not_json(response: Option<&Response>) -> Explanation {
    Explanation::new(
        "The response is not JSON.",
        response.map_or_else(String::new, json_problem),
        "Look at the response body, and check the host and path of the URL. A proxy or a sign-in page may have \
         responded instead of the server.",
    )
}

/// Explains that the response has too many values for a JSON path.
pub(super) fn too_many_values(status: u16, path: &str) -> Explanation {
    Explanation::new(
        "The response has too many values for the JSON path of a response validator.",
        format!(
            "The server responded with {status}. Evaluating {path} could take too long, so it was not evaluated."
        ),
        "Use a path with names only, such as $.success, or a condition on the body as text.",
    )
}

/// Explains that the body is not one of the expected texts, or does not contain one of them if `found` is `None`.
pub(super) fn body(
    status: u16,
    found: Option<&str>,
    expected: &[String],
    custom_message: Option<&str>,
) -> Explanation {
    let expected = expected.join("” or “");
    let but = match found {
        None => format!("the body does not contain “{expected}”"),
        Some(found) => format!("the body was “{found}”. Expected: “{expected}”"),
    };
    let meaning = format!("The server responded with {status}, but {but}.");
    explain(meaning, None, custom_message)
}

/// Explains that no expected value is at a JSON path. `message` is that of the response.
pub(super) fn value(
    status: u16,
    (path, found): (&str, Option<&str>),
    expected: &[String],
    message: Option<&str>,
    custom_message: Option<&str>,
) -> Explanation {
    let was = match found {
        Some(found) => format!("{path} was {found}"),
        None => format!("{path} was missing"),
    };
    let expected = expected.join(" or ");
    let meaning = format!("The server responded with {status}, but {was}. Expected: {expected}.");
    explain(meaning, message, custom_message)
}

/// Says why a body is not JSON.
fn json_problem(response: &Response) -> String {
    let body = response.body.trim_start();
    let coding =
        response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    let problem = match coding {
        _ if body.is_empty() => "The body is empty".to_owned(),
        _ if response.truncated => "The body is longer than 64 KiB, or incomplete".to_owned(),
        Some((_, coding)) if body.contains('\u{fffd}') => {
            format!("The body is encoded with “{coding}”, which cannot be decoded")
        }
        _ if body.starts_with('<') => "The body is HTML or XML".to_owned(),
        _ => match json::parse(body) {
            Err(error) => match coding {
                Some((_, coding)) => {
                    format!(
                        "The body is encoded with “{coding}”, and the JSON parser reported: {error}"
                    )
                }
                None => format!("The JSON parser reported: {error}"),
            },
            // Redaction may have removed the problem.
            Ok(_) => "The body could not be parsed".to_owned(),
        },
    };
    format!(
        "{problem}. A response validator with a JSON path needs a JSON response of at most 64 KiB."
    )
}

fn explain(meaning: String, message: Option<&str>, custom_message: Option<&str>) -> Explanation {
    let headline = match (custom_message, message) {
        (Some(custom), Some(message)) => format!("{custom}: “{message}”"),
        (Some(custom), None) => custom.to_owned(),
        (None, Some(message)) => format!("The server rejected the request: “{message}”"),
        (None, None) => "A response validator failed.".to_owned(),
    };
    let remedy = match message {
        Some("Authentication Failed") => {
            "Enter the current user name and secret key in the body: one of them is wrong. A key is replaced \
             when it is regenerated under My Preferences in Logpoint."
        }
        Some(_) => {
            "Check that the body contains what the message asks for. The message comes from the server."
        }
        None => "Look at the response body. If the response is correct, change the validator.",
    };
    Explanation::new(headline, meaning, remedy)
}

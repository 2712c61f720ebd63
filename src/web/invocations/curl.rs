//! A recorded request as a curl command. Its secrets are masked already.

use crate::model::exchange::Request;

/// Returns the command.
pub(super) fn command(request: &Request) -> String {
    let mut command = format!("curl -X {} {}", request.method, quote(&request.url));
    for (name, value) in &request.headers {
        // curl sets these itself.
        let computed = ["host", "content-length", "accept-encoding", "connection"];
        if !computed.contains(&name.to_ascii_lowercase().as_str()) {
            command.push_str(" \\\n  -H ");
            command.push_str(&quote(&format!("{name}: {value}")));
        }
    }
    if let Some(body) = &request.body {
        command.push_str(" \\\n  --data-raw ");
        command.push_str(&quote(body));
    }
    command
}

/// Quotes a text for a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_every_argument() {
        let request = Request {
            method: "POST".into(),
            url: "https://10.0.0.5/x?a=$(id)".into(),
            headers: vec![("X-A".into(), "it's".into()), ("Content-Length".into(), "3".into())],
            body: Some("{}".into()),
        };
        let expected = "curl -X POST 'https://10.0.0.5/x?a=$(id)' \\\n  -H 'X-A: it'\\''s' \\\n  --data-raw '{}'";
        assert_eq!(command(&request), expected);
    }
}

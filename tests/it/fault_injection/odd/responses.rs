//! A table of responses: bytes in, verdict and words out.

use gatepost::identity::Scope;
use serde_json::json;

use super::server::{End, OddServer, Reply};
use super::{attempted, send, success, webhook};
use crate::support::TestApp;
use crate::support::compress::{brotli, deflate, gzip, zlib};

const YES: &[u8] = b"{\"success\": true}";

/// A response, and what follows from it.
struct Row {
    name: &'static str,
    bytes: Vec<u8>,
    end: End,
    /// `Ok` if it is a success. Otherwise words of the explanation.
    expected: Result<(), &'static [&'static str]>,
}

fn row(name: &'static str, bytes: impl Into<Vec<u8>>, end: End) -> Row {
    Row { name, bytes: bytes.into(), end, expected: Ok(()) }
}

impl Row {
    fn fails(self, words: &'static [&'static str]) -> Self {
        Self { expected: Err(words), ..self }
    }
}

/// A response with further header lines, each with its line end, and a body.
fn with(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn status(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

fn encodings() -> Vec<Row> {
    use End::KeepOpen;
    let coded = |name, coding: &str, body: Vec<u8>| {
        row(name, with(&format!("content-encoding: {coding}\r\n"), &body), KeepOpen)
    };
    let typed = |name, content_type: &str, body: &[u8]| {
        row(name, with(&format!("content-type: {content_type}\r\n"), body), KeepOpen)
    };
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain("{\"success\": true}".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    vec![
        row("byte order mark", with("", &[b"\xef\xbb\xbf", YES].concat()), KeepOpen),
        row("lone surrogate", with("", br#"{"success": true, "comment": "cut \ud83d"}"#), KeepOpen),
        row("nul in a text", with("", br#"{"success": true, "comment": "a\u0000b"}"#), KeepOpen),
        row("invalid utf-8", with("", b"{\"success\": true, \"comment\": \"caf\xe9\"}"), KeepOpen),
        row(
            "private key",
            with("", br#"{"$serde_json::private::Number": "x", "success": true}"#),
            KeepOpen,
        ),
        row("number beyond a double", with("", br#"{"n": 1e999, "success": true}"#), KeepOpen),
        coded("gzip", "gzip", gzip(YES)),
        coded("zlib", "deflate", zlib(YES)),
        coded("raw deflate", "deflate", deflate(YES)),
        coded("brotli", "br", brotli(YES)),
        coded("twice coded", "deflate, gzip", gzip(&zlib(YES))),
        coded("coded although it says so wrongly", "gzip", YES.to_vec()),
        typed("utf-16", "application/json", &utf16),
        typed(
            "latin-1",
            "application/json; charset=ISO-8859-1",
            b"{\"success\": true, \"c\": \"\xe9\"}",
        ),
        coded("zstd", "zstd", b"\x28\xb5\x2f\xfd\x00\xff\xfe".to_vec())
            .fails(&["not JSON", "encoded with “zstd”"]),
        coded("damaged gzip", "gzip", gzip(YES)[..12].to_vec())
            .fails(&["not JSON", "encoded with “gzip”"]),
        coded("bomb", "gzip", gzip(&vec![b' '; 10_000_000])).fails(&["not JSON", "64 KiB"]),
        typed("html", "text/html", b"<html>Sign in</html>").fails(&["not JSON", "HTML"]),
        typed("empty", "application/json", b"").fails(&["not JSON", "empty"]),
        typed("half", "application/json", b"{\"success\": tr").fails(&["not JSON", "line 1"]),
        typed("nul", "application/json", br#"{"success": false, "message": "no \u0000"}"#)
            .fails(&["rejected", "no"]),
    ]
}

fn framing() -> Vec<Row> {
    use End::{Close, Cut, KeepOpen, Reset};
    let bare = |head: &str| [head.as_bytes(), b"\r\n\r\n", YES].concat();
    let chunked =
        |body: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    vec![
        row("without length", bare("HTTP/1.1 200 OK"), Close),
        row("without length or close_notify", bare("HTTP/1.1 200 OK"), Cut),
        row("cut after the length", with("", YES), Cut),
        row("http 1.0", bare("HTTP/1.0 200 OK"), Cut),
        row("no reason", bare("HTTP/1.1 200"), Cut),
        row("reason in latin-1", [b"HTTP/1.1 200 Tr\xe8s bien\r\n\r\n", YES].concat(), Cut),
        row("line feeds", [b"HTTP/1.1 200 OK\ncontent-length: 17\n\n", YES].concat(), KeepOpen),
        row("empty line before", [b"\r\n", with("", YES).as_slice()].concat(), KeepOpen),
        row(
            "early hints",
            [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", with("", YES).as_slice()].concat(),
            KeepOpen,
        ),
        row(
            "continue",
            [b"HTTP/1.1 100 Continue\r\n\r\n", with("", YES).as_slice()].concat(),
            KeepOpen,
        ),
        row("folded header", with("x-long: first\r\n second\r\n\tthird\r\n", YES), KeepOpen),
        row("space before colon", with("x-space : a\r\n", YES), KeepOpen),
        row("invalid header name", with("x(y): a\r\nno colon\r\n", YES), KeepOpen),
        row("header in latin-1", with("x-name: caf\u{e9}\r\n", YES), KeepOpen),
        row("length twice", with("content-length: 17\r\n", YES), KeepOpen),
        row(
            "chunks",
            chunked("5;ext=1\r\n{\"suc\r\nC\r\ncess\": true}\r\n0\r\nx-sum: 1\r\n\r\n"),
            KeepOpen,
        ),
        row("chunks then cut", chunked("11\r\n{\"success\": true}\r\n0\r\n\r\n"), Cut),
        row("broken body", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"success\": true}", Cut)
            .fails(&["responded with 200, but the response broke off", "probably processed"]),
        row("no last chunk", chunked("11\r\n{\"success\": true}\r\n"), Close)
            .fails(&["responded with 200, but the response broke off"]),
        row("broken head", "HTTP/1.1 200 OK\r\ncontent-le", Cut)
            .fails(&["ended after the request was sent", "may have processed"]),
        row("silence then close", "", Close)
            .fails(&["ended after the request was sent", "may have processed"]),
        row("silence then cut", "", Cut).fails(&["ended after the request was sent"]),
        row("silence then reset", "", Reset).fails(&["ended after the request was sent"]),
        row("not http", "SSH-2.0-OpenSSH_9.2\r\n", Close).fails(&["not HTTP"]),
        row("http 2", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d", Close).fails(&["not HTTP"]),
    ]
}

fn statuses() -> Vec<Row> {
    let row = |name, code| row(name, status(code), End::KeepOpen);
    vec![
        row("101", 101).fails(&["101 Switching Protocols", "change the protocol"]),
        row("204", 204).fails(&["not JSON", "empty"]),
        row("300", 300).fails(&["300", "without a redirect"]),
        row("302", 302).fails(&["302", "does not follow redirects"]),
        row("304", 304).fails(&["304 Not Modified", "If-None-Match"]),
        row("407", 407).fails(&["407", "proxy"]),
        row("408", 408).fails(&["408 Request Timeout", "whole request in time"]),
        row("415", 415).fails(&["415", "Content-Type"]),
        row("599", 599).fails(&["599"]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn judges_every_response_correctly() {
    let app = TestApp::start().await;
    let server = OddServer::start().await;
    let rows: Vec<Row> = [encodings(), framing(), statuses()].into_iter().flatten().collect();
    for row in &rows {
        server.reply(row.name, &[Reply { bytes: row.bytes.clone(), end: row.end }]);
        app.webhooks(&webhook(&server, row.name).with("response_validators", success()).file())
            .await;
    }
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    let mut ann = app.admin().await;
    let mut wrong = Vec::new();
    for row in &rows {
        let found = attempted(&app, &mut ann, row.name).await;
        let name = row.name;
        let (state, words): (_, &[&str]) = match row.expected {
            Ok(()) => ("delivered", &["Delivered"]),
            Err(words) => ("due", words),
        };
        let says = |word: &&str| found.verdict.contains(*word);
        if found.state != state || !words.iter().all(says) || found.verdict.contains("docs.rs") {
            wrong.push(format!("{name}: {}: {}", found.state, found.verdict));
        }
        if (found.attempts, server.requests(name)) != (1, 1) {
            wrong.push(format!(
                "{name}: {} attempts, {} requests",
                found.attempts,
                server.requests(name)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let gzip = attempted(&app, &mut ann, "gzip").await;
    assert!(gzip.page.contains("success"), "the body is shown decoded");
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn judges_plain_text_by_conditions_on_the_body() {
    let app = TestApp::start().await;
    let server = OddServer::start().await;
    let rows = [
        ("contains", "contains", "status=OK\n", "Delivered"),
        ("lacks", "contains", "status=FAILED", "does not contain “OK”"),
        ("equals", "equals", "OK\r\n", "Delivered"),
        ("differs", "equals", "NOT OK", "the body was “NOT OK”. Expected: “OK”"),
    ];
    for (name, rule, body, _) in rows {
        server.reply(name, &[Reply { bytes: with("", body.as_bytes()), end: End::KeepOpen }]);
        let condition = json!([{ "body": rule, "expected_values": ["OK"] }]);
        app.webhooks(&webhook(&server, name).with("response_validators", condition).file()).await;
    }
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    let mut ann = app.admin().await;
    for (name, _, _, words) in rows {
        let verdict = attempted(&app, &mut ann, name).await.verdict;
        assert!(verdict.contains(words), "{name}: {verdict}");
    }
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn no_part_of_a_secret_is_recorded_although_texts_are_shortened() {
    let app = TestApp::start().await;
    let server = OddServer::start().await;
    let secret: String =
        (0..400_u32).map(|n| char::from(b'a' + u8::try_from(n * 7 % 26).unwrap())).collect();
    let long = format!("{}{secret}", "x".repeat(64 * 1024 - 200));
    let rows = [
        (
            "value",
            json!({ "token": secret }).to_string(),
            json!([{ "json_path": "$.token", "expected_values": ["x"] }]),
        ),
        (
            "text",
            format!("bad token {secret}"),
            json!([{ "body": "equals", "expected_values": ["x"] }]),
        ),
        ("message", json!({ "message": format!("wrong: {secret}") }).to_string(), success()),
        ("cut", long, success()),
    ];
    for (name, body, validators) in &rows {
        server.reply(name, &[Reply { bytes: with("", body.as_bytes()), end: End::Close }]);
        let webhook = webhook(&server, name).with("response_validators", validators.clone());
        let template = format!(r#"{{"secret_key": "{secret}"}}"#);
        app.webhooks(&webhook.with("body_template", template).file()).await;
    }
    let token = app.token(Scope::Events).await;
    send(&app, &token, "1").await;
    let records: Vec<String> = sqlx::query_scalar("select record || coalesce(d.last_error, '') from invocations join deliveries d on d.id = delivery_id")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert_eq!(records.len(), rows.len());
    for record in records {
        assert!(!record.contains(secret.split_at(60).0), "{record}");
    }
    app.finish_with_leftovers().await;
}

//! A target that repeats each request in its response, in an encoding that its path names.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The encodings, as the first segment of the path.
pub(super) const ENCODINGS: [&str; 12] = [
    "plain",
    "json",
    "json-slashes",
    "json-unicode",
    "json-twice",
    "html",
    "html-decimal",
    "percent",
    "percent-lower",
    "form",
    "base64",
    "hex",
];

/// The server.
pub(super) struct EchoServer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl EchoServer {
    pub(super) async fn start() -> Self {
        let received: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(echo).with_state(Arc::clone(&received));
        #[expect(clippy::disallowed_methods, reason = "ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, received }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, each as one text.
    pub(super) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

async fn echo(
    State(received): State<Arc<Mutex<Vec<String>>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut text = format!("{uri}\n");
    for (name, value) in &headers {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes())).unwrap();
    }
    received.lock().unwrap().push(format!("{text}\n{body}"));
    let encoding = uri.path().split('/').nth(1).unwrap_or_default();
    // The token endpoint.
    if encoding == "token" {
        return ([("content-type", "application/json")], r#"{"access_token":"tok-5ecret"}"#)
            .into_response();
    }
    // Both what was sent, and the values that a JSON body contains.
    let values = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|value| value.get("secret_key").and_then(|key| Some(key.as_str()?.to_owned())));
    let plain = format!("{text}{body}\n{}", values.unwrap_or_default());
    let encoded = encode(encoding, &plain);
    let header = encoded.replace(|c: char| !(' '..='~').contains(&c), "");
    let short: String = header.chars().take(2_000).collect();
    ([("x-echo", short)], encoded).into_response()
}

fn encode(encoding: &str, text: &str) -> String {
    let each = |write: &dyn Fn(char) -> String| text.chars().map(write).collect::<String>();
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let bytes = |format: &dyn Fn(u8) -> String| text.bytes().map(format).collect::<String>();
    match encoding {
        "json" => format!("{{\"echo\":{}}}", json(text)),
        "json-slashes" => format!("{{\"echo\":{}}}", json(text).replace('/', "\\/")),
        "json-unicode" => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("{{\"echo\":\"{}\"}}", units.collect::<String>())
        }
        "json-twice" => format!("{{\"echo\":{}}}", json(&json(text))),
        "html" => format!(
            "<p>{}</p>",
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;")
        ),
        "html-decimal" => each(&|c| format!("&#{};", u32::from(c))),
        "percent" => bytes(&|byte| format!("%{byte:02X}")),
        "percent-lower" => bytes(&|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        }),
        "form" => url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        "base64" => {
            format!("{} {}", STANDARD.encode(text), URL_SAFE_NO_PAD.encode(format!("x{text}")))
        }
        "hex" => bytes(&|byte| format!("{byte:02x}")),
        _ => text.to_owned(),
    }
}

/// Whether a text contains a secret in any encoding that a reader could undo.
pub(super) fn reveals(text: &str, secret: &str) -> bool {
    let mut texts = vec![text.to_owned()];
    for _ in 0..3 {
        if texts.iter().any(|text| text.contains(secret)) {
            return true;
        }
        texts = texts
            .iter()
            .flat_map(|text| [unescape_json(text), unescape_percent(text), unescape_html(text)])
            .filter(|decoded| !texts.contains(decoded))
            .collect();
    }
    let forms = (0..3).map(|lead| {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(lead)));
        // The characters that depend on the secret alone.
        let start = if lead == 0 { 0 } else { lead + 1 };
        encoded.get(start..encoded.len() - 4).unwrap_or_default().to_owned()
    });
    let hex = hex::encode(secret);
    let is_in = |form: String| {
        form.len() >= 8
            && (text.contains(&form) || text.contains(&form.replace('+', "-").replace('/', "_")))
    };
    forms.chain([hex.clone(), hex.to_uppercase()]).any(is_in)
}

fn unescape_json(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let is = |at: usize, c: char| units.get(at).copied() == u16::try_from(u32::from(c)).ok();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < units.len() {
        if !is(at, '\\') || at + 1 >= units.len() {
            decoded.push(units[at]);
            at += 1;
            continue;
        }
        let hex = units.get(at + 2..at + 6).map(String::from_utf16_lossy).unwrap_or_default();
        if let (true, Ok(unit)) = (is(at + 1, 'u'), u16::from_str_radix(&hex, 16)) {
            decoded.push(unit);
            at += 6;
            continue;
        }
        let next = match char::from_u32(units[at + 1].into()).unwrap_or('?') {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            other => other,
        };
        decoded.extend(next.encode_utf16(&mut [0; 2]).iter());
        at += 2;
    }
    String::from_utf16_lossy(&decoded)
}

fn unescape_percent(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

fn unescape_html(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let (name, tail) = after.split_once(';').unwrap_or((after, ""));
        let code = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let code = code.or_else(|| name.strip_prefix('#').map(str::parse));
        let c = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => code.and_then(Result::ok).and_then(char::from_u32),
        };
        decoded.push(c.unwrap_or('&'));
        rest = if c.is_some() { tail } else { after };
    }
    decoded + rest
}

#[test]
fn every_echo_reveals_a_secret() {
    for secret in ["it's-me!2024", "a/b+c=d&e\"f\\g", "schlüssel-ß-key"] {
        for encoding in ENCODINGS {
            assert!(reveals(&encode(encoding, &format!("x {secret} y")), secret), "{encoding}");
        }
        assert!(!reveals("nothing to see", secret));
    }
}

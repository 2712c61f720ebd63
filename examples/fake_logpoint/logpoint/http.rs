//! Just enough HTTP/1.1 for a server that must also be able to misbehave: requests are read whole,
//! answers are written by hand. No HTTP/2: clients are told so in the TLS handshake.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};

/// Longest line of a head, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// Largest body that is taken, in bytes.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// What a connection runs on: TLS or plain TCP.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A request, read to its end.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the client wants no other on this connection.
    pub(super) last: bool,
}

/// The next request; none where the client is done.
pub(super) async fn read(stream: &mut BufReader<impl Io>) -> io::Result<Option<Request>> {
    let Some(start) = line(stream).await? else { return Ok(None) };
    let mut words = start.split_whitespace();
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(malformed("no request line"));
    };
    let mut headers = Vec::new();
    loop {
        let Some(text) = line(stream).await? else { return Err(cut()) };
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| malformed("no header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let is = |name: &str, word: &str| find(&headers, name).is_some_and(|v| has_word(v, word));
    if is("expect", "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        stream.flush().await?;
    }
    let body = if is("transfer-encoding", "chunked") {
        chunks(stream).await?
    } else {
        let length = find(&headers, "content-length").unwrap_or("0");
        exactly(stream, length.parse().map_err(|_invalid| malformed("no length"))?).await?
    };
    let last = is("connection", "close") || version == "HTTP/1.0";
    let (method, path) = (method.to_owned(), path.to_owned());
    Ok(Some(Request { method, path, headers, body, last }))
}

/// A header's value, by its name in lower case.
pub(super) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn has_word(value: &str, word: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.take(MAX_LINE).read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(malformed("a line without an end"));
    }
    let text = String::from_utf8(bytes).map_err(|_invalid| malformed("a head that is no text"))?;
    Ok(Some(text.trim_end_matches('\r').to_owned()))
}

async fn exactly(stream: &mut (impl AsyncBufRead + Unpin), length: u64) -> io::Result<Vec<u8>> {
    if length > MAX_BODY {
        return Err(malformed("too large a body"));
    }
    let mut body = Vec::new();
    let read = stream.take(length).read_to_end(&mut body).await?;
    if u64::try_from(read).ok() == Some(length) { Ok(body) } else { Err(cut()) }
}

async fn chunks(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let head = line(stream).await?.ok_or_else(cut)?;
        let size = head.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_invalid| malformed("no chunk"))?;
        let room = MAX_BODY.saturating_sub(u64::try_from(body.len()).unwrap_or(MAX_BODY));
        if size > room {
            return Err(malformed("too large a body"));
        }
        body.append(&mut exactly(stream, size).await?);
        // After a chunk comes the end of its line; after the last one, trailers and an empty line.
        while !line(stream).await?.ok_or_else(cut)?.is_empty() {}
        if size == 0 {
            return Ok(body);
        }
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// An answer that keeps to the rules.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// What it says, for the log.
    pub(super) says: String,
}

impl Answer {
    /// JSON with status 200.
    pub(super) fn json(value: &Value) -> Self {
        let says = value.get("message").and_then(Value::as_str).unwrap_or("OK").to_owned();
        Self::new(200, "application/json", value.to_string(), says)
    }

    /// Logpoint's yes or no, with status 200 either way.
    pub(super) fn verdict(success: bool, message: &str) -> Self {
        Self::json(&json!({"success": success, "message": message}))
    }

    /// A page, as a front-end shows for errors.
    pub(super) fn html(status: u16) -> Self {
        let says = reason(status).to_owned();
        let body = format!(
            "<html><head><title>{status} {says}</title></head><body><h1>{status} {says}</h1></body></html>\n"
        );
        Self::new(status, "text/html", body, says)
    }

    /// Any text.
    pub(super) fn text(status: u16, body: String) -> Self {
        let looks_like_json = body.starts_with(['{', '[']);
        let kind = if looks_like_json { "application/json" } else { "text/plain" };
        Self::new(status, kind, body, reason(status).to_owned())
    }

    fn new(status: u16, kind: &str, body: String, says: String) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body, says }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The head; how long the body is must be among `more`.
    pub(super) fn head(&self, more: &[(&str, &str)]) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(more.iter().copied()) {
            // Writing to a String cannot fail.
            write!(head, "{name}: {value}\r\n").ok();
        }
        head.push_str("\r\n");
        head
    }

    /// Sends it in one piece.
    pub(super) async fn write(&self, request: &Request, stream: &mut impl Io) -> io::Result<()> {
        let length = self.body.len().to_string();
        let connection = if request.last { "close" } else { "keep-alive" };
        let mut bytes = self.head(&[("content-length", &length), ("connection", connection)]);
        if request.method != "HEAD" {
            bytes.push_str(&self.body);
        }
        stream.write_all(bytes.as_bytes()).await?;
        stream.flush().await
    }
}

fn reason(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok();
    known.and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

//! A minimal HTTP/1.1 implementation that can also violate the protocol. Requests are read completely before they are
//! handled. The TLS handshake offers only HTTP/1.1.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};

/// Maximum length of a line of the head, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Maximum size of a request body, in bytes.
const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// The stream of a connection: TLS or plain TCP.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A complete request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the connection is closed after this request.
    pub(super) last: bool,
}

/// Reads the next request. `None` if the client has closed the connection.
pub(super) async fn read(stream: &mut BufReader<impl Io>) -> io::Result<Option<Request>> {
    let Some(start) = line(stream).await? else { return Ok(None) };
    let mut words = start.split_whitespace();
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(malformed("invalid request line"));
    };
    let mut headers = Vec::new();
    loop {
        let Some(text) = line(stream).await? else { return Err(unexpected_end()) };
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| malformed("invalid header"))?;
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
        exactly(stream, length.parse().map_err(|_invalid| malformed("invalid content-length"))?)
            .await?
    };
    let last = is("connection", "close") || version == "HTTP/1.0";
    let (method, path) = (method.to_owned(), path.to_owned());
    Ok(Some(Request { method, path, headers, body, last }))
}

/// Finds the value of a header by its lower-case name.
pub(super) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn has_word(value: &str, word: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(malformed("incomplete or too long line"));
    }
    let text = String::from_utf8(bytes).map_err(|_invalid| malformed("head is not UTF-8"))?;
    Ok(Some(text.trim_end_matches('\r').to_owned()))
}

async fn exactly(stream: &mut (impl AsyncBufRead + Unpin), length: u64) -> io::Result<Vec<u8>> {
    if length > MAX_BODY_BYTES {
        return Err(malformed("body too large"));
    }
    let mut body = Vec::new();
    let read = stream.take(length).read_to_end(&mut body).await?;
    if u64::try_from(read).ok() == Some(length) { Ok(body) } else { Err(unexpected_end()) }
}

async fn chunks(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let head = line(stream).await?.ok_or_else(unexpected_end)?;
        let size = head.split(';').next().unwrap_or_default().trim();
        let size =
            u64::from_str_radix(size, 16).map_err(|_invalid| malformed("invalid chunk size"))?;
        let remaining =
            MAX_BODY_BYTES.saturating_sub(u64::try_from(body.len()).unwrap_or(MAX_BODY_BYTES));
        if size > remaining {
            return Err(malformed("body too large"));
        }
        body.append(&mut exactly(stream, size).await?);
        // A chunk is followed by a line break, and the last one by trailers and an empty line.
        while !line(stream).await?.ok_or_else(unexpected_end)?.is_empty() {}
        if size == 0 {
            return Ok(body);
        }
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn unexpected_end() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// A valid response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// Description for the log.
    pub(super) summary: String,
}

impl Response {
    /// A JSON response with status 200.
    pub(super) fn json(value: &Value) -> Self {
        let summary = value.get("message").and_then(Value::as_str).unwrap_or("OK").to_owned();
        Self::new(200, "application/json", value.to_string(), summary)
    }

    /// Logpoint's report of success or failure, both with status 200.
    pub(super) fn verdict(success: bool, message: &str) -> Self {
        Self::json(&json!({"success": success, "message": message}))
    }

    /// An error page, as a front-end server sends it.
    pub(super) fn html(status: u16) -> Self {
        let title = reason(status).to_owned();
        let body = format!(
            "<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>\n"
        );
        Self::new(status, "text/html", body, title)
    }

    /// A response with any body.
    pub(super) fn text(status: u16, body: String) -> Self {
        let looks_like_json = body.starts_with(['{', '[']);
        let kind = if looks_like_json { "application/json" } else { "text/plain" };
        Self::new(status, kind, body, reason(status).to_owned())
    }

    fn new(status: u16, kind: &str, body: String, summary: String) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body, summary }
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns the head. `more` must contain the header that delimits the body.
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

    /// Sends the response in one write.
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

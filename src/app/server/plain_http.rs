//! Clients that use HTTP where only HTTPS is served.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ADVICE: &str = "This server uses HTTPS. Write https:// instead of http:// in the address.\n";

/// Whether a connection begins with the name of a method, not with TLS, whose first byte is 22 (RFC 8446, section 5.1). Waits for
/// the first byte.
pub(super) async fn is_plain_http(stream: &TcpStream) -> bool {
    let mut first = [0; 1];
    matches!(stream.peek(&mut first).await, Ok(1)) && first[0].is_ascii_uppercase()
}

/// Responds with the advice to use HTTPS. The client is not redirected, because what it has sent, such as a token, must not be sent
/// unencrypted again unnoticed.
///
/// # Errors
/// If the client closes the connection early.
pub(super) async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    // What was not read would reset the connection, and the client might not see the response.
    let mut request = [0; 8 * 1024];
    let _read = stream.read(&mut request).await?;
    let length = ADVICE.len();
    let response = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{ADVICE}"
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

//! Targets that misbehave.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::target::{RESPONSE, Recorder, request_length};

/// Size of the oversized response, in bytes.
const HUGE: usize = 100 * 1024 * 1024;

/// How a target treats each request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bad {
    /// Never responds.
    Hangs,
    /// Sends one byte of the response per second.
    Trickles,
    /// Accepts the connection and reads nothing.
    NeverReads,
    /// Reads the request and resets the connection.
    Resets,
    /// Responds with 100 MB.
    Floods,
    /// Responds with bytes that are not HTTP.
    Garbles,
    /// Closes the connection within the body of the response.
    BreaksOff,
    /// Rejects the request with a message that contains NUL.
    RejectsWithNul,
    /// Responds to the first request of a connection, and closes it at the second one.
    ClosesKept,
}

impl Bad {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("p99 beside one that hangs", Self::Hangs),
        ("p99 beside one that trickles", Self::Trickles),
        ("p99 beside one that never reads", Self::NeverReads),
        ("p99 beside one that resets", Self::Resets),
        ("p99 beside one that answers 100 MB", Self::Floods),
    ];

    /// Listens on loopback and returns the address. Requests that are read, and not ignored, are recorded.
    pub(crate) async fn start(self, recorder: Arc<dyn Recorder>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.serve(stream, Arc::clone(&recorder)));
            }
        });
        format!("http://{address}")
    }

    async fn serve(self, mut stream: TcpStream, recorder: Arc<dyn Recorder>) {
        if !matches!(self, Self::NeverReads) {
            let Some(request) = read_request(&mut stream).await else { return };
            recorder.record(&request);
        }
        match self {
            Self::Hangs | Self::NeverReads => std::future::pending().await,
            // The client ends the connection.
            Self::Trickles => drop(trickle(stream).await),
            Self::Floods => drop(flood(stream).await),
            Self::Resets => stream.set_zero_linger().unwrap(),
            Self::Garbles => drop(stream.write_all(b"\0\xff\x16\x03 gar\r\nbage\r\n\r\n").await),
            Self::BreaksOff => drop(respond(&mut stream, 99, r#"{"success": tr"#).await),
            Self::RejectsWithNul => {
                let body = r#"{"success": false, "message": "no \u0000"}"#;
                drop(respond(&mut stream, body.len(), body).await);
            }
            Self::ClosesKept => {
                if stream.write_all(RESPONSE).await.is_ok() {
                    read_request(&mut stream).await;
                }
            }
        }
    }
}

/// Reads a request. `None` if the connection ended.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut buffer = Vec::with_capacity(16 * 1024);
    while request_length(&buffer).is_none() {
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(buffer)
}

/// Responds with a body whose stated length can be another one.
async fn respond(stream: &mut TcpStream, length: usize, body: &str) -> std::io::Result<()> {
    promise(stream, length).await?;
    stream.write_all(body.as_bytes()).await
}

async fn promise(stream: &mut TcpStream, length: usize) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

async fn trickle(mut stream: TcpStream) -> std::io::Result<()> {
    promise(&mut stream, HUGE).await?;
    loop {
        stream.write_all(b" ").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn flood(mut stream: TcpStream) -> std::io::Result<()> {
    promise(&mut stream, HUGE).await?;
    let block = vec![b' '; 64 * 1024];
    for _ in 0..HUGE / block.len() {
        stream.write_all(&block).await?;
    }
    Ok(())
}

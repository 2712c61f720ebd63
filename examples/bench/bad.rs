//! Targets that misbehave.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::target::request_length;

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
}

impl Bad {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("p99 beside one that hangs", Self::Hangs),
        ("p99 beside one that trickles", Self::Trickles),
        ("p99 beside one that never reads", Self::NeverReads),
        ("p99 beside one that resets", Self::Resets),
        ("p99 beside one that answers 100 MB", Self::Floods),
    ];

    /// Listens on loopback and returns the address.
    pub(crate) async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.serve(stream));
            }
        });
        format!("http://{address}")
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::with_capacity(16 * 1024);
        while !matches!(self, Self::NeverReads) && request_length(&buffer).is_none() {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        match self {
            Self::Hangs | Self::NeverReads => std::future::pending().await,
            // The client ends the connection.
            Self::Trickles => drop(trickle(stream).await),
            Self::Floods => drop(flood(stream).await),
            Self::Resets => stream.set_zero_linger().unwrap(),
        }
    }
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

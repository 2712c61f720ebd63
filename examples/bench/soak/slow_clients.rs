//! Clients that occupy connections of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::load::Api;

/// Number of clients of each kind.
const CLIENTS: usize = 16;
const BYTE_INTERVAL: Duration = Duration::from_secs(2);
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// What a client does.
#[derive(Debug, Clone, Copy)]
enum Slow {
    /// Sends nothing.
    Silent,
    /// Sends half of a request's head, and nothing more.
    HalfHead,
    /// Sends half of a request's body, and nothing more.
    HalfBody,
    /// Sends the head byte by byte.
    TricklesHead,
    /// Sends the body byte by byte.
    TricklesBody,
}

/// Running clients. They end when dropped.
pub(super) struct SlowClients {
    ended: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl SlowClients {
    pub(super) fn start(api: &Api) -> Self {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for slow in
            [Slow::Silent, Slow::HalfHead, Slow::HalfBody, Slow::TricklesHead, Slow::TricklesBody]
        {
            for _ in 0..CLIENTS {
                tasks.spawn(repeat(slow, api.clone(), Arc::clone(&ended)));
            }
        }
        Self { ended, _tasks: tasks }
    }

    /// Returns the number of connections that have ended.
    pub(super) fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }
}

async fn repeat(slow: Slow, api: Api, ended: Arc<AtomicUsize>) {
    loop {
        if let Ok(stream) = TcpStream::connect(&api.address).await {
            slow.occupy(stream, &api).await;
            ended.fetch_add(1, Ordering::Relaxed);
        }
        sleep(RECONNECT_INTERVAL).await;
    }
}

impl Slow {
    /// Returns once the connection has ended.
    async fn occupy(self, mut stream: TcpStream, api: &Api) {
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: 1000\r\n\r\n",
            api.address, api.token
        );
        let body = " ".repeat(1000);
        let (at_once, slowly) = match self {
            Self::Silent => ("", ""),
            Self::HalfHead => (head.split_at(head.len() / 2).0, ""),
            Self::HalfBody => (&*format!("{head}{}", body.split_at(500).0), ""),
            Self::TricklesHead => ("", &*head),
            Self::TricklesBody => (&*head, &*body),
        };
        if stream.write_all(at_once.as_bytes()).await.is_err() {
            return;
        }
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            for byte in slowly.bytes() {
                if writer.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(BYTE_INTERVAL).await;
            }
            std::future::pending::<()>().await;
        };
        let reading = async {
            let mut bytes = [0; 1024];
            while matches!(reader.read(&mut bytes).await, Ok(1..)) {}
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
    }
}

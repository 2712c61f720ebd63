//! A connection that HTTP/1.1 is spoken over, and those that wait to be used again.
//!
//! A link has no task of its own: whoever waits for an answer drives it meanwhile. So an exchange wakes one task and
//! not two, and one that is given up takes its connection with it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Kept for one host: as many as there are exchanges at once. With fewer, many webhooks of one host would have most of
/// their connections made anew.
const MAX_IDLE: usize = 256;
/// How long one is kept that nobody uses.
const IDLE_TIME: Duration = Duration::from_mins(1);

/// What a connection runs on, in the clear or secured.
pub(super) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for S {}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    /// The request, where nothing of it was sent: the connection had ended, and another may take it.
    pub(super) request: Option<Box<Request<String>>>,
}

type Http1 = Connection<TokioIo<Box<dyn Stream>>, String>;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<String>,
    /// None once it has ended.
    connection: Option<Box<Http1>>,
    pub(super) remote_address: SocketAddr,
    idle_since: Instant,
}

impl Link {
    /// Over a stream that stands.
    pub(super) async fn over(
        stream: Box<dyn Stream>,
        remote_address: SocketAddr,
    ) -> hyper::Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = Some(Box::new(connection));
        Ok(Self { sender, connection, remote_address, idle_since: Instant::now() })
    }

    /// Waits for something of the connection, and drives it meanwhile.
    async fn drive<T>(&mut self, mut awaited: Pin<&mut impl Future<Output = T>>) -> T {
        poll_fn(|context| {
            // What is awaited asks for more; the connection brings it.
            if let Poll::Ready(ready) = awaited.as_mut().poll(context) {
                return Poll::Ready(ready);
            }
            self.poll(context);
            awaited.as_mut().poll(context)
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            // Whoever waits for an answer is told of an error as well.
            && Pin::new(&mut **connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.idle_since) < IDLE_TIME
    }

    /// Whether it can take a request now.
    pub(super) async fn is_idle(&mut self) -> bool {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(self.connection.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Ends it, with the word that TLS has for it: without that, the other side may take the end for an attack.
    fn close(self) {
        drop(self.sender);
        if let Some(mut connection) = self.connection {
            // It has no more than that to say, and nobody waits for an answer.
            let _said = Pin::new(&mut *connection).poll(&mut Context::from_waker(Waker::noop()));
        }
    }

    /// Sends a request, and waits for the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<String>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let answering = pin!(self.sender.try_send_request(request));
        self.drive(answering).await.map_err(|mut failed| {
            let request = failed.take_message().map(Box::new);
            Unanswered { error: failed.into_error(), request }
        })
    }

    /// The next piece of an answer's body; none at its end.
    pub(super) async fn chunk(&mut self, body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
        let mut next = poll_fn(|context| {
            loop {
                let frame = ready!(Pin::new(&mut *body).poll_frame(context));
                match frame.transpose()?.map(hyper::body::Frame::into_data) {
                    None => return Poll::Ready(Ok(None)),
                    Some(Ok(data)) => return Poll::Ready(Ok(Some(data))),
                    // Trailers: nobody asks for them.
                    Some(Err(_trailers)) => {}
                }
            }
        });
        self.drive(Pin::new(&mut next)).await
    }
}

/// Links that wait to be used again, by origin. The last that was used is the first that is used again.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<HashMap<String, Vec<Link>>>);

impl Idle {
    /// One to this origin that can take a request.
    pub(super) async fn take(&self, origin: &str) -> Option<Link> {
        loop {
            let mut link = self.pop(origin)?;
            if !link.is_young(Instant::now()) {
                link.close();
            } else if link.is_idle().await {
                return Some(link);
            }
        }
    }

    fn pop(&self, origin: &str) -> Option<Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(origin)?.pop()
    }

    /// Keeps one whose exchange is over, if it can take another.
    pub(super) async fn keep(&self, origin: &str, mut link: Link) {
        if !link.is_idle().await {
            return;
        }
        link.idle_since = Instant::now();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.get_mut(origin) {
            Some(links) if links.len() >= MAX_IDLE => link.close(),
            Some(links) => links.push(link),
            None => {
                idle.insert(origin.to_owned(), vec![link]);
            }
        }
    }

    /// Closes those that nobody used for long.
    pub(super) fn close_old(&self, now: Instant) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_origin, links| {
            links.extract_if(.., |link| !link.is_young(now)).for_each(Link::close);
            !links.is_empty()
        });
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

//! An HTTP/1.1 connection to a target.
//!
//! A connection does not have its own task: the task that waits for a response polls it. One exchange therefore wakes one
//! task instead of two, and dropping an exchange drops its connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::target_stream::{Received, Stream, TargetStream};

type HyperConnection = Connection<TokioIo<TargetStream>, String>;

/// A connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct Http1Connection {
    sender: SendRequest<String>,
    /// `None` once the connection has ended.
    connection: Option<Box<HyperConnection>>,
    received: Received,
    pub(super) remote_address: SocketAddr,
}

impl Http1Connection {
    /// Starts HTTP/1.1 over an open stream. Accepts header fields that a recipient should accept although they are
    /// malformed (RFC 9112, sections 5.1 and 5.2): the target has processed the request, and would do so again.
    pub(super) async fn new(
        stream: Box<dyn Stream>,
        remote_address: SocketAddr,
    ) -> hyper::Result<Self> {
        let received = Received::default();
        let stream = TargetStream { stream, received: received.clone() };
        let (sender, connection) = http1::Builder::new()
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self { sender, connection: Some(Box::new(connection)), received, remote_address })
    }

    /// Waits for a future of this connection, polling the connection meanwhile.
    async fn drive<T>(&mut self, mut awaited: Pin<&mut impl Future<Output = T>>) -> T {
        poll_fn(|context| {
            // The first poll requests more data, polling the connection delivers it.
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
            // An error also reaches the future that waits for the response.
            && Pin::new(&mut **connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    /// Returns whether the connection can take a request now.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(self.connection.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Closes the connection, with `close_notify` under TLS: without it, the server may suspect a truncation attack
    /// (RFC 8446, section 6.1).
    pub(super) fn close(self) {
        drop(self.sender);
        if let Some(mut connection) = self.connection {
            // One poll is enough to write `close_notify`. The server's reply does not matter.
            let _poll = Pin::new(&mut *connection).poll(&mut Context::from_waker(Waker::noop()));
        }
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        request: Request<String>,
    ) -> hyper::Result<Response<Incoming>> {
        self.received.reset();
        let response = pin!(self.sender.send_request(request));
        self.drive(response).await
    }

    /// Whether any byte has been received since the last request was sent.
    pub(super) fn has_received(&self) -> bool {
        self.received.any()
    }

    /// Returns the next chunk of a response body, or `None` at its end.
    pub(super) async fn next_chunk(&mut self, body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
        let mut next = poll_fn(|context| {
            loop {
                let frame = ready!(Pin::new(&mut *body).poll_frame(context));
                match frame.transpose()?.map(hyper::body::Frame::into_data) {
                    None => return Poll::Ready(Ok(None)),
                    Some(Ok(data)) => return Poll::Ready(Ok(Some(data))),
                    // Trailers are ignored.
                    Some(Err(_trailers)) => {}
                }
            }
        });
        self.drive(Pin::new(&mut next)).await
    }
}

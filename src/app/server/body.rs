//! Bodies of requests and responses. Those of requests have time limits; those of responses end the request.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::budget::Reservation;
use super::connection::{Connection, Phase};
use super::limits::{MIN_BODY_RATE, Timeouts};

/// Maximum size of a body that is received only to be discarded, in bytes: that of the largest request to the API.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

/// The body of a request, which must arrive at a minimum rate.
pub(super) struct RequestBody<B> {
    body: B,
    connection: Arc<Connection>,
    timeouts: Timeouts,
    received: u64,
    /// The memory that it uses; unlimited for events.
    reservation: Option<Arc<Reservation>>,
    /// Created when the body is waited for the first time, which small bodies are not.
    waiting: Option<Waiting>,
}

struct Waiting {
    started: Instant,
    progress: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<B> RequestBody<B> {
    /// The body is shared, so that what the handler left of it can be discarded.
    pub(super) fn new(
        body: B,
        connection: Arc<Connection>,
        timeouts: Timeouts,
        reservation: Option<Arc<Reservation>>,
    ) -> Self {
        Self { body, connection, timeouts, received: 0, reservation, waiting: None }
    }

    /// Whether the timeout for the next part of the body has elapsed.
    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            started: now,
            progress: now,
            timer: Box::pin(sleep_until(now)),
        });
        let allowed = self.timeouts.body + Duration::from_secs(self.received / MIN_BODY_RATE);
        let end = (waiting.progress + self.timeouts.body_stall).min(waiting.started + allowed);
        if waiting.timer.deadline() != end {
            waiting.timer.as_mut().reset(end);
        }
        waiting.timer.as_mut().poll(context)
    }
}

impl<B> HttpBody for RequestBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.received = self.received.saturating_add(u64::try_from(bytes).unwrap_or(0));
                if let Some(waiting) = &mut self.waiting {
                    waiting.progress = Instant::now();
                }
                if self.reservation.as_ref().is_some_and(|reservation| !reservation.add(bytes)) {
                    let error = "too many forms are being received";
                    return Poll::Ready(Some(Err(io::Error::new(
                        io::ErrorKind::ResourceBusy,
                        error,
                    )
                    .into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => {
                self.connection.leave_body();
                Poll::Ready(ended.map(|failed| failed.map_err(Into::into)))
            }
            Poll::Pending => {
                self.connection.enter(Phase::Body);
                if self.poll_timeout(context).is_pending() {
                    return Poll::Pending;
                }
                self.connection.leave_body();
                let error = "the request's body did not arrive in time";
                Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, error).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request, of which the server keeps a handle to discard what the handler does not read.
pub(super) struct SharedBody<B>(Arc<Mutex<RequestBody<B>>>);

impl<B> SharedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(super) fn new(body: RequestBody<B>) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    /// Returns another handle.
    pub(super) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Receives the rest and discards it. A client that is still sending when the connection closes does not see the response,
    /// which says why the request was rejected and when to try again.
    pub(super) async fn discard(mut self) {
        self.0.lock().reservation = None;
        while self.0.lock().received <= MAX_DISCARDED_BYTES && !self.is_end_stream() {
            match self.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}

impl<B> HttpBody for SharedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}

impl<B> Drop for SharedBody<B> {
    fn drop(&mut self) {
        // A reader can stop at the last byte, or before it.
        self.0.lock().connection.leave_body();
    }
}

/// The body of a response. The connection is idle after it.
pub(super) struct ResponseBody {
    body: Body,
    connection: Arc<Connection>,
    /// Released with the response.
    _reservation: Option<Arc<Reservation>>,
    /// Ends a stream when the server stops.
    stream: Option<OpenStream>,
}

/// A response without an end, which is ended when the server stops.
pub(super) struct OpenStream {
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Counts the stream.
    _permit: OwnedSemaphorePermit,
}

impl OpenStream {
    pub(super) fn new(stopping: &CancellationToken, permit: OwnedSemaphorePermit) -> Self {
        Self { stopping: Box::pin(stopping.clone().cancelled_owned()), _permit: permit }
    }
}

impl ResponseBody {
    pub(super) fn new(
        body: Body,
        connection: Arc<Connection>,
        reservation: Option<Arc<Reservation>>,
        stream: Option<OpenStream>,
    ) -> Self {
        Self { body, connection, _reservation: reservation, stream }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(stream) = &mut self.stream
            && stream.stopping.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.connection.enter(Phase::Idle);
    }
}

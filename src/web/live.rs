//! `GET /live`: reports changes to open pages as server-sent events (WHATWG HTML, section 9.2).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use parking_lot::Mutex;

use super::session::{CurrentUser, Session};
use super::{Error, WebState};
use crate::actions::LiveReports;
use crate::model::LiveChanges;
use crate::store::sessions::SessionId;

/// Maximum number of streams of one session. A browser opens one for each visible page. A proxy may take a while to end
/// those of pages that were left.
const MAX_STREAMS_PER_SESSION: usize = 16;
/// Time between two comments, which keep proxies from ending an idle stream.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Maximum time between two checks whether the session has ended.
const SESSION_CHECK_INTERVAL: Duration = Duration::from_secs(20);
/// Time after which a browser connects again.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// The number of open streams by session.
#[derive(Debug, Clone, Default)]
pub struct LiveStreams(Arc<Mutex<HashMap<SessionId, usize>>>);

/// An open stream, which is no longer counted once dropped.
#[derive(Debug)]
struct OpenStream {
    streams: LiveStreams,
    session: SessionId,
}

impl LiveStreams {
    /// Counts one more stream. `None` if the session has too many.
    fn open(&self, session: SessionId) -> Option<OpenStream> {
        let mut counts = self.0.lock();
        let count = counts.entry(session).or_default();
        if *count >= MAX_STREAMS_PER_SESSION {
            return None;
        }
        *count += 1;
        Some(OpenStream { streams: self.clone(), session })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut counts = self.streams.0.lock();
        if let Some(count) = counts.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.session);
            }
        }
    }
}

/// What a stream reports from.
struct Source {
    reports: LiveReports,
    session: Session,
    state: WebState,
    /// Whether the browser has got the first report.
    is_started: bool,
    _open: OpenStream,
}

/// `GET /live`. The first report of each stream says that everything may have changed, because changes before it are
/// not reported. The stream ends with the session. `app::server` limits the number of streams, and ends them at a stop.
pub(super) async fn stream(
    State(state): State<WebState>,
    CurrentUser { session, .. }: CurrentUser,
) -> Result<Response, Error> {
    let Some(open) = state.live_streams.open(session.id()) else {
        let text = "This session has too many open pages.\n";
        return Ok((StatusCode::TOO_MANY_REQUESTS, text).into_response());
    };
    let reports = state.actions.live_reports().ok_or(Error::NotFound)?;
    let source = Source { reports, session, state, is_started: false, _open: open };
    let events = stream::unfold(source, |mut source| async {
        let event = source.next().await?;
        Some((Ok::<_, Infallible>(event), source))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    // nginx passes responses with this header on without buffering.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response())
}

impl Source {
    /// Waits for the next report. `None` if the session has ended.
    async fn next(&mut self) -> Option<Event> {
        if !self.is_started {
            self.is_started = true;
            let first = Event::default().data(LiveChanges::everything().to_json());
            return Some(first.retry(RECONNECT_DELAY));
        }
        loop {
            let changes = self.reports.next(SESSION_CHECK_INTERVAL).await;
            let is_active = self.session.is_active(&self.state).await;
            if !is_active.unwrap_or_else(|error| {
                tracing::debug!(%error, "ended a live stream, because its session could not be checked");
                false
            }) {
                return None;
            }
            if let Some(changes) = changes {
                return Some(Event::default().data(changes.to_json()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_session_can_open_a_limited_number_of_streams() {
        let streams = LiveStreams::default();
        let (ann, bo) = (SessionId::from(Uuid::from_u128(1)), SessionId::from(Uuid::from_u128(2)));
        let mut open: Vec<_> = (0..MAX_STREAMS_PER_SESSION)
            .map(|_| streams.open(ann).expect("below the limit"))
            .collect();
        assert!(streams.open(ann).is_none());
        assert!(streams.open(bo).is_some());
        open.pop();
        assert!(streams.open(ann).is_some());
        drop(open);
        assert!(streams.0.lock().is_empty());
    }
}

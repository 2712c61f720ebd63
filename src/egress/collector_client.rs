//! Sends traces to a collector. The operator configured its address, so the egress rules do not apply.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::exchange::USER_AGENT;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The HTTP client of the exporter, which calls it from a thread without a runtime.
pub struct CollectorClient {
    client: reqwest::Client,
    runtime: Handle,
    tasks: TaskTracker,
    is_failing: AtomicBool,
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorClient").finish_non_exhaustive()
    }
}

impl CollectorClient {
    /// Creates a client that runs on the current runtime.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new() -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "not a delivery: no egress rules")]
        let builder = reqwest::Client::builder().user_agent(USER_AGENT).timeout(REQUEST_TIMEOUT);
        // Spans are sent to no other address than the configured one.
        let client = builder.no_proxy().redirect(Policy::none()).build()?;
        let (runtime, tasks) = (Handle::current(), TaskTracker::new());
        Ok(Self { client, runtime, tasks, is_failing: AtomicBool::new(false) })
    }

    /// Logs the first failure after a success.
    fn report(&self, error: Option<&dyn fmt::Display>) {
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        if let Some(error) = error
            && !was_failing
        {
            tracing::warn!(error = %error, "could not export spans");
        }
    }
}

async fn send(
    client: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = request.into_parts();
    let url = head.uri.to_string();
    let sent = client.request(head.method, url).headers(head.headers).body(body).send().await?;
    let mut response = Response::builder().status(sent.status());
    if let Some(headers) = response.headers_mut() {
        *headers = sent.headers().clone();
    }
    Ok(response.body(sent.bytes().await?)?)
}

impl HttpClient for CollectorClient {
    fn send_bytes<'client, 'result>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'result>>
    where
        'client: 'result,
        Self: 'result,
    {
        Box::pin(async move {
            let sending = self.tasks.spawn_on(send(self.client.clone(), request), &self.runtime);
            let sent = sending.await.map_err(HttpError::from).and_then(|sent| sent);
            match &sent {
                Ok(response) if response.status().is_success() => self.report(None),
                Ok(response) => self.report(Some(&response.status())),
                Err(error) => self.report(Some(error)),
            }
            sent
        })
    }
}

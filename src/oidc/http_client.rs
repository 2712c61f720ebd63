//! The HTTP client of the protocol library: Gatepost's own, with its address rules. Redirects are not followed.

use std::pin::Pin;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use crate::egress::{Client, MAX_RESPONSE_BYTES, OutgoingRequest};
use crate::model::exchange::{RecordedParts, Response};
use crate::model::webhook::Tls;

/// Timeout of each request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the address \"{0}\" is not a URL")]
    Url(String),
    #[error("the address {0} uses http; use https, or set GATEPOST_ALLOW_HTTP to true")]
    PlainHttp(String),
    #[error("{host}: {summary}")]
    Failed { host: String, summary: String },
    #[error("{0}: the response is larger than 64 KiB")]
    TooLarge(String),
    #[error("{0}: the response cannot be read")]
    Unreadable(String),
}

/// Sends the requests to the provider.
#[derive(Debug)]
pub(super) struct ProviderClient {
    client: Client,
    tls: Tls,
    allow_http: bool,
}

impl ProviderClient {
    pub(super) fn new(client: Client, tls: Tls, allow_http: bool) -> Self {
        Self { client, tls, allow_http }
    }

    /// Whether an address of the provider uses HTTPS, or HTTP is allowed.
    pub(super) fn permits(&self, url: &Url) -> bool {
        url.scheme() == "https" || (self.allow_http && url.scheme() == "http")
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let address = head.uri.to_string();
        let url = Url::parse(&address).map_err(|_error| HttpError::Url(address.clone()))?;
        if !self.permits(&url) {
            return Err(HttpError::PlainHttp(address));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let headers = head.headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
        let outgoing = OutgoingRequest {
            method: head.method.as_str(),
            url: &url,
            headers: headers.collect(),
            body,
            timeout: REQUEST_TIMEOUT,
            tls: &self.tls,
            recorded: RecordedParts::default(),
        };
        let result = self.client.exchange(outgoing).await;
        if let Some(cause) = result.failure {
            return Err(HttpError::Failed { host, summary: cause.summary() });
        }
        let response =
            result.exchange.response.ok_or_else(|| HttpError::Unreadable(host.clone()))?;
        if response.truncated || response.body.len() > MAX_RESPONSE_BYTES {
            return Err(HttpError::TooLarge(host));
        }
        convert(response).ok_or(HttpError::Unreadable(host))
    }
}

fn convert(response: Response) -> Option<HttpResponse> {
    let mut converted = HttpResponse::new(response.body.into_bytes());
    *converted.status_mut() = http::StatusCode::from_u16(response.status).ok()?;
    for (name, value) in &response.headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        converted.headers_mut().append(name, HeaderValue::from_str(value).ok()?);
    }
    Some(converted)
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

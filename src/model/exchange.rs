//! The record of one HTTP exchange, as it is stored and shown: request, response, timings and certificate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::ResponseRedactor;
use super::sources::Timestamp;

/// One HTTP exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The response, if one was received.
    pub response: Option<Response>,
    /// Duration of each phase.
    pub timings: Timings,
    /// IP address and port of the connection.
    pub remote_address: Option<String>,
    /// The server's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

impl Exchange {
    /// Replaces the secrets that the response repeats. The request was recorded without.
    pub fn redact(&mut self, redactor: &ResponseRedactor) {
        if let Some(response) = &mut self.response {
            response.headers.iter_mut().for_each(|(_, value)| redactor.redact_in_place(value));
            redactor.redact_in_place(&mut response.body);
            if response.truncated {
                redactor.redact_end(&mut response.body);
            }
        }
    }
}

/// The request as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Full URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<String>,
}

/// What is recorded instead of the parts of a request that contain secrets. All other parts are recorded as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedParts {
    /// The full URL.
    pub url: Option<String>,
    /// The values of headers, each with the index of its header.
    pub headers: Vec<(usize, String)>,
    /// The body.
    pub body: Option<String>,
}

impl Request {
    /// Replaces the parts that contain secrets.
    pub fn record(&mut self, parts: RecordedParts) {
        if let Some(url) = parts.url {
            self.url = url;
        }
        for (index, value) in parts.headers {
            if let Some(header) = self.headers.get_mut(index) {
                header.1 = value;
            }
        }
        if parts.body.is_some() {
            self.body = parts.body;
        }
    }
}

/// The response as received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Protocol version, such as `HTTP/1.1`.
    pub version: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The part of the body that was read.
    pub body: String,
    /// Whether the body was longer than the part that was read.
    pub truncated: bool,
}

/// Duration of each phase, in microseconds. Phases that did not take place are `None`: a reused
/// connection needs no TLS handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Name resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// TCP connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the end of the request to the first byte of the response.
    pub wait_us: Option<u64>,
    /// Reading the response body.
    pub read_us: Option<u64>,
    /// The whole exchange.
    pub total_us: u64,
}

impl Timings {
    /// Duration of the whole exchange.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.total_us)
    }
}

/// Description of a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// DNS names and IP addresses that the certificate is valid for.
    pub names: Vec<String>,
    /// Start of the validity period.
    pub not_before: Timestamp,
    /// End of the validity period.
    pub not_after: Timestamp,
    /// SHA-256 of the DER form, as `AB:CD:…`.
    pub sha256: String,
    /// Whether the certificate is signed with its own key.
    pub self_signed: bool,
}

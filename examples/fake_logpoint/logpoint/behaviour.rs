//! Behaviours of the simulator: like Logpoint, like a failing front-end server, or in violation of HTTP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http::{Io, Response};

/// How the simulator handles a request. Only `Normal` and `Delay` change incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Handles the request like Logpoint.
    Normal,
    /// Reports success for any method, path and body.
    Accept,
    /// Responds with status 200 and a failure in the body: `{"success":false,"message":"Authentication Failed"}`.
    RejectWithStatus200,
    /// Responds with a status and a body.
    Status(u16, String),
    /// Responds with a status and `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// Redirects to a URL with status 307. A client that follows it sends the key again.
    Redirect(String),
    /// Handles the request like Logpoint after a delay.
    Delay(Duration),
    /// Sends the head of a response, and never its body.
    HangAfterHeaders,
    /// Reads the request, and never responds.
    HangBeforeResponse,
    /// Reads the request, and closes the connection.
    HangUp,
    /// Closes the connection after half of the body.
    CutBody,
    /// Sends a body that never ends.
    EndlessBody,
    /// Sends a body of this many bytes.
    HugeBody(u64),
    /// Sends a long body, one byte per second.
    Trickle,
    /// Accepts the connection, and never reads from it, not even a TLS handshake.
    NeverRead,
    /// Sends bytes that are not HTTP.
    Garbage,
    /// Responds with status 200 and HTML instead of JSON.
    NotJson,
}

/// The reply to a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// The response of Logpoint.
    Logpoint,
    /// A given response.
    Response(Response),
    /// A violation of HTTP.
    Broken(Broken),
}

/// A violation of HTTP.
#[derive(Debug, Clone, Copy)]
pub(super) enum Broken {
    HangAfterHeaders,
    HangBeforeResponse,
    HangUp,
    CutBody,
    EndlessBody,
    HugeBody(u64),
    Trickle,
    NeverRead,
    Garbage,
}

impl Behaviour {
    pub(super) async fn reply(self) -> Reply {
        Reply::Response(match self {
            Self::Normal => return Reply::Logpoint,
            Self::Delay(time) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the delay is the requested behaviour"
                )]
                tokio::time::sleep(time).await;
                return Reply::Logpoint;
            }
            Self::Accept => Response::verdict(true, "Accepted"),
            Self::RejectWithStatus200 => Response::verdict(false, "Authentication Failed"),
            Self::Status(status, body) => Response::text(status, body),
            Self::RetryAfter(status, seconds) => {
                Response::html(status).with("retry-after", seconds.to_string())
            }
            Self::Redirect(url) => Response::html(307).with("location", url),
            Self::NotJson => Response::html(200),
            Self::HangAfterHeaders => return Reply::Broken(Broken::HangAfterHeaders),
            Self::HangBeforeResponse => return Reply::Broken(Broken::HangBeforeResponse),
            Self::HangUp => return Reply::Broken(Broken::HangUp),
            Self::CutBody => return Reply::Broken(Broken::CutBody),
            Self::EndlessBody => return Reply::Broken(Broken::EndlessBody),
            Self::HugeBody(bytes) => return Reply::Broken(Broken::HugeBody(bytes)),
            Self::Trickle => return Reply::Broken(Broken::Trickle),
            Self::NeverRead => return Reply::Broken(Broken::NeverRead),
            Self::Garbage => return Reply::Broken(Broken::Garbage),
        })
    }
}

const FILLER: [u8; 16 * 1024] = [b'x'; 16 * 1024];

impl Broken {
    /// Description for the log.
    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::HangAfterHeaders => "200, then silence",
            Self::HangBeforeResponse => "silence",
            Self::HangUp => "closed without a response",
            Self::CutBody => "200, truncated",
            Self::EndlessBody => "200, endless",
            Self::HugeBody(_) => "200, huge",
            Self::Trickle => "200, one byte per second",
            Self::NeverRead => "not read",
            Self::Garbage => "garbage",
        }
    }

    /// Sends the invalid response. The connection cannot be used afterwards.
    pub(super) async fn run(self, stream: &mut impl Io) -> io::Result<()> {
        let response = Response::text(200, String::new());
        let head = |more: (&str, &str)| response.head(&[more, ("connection", "close")]);
        match self {
            Self::HangUp => Ok(()),
            Self::HangBeforeResponse => until_closed(stream).await,
            Self::HangAfterHeaders => {
                send(stream, head(("content-length", "100")).as_bytes()).await?;
                until_closed(stream).await
            }
            Self::CutBody => {
                let half = format!("{}{{\"success\":tr", head(("content-length", "26")));
                send(stream, half.as_bytes()).await
            }
            Self::EndlessBody => {
                send(stream, head(("transfer-encoding", "chunked")).as_bytes()).await?;
                let mut chunk = format!("{:x}\r\n", FILLER.len()).into_bytes();
                chunk.extend_from_slice(&FILLER);
                chunk.extend_from_slice(b"\r\n");
                // Ends when the client disconnects.
                loop {
                    send(stream, &chunk).await?;
                }
            }
            Self::HugeBody(bytes) => {
                send(stream, head(("content-length", &bytes.to_string())).as_bytes()).await?;
                let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
                while left > 0 {
                    let part = FILLER.get(..left).unwrap_or(&FILLER);
                    send(stream, part).await?;
                    left -= part.len();
                }
                stream.shutdown().await
            }
            Self::Trickle => {
                send(stream, head(("content-length", "3600")).as_bytes()).await?;
                let mut second = tokio::time::interval(Duration::from_secs(1));
                loop {
                    second.tick().await;
                    send(stream, b"x").await?;
                }
            }
            // Ends when the server is stopped.
            Self::NeverRead => std::future::pending().await,
            Self::Garbage => send(stream, b"\x00\xffSSH-2.0-this is not HTTP\r\n\r\n").await,
        }
    }
}

async fn send(stream: &mut impl Io, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn until_closed(stream: &mut impl Io) -> io::Result<()> {
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

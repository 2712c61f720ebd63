//! How the simulator can be told to behave: as Logpoint would, as a front-end does on a bad day, or
//! as no server should.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http::{Answer, Io};

/// What is done with one request. Scripted requests change no incident, except where Logpoint's own
/// answer is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As Logpoint would.
    Normal,
    /// Success, whatever is asked: any method, path and body.
    Accept,
    /// HTTP 200, and a no inside: `{"success":false,"message":"Authentication Failed"}`.
    RefuseInside200,
    /// A status and a body.
    Status(u16, String),
    /// A status and how many seconds to wait.
    RetryAfter(u16, u64),
    /// 307 to another URL: a client that follows it sends everything again, the key included.
    Redirect(String),
    /// As Logpoint would, but later.
    Delay(Duration),
    /// The head comes, the body never does.
    HangAfterHeaders,
    /// The request is taken, nothing comes.
    HangBeforeAnswer,
    /// The request is taken, the connection is closed.
    HangUp,
    /// Half of the promised body, then the connection is closed.
    CutBody,
    /// A body without an end.
    EndlessBody,
    /// A body of so many bytes.
    HugeBody(u64),
    /// A long body, a byte a second.
    Trickle,
    /// The connection is taken and nothing is ever read from it, not even a greeting.
    NeverRead,
    /// Bytes that are not HTTP.
    Garbage,
    /// HTTP 200 with a page where JSON should be.
    NotJson,
}

/// What a behaviour comes to.
#[derive(Debug)]
pub(super) enum Reply {
    /// What Logpoint says.
    Logpoint,
    /// Another answer.
    Answer(Answer),
    /// No answer that keeps to the rules.
    Broken(Broken),
}

/// A way of breaking HTTP.
#[derive(Debug, Clone, Copy)]
pub(super) enum Broken {
    HangAfterHeaders,
    HangBeforeAnswer,
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
        Reply::Answer(match self {
            Self::Normal => return Reply::Logpoint,
            Self::Delay(time) => {
                #[expect(clippy::disallowed_methods, reason = "to be slow is what was asked for")]
                tokio::time::sleep(time).await;
                return Reply::Logpoint;
            }
            Self::Accept => Answer::verdict(true, "Accepted"),
            Self::RefuseInside200 => Answer::verdict(false, "Authentication Failed"),
            Self::Status(status, body) => Answer::text(status, body),
            Self::RetryAfter(status, seconds) => {
                Answer::html(status).with("retry-after", seconds.to_string())
            }
            Self::Redirect(url) => Answer::html(307).with("location", url),
            Self::NotJson => Answer::html(200),
            Self::HangAfterHeaders => return Reply::Broken(Broken::HangAfterHeaders),
            Self::HangBeforeAnswer => return Reply::Broken(Broken::HangBeforeAnswer),
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
    /// What it does, for the log.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::HangAfterHeaders => "200, then silence",
            Self::HangBeforeAnswer => "silence",
            Self::HangUp => "closed without an answer",
            Self::CutBody => "200, cut off",
            Self::EndlessBody => "200, without end",
            Self::HugeBody(_) => "200, huge",
            Self::Trickle => "200, a byte a second",
            Self::NeverRead => "not read any more",
            Self::Garbage => "garbage",
        }
    }

    /// Breaks it. The connection is of no use afterwards.
    pub(super) async fn run(self, stream: &mut impl Io) -> io::Result<()> {
        let answer = Answer::text(200, String::new());
        let head = |more: (&str, &str)| answer.head(&[more, ("connection", "close")]);
        match self {
            Self::HangUp => Ok(()),
            Self::HangBeforeAnswer => until_closed(stream).await,
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
                // Ends when the client has gone away.
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
            // Whoever stops the server ends it.
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

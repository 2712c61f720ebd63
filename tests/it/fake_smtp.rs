//! A mail server that records what it receives (RFC 5321).

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A received mail.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Address of the recipient.
    pub(crate) to: String,
    /// Headers and text, decoded from quoted-printable.
    pub(crate) content: String,
}

/// The server, with one connection at a time.
pub(crate) struct FakeSmtp {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// Dropping it stops the server.
    _tasks: JoinSet<()>,
}

impl FakeSmtp {
    /// Starts a server that accepts mails for all addresses except those that begin with `unknown`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&mails);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client may close the connection at any time.
                let _ended = serve(stream, &received).await;
            }
        });
        Self { port, mails, _tasks: tasks }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().clone()
    }
}

async fn serve(stream: TcpStream, mails: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 mail.example.com\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let reply = match line.split([' ', ':']).next().unwrap_or_default() {
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let is_unknown = to.starts_with("unknown");
                if is_unknown { "550 no such mailbox" } else { "250 ok" }
            }
            "DATA" => {
                write.write_all(b"354 end with a dot\r\n").await?;
                let content = read_content(&mut lines).await?;
                mails.lock().push(Mail { to: to.clone(), content });
                "250 accepted"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

async fn read_content(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> std::io::Result<String> {
    let mut content = String::new();
    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
        content += line.strip_prefix("..").unwrap_or(&line);
        content.push('\n');
    }
    // Soft line breaks and equals signs of quoted-printable (RFC 2045, section 6.7).
    Ok(content.replace("=\n", "").replace("=3D", "="))
}

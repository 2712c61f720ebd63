//! Sends mails through the mail server of the settings.

use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use crate::config::{SmtpEncryption, SmtpSettings};

/// A page waits for the server at most this long, because the user waits with it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Name of the sender.
const SENDER_NAME: &str = "Gatepost";

/// Sends mails.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is invalid.
    #[error("\"{address}\" is not a mail address")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// A header of the mail is invalid.
    #[error("the mail could not be written")]
    Message(#[from] lettre::error::Error),
    /// The server cannot be reached, or has rejected the mail.
    #[error("the mail server did not accept the mail")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl Mailer {
    /// Connects to nothing until a mail is sent.
    ///
    /// # Errors
    /// If the sender's address or the server's name is invalid.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let tls = || TlsParameters::new(settings.host.clone());
        let tls = match settings.encryption {
            SmtpEncryption::Tls => Tls::Wrapper(tls()?),
            SmtpEncryption::StartTls => Tls::Required(tls()?),
            SmtpEncryption::None => Tls::None,
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(TIMEOUT));
        if let Some((user, password)) = &settings.credentials {
            let password = password.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        let from = Mailbox::new(Some(SENDER_NAME.to_owned()), address(&settings.from)?);
        Ok(Self { transport: transport.build(), from })
    }

    /// Sends a mail with a plain text.
    ///
    /// # Errors
    /// If the recipient's address is invalid, or the server does not accept the mail within 10 seconds.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> Result<(), MailError> {
        let mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address(to)?))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)?;
        self.transport.send(mail).await?;
        Ok(())
    }
}

fn address(text: &str) -> Result<Address, MailError> {
    text.parse().map_err(|source| MailError::Address { address: text.to_owned(), source })
}

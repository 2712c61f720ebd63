//! Mails.

use gatepost::config::{SmtpEncryption, SmtpSettings};
use gatepost::mail::{MailError, Mailer};

use crate::fake_smtp::FakeSmtp;

pub(crate) fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        encryption: SmtpEncryption::None,
        credentials: None,
        from: "gatepost@example.com".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_arrives_with_its_text() {
    let smtp = FakeSmtp::start().await;
    let mailer = Mailer::new(&settings(smtp.port)).unwrap();
    let text = "Open https://gatepost.example.com/invitation?x=1#abc to set a password.".to_owned();
    mailer.send("eve@example.com", "Invitation to Gatepost", text.clone()).await.unwrap();
    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "eve@example.com");
    assert!(mails[0].content.contains("From: Gatepost <gatepost@example.com>"), "{mails:?}");
    assert!(mails[0].content.contains(&text), "{mails:?}");
}

#[tokio::test]
async fn a_mail_that_is_not_accepted_is_an_error() {
    let smtp = FakeSmtp::start().await;
    let mailer = Mailer::new(&settings(smtp.port)).unwrap();
    let send = async |mailer: &Mailer, to: &str| mailer.send(to, "x", "x".to_owned()).await;
    assert!(matches!(send(&mailer, "unknown@example.com").await, Err(MailError::Server(_))));
    assert!(matches!(send(&mailer, "eve").await, Err(MailError::Address { .. })));
    // Without TLS, nothing is sent where TLS is required.
    for encryption in [SmtpEncryption::StartTls, SmtpEncryption::Tls] {
        let mailer = Mailer::new(&SmtpSettings { encryption, ..settings(smtp.port) }).unwrap();
        assert!(matches!(send(&mailer, "eve@example.com").await, Err(MailError::Server(_))));
    }
    assert!(smtp.mails().is_empty());
}

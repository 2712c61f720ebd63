//! Invitations by mail.

use crate::fake_smtp::FakeSmtp;
use crate::mail::settings;
use crate::support::TestApp;

#[tokio::test]
async fn an_invitation_is_mailed_or_shown_if_the_mail_is_not_accepted() {
    let smtp = FakeSmtp::start().await;
    let app = TestApp::start_with(|config| config.smtp = Some(settings(smtp.port))).await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    let mailed = ann.post("/users", &[("email", "eve@example.com"), ("role", "editor")]).await;
    assert_eq!(mailed.location(), "/users");
    assert!(ann.get("/users").await.text("#toasts").contains("Mailed an invitation to eve"));
    let mails = smtp.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "eve@example.com"));
    let start = app.url("/invitation#");
    let rest = mails[0].content.split_once(&start).unwrap().1;
    let mut words = rest.split_whitespace();
    let code = words.next().unwrap();
    assert!(words.any(|word| word == code), "the code stands alone, too: {}", mails[0].content);
    let mut eve = app.anonymous();
    eve.get("/invitation").await;
    let form = eve.post("/invitation", &[("code", code)]).await;
    assert_eq!(form.attribute("#email", "value").unwrap(), "eve@example.com");

    // The fake server knows no such user.
    ann.get("/users/new").await;
    let shown = ann.post("/users", &[("email", "unknown@example.com"), ("role", "viewer")]).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text("[role=alert]").contains("was not mailed"));
    assert!(shown.text("#link").starts_with(&start));
    app.finish().await;
}

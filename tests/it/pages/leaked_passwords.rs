//! Pages on which a password is set reject leaked ones.

use crate::support::TestApp;
use crate::support::app::PASSWORD;
use crate::support::process::directory;

/// Hard to guess, and in the embedded list.
const LEAKED: &str = "0a3y4g9j8s3l0j0jh93k";
/// Only in the file of the test: its hash is the line below.
const LEAKED_IN_FILE: &str = "purple kayak on a quiet lake";
const LINE: &str = "5D1FC2EED053266AED294D10739DCFF6367B27C9:3";
const MESSAGE: &str = "This password is in lists of leaked passwords. Choose another one.";

fn twice(password: &str) -> [(&str, &str); 2] {
    [("password", password), ("password_again", password)]
}

#[tokio::test]
async fn leaked_passwords_are_rejected_wherever_one_is_set() {
    let directory = directory();
    let file = directory.path().join("pwned.txt");
    std::fs::write(&file, LINE).unwrap();
    let path = file.clone();
    let app = TestApp::start_with(move |config| config.leaked_passwords_file = Some(path)).await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    let invited = ann.post("/users", &[("email", "ben@example.com"), ("role", "editor")]).await;
    let code = invited.text("#code");
    let mut ben = app.anonymous();
    for password in [LEAKED, LEAKED_IN_FILE] {
        ann.get("/account").await;
        let fields = [&[("current_password", PASSWORD)][..], &twice(password)].concat();
        let changed = ann.post("/account/password", &fields).await;
        assert_eq!((changed.status, changed.text("#password-error").as_str()), (422, MESSAGE));
        ben.get("/invitation").await;
        let fields = [&[("code", code.as_str())][..], &twice(password)].concat();
        let set = ben.post("/invitation", &fields).await;
        assert_eq!((set.status, set.text("#password-error").as_str()), (422, MESSAGE));
    }

    // What cannot be checked is not accepted.
    std::fs::remove_file(&file).unwrap();
    let fields = [&[("code", code.as_str())][..], &twice("another long password here")].concat();
    let unchecked = ben.post("/invitation", &fields).await;
    assert_eq!(unchecked.status, 422);
    let message = unchecked.text("#password-error");
    assert!(message.contains("Ask an administrator to check GATEPOST_LEAKED_PASSWORDS_FILE"));
    std::fs::write(&file, LINE).unwrap();
    assert_eq!(ben.post("/invitation", &fields).await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn setup_rejects_a_leaked_password() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let code = app.setup_code.clone().unwrap();
    let mut bo = app.anonymous();
    bo.get("/setup").await;
    let who = [("code", code.as_str()), ("email", "bo@example.com")];
    let seen = bo.post("/setup", &[&who[..], &twice(LEAKED)].concat()).await;
    assert_eq!((seen.status, seen.text("#password-error").as_str()), (422, MESSAGE));
    app.finish().await;
}

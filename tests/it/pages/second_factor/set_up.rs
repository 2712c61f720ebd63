//! Setting up a second factor, new recovery codes, and turning it off.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost::identity::Role;

use super::{EMAIL, PASSWORD, enter_code, enter_password, is_signed_in, recorded, start};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;

#[tokio::test]
async fn a_second_factor_is_set_up_with_the_secret_of_the_page() {
    let app = TestApp::start().await;
    let (mut ann, mut elsewhere) = (app.admin().await, app.admin().await);
    let mut ben = app.user(Role::Viewer).await;
    let before = recorded(&app, 0).await.len();
    let account = ann.get("/account").await;
    assert!(account.texts("section h2 + .badge").contains(&"Off".to_owned()));
    let page = ann.get("/account/two-factor/new").await;
    let secret = page.text("#secret");
    assert_eq!(secret.len(), 32 + 7, "{secret}");
    let link = page.attribute("a[href^='otpauth:']", "href").unwrap();
    let encoded = EMAIL.replace('@', "%40");
    let plain = secret.replace(' ', "");
    assert_eq!(link, format!("otpauth://totp/Gatepost:{encoded}?secret={plain}&issuer=Gatepost"));
    assert_eq!(page.attribute("svg.qr-code", "role").unwrap(), "img");

    let device = Authenticator::new(&secret);
    let proposed = page.attribute("input[name=proposed]", "value").unwrap();
    let wrong =
        ann.post("/account/two-factor/new", &[("proposed", &proposed), ("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#code-error").contains("not the code of this secret"));
    // The secret stays, so that it need not be scanned again.
    assert_eq!(wrong.text("#secret"), secret);
    let done = device.confirm(&app, &mut ann, &wrong).await;
    assert_eq!((done.status, done.text("h1").as_str()), (200, "Recovery codes"));
    assert_eq!(done.attribute("a.button.primary", "href").unwrap(), "/account");
    let codes: BTreeSet<String> = done.text("#codes").split(' ').map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    let file = done.attribute("a[download]", "href").unwrap();
    let file = percent_encoding::percent_decode_str(&file).decode_utf8().unwrap();
    assert!(codes.iter().all(|code| file.contains(&format!("\r\n{code}\r\n"))), "{file}");
    let account = ann.get("/account").await;
    assert!(account.body.contains("10 of 10 recovery codes are left"));
    assert!(!account.body.contains(&plain) && !account.body.contains(&secret));
    // Sessions that started without it have ended, but not those of other users.
    assert!(!is_signed_in(&mut elsewhere).await);
    assert!(is_signed_in(&mut ben).await);
    assert_eq!(recorded(&app, before).await, ["second_factor.enabled"]);
    let again = ann.get("/account/two-factor/new").await;
    assert_eq!(again.location(), "/account");
    app.finish().await;
}

#[tokio::test]
async fn neither_the_secret_nor_the_codes_are_stored_in_clear_text() {
    let (app, _ann, device) = start().await;
    let pool = app.database.pool();
    let (sealed, hashes): (Vec<u8>, Vec<Vec<u8>>) =
        sqlx::query_as("select sealed, array(select hash from recovery_codes) from second_factors")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((sealed.len(), hashes.len()), (29 + 52 + 16, 10));
    let audit: Vec<String> =
        sqlx::query_scalar("select detail from audit_log").fetch_all(pool).await.unwrap();
    for code in &device.recovery_codes {
        assert!(audit.iter().all(|detail| !detail.contains(code)));
        let plain = code.replace('-', "");
        assert!(hashes.iter().all(|hash| hash.len() == 32 && !hash.ends_with(plain.as_bytes())));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_proposed_secret_expires_and_is_of_use_only_to_its_user() {
    let app = TestApp::start().await;
    let (mut ann, mut ben) = (app.admin().await, app.user(Role::Viewer).await);
    let page = ann.get("/account/two-factor/new").await;
    let device = Authenticator::new(&page.text("#secret"));
    ben.get("/account").await;
    let foreign = device.confirm(&app, &mut ben, &page).await;
    assert_eq!(foreign.status, 422);
    assert!(foreign.text("#code-error").contains("had expired"));
    assert_ne!(foreign.text("#secret"), page.text("#secret"));
    app.clock.advance(Duration::from_mins(61));
    let confirm = device.confirm(&app, &mut ann, &page).await;
    // The password was entered more than 15 minutes ago, too.
    assert_eq!((confirm.status, confirm.text("h1").as_str()), (401, "Confirm your password"));
    let proposed = page.attribute("input[name=proposed]", "value").unwrap();
    let code = device.next_code(&app);
    let fields = [("proposed", &*proposed), ("code", &code), ("confirmed_password", PASSWORD)];
    let late = ann.post("/account/two-factor/new", &fields).await;
    assert!(late.text("#code-error").contains("had expired"));
    let count: i64 = sqlx::query_scalar("select count(*) from second_factors")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(count, 0);
    app.finish().await;
}

#[tokio::test]
async fn every_change_requires_a_recent_password_and_a_form_of_the_session() {
    let (app, mut ann, device) = start().await;
    let code = device.next_code(&app);
    for path in ["/account/two-factor/off", "/account/two-factor/recovery-codes"] {
        let foreign = ann.post(path, &[("code", &code), ("csrf", "wrong")]).await;
        assert_eq!(foreign.status, 403, "{path}");
    }
    app.clock.advance(Duration::from_mins(16));
    let code = device.next_code(&app);
    ann.get("/account/two-factor/off").await;
    for path in ["/account/two-factor/off", "/account/two-factor/recovery-codes"] {
        let asked = ann.post(path, &[("code", &code)]).await;
        assert_eq!((asked.status, asked.text("h1").as_str()), (401, "Confirm your password"));
        assert_eq!(asked.attribute("input[name=code]", "value").unwrap(), code);
    }
    let fields = [("code", code.as_str()), ("confirmed_password", PASSWORD)];
    assert_eq!(ann.post("/account/two-factor/off", &fields).await.location(), "/account");
    app.finish().await;
}

#[tokio::test]
async fn new_recovery_codes_and_turning_off_need_a_code() {
    let (app, mut ann, device) = start().await;
    let before = recorded(&app, 0).await.len();
    ann.get("/account/two-factor/recovery-codes").await;
    let wrong = ann.post("/account/two-factor/recovery-codes", &[("code", "123")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#code-error").contains("wrong or was used before"));
    let code = device.next_code(&app);
    let renewed = ann.post("/account/two-factor/recovery-codes", &[("code", &code)]).await;
    assert_eq!(renewed.status, 200);
    let renewed: Vec<String> = renewed.text("#codes").split(' ').map(str::to_owned).collect();
    assert!(device.recovery_codes.iter().all(|old| !renewed.contains(old)));

    ann.get("/account/two-factor/off").await;
    // A used code and a replaced recovery code are wrong.
    for wrong in [code.as_str(), &device.recovery_codes[0], ""] {
        assert_eq!(ann.post("/account/two-factor/off", &[("code", wrong)]).await.status, 422);
    }
    let done = ann.post("/account/two-factor/off", &[("code", &renewed[0])]).await;
    assert_eq!(done.location(), "/account");
    assert!(ann.get("/account").await.text("#toasts").contains("Two-factor authentication is off"));
    assert_eq!(
        recorded(&app, before).await,
        [
            "second_factor.failed",
            "recovery_codes.renewed",
            "second_factor.failed",
            "second_factor.failed",
            "second_factor.failed",
            "recovery_code.used",
            "second_factor.disabled"
        ]
    );
    app.admin().await;
    // Without a second factor, there is nothing to change.
    for path in ["/account/two-factor/off", "/account/two-factor/recovery-codes"] {
        assert_eq!(ann.get(path).await.location(), "/account");
        assert_eq!(ann.post(path, &[("code", "123456")]).await.location(), "/account");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_code_of_the_old_secret_is_wrong_after_setting_up_again() {
    let (app, mut ann, old) = start().await;
    ann.get("/account/two-factor/off").await;
    let code = old.next_code(&app);
    assert_eq!(ann.post("/account/two-factor/off", &[("code", &code)]).await.status, 303);
    let device = Authenticator::enrol(&app, &mut ann).await;
    let mut again = enter_password(&app).await;
    assert_eq!(enter_code(&mut again, &old.next_code(&app)).await.status, 422);
    assert_eq!(enter_code(&mut again, &old.recovery_codes[0]).await.status, 422);
    assert_eq!(enter_code(&mut again, &device.next_code(&app)).await.location(), "/webhooks");
    app.finish().await;
}

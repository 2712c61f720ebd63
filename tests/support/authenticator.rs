//! An authenticator app, with the recovery codes of its user.

use std::time::Duration;

use gatepost::model::Timestamp;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::TestApp;
use super::user::{TestResponse, TestUser};

/// Seconds of a step.
const STEP_SECONDS: i64 = 30;

/// An app that was set up with the secret of a page.
#[derive(Debug, Clone)]
pub(crate) struct Authenticator {
    pub(crate) totp: Totp,
    pub(crate) recovery_codes: Vec<String>,
}

impl Authenticator {
    /// Reads the secret as it is shown.
    pub(crate) fn new(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
        // Like an app that reads the link, which names the hash of a longer secret.
        let is_longer = secret.as_bytes().len() == 32;
        let algorithm = if is_longer { Algorithm::SHA256 } else { Algorithm::SHA1 };
        let builder = Builder::new().with_algorithm(algorithm).with_secret(secret);
        let totp = builder.build().unwrap();
        Self { totp, recovery_codes: Vec::new() }
    }

    /// Sets up the second factor of a signed-in user.
    pub(crate) async fn enrol(app: &TestApp, user: &mut TestUser) -> Self {
        let page = user.get("/account/two-factor/new").await;
        let app_on_device = Self::new(&page.text("#secret"));
        let done = app_on_device.confirm(app, user, &page).await;
        app_on_device.with_recovery_codes(&done)
    }

    /// Sets up the second factor of a user of a server whose clock cannot be moved.
    pub(crate) async fn enrol_at(now: Timestamp, user: &mut TestUser) -> Self {
        let page = user.get("/account/two-factor/new").await;
        let app_on_device = Self::new(&page.text("#secret"));
        let proposed = page.attribute("input[name=proposed]", "value").unwrap();
        let fields = [("proposed", proposed.as_str()), ("code", &app_on_device.code_at(now))];
        let done = user.post("/account/two-factor/new", &fields).await;
        app_on_device.with_recovery_codes(&done)
    }

    fn with_recovery_codes(self, page: &TestResponse) -> Self {
        assert_eq!(page.status, 200, "{}", page.body);
        let codes = page.text("#codes");
        Self { recovery_codes: codes.split(' ').map(str::to_owned).collect(), ..self }
    }

    /// Submits the form of a page with a secret.
    pub(crate) async fn confirm(
        &self,
        app: &TestApp,
        user: &mut TestUser,
        page: &TestResponse,
    ) -> TestResponse {
        let (fields, code) = (page.fields("form[action$='/new']"), self.next_code(app));
        let kept = fields.iter().filter(|(name, _)| name != "code" && name != "csrf");
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = kept.chain([("code", code.as_str())]).collect();
        user.post("/account/two-factor/new", &fields).await
    }

    /// Returns the code of a time.
    pub(crate) fn code_at(&self, time: Timestamp) -> String {
        self.totp.generate(u64::try_from(time.timestamp()).unwrap()).to_string()
    }

    /// Moves the clock to the start of the next step, and returns its code, which was never used.
    pub(crate) fn next_code(&self, app: &TestApp) -> String {
        let now = app.clock.sources().now().timestamp();
        let wait = STEP_SECONDS - now.rem_euclid(STEP_SECONDS);
        app.clock.advance(Duration::from_secs(u64::try_from(wait).unwrap()));
        self.code_at(app.clock.sources().now())
    }
}

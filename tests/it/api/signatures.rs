//! Events that senders sign, besides a token or instead of it.

use std::process::Command;
use std::time::Duration;

use gatepost::actions::{IssuedToken, NewToken};
use gatepost::identity::Scope;
use gatepost::model::Actor;
use gatepost::model::sender_key::SenderScheme::{self, HmacSha256, StandardWebhooks};
use gatepost::model::signature::{SignatureScheme, SignedMessage, SigningKey};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::process::{gatepost, with_database};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event, http};

/// A sender that signs.
#[derive(Debug, Clone)]
struct Sender {
    url: String,
    scheme: SenderScheme,
    token: Option<String>,
    key: String,
}

impl Sender {
    async fn new(app: &TestApp, scheme: SenderScheme, replaces_token: bool) -> Self {
        let signature = Some((scheme, replaces_token));
        let name = format!("{scheme:?} {replaces_token}");
        let new = NewToken { name: &name, scope: Scope::Events, lifetime: None, signature };
        let issued = app.actions.issue_token(new, &Actor::COMMAND_LINE).await.unwrap();
        let IssuedToken { text, key } = issued;
        assert_eq!(text.is_none(), replaces_token);
        let token = text.map(|text| text.reveal().to_owned());
        let key = key.unwrap().expose().to_owned();
        Self { url: app.url("/api/v1/events"), scheme, token, key }
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let message = SignedMessage { id, timestamp, body: body.as_bytes() };
        match self.scheme {
            StandardWebhooks => {
                SigningKey::parse(SignatureScheme::V1, &self.key).unwrap().sign(&message)
            }
            HmacSha256 => {
                let key =
                    aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.key.as_bytes());
                let tag = aws_lc_rs::hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
                let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap();
                tag.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
            }
        }
    }

    fn request(&self, id: &str, timestamp: i64, signature: &str, body: &str) -> RequestBuilder {
        let request = http().post(&self.url).header("content-type", "application/json");
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = match self.scheme {
            StandardWebhooks => request
                .header("webhook-id", id)
                .header("webhook-timestamp", timestamp)
                .header("webhook-signature", signature),
            HmacSha256 => request
                .header("x-gatepost-timestamp", timestamp)
                .header("x-gatepost-signature", format!("sha256={signature}")),
        };
        request.body(body.to_owned())
    }

    /// Signs and sends.
    async fn send(&self, id: &str, body: &str) -> Response {
        let now = now();
        self.request(id, now, &self.sign(id, now, body), body).send().await.unwrap()
    }
}

fn now() -> i64 {
    gatepost::app::system_sources().now().timestamp()
}

async fn detail(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.json::<Value>().await.unwrap()["detail"].as_str().unwrap().to_owned())
}

async fn stored(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from events");
    count.fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn signed_events_are_accepted_and_repeated_ones_send_nothing() {
    let Scenario { app, logpoint, .. } = Scenario::start().await;
    for (index, (scheme, replaces_token)) in [
        (StandardWebhooks, false),
        (StandardWebhooks, true),
        (HmacSha256, false),
        (HmacSha256, true),
    ]
    .into_iter()
    .enumerate()
    {
        let sender = Sender::new(&app, scheme, replaces_token).await;
        app.advance(Duration::from_secs(2)).await;
        let now = now();
        let body = event("Granted", &index.to_string()).to_string();
        let signature = sender.sign("msg_1", now, &body);
        // Exactly the same request three times, as an attacker who recorded it would send it.
        for is_repeated in [false, true, true] {
            let accepted = sender.request("msg_1", now, &signature, &body).send().await.unwrap();
            assert_eq!(accepted.status(), 202, "{sender:?}");
            let accepted: Value = accepted.json().await.unwrap();
            assert_eq!(accepted["events"][0]["duplicate"], is_repeated, "{sender:?}");
        }
        // An array has one id for all events.
        let array =
            json!([event("Created", &format!("a{index}")), event("Failed", &format!("b{index}"))]);
        for is_repeated in [false, true] {
            let accepted = sender.send("msg_2", &array.to_string()).await;
            let accepted: Value = accepted.json().await.unwrap();
            for event in accepted["events"].as_array().unwrap() {
                assert_eq!(event["duplicate"], is_repeated, "{sender:?}");
            }
        }
        app.wait_for("delivered", i64::try_from(2 * (index + 1)).unwrap()).await;
    }
    assert_eq!(logpoint.requests().len(), 8, "four granted and four created");
    let mut ann = app.admin().await;
    let page = ann.get("/tokens").await;
    let mut shown = page.texts("[data-label=Signature]");
    shown.sort();
    let described = [
        "HMAC-SHA256",
        "HMAC-SHA256, no token",
        "Standard Webhooks",
        "Standard Webhooks, no token",
        "–",
    ];
    assert_eq!(shown, described);
    let used = page.texts("[data-label='Last used']");
    let used = used.iter().filter(|text| text.contains("from 127.0.0.1"));
    assert_eq!(used.count(), 4, "their use is recorded");
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_is_not_signed_correctly_is_rejected() {
    let Scenario { app, token: unsigned, .. } = Scenario::start().await;
    let before = stored(&app).await;
    for (scheme, replaces_token) in [
        (StandardWebhooks, false),
        (StandardWebhooks, true),
        (HmacSha256, false),
        (HmacSha256, true),
    ] {
        let sender = Sender::new(&app, scheme, replaces_token).await;
        app.advance(Duration::from_secs(2)).await;
        let body = event("Expired", "1").to_string();
        let now = now();
        let right = sender.sign("msg_1", now, &body);
        let other = Sender {
            key: sender.key.replace(sender.key.get(6..8).unwrap(), "zz"),
            ..sender.clone()
        };
        let changed = body.replace("Expired", "Expired ");
        let (old, early) = (now - 400, now + 400);
        for (id, timestamp, signature, body, words) in [
            ("msg_1", now, right.clone(), &changed, "not a signature"),
            ("msg_1", now - 1, right.clone(), &body, "not a signature"),
            ("msg_1", now, other.sign("msg_1", now, &body), &body, "not a signature"),
            ("msg_1", now, "v1,AAAA".to_owned(), &body, "not a signature"),
            ("msg_1", now, String::new(), &body, "not a signature"),
            ("msg_1", old, sender.sign("msg_1", old, &body), &body, "seconds in the past"),
            ("msg_1", early, sender.sign("msg_1", early, &body), &body, "seconds in the future"),
            ("msg_1", i64::MIN, right.clone(), &body, "in the past"),
            ("msg_1", now * 1000, right.clone(), &body, "is in milliseconds"),
        ] {
            let response = sender.request(id, timestamp, &signature, body).send().await.unwrap();
            let (status, detail) = detail(response).await;
            assert_eq!(status, 401, "{sender:?} {detail}");
            assert!(detail.contains(words), "{sender:?} {words}: {detail}");
        }
        if scheme == StandardWebhooks {
            for (id, words) in [("msg_2", "not a signature"), ("", "Send the headers")] {
                let response = sender.request(id, now, &right, &body).send().await.unwrap();
                let (status, detail) = detail(response).await;
                assert!(status == 401 && detail.contains(words), "{detail}");
            }
        }
        let with_key = sender.request("msg_1", now, &right, &body).header("idempotency-key", "x");
        let (status, detail) = detail(with_key.send().await.unwrap()).await;
        assert!(status == 422 && detail.contains("Idempotency-Key"), "{status} {detail}");
        if let Some(token) = &sender.token {
            let (status, problem) = app.send(token, &event("Granted", "1")).await;
            assert_eq!(status, 401);
            assert!(
                problem["detail"].as_str().unwrap().contains("requires a signature"),
                "{problem}"
            );
        }
    }
    assert_eq!(stored(&app).await, before, "nothing was stored");
    // Other senders need no signature.
    assert_eq!(app.send(&unsigned, &event("Expired", "1")).await.0, 202);
    app.finish().await;
}

/// The time of one scheme does not make a recorded signature of the other scheme fresh.
#[tokio::test]
async fn an_old_signature_is_not_accepted_with_the_headers_of_another_scheme() {
    let Scenario { app, .. } = Scenario::start().await;
    let _standard = Sender::new(&app, StandardWebhooks, true).await;
    let plain = Sender::new(&app, HmacSha256, true).await;
    app.advance(Duration::from_secs(2)).await;
    let body = event("Expired", "1").to_string();
    let old = now() - 400;
    let recorded = plain.request("", old, &plain.sign("", old, &body), &body);
    let fresh = recorded
        .header("webhook-id", "x")
        .header("webhook-timestamp", now())
        .header("webhook-signature", "v1,AAAA");
    let (status, problem) = detail(fresh.send().await.unwrap()).await;
    assert!(status == 401 && problem.contains("not a signature"), "{status} {problem}");
    app.finish().await;
}

/// An attacker without a key cannot make the server hash a large body thousands of times.
#[tokio::test]
async fn many_signatures_of_a_large_body_are_rejected_at_once() {
    let Scenario { app, token, .. } = Scenario::start().await;
    let sender = Sender::new(&app, StandardWebhooks, true).await;
    app.advance(Duration::from_secs(2)).await;
    let body = " ".repeat(4 * 1024 * 1024);
    let signatures = "v1, ".repeat(12_000);
    let attack = sender.request("x", now(), signatures.trim(), &body).send();
    let (attacked, other) =
        tokio::join!(attack, async { app.send(&token, &event("Expired", "1")).await.0 });
    assert_eq!(attacked.unwrap().status(), 401);
    assert_eq!(other, 202);
    app.finish().await;
}

/// A key that cannot be read rejects its sender, and no other.
#[tokio::test]
async fn a_key_of_another_master_key_stops_only_its_sender() {
    let Scenario { app, token, .. } = Scenario::start().await;
    let sender = Sender::new(&app, StandardWebhooks, false).await;
    let spoil = "update sender_keys set sealed = sealed || '\\x00'::bytea";
    sqlx::query(spoil).execute(app.database.pool()).await.unwrap();
    app.advance(Duration::from_secs(2)).await;
    let body = event("Expired", "1").to_string();
    assert_eq!(sender.send("msg_1", &body).await.status(), 401);
    assert_eq!(app.send(&token, &event("Expired", "2")).await.0, 202);
    app.finish().await;
}

/// A key that requires its token does not replace it, and a revoked one is useless.
#[tokio::test]
async fn keys_are_used_only_as_they_were_created() {
    let Scenario { app, .. } = Scenario::start().await;
    let body = event("Expired", "1").to_string();
    let both = Sender::new(&app, StandardWebhooks, false).await;
    let alone = Sender { token: None, ..both.clone() };
    let (status, problem) = detail(alone.send("msg_1", &body).await).await;
    assert!(
        status == 401 && problem.contains("no key for Standard Webhooks without a token"),
        "{problem}"
    );
    let only = Sender::new(&app, StandardWebhooks, true).await;
    app.advance(Duration::from_secs(2)).await;
    let (status, problem) = detail(alone.send("msg_1", &body).await).await;
    assert!(status == 401 && problem.contains("not a signature"), "{problem}");
    assert_eq!(only.send("msg_1", &body).await.status(), 202);
    let name = "StandardWebhooks true";
    app.actions.revoke_token_by_name(name, &Actor::COMMAND_LINE).await.unwrap();
    app.advance(Duration::from_secs(2)).await;
    assert_eq!(only.send("msg_2", &body).await.status(), 401);
    app.finish().await;
}

/// The page and the command create keys, and the page's example works as it is.
#[tokio::test]
async fn the_example_of_the_page_is_accepted() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    for (scheme, only) in [
        ("standard-webhooks", ""),
        ("standard-webhooks", "true"),
        ("hmac-sha256", ""),
        ("hmac-sha256", "true"),
    ] {
        let name = format!("{scheme}{only}");
        let fields = [
            ("name", name.as_str()),
            ("scope", "events"),
            ("expires", "90"),
            ("signature", scheme),
            ("signature_only", only),
        ];
        let created = ann.post("/tokens", &fields).await;
        assert_eq!(created.status, 200, "{}", created.body);
        assert_eq!(created.texts("#token").len(), usize::from(only.is_empty()));
        assert_eq!(created.texts("#key").len(), 1);
        app.advance(Duration::from_secs(2)).await;
        let script = created.typed("curl");
        let mut shell = Command::new("bash");
        // The clock of the application was moved.
        shell.args(["-euc", &format!("{script} --fail-with-body --silent --show-error")]);
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{script}\n{output:?}");
    }
    let wrong = [("name", "X"), ("scope", "read"), ("expires", "90"), ("signature", "hmac-sha256")];
    let rejected = ann.post("/tokens", &wrong).await;
    assert_eq!(rejected.status, 422);
    assert!(rejected.text("#signature-error").contains("events"));
    assert_eq!(rejected.attribute("#name", "value").unwrap(), "X");
    assert_eq!(rejected.attribute("[autofocus]", "id").unwrap(), "signature");

    for (arguments, lines) in [
        (["--signature", "hmac-sha256"].as_slice(), 2),
        (&["--signature", "standard-webhooks", "--signature-only"], 1),
    ] {
        let mut command = with_database(gatepost(), app.database.url());
        command.args(["token", "create", &format!("by command {lines}")]).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.lines().count(), lines, "{printed}");
        let explained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(explained.contains("second one the signing key"), lines == 2, "{explained}");
        assert!(explained.contains("does not expire"), "{explained}");
    }
    let mut command = with_database(gatepost(), app.database.url());
    command.args(["token", "list"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let (with_token, alone) = ("HMAC-SHA256  ", "Standard Webhooks, no token  ");
    assert!(listed.contains(with_token) && listed.contains(alone), "{listed}");
    app.finish().await;
}

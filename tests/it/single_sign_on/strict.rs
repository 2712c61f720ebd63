//! Strict mode accepts only long keys and signatures with PSS, and single sign-on replaces the second factor.

use aws_lc_rs::rsa::KeySize;
use gatepost::model::SecurityPolicy;
use serde_json::json;

use super::fake_provider::{Behaviour, Signature};
use super::rsa::RsaKey;
use super::{sign_in, start_with};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::authenticator::Authenticator;

/// Whether a token with a signature is accepted, in strict mode and without it, and a part of the page if not.
const CASES: [(Signature, bool, bool, &str); 5] = [
    (Signature::Right, true, true, ""),
    (Signature::Rsa("long", "PS256"), true, true, ""),
    (Signature::Rsa("long", "RS256"), false, true, "signed with RS256, which strict mode"),
    (
        Signature::Rsa("short", "PS256"),
        false,
        true,
        "RSA key of 2048 bits, and strict mode requires",
    ),
    (Signature::Rsa("short", "RS256"), false, true, "signed with RS256, which strict mode"),
];

#[tokio::test]
async fn tokens_with_short_keys_or_old_padding_are_rejected_with_the_reason() {
    for policy in [SecurityPolicy::STRICT, SecurityPolicy::default()] {
        let (app, provider) = start_with(|config| config.policy = policy).await;
        provider.add_rsa(RsaKey::new("short", KeySize::Rsa2048));
        provider.add_rsa(RsaKey::new("long", KeySize::Rsa3072));
        for (signature, in_strict_mode, otherwise, part) in CASES {
            let behaviour = Behaviour { signature, ..Behaviour::default() };
            let mut eve = app.anonymous();
            let response = sign_in(&mut eve, &provider, behaviour).await;
            let is_accepted = if policy.is_strict() { in_strict_mode } else { otherwise };
            if is_accepted {
                // Without the set-up of a second factor, which the provider is responsible for.
                assert_eq!(response.location(), "/events", "{signature:?}: {}", response.body);
                assert_eq!(eve.get("/events").await.status, 200, "{signature:?}");
            } else {
                assert_eq!(response.text("h1"), "The signature of the provider is too weak");
                let text = response.text("main");
                assert!(text.contains(part) && text.contains("ES256"), "{signature:?}: {text}");
                assert!(eve.session().is_empty(), "{signature:?}");
            }
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_provider_without_an_accepted_signature_is_reported() {
    let (app, provider) = start_with(|config| config.policy = SecurityPolicy::STRICT).await;
    let metadata = json!({ "id_token_signing_alg_values_supported": ["RS256", "RS512"] });
    provider.behave(Behaviour { metadata, ..Behaviour::default() });
    let mut ann = app.anonymous();
    ann.get("/login").await;
    ann.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    Authenticator::enrol(&app, &mut ann).await;
    let text = ann.get("/status").await.text("main");
    assert!(text.contains("signed with RS256, RS512, which strict mode does not accept"), "{text}");
    assert!(text.contains("Let the identity provider sign ID tokens"), "{text}");
    app.finish().await;
}

//! Examples of credentials, and of values that only resemble them.

use super::*;
use crate::model::webhook::preset::PRESETS;
use crate::model::webhook::{AuthDraft, TlsDraft};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----";
const JWT: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

#[test]
fn credentials_in_json_bodies_are_found() {
    for (body, place, value) in [
        (r#"{"secret_key": "s3cret"}"#, "body.secret_key", "s3cret"),
        (r#"{"password": "a\"b\\\u00e9"}"#, "body.password", "a\"b\\é"),
        (r#"{"m": "{ \"secret_key\": \"in\\\"ner\" }"}"#, "body.secret_key", "in\"ner"),
        (r#"{"m": "{ \"n\": \"{\\\"token\\\": \\\"deep\\\"}\" }"}"#, "body.token", "deep"),
        (r#"{"pin": 1234}"#, "body.pin", "1234"),
        (r#"{"routing_key": "R0UTE", "dedup_key": "{{data.id}}"}"#, "body.routing_key", "R0UTE"),
        (r#"{"tokens": ["a1"]}"#, "body.tokens", "a1"),
        (r#"{"credentials": {"user": "u1"}}"#, "body.user", "u1"),
        (r#"{"headers": [{"name": "X-Api-Key", "value": "v1"}]}"#, "body.value", "v1"),
        (r#"{"Authorization": "Bearer abc"}"#, "body.authorization", "abc"),
        (r#"{"text": "see https://hooks.slack.com/services/T0/B0/x1Y2 now"}"#, "body.text", "x1Y2"),
        (r#"{"callback": "https://h/x?a=1&token=abc"}"#, "body.callback", "abc"),
        (r#"{"dsn_url": "postgres://u:pw1@h/db"}"#, "body.dsn_url", "pw1"),
        (r#"{"a": "hJ7k2LqP9xZv4Tn8WcR3"}"#, "body.a", "hJ7k2LqP9xZv4Tn8WcR3"),
        (
            r#"["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"]"#,
            "body.value",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        ),
        (
            r#"{"text": "use ghp_16C7e42F292c6912E7710c838347Ae178B4a."}"#,
            "body.text",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        ),
        (
            r#"{"note": "token xoxb-2345678901-abcDEF123 {{data.id}}"}"#,
            "body.note",
            "xoxb-2345678901-abcDEF123",
        ),
        (r#"{"a": "{x} {hJ7k2LqP9xZv4Tn8WcR3}"}"#, "body.a", "{hJ7k2LqP9xZv4Tn8WcR3"),
        (r#"{{#if data.id}}{"passcode": "p1"}{{else}}{}{{/if}}"#, "body.passcode", "p1"),
        (r#"{"x": "{{default data.a "\"token\": \"no\""}}", "otp": "99"}"#, "body.otp", "99"),
        (
            r#"{"cert": "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n"}"#,
            "body.cert",
            "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
        ),
        (r#"{"session": "abc"}"#, "body.session", "abc"),
        (r#"{"webhook_secret": "w1"}"#, "body.webhook_secret", "w1"),
        (r#"{"clientAssertion": "c1"}"#, "body.clientassertion", "c1"),
        (r#"{"AccountKey": "k1=="}"#, "body.accountkey", "k1=="),
        (r#"{"user": {"pass": "p2"}}"#, "body.pass", "p2"),
        (r#"{"auth": {"type": "none", "key": "k2"}}"#, "body.key", "k2"),
    ] {
        let values = found(&with_body("application/json", body));
        assert_eq!(values, [(place.to_owned(), value.to_owned())], "{body}");
    }
    let body = format!(r#"{{"request_id": "{JWT}"}}"#);
    assert_eq!(
        found(&with_body("application/json", &body)),
        [("body.request_id".to_owned(), JWT.to_owned())]
    );
}

#[test]
fn credentials_in_other_bodies_are_found() {
    for (content_type, body, place, value) in [
        ("application/x-www-form-urlencoded", "user=me&password=a%26b+c", "body.password", "a&b c"),
        ("application/x-www-form-urlencoded", "api%5Fkey=k", "body.api_key", "k"),
        (
            "application/x-www-form-urlencoded",
            "payload=%7B%22token%22:%22t%5C%22%22%7D",
            "body.token",
            "t\"",
        ),
        ("application/x-www-form-urlencoded", "url=https%3A%2F%2Fh%3Fsig%3Ds1", "body.url", "s1"),
        ("text/xml", "<a><password> p&amp;q </password></a>", "body.password", "p&q"),
        ("text/xml", "<a><wsse:Password Type='x'>pw</wsse:Password></a>", "body.password", "pw"),
        ("text/xml", "<a><![CDATA[x]]><token><![CDATA[<t>]]></token></a>", "body.token", "<t>"),
        ("text/xml", r#"<a apiKey="k&quot;1" b="c"/>"#, "body.apikey", "k\"1"),
        ("text/xml", r#"<param name="api_key">k3</param>"#, "body.param", "k3"),
        ("text/xml", r#"<add key="token" value="v3"/>"#, "body.value", "v3"),
        ("text/xml", "<a key='token'>v4</a>", "body.a", "v4"),
        ("text/xml", "<secrets><one>s1</one></secrets>", "body.one", "s1"),
        ("text/xml", "<x>hJ7k2LqP9xZv4Tn8WcR3</x>", "body.x", "hJ7k2LqP9xZv4Tn8WcR3"),
        ("text/plain", "user=me password=hunter2", "body.value", "hunter2"),
        ("text/plain", "user: me\napi_key: abc\n", "body.value", "abc"),
        ("text/plain", r#"x "secret_key": "s1""#, "body.value", "s1"),
        ("text/plain", r#"{"token": "s\"1"}"#, "body.token", "s\"1"),
        ("text/csv", "user,token\nme,abc\n", "body.token", "abc"),
        (
            "text/csv",
            "a,\"x \"\"hJ7k2LqP9xZv4Tn8WcR3\"\"\"",
            "body.value.2",
            "hJ7k2LqP9xZv4Tn8WcR3",
        ),
    ] {
        assert_eq!(
            found(&with_body(content_type, body)),
            [(place.to_owned(), value.to_owned())],
            "{body}"
        );
    }
}

#[test]
fn credentials_in_headers_and_urls_are_found() {
    for (name, header, place, value) in [
        ("Authorization", "Bearer abc", "header.authorization", "abc"),
        ("authorization", "Splunk 11-22", "header.authorization", "11-22"),
        ("Authorization", "Custom-Scheme abc", "header.authorization", "abc"),
        ("Authorization", "raw", "header.authorization", "raw"),
        ("Proxy-Authorization", "Basic YTpi", "header.proxy-authorization", "YTpi"),
        ("X-Auth", "x", "header.x-auth", "x"),
        ("X-Auth-Key", " Token abc ", "header.x-auth-key", "abc"),
        ("Ocp-Apim-Subscription-Key", "1f", "header.ocp-apim-subscription-key", "1f"),
        ("X-Functions-Key", "f", "header.x-functions-key", "f"),
        ("DD-API-KEY", "d", "header.dd-api-key", "d"),
        ("PRIVATE-TOKEN", "g", "header.private-token", "g"),
        ("Cookie", "session=abc; x=1", "header.cookie", "session=abc; x=1"),
        ("X-Custom", "hJ7k2LqP9xZv4Tn8WcR3", "header.x-custom", "hJ7k2LqP9xZv4Tn8WcR3"),
        ("X-Signature", "sha1", "header.x-signature", "sha1"),
        (
            "X-Pem",
            "-----BEGIN EC PRIVATE KEY-----MHc-----END EC PRIVATE KEY-----",
            "header.x-pem",
            "-----BEGIN EC PRIVATE KEY-----MHc-----END EC PRIVATE KEY-----",
        ),
    ] {
        assert_eq!(
            found(&with_header(name, header)),
            [(place.to_owned(), value.to_owned())],
            "{name}: {header}"
        );
    }
    for (url, place, value) in [
        ("https://a/x?token=abc&x=1", "url.token", "abc"),
        ("https://a?token=abc", "url.token", "abc"),
        ("https://a/x?sig=a%2Bb+c", "url.sig", "a+b c"),
        ("https://a/x?code=abc", "url.code", "abc"),
        ("https://a/x?a=hJ7k2LqP9xZv4Tn8WcR3", "url.a", "hJ7k2LqP9xZv4Tn8WcR3"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "url.path", "xyz"),
        ("https://acme.workflows.okta.com:443/api/flo/abc?x=1", "url.path", "abc"),
        ("https://acme.workflows.okta.com/api/flo/abc/invoke", "url.path", "abc"),
        ("https://discord.com/api/webhooks/123/tok-en/slack", "url.path", "tok-en"),
        ("https://api.telegram.org/bot123:AAE/sendMessage", "url.path", "AAE"),
        ("https://a/hooks/hJ7k2LqP9xZv4Tn8WcR3/", "url.path", "hJ7k2LqP9xZv4Tn8WcR3"),
        (
            "https://a.sumologic.com/receiver/v1/http/ZaVnC4dhaV1qZ8Xk3tM9bQ2w==",
            "url.path",
            "ZaVnC4dhaV1qZ8Xk3tM9bQ2w==",
        ),
    ] {
        assert_eq!(found(&with_url(url)), [(place.to_owned(), value.to_owned())], "{url}");
    }
}

#[test]
fn values_that_only_resemble_credentials_are_not_found() {
    for value in [
        "apono",
        "d625dccec0a8016700a222a0f7900d06",
        "5a62bd8cce983de89085429c",
        "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11",
        "apono-019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11",
        "prod-db-01.eu-west-1.internal.example.com",
        "my-service-7d9f8b6c5d-x2x4z.default.svc.cluster.local",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "http://adaptivecards.io/schemas/adaptive-card.json",
        "application/vnd.microsoft.card.adaptive",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "2026-11-27T12:30:00.000+00:00",
        "2026-11-27T12-30-00.000Z",
        "20261127T123000Z-20261128T123000Z",
        "1.2.3-alpha.4+build.5a6b7c8",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "event_type_request_number_2024_v2",
        "ERROR_CODE_404_NOT_FOUND_EXCEPTION",
        "AmazonEC2ContainerRegistryReadOnly",
        "arn:aws:sns:us-east-1:123456789012:access-requests",
        "/subscriptions/019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11/resourceGroups/rg-prod-01",
        "customfield_10010_and_customfield_10020",
        "12345678901234567890123456789012345678901234567890",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "{{data.requester.email}} asks for {{join data.access_groups ', ' 'integration.name'}}",
        "Password reset was requested. The token expires soon: renew it.",
        "key: see the manual at https://docs.example.com/keys?lang=en",
        "sourcetype=apono:access_request index=main",
        "<secret key>",
        "C0123ABCDEF-T0123ABCDEF",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "GMT+01:00/Europe/Copenhagen/2026",
        "svc-apono-prod-2@example-project-123456.iam.gserviceaccount.com",
        "SELECT id2 FROM t1 WHERE a1=b2 AND c3=d4",
    ] {
        let draft =
            with_body("application/json", &format!(r#"{{"text": {}}}"#, serde_json::json!(value)));
        assert_eq!(found(&draft), [], "{value}");
        let draft = with_body("text/plain", value);
        assert_eq!(found(&draft), [], "{value}");
        if !value.contains(['{', '<']) {
            assert_eq!(found(&with_header("X-Text", value)), [], "{value}");
        }
    }
}

#[test]
fn values_whose_names_only_resemble_those_of_credentials_are_not_found() {
    for (name, value) in [
        ("dedup_key", "apono-1"),
        ("public_key", "a"),
        ("primary_key", "a"),
        ("partitionKey", "a"),
        ("idempotency_key", "a"),
        ("issueKey", "OPS-1"),
        ("project_key", "OPS"),
        ("token_type", "bearer"),
        ("password_policy", "strict"),
        ("max_tokens", "1000"),
        ("auth", "none"),
        ("password", ""),
        ("password", "{{data.id}}"),
        ("secret", "{{secrets.a}}"),
        ("api_key", "<api key>"),
        ("request_id", "hJ7k2LqP9xZv4Tn8WcR3"),
        ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("author", "me"),
        ("user", "svc"),
        ("monkey", "a"),
    ] {
        let draft = with_body("application/json", &format!(r#"{{"{name}": "{value}"}}"#));
        assert_eq!(found(&draft), [], "{name}: {value}");
    }
    for (name, value) in [
        ("Accept", "application/vnd.github.v3+json"),
        ("X-Request-Id", "hJ7k2LqP9xZv4Tn8WcR3"),
        ("Authorization", "Bearer {{secrets.a}}"),
        ("Authorization", "Splunk <hec token>"),
        ("Idempotency-Key", "{{delivery.id}}"),
    ] {
        assert_eq!(found(&with_header(name, value)), [], "{name}: {value}");
    }
    for url in [
        "https://hooks.slack.com/services/<webhook path>",
        "https://hooks.slack.com.evil.example/services/a/b/c",
        "https://hooks.slack.com/services/T/B/{{secrets.slack}}",
        "https://a/api/now/table/incident?sysparm_fields=number,sys_id&code=",
        "https://hooks.torq.io/v1/webhooks/019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11/",
        "https://a/rest/api/3/issue/OPS-1/comment?expand=renderedBody",
    ] {
        assert_eq!(found(&with_url(url)), [], "{url}");
    }
}

#[test]
fn fields_that_are_always_secret_are_found_whatever_their_value() {
    let draft = Draft {
        authentication: AuthDraft {
            token: "Bearer a".to_owned(),
            password: "{{data.id}}".to_owned(),
            client_secret: " c ".to_owned(),
            ..AuthDraft::default()
        },
        tls: TlsDraft { client_key: "k".to_owned(), ..TlsDraft::default() },
        not_secrets: ["auth.token", "auth.password", "auth.client_secret", "tls.client_key"]
            .map(str::to_owned)
            .to_vec(),
        ..Draft::default()
    };
    let expected = [
        ("auth.token", "a"),
        ("auth.password", "{{data.id}}"),
        ("auth.client_secret", "c"),
        ("tls.client_key", "k"),
    ];
    assert_eq!(found(&draft), expected.map(|(place, value)| (place.to_owned(), value.to_owned())));
    let (draft, _) = replaced(&draft);
    assert_eq!(draft.authentication.token, "{{secrets.bearer_token}}");
    assert_eq!(draft.authentication.client_secret, "{{secrets.client_secret}}");
    assert_eq!(draft.tls.client_key, "{{secrets.client_key}}");
    assert_eq!(found(&draft), []);
}

#[test]
fn a_private_key_among_certificates_is_moved_or_removed() {
    let mut draft = Draft {
        tls: TlsDraft {
            client_certificate: format!("{KEY}\n{CERTIFICATE}\n"),
            pem: format!("{CERTIFICATE}\n{KEY}\n"),
            ..TlsDraft::default()
        },
        ..Draft::default()
    };
    let moved = replaced(&draft).0.tls;
    assert_eq!(moved.client_certificate, format!("{CERTIFICATE}\n"));
    assert_eq!(moved.client_key, "{{secrets.client_key}}");
    assert_eq!(moved.pem, format!("{CERTIFICATE}\n"));
    draft.tls.client_key = "{{secrets.mine}}".to_owned();
    let credentials = Credentials::find(&draft);
    assert!(credentials.iter().all(|one| one.is_only_removed && one.is_always_secret));
    let removed = credentials.replace(&draft, |_| None).tls;
    assert_eq!(
        (removed.client_key.as_str(), removed.client_certificate),
        ("{{secrets.mine}}", format!("{CERTIFICATE}\n"))
    );
    assert!(!format!("{credentials:?}").contains("MIIE"));
}

#[test]
fn places_are_numbered_and_stay_when_another_credential_is_replaced() {
    let body = r#"{"a": {"token": "a1"}, "b": {"token": "b1"}, "c": {"token": 7}}"#;
    let mut draft = with_body("application/json", body);
    let places =
        |draft: &Draft| found(draft).into_iter().map(|(place, _)| place).collect::<Vec<_>>();
    assert_eq!(places(&draft), ["body.token", "body.token.2", "body.token.3"]);
    let names: Vec<SecretName> =
        Credentials::find(&draft).iter().map(|one| one.suggested.clone()).collect();
    assert_eq!(
        names.iter().map(SecretName::as_str).collect::<Vec<_>>(),
        ["token", "token_2", "token_3"]
    );
    draft.not_secrets = vec!["body.token.2".to_owned()];
    let after = replaced(&draft).0;
    assert_eq!(
        after.body_template,
        r#"{"a": {"token": "{{secrets.token}}"}, "b": {"token": "b1"}, "c": {"token": {{secrets.token_3}}}}"#
    );
    assert_eq!(places(&after), [""; 0]);
    draft.not_secrets.clear();
    let name: SecretName = "x".parse().unwrap();
    let first = Credentials::find(&draft)
        .replace(&draft, |one| (one.place == "body.token").then(|| name.clone()));
    assert_eq!(places(&first), ["body.token.2", "body.token.3"]);
}

#[test]
fn names_that_references_have_are_not_suggested() {
    let body =
        r#"{"token": "a1", "x": "{{secrets.token}}", "m": "{{basic_auth 'a' secrets.token_2}}"}"#;
    let draft = with_body("application/json", body);
    assert_eq!(Credentials::find(&draft).iter().next().unwrap().suggested.as_str(), "token_3");
}

#[test]
fn credentials_are_described_for_the_page() {
    let draft = Draft {
        url: "https://a/hooks/hJ7k2LqP9xZv4Tn8WcR3?sig=a".to_owned(),
        headers: vec![("X-Auth".to_owned(), "a".to_owned())],
        body_template: r#"{"secret_key": "a", "b": ["hJ7k2LqP9xZv4Tn8WcR3"]}"#.to_owned(),
        ..Draft::default()
    };
    let credentials = Credentials::find(&draft);
    let shown: Vec<&str> = credentials.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(
        shown,
        [
            "A part of the URL's path",
            "sig in the URL",
            "The header X-Auth",
            "secret_key in the body",
            "b in the body"
        ]
    );
}

#[test]
fn presets_contain_no_credentials() {
    for preset in PRESETS.iter() {
        assert_eq!(found(&preset.draft()), [], "{}", preset.id);
    }
}

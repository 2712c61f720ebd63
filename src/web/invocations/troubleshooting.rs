//! **Troubleshooting tips**: every failure that Gatepost reports, with its usual cause and its fix.

use askama::Template;

use crate::model::exchange::Response;
use crate::model::outcome::{Cause, Phase, TlsFailure, TokenFailure};
use crate::model::secret::SecretFailure;
use crate::web::Error;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;

struct Group {
    title: &'static str,
    tips: Vec<Tip>,
}

/// One kind of failure.
struct Tip {
    anchor: &'static str,
    headline: String,
    meaning: String,
    remedy: String,
}

impl Tip {
    fn new(example: &Cause) -> Self {
        let body = "<h1>Sign in</h1>".to_owned();
        let response = Response { status: 200, body, ..Response::default() };
        let explanation = example.explain(Some(&response), None);
        Self {
            anchor: anchor(example),
            headline: explanation.headline,
            meaning: explanation.meaning,
            remedy: explanation.remedy,
        }
    }
}

#[derive(Template)]
#[template(path = "invocations/troubleshooting.html")]
struct TroubleshootingPage {
    page: Page,
    groups: [Group; 5],
}

/// `GET /troubleshooting`
pub(in crate::web) async fn show(current: CurrentUser) -> Result<axum::response::Response, Error> {
    let page = Page::new(&current, "Troubleshooting tips", Nav::Webhooks).await?;
    page::html(&TroubleshootingPage { page, groups: groups() })
}

/// Address of the tip for a failure.
pub(in crate::web) fn href(cause: &Cause) -> String {
    format!("/troubleshooting#{}", anchor(cause))
}

fn secret_anchor(failure: &SecretFailure) -> &'static str {
    match failure {
        SecretFailure::Missing { .. } => "secret-missing",
        SecretFailure::Host { .. } => "secret-host",
        SecretFailure::NotForTokens { .. }
        | SecretFailure::OnlyForTokens { .. }
        | SecretFailure::NoScope { .. }
        | SecretFailure::Scope { .. }
        | SecretFailure::TokenHost { .. } => "secret-oauth",
        SecretFailure::Value { .. } => "secret-value",
    }
}

/// Id of a failure's tip on the page.
fn anchor(cause: &Cause) -> &'static str {
    match cause {
        Cause::Template { .. } => "template",
        Cause::PlainHttp => "plain-http",
        Cause::Secret(failure) => secret_anchor(failure),
        Cause::Blocked { .. } => "blocked-address",
        Cause::NoSuchHost => "unknown-host",
        Cause::Refused => "connection-refused",
        Cause::Unreachable { .. } => "unreachable",
        Cause::ConnectionLost { .. } => "connection-lost",
        Cause::IncompleteBody { .. } => "incomplete-response",
        Cause::Timeout { phase, .. } => match phase {
            Phase::Dns => "timeout-name",
            Phase::Connect => "timeout-connection",
            Phase::Tls => "timeout-tls",
            Phase::Wait => "timeout-response",
            Phase::Read => "timeout-body",
        },
        Cause::Certificate(failure) => match failure {
            TlsFailure::SelfSigned => "self-signed",
            TlsFailure::UnknownIssuer => "unknown-issuer",
            TlsFailure::Expired => "certificate-expired",
            TlsFailure::IssuerExpired => "issuer-expired",
            TlsFailure::NotYetValid => "certificate-not-yet-valid",
            TlsFailure::WrongName => "certificate-name",
            TlsFailure::NotPinned => "not-pinned",
            TlsFailure::OwnCertificate => "own-certificate",
            TlsFailure::OldFormat => "certificate-format",
            TlsFailure::NotVerified => "not-verified",
            TlsFailure::WeakKey { .. } => "weak-key",
            TlsFailure::ClientCertificateRequired => "client-certificate-required",
            TlsFailure::ClientCertificateRejected(_) => "client-certificate-rejected",
            TlsFailure::Version => "tls-version",
            TlsFailure::NoCommonCipher => "tls-cipher",
            TlsFailure::Other(_) => "tls-handshake",
        },
        Cause::Protocol { .. } => "not-http",
        Cause::Token(failure) => match failure {
            TokenFailure::Exchange(cause) => anchor(cause),
            TokenFailure::Rejected { error, status, .. } => match (error.as_deref(), status) {
                (Some("invalid_client"), _) | (None, 401) => "token-client",
                (Some("invalid_scope"), _) => "token-scope",
                (Some("unauthorized_client" | "unsupported_grant_type"), _) => "token-grant",
                (Some("invalid_request"), _) => "token-request",
                (None, 404) => "token-path",
                (Some(_) | None, _) => "token-rejected",
            },
            TokenFailure::Missing => "token-missing",
            TokenFailure::Unusable => "token-unusable",
            TokenFailure::Kind(_) => "token-type",
        },
        Cause::Status(status) => match status {
            100..=199 => "status-1xx",
            304 => "status-304",
            301 | 302 | 303 | 307 | 308 => "redirect",
            300..=399 => "status-3xx",
            401 | 403 => "status-401",
            404 => "status-404",
            405 => "status-405",
            407 => "status-407",
            408 => "status-408",
            410 => "status-410",
            413 => "status-413",
            415 => "status-415",
            429 => "status-429",
            400..=499 => "status-4xx",
            _ => "status-5xx",
        },
        Cause::NotJson => "not-json",
        Cause::TooManyValues { .. } => "too-many-values",
        Cause::Body { .. } => "body-text",
        Cause::Validator { message: Some(text), .. } if text == "Authentication Failed" => {
            "authentication-failed"
        }
        Cause::Validator { message: Some(_), .. } => "rejected",
        Cause::Validator { message: None, .. } => "validator",
    }
}

/// All tips, in the order in which a request meets the failures.
fn groups() -> [Group; 5] {
    let group = |title, examples: Vec<Cause>| Group {
        title,
        tips: examples.iter().map(Tip::new).collect(),
    };
    [
        group("Before anything is sent", before_sending()),
        group("Connection", connection()),
        group("TLS", tls()),
        group("Response", response()),
        group("OAuth access token", access_token()),
    ]
}

fn before_sending() -> Vec<Cause> {
    let message =
        "The message names line and column. Usually a helper received a value that it cannot use.";
    let name = || "logpoint_key".to_owned();
    let host = || "https://10.0.0.9".to_owned();
    let allowed = || vec!["https://10.0.0.5".to_owned()];
    vec![
        Cause::Template { field: "A template".to_owned(), message: message.to_owned() },
        Cause::PlainHttp,
        Cause::Secret(SecretFailure::Missing { name: name() }),
        Cause::Secret(SecretFailure::Host { name: name(), host: host(), allowed: allowed() }),
        Cause::Secret(SecretFailure::TokenHost { name: name(), host: host(), allowed: allowed() }),
        Cause::Secret(SecretFailure::Value {
            name: name(),
            problem: "contains a line break".to_owned(),
        }),
        Cause::Blocked { address: "169.254.169.254".to_owned() },
    ]
}

fn connection() -> Vec<Cause> {
    vec![
        Cause::NoSuchHost,
        timeout(Phase::Dns),
        Cause::Refused,
        Cause::Unreachable { detail: "No route to host".to_owned() },
        timeout(Phase::Connect),
    ]
}

fn tls() -> Vec<Cause> {
    [
        TlsFailure::SelfSigned,
        TlsFailure::UnknownIssuer,
        TlsFailure::Expired,
        TlsFailure::IssuerExpired,
        TlsFailure::NotYetValid,
        TlsFailure::WrongName,
        TlsFailure::NotPinned,
        TlsFailure::OwnCertificate,
        TlsFailure::OldFormat,
        TlsFailure::NotVerified,
        TlsFailure::WeakKey { bits: 2048, min_bits: 3072 },
        TlsFailure::ClientCertificateRequired,
        TlsFailure::ClientCertificateRejected("unknown certificate authority".to_owned()),
        TlsFailure::Version,
        TlsFailure::NoCommonCipher,
        TlsFailure::Other("received corrupt message".to_owned()),
    ]
    .into_iter()
    .map(Cause::Certificate)
    .chain([timeout(Phase::Tls)])
    .collect()
}

fn response() -> Vec<Cause> {
    let validator = |message: Option<&str>| Cause::Validator {
        number: 1,
        of: 1,
        path: "$.success".to_owned(),
        found: message.map(|_| "false".to_owned()),
        expected: vec!["true".to_owned()],
        message: message.map(str::to_owned),
    };
    let statuses = [101, 300, 302, 304, 400, 401, 404, 405, 407, 408, 410, 413, 415, 429, 502];
    [
        timeout(Phase::Wait),
        timeout(Phase::Read),
        Cause::ConnectionLost { detail: "the server closed the connection".to_owned() },
        Cause::IncompleteBody { detail: "the server closed the connection".to_owned() },
        Cause::Protocol { detail: "invalid HTTP version parsed".to_owned() },
        validator(Some("Authentication Failed")),
        validator(Some("Incident not found")),
        validator(None),
        Cause::NotJson,
        Cause::TooManyValues { path: "$..status".to_owned() },
        Cause::Body { found: None, expected: vec!["OK".to_owned()] },
    ]
    .into_iter()
    .chain(statuses.map(Cause::Status))
    .collect()
}

fn access_token() -> Vec<Cause> {
    let rejected = |error: Option<&str>, status| TokenFailure::Rejected {
        status,
        error: error.map(str::to_owned),
        description: None,
    };
    [
        rejected(Some("invalid_client"), 401),
        rejected(Some("invalid_scope"), 400),
        rejected(Some("unauthorized_client"), 400),
        rejected(Some("invalid_request"), 400),
        rejected(None, 404),
        rejected(None, 500),
        TokenFailure::Missing,
        TokenFailure::Unusable,
        TokenFailure::Kind("mac".to_owned()),
    ]
    .map(Cause::Token)
    .to_vec()
}

fn timeout(phase: Phase) -> Cause {
    Cause::Timeout { phase, seconds: 10 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn anchors() -> Vec<&'static str> {
        groups().iter().flat_map(|group| group.tips.iter().map(|tip| tip.anchor)).collect()
    }

    fn any_cause() -> impl Strategy<Value = Cause> {
        let text = || "[ -~]{0,20}";
        let phase = prop_oneof![
            Just(Phase::Dns),
            Just(Phase::Connect),
            Just(Phase::Tls),
            Just(Phase::Wait),
            Just(Phase::Read)
        ];
        let tls = prop_oneof![
            Just(TlsFailure::SelfSigned),
            Just(TlsFailure::UnknownIssuer),
            Just(TlsFailure::Expired),
            Just(TlsFailure::IssuerExpired),
            Just(TlsFailure::OwnCertificate),
            Just(TlsFailure::OldFormat),
            Just(TlsFailure::NotVerified),
            (0..3072_usize).prop_map(|bits| TlsFailure::WeakKey { bits, min_bits: 3072 }),
            Just(TlsFailure::NoCommonCipher),
            Just(TlsFailure::NotYetValid),
            Just(TlsFailure::WrongName),
            Just(TlsFailure::NotPinned),
            Just(TlsFailure::ClientCertificateRequired),
            text().prop_map(TlsFailure::ClientCertificateRejected),
            Just(TlsFailure::Version),
            text().prop_map(TlsFailure::Other),
        ];
        let code = prop_oneof![
            Just("invalid_client".to_owned()),
            Just("invalid_scope".to_owned()),
            Just("unsupported_grant_type".to_owned()),
            Just("invalid_request".to_owned()),
            "[a-z_]{1,12}",
        ];
        let token = prop_oneof![
            (100..600_u16, proptest::option::of(code)).prop_map(|(status, error)| {
                TokenFailure::Rejected { status, error, description: None }
            }),
            Just(TokenFailure::Missing),
            Just(TokenFailure::Unusable),
            text().prop_map(TokenFailure::Kind),
            Just(TokenFailure::Exchange(Box::new(Cause::Refused))),
        ];
        prop_oneof![
            (text(), text()).prop_map(|(field, message)| Cause::Template { field, message }),
            text().prop_map(|address| Cause::Blocked { address }),
            Just(Cause::NoSuchHost),
            Just(Cause::Refused),
            text().prop_map(|detail| Cause::Unreachable { detail }),
            text().prop_map(|detail| Cause::ConnectionLost { detail }),
            text().prop_map(|detail| Cause::IncompleteBody { detail }),
            Just(Cause::PlainHttp),
            phase.prop_map(|phase| Cause::Timeout { phase, seconds: 10 }),
            tls.prop_map(Cause::Certificate),
            text().prop_map(|detail| Cause::Protocol { detail }),
            token.prop_map(Cause::Token),
            (100..600_u16).prop_map(Cause::Status),
            Just(Cause::NotJson),
            text().prop_map(|path| Cause::TooManyValues { path }),
            proptest::option::of(text())
                .prop_map(|found| Cause::Body { found, expected: Vec::new() }),
            proptest::option::of(text()).prop_map(|message| Cause::Validator {
                number: 1,
                of: 1,
                path: "$.a".to_owned(),
                found: None,
                expected: Vec::new(),
                message,
            }),
        ]
    }

    proptest! {
        #[test]
        fn every_failure_has_a_tip(cause in any_cause()) {
            prop_assert!(anchors().contains(&anchor(&cause)), "{cause:?}");
        }
    }

    #[test]
    fn every_anchor_is_used_once() {
        let all = anchors();
        let distinct: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len());
    }
}

//! What to tell the admin about a failure: the verdict, what it usually means, what to do.

use super::{Cause, CertificateFault, Explanation, Phase};
use crate::model::invocation::Invocation;

impl Explanation {
    pub(in crate::model) fn new(
        headline: impl Into<String>,
        meaning: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { headline: headline.into(), meaning: meaning.into(), remedy: remedy.into() }
    }

    pub(in crate::model) fn delivered(status: Option<u16>) -> Self {
        let headline = match status {
            Some(status) => format!("Delivered: the server answered {status}."),
            None => "Delivered.".to_owned(),
        };
        Self::new(headline, "", "")
    }
}

impl Cause {
    /// Verdict, meaning and remedy.
    pub fn explain(&self, invocation: &Invocation) -> Explanation {
        match self {
            Self::Template { field, message } => Explanation::new(
                format!("{field} could not be filled in."),
                message.clone(),
                "Nothing was sent. Mend the template; the preview shows what it becomes.",
            ),
            Self::Blocked { address } => Explanation::new(
                format!("The egress rules block {address}."),
                "Loopback, link-local and multicast addresses are never reached unless the operator \
                 allows them, so that a webhook cannot be turned against this server.",
                "Check the URL. If the address is meant, add its network to GATEPOST_EGRESS_ALLOW \
                 (and see that GATEPOST_EGRESS_DENY does not name it).",
            ),
            Self::NoSuchHost => Explanation::new(
                "The host's name does not resolve.",
                "The name has a typing mistake, or the DNS server that Gatepost uses does not know it.",
                "Check the name, or use the appliance's IP address.",
            ),
            Self::Refused => Explanation::new(
                "The connection was refused.",
                "The machine is there, but nothing listens on that port, or a firewall turns it away.",
                "Check the port in the URL (https:// alone means 443) and that the service is up.",
            ),
            Self::Unreachable { detail } => Explanation::new(
                "The server could not be reached.",
                format!("The network said: {detail}."),
                "Check the address, the route and the firewall between Gatepost and the server.",
            ),
            Self::Timeout { phase, seconds } => explain_timeout(*phase, *seconds),
            Self::Certificate(fault) => fault.explain(),
            Self::Protocol { detail } => Explanation::new(
                "The answer broke off or is not HTTP.",
                format!("The HTTP client said: {detail}."),
                "Check that the port speaks HTTPS, and the server's own log.",
            ),
            Self::Token(fault) => fault.explain(invocation),
            Self::Status(status) => explain_status(*status),
            Self::NotJson => Explanation::new(
                "The answer is not JSON.",
                "The response validators look into a JSON answer; this one is none, or longer than 64 KiB. \
                 A proxy or a sign-in page may have answered in the server's place.",
                "Look at the response body, and check the URL's host and path.",
            ),
            Self::Validator { .. } => self.explain_refusal(invocation),
        }
    }

    fn explain_refusal(&self, invocation: &Invocation) -> Explanation {
        let Self::Validator { path, found, expected, message, .. } = self else {
            return Explanation::new(self.short(), "", "");
        };
        let status = invocation.transcript.response.as_ref().map_or(0, |answer| answer.status);
        let was = match found {
            Some(found) => format!("{path} was {found}"),
            None => format!("{path} is missing"),
        };
        let meaning = format!(
            "It answered {status}, but {was} where {} was expected.",
            expected.join(" or ")
        );
        let headline = match (&invocation.custom_message, message) {
            (Some(own), Some(message)) => format!("{own}: “{message}”"),
            (Some(own), None) => own.clone(),
            (None, Some(message)) => format!("The server refused it: “{message}”"),
            (None, None) => "A response validator said no.".to_owned(),
        };
        let remedy = match message.as_deref() {
            Some("Authentication Failed") => {
                "The user name or the secret key is wrong, or the key was regenerated under My \
                 Preferences in Logpoint. Enter the current one in the body."
            }
            Some(_) => "The message is the server's own. Check what the body asks for against it.",
            None => {
                "Look at the response body. If the answer is as it should be, mend the validator."
            }
        };
        Explanation::new(headline, meaning, remedy)
    }
}

fn explain_timeout(phase: Phase, seconds: u64) -> Explanation {
    let (what, meaning) = match phase {
        Phase::Dns => ("The name was not resolved", "The DNS server did not answer."),
        Phase::Connect => {
            ("No connection was made", "A firewall may drop the packets, or the address is wrong.")
        }
        Phase::Tls => (
            "The TLS handshake did not end",
            "The port may not speak TLS, or the server is overloaded.",
        ),
        Phase::Wait => ("No answer came", "The server took the request and is slow, or hangs."),
        Phase::Read => ("The answer did not end", "The server began to answer and then stalled."),
    };
    Explanation::new(
        format!("{what} within {seconds} s."),
        meaning,
        "Check the server's load and the firewall; a longer timeout can be set under Advanced.",
    )
}

impl CertificateFault {
    fn explain(&self) -> Explanation {
        let pin =
            "Fetch the certificate, compare its fingerprint with the server's own, and pin it.";
        match self {
            Self::SelfSigned => Explanation::new(
                "The server's certificate is self-signed.",
                "Nobody vouches for it. Logpoint appliances ship with one.",
                pin,
            ),
            Self::UnknownIssuer => Explanation::new(
                "The certificate's issuer is not trusted.",
                "It comes from an own certificate authority, or the server does not send its chain.",
                "Give the authority's certificate (PEM), or pin the server's.",
            ),
            Self::Expired => Explanation::new(
                "The server's certificate has expired.",
                "Its time is over; this machine's clock may also be wrong.",
                "Renew it on the server. A pinned certificate is accepted whatever its dates.",
            ),
            Self::NotYetValid => Explanation::new(
                "The server's certificate is not valid yet.",
                "Its time begins later; this machine's clock may also be behind.",
                "Check both clocks.",
            ),
            Self::WrongName => Explanation::new(
                "The certificate is for another name.",
                "The URL's host is not among the names in it. Appliances reached by IP address often \
                 carry a name only.",
                pin,
            ),
            Self::NotPinned => Explanation::new(
                "This is not the pinned certificate.",
                "The server's certificate has changed since it was pinned, or somebody sits in between. \
                 Nothing was sent.",
                "Ask who runs the server. If the change is right, fetch and pin the new one.",
            ),
            Self::ClientWanted => Explanation::new(
                "The server wants a client certificate.",
                "It lets in only those who show one that it knows (mutual TLS).",
                "Paste certificate and key under TLS, Client certificate.",
            ),
            Self::ClientRefused(detail) => Explanation::new(
                "The server refused the client certificate.",
                format!("It said: {detail}."),
                "Check that the certificate is issued by an authority that the server trusts, is not \
                 expired, and that its chain was pasted too.",
            ),
            Self::Version => Explanation::new(
                "The server speaks only older versions of TLS.",
                "Gatepost speaks TLS 1.2 and 1.3, or 1.3 alone where the webhook says so.",
                "Update the server, or lower the webhook's minimum version.",
            ),
            Self::Other(detail) => Explanation::new(
                "The TLS handshake failed.",
                format!("It said: {detail}."),
                "Check that the port speaks TLS 1.2 or 1.3.",
            ),
        }
    }
}

fn explain_status(status: u16) -> Explanation {
    let (meaning, remedy) = match status {
        300..=399 => (
            "The server points elsewhere. Redirects are not followed: a secret goes only where it was sent.",
            "Use the address it points to (header location).",
        ),
        401 | 403 => (
            "The credentials are missing, wrong or lack a permission.",
            "Check the credentials in the body and headers.",
        ),
        404 => (
            "Nothing is at that path.",
            "Check the path: Logpoint's are singular, such as /reopen_incident.",
        ),
        405 => (
            "The path is known, but not with this method.",
            "Choose another method; Logpoint needs POST.",
        ),
        413 => ("The body is too large for the server.", "Make the body template shorter."),
        429 => (
            "The server asks to slow down.",
            "Deliveries are tried again later, after the time it asks for.",
        ),
        410 => (
            "The server says this address is gone for good.",
            "Set a new URL, or deactivate the webhook.",
        ),
        400..=499 => (
            "The server did not understand the request.",
            "Look at the response body for its reason.",
        ),
        _ => (
            "The fault is at the server or a proxy before it.",
            "Look at the response body and the server's log. Deliveries are tried again.",
        ),
    };
    let headline = match reason(status) {
        "" => format!("The server answered {status}."),
        reason => format!("The server answered {status} {reason}."),
    };
    Explanation::new(headline, meaning, remedy)
}

fn reason(status: u16) -> &'static str {
    ::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

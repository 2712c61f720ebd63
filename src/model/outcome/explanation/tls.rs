//! Texts about failed TLS handshakes.

use super::Explanation;
use crate::model::outcome::TlsFailure;

const PIN: &str =
    "Select Fetch certificate, compare the fingerprint with the one on the server, and pin it.";

impl TlsFailure {
    pub(super) fn summary(&self) -> &'static str {
        match self {
            Self::SelfSigned
            | Self::UnknownIssuer
            | Self::Expired
            | Self::IssuerExpired
            | Self::OwnCertificate
            | Self::OldFormat
            | Self::NotYetValid
            | Self::WrongName => "Certificate not trusted",
            Self::NotPinned => "Certificate is not the pinned one",
            Self::NotVerified => "Strict mode requires verified certificates",
            Self::WeakKey { .. } => "Strict mode requires a longer RSA key",
            Self::ClientCertificateRequired => "Client certificate required",
            Self::ClientCertificateRejected(_) => "Client certificate rejected",
            Self::Version | Self::NoCommonCipher | Self::Other(_) => "TLS handshake failed",
        }
    }

    pub(super) fn explain(&self) -> Explanation {
        match self {
            Self::SelfSigned => Explanation::new(
                "The server's certificate is self-signed.",
                "No certificate authority has confirmed it. Logpoint appliances are delivered with such a certificate.",
                PIN,
            ),
            Self::UnknownIssuer => Explanation::new(
                "The issuer of the server's certificate is not trusted.",
                "It was issued by a private certificate authority, or the server does not send the intermediate certificates.",
                "Enter the certificate of the authority (PEM), or pin the server's certificate.",
            ),
            Self::Expired => Explanation::new(
                "The server's certificate has expired.",
                "Its validity period is over, or the clock of this machine is wrong.",
                "Renew the certificate on the server, or pin it: the dates of a pinned certificate are not checked.",
            ),
            Self::IssuerExpired => Explanation::new(
                "An intermediate certificate of the server has expired.",
                "The server's own certificate is still valid, but an authority between it and the trusted one is not.",
                "Install the current intermediate certificates on the server, or pin the server's certificate.",
            ),
            Self::NotYetValid => Explanation::new(
                "The server's certificate is not valid yet.",
                "Its validity period starts later, or the clock of this machine is slow.",
                "Check the clocks of both machines.",
            ),
            Self::WrongName => Explanation::new(
                "The server's certificate is for another name.",
                "The certificate does not contain the host of the URL. Appliances that are reached by \
                 IP address often have a certificate with a name only.",
                PIN,
            ),
            Self::NotPinned => Explanation::new(
                "This is not the pinned certificate.",
                "The server's certificate has changed since it was pinned, or the connection is being \
                 intercepted. Nothing was sent.",
                "Ask the administrator of the server. If the change is intended, fetch and pin the new certificate.",
            ),
            Self::NotVerified => not_verified(),
            Self::WeakKey { bits, min_bits } => weak_key(*bits, *min_bits),
            Self::OwnCertificate => Explanation::new(
                "The certificate that you pasted is the server's own, not that of an authority.",
                "It is marked as an authority, which the certificate of a server must not be, or has the old format X.509 version 1.",
                "Under TLS, choose the pinned certificate instead: select Fetch certificate, and pin it.",
            ),
            Self::OldFormat => Explanation::new(
                "The server's certificate has the old format X.509 version 1.",
                "Such a certificate cannot be verified by an authority, because it does not say what it may be used for.",
                PIN,
            ),
            Self::ClientCertificateRequired => Explanation::new(
                "The server requires a client certificate.",
                "It accepts only clients with a certificate that it trusts (mutual TLS).",
                "Paste a certificate and its key under TLS, Client certificate.",
            ),
            Self::ClientCertificateRejected(detail) => Explanation::new(
                "The server rejected the client certificate.",
                format!("It reported: {detail}."),
                "Check that the certificate was issued by an authority that the server trusts, that it \
                 has not expired, and that you also pasted its intermediate certificates.",
            ),
            Self::Version => Explanation::new(
                "The server supports only older TLS versions.",
                "Gatepost uses TLS 1.2 and 1.3, or only 1.3 if that is the webhook's minimum version.",
                "Update the server, or lower the webhook's minimum version.",
            ),
            Self::NoCommonCipher => Explanation::new(
                "The server and Gatepost have no cipher suite in common.",
                "Gatepost needs forward secrecy (ECDHE) with AES-GCM or ChaCha20. Old servers offer only RSA key exchange.",
                "Enable the ECDHE suites of TLS 1.2, or TLS 1.3, on the server.",
            ),
            Self::Other(detail) => Explanation::new(
                "The TLS handshake failed.",
                format!("The TLS library reported: {detail}."),
                "Check that the service on this port speaks TLS 1.2 or 1.3.",
            ),
        }
    }
}

fn not_verified() -> Explanation {
    Explanation::new(
        "The webhook does not verify the server's certificate, which strict mode requires.",
        "The webhook was saved before strict mode was turned on. An attacker on the network could pose as the server. \
         Nothing was sent.",
        "Under TLS, select Fetch certificate, compare the fingerprint with the one on the server, and pin it. Or enter the \
         certificate of the authority (PEM). The next attempt is sent then.",
    )
}

fn weak_key(bits: usize, min_bits: usize) -> Explanation {
    Explanation::new(
        format!(
            "The server's certificate has an RSA key of {bits} bits, and strict mode requires at least {min_bits}."
        ),
        "The key is that of the server, of an issuer whose certificate it sends, or of the private authority. Nothing was sent.",
        "Install a certificate with an ECDSA key or a longer RSA key on the server. If only the key of an issuer is too short, \
         pin the server's certificate.",
    )
}

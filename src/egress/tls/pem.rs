//! Certificates and keys in PEM (RFC 7468), as pasted into the form.
//!
//! Pasted texts come with indentation, a byte order mark, other text around the blocks, or without line breaks. All of
//! that is accepted. Error messages never contain a part of the text, which may be a private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::x509;
use crate::model::exchange::Certificate;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// A block between `-----BEGIN label-----` and `-----END label-----`.
struct Block<'t> {
    label: &'t str,
    content: &'t str,
}

/// Describes the certificates in a PEM text.
///
/// # Errors
/// A message for the form if the text has no certificate or an unreadable one.
pub fn describe_pem(pem: &str) -> Result<Vec<Certificate>, String> {
    parse_certificates(pem)?.iter().map(|der| x509::describe(der).ok_or_else(unreadable)).collect()
}

/// Returns the certificates in a PEM text.
///
/// # Errors
/// A message for the form if there is none, one is damaged, or there is a private key among them.
pub(super) fn parse_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let blocks = blocks(pem)?;
    let certificates: Vec<_> = blocks
        .iter()
        .filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|block| block.decode().map(CertificateDer::from).ok_or_else(unreadable))
        .collect::<Result<_, _>>()?;
    let has_key = blocks.iter().any(Block::is_private_key);
    let has = |label| blocks.iter().any(|block| block.label == label);
    let message = match certificates.is_empty() {
        false if has_key => {
            "This also contains a private key. Remove the block with PRIVATE KEY in its first line: the key of a client \
             certificate has its own field, and nothing else needs one."
        }
        false => return Ok(certificates),
        true if has_key => {
            "This is a private key. Paste the certificate, which begins with -----BEGIN CERTIFICATE-----."
        }
        true if has("PKCS7") => {
            "This is PKCS #7. Convert it with openssl pkcs7 -print_certs -in FILE, and paste the result."
        }
        true if has("CERTIFICATE REQUEST") || has("NEW CERTIFICATE REQUEST") => {
            "This is a certificate request. Paste the certificate that the authority issued for it."
        }
        true => {
            "This contains no certificate. Paste the block that begins with -----BEGIN CERTIFICATE-----."
        }
    };
    Err(message.to_owned())
}

/// Returns a certificate followed by its issuers, whatever the order of the blocks (RFC 8446, section 4.4.2, requires the
/// certificate of the sender first).
///
/// # Errors
/// Those of [`parse_certificates`].
pub(super) fn parse_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut rest = parse_certificates(pem)?;
    let is_issuer = |index: usize| {
        let others = rest.iter().enumerate().filter(|(other, _)| *other != index);
        others
            .into_iter()
            .any(|(_, other)| rest.get(index).is_some_and(|one| x509::is_issued_by(other, one)))
    };
    let mut next = (0..rest.len()).find(|index| !is_issuer(*index));
    let mut chain: Vec<CertificateDer<'static>> = Vec::with_capacity(rest.len());
    while let Some(index) = next {
        chain.push(rest.remove(index));
        next = rest
            .iter()
            .position(|other| chain.last().is_some_and(|last| x509::is_issued_by(last, other)));
    }
    // Certificates that do not belong to the chain are sent too, as entered: the server ignores them.
    chain.extend(rest);
    Ok(chain)
}

/// Returns the private key in a PEM text.
///
/// # Errors
/// A message for the form if there is none or it is encrypted.
pub(super) fn parse_key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    let blocks = blocks(pem)?;
    let Some(block) = blocks.iter().find(|block| block.is_private_key()) else {
        return Err("This contains no private key. Paste the block that begins with -----BEGIN PRIVATE KEY-----."
            .to_owned());
    };
    // Legacy formats name the cipher in a header (RFC 1421, section 4.6.1.1).
    if block.label.contains("ENCRYPTED") || block.content.contains("ENCRYPTED") {
        return Err("This key is encrypted. Decrypt it first, with openssl pkey -in key.pem. Gatepost stores it encrypted."
            .to_owned());
    }
    let damaged =
        || "This private key is damaged or incomplete. Copy the whole block again.".to_owned();
    let der = block.decode().ok_or_else(damaged)?;
    let label = block.label;
    let clean = format!("{BEGIN}{label}{DASHES}\n{}\n{END}{label}{DASHES}\n", STANDARD.encode(der));
    PrivateKeyDer::from_pem_slice(clean.as_bytes()).map_err(|_error| {
        "Keys of this type cannot be used. Convert it with openssl pkcs8 -topk8 -nodes -in key.pem.".to_owned()
    })
}

fn unreadable() -> String {
    "One of the certificates is damaged or incomplete. Copy the whole block again, from -----BEGIN CERTIFICATE----- to \
     -----END CERTIFICATE-----."
        .to_owned()
}

/// Returns the blocks of a text.
///
/// # Errors
/// A message for the form if a block has no end.
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    let mut rest = pem;
    while let Some((label, after)) = rest
        .split_once(BEGIN)
        .and_then(|(_, after)| after.split_once(DASHES))
        .filter(|(label, _)| label.len() < 64 && !label.contains('\n'))
    {
        let end = format!("{END}{label}{DASHES}");
        let Some((content, after)) = after.split_once(&end) else {
            return Err(format!(
                "The line {end} is missing. Copy the whole block, including that line."
            ));
        };
        blocks.push(Block { label, content });
        rest = after;
    }
    Ok(blocks)
}

impl Block<'_> {
    fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }

    /// Returns the decoded content. Line breaks may be missing, replaced by spaces, or written as `\n` as in JSON.
    fn decode(&self) -> Option<Vec<u8>> {
        let mut digits = self.content.replace("\\r", "").replace("\\n", "");
        digits.retain(|c| !c.is_whitespace());
        STANDARD.decode(digits).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    fn certificate() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// A certificate, its issuer and the issuer of that.
    fn chain() -> [String; 3] {
        let named = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().unwrap())
        };
        let (root_params, root_key) = named("root");
        let root = root_params.self_signed(&root_key).unwrap().pem();
        let root_issuer = Issuer::new(root_params, root_key);
        let (middle_params, middle_key) = named("middle");
        let middle = middle_params.signed_by(&middle_key, &root_issuer).unwrap().pem();
        let middle_issuer = Issuer::new(middle_params, middle_key);
        let (leaf_params, leaf_key) = named("leaf");
        let leaf = leaf_params.signed_by(&leaf_key, &middle_issuer).unwrap().pem();
        [leaf, middle, root]
    }

    #[test]
    fn accepts_what_copying_does_to_a_text() {
        let (certificate, key) = certificate();
        let expected = (parse_certificates(&certificate).unwrap(), parse_key(&key).unwrap());
        let changes: [fn(&str) -> String; 6] = [
            |pem| format!("\u{feff}{pem}"),
            |pem| pem.replace('\n', "  \r\n    "),
            |pem| pem.replace('\n', " "),
            |pem| pem.replace('\n', "\\n"),
            |pem| pem.replace('\n', ""),
            |pem| format!("Bag Attributes\n    friendlyName: a\nsubject=CN = a\n{pem}\nAnd so on"),
        ];
        for change in changes {
            let pasted = change(&certificate);
            assert_eq!(parse_certificates(&pasted).unwrap(), expected.0, "{pasted}");
            assert_eq!(parse_key(&change(&key)).unwrap(), expected.1);
        }
        let old_label = certificate.replace("CERTIFICATE", "X509 CERTIFICATE");
        assert_eq!(parse_certificates(&old_label).unwrap(), expected.0);
    }

    #[test]
    fn explains_what_cannot_be_used() {
        let (certificate, key) = certificate();
        let rejected = |pem: &str| parse_certificates(pem).unwrap_err();
        assert!(rejected(&format!("{certificate}{key}")).contains("also contains a private key"));
        assert!(rejected(&key).contains("This is a private key"));
        assert!(rejected("hello").contains("no certificate"));
        assert!(rejected(&certificate.replace("CERTIFICATE", "PKCS7")).contains("openssl pkcs7"));
        assert!(
            rejected(&certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST"))
                .contains("request")
        );
        assert!(
            rejected(certificate.split_at(200).0).contains("-----END CERTIFICATE----- is missing")
        );
        assert!(rejected(&certificate.replacen('M', "?", 1)).contains("damaged"));
        assert!(parse_key(&certificate).unwrap_err().contains("no private key"));
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert!(parse_key(&encrypted).unwrap_err().contains("openssl pkey"));
        let legacy = key.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n");
        assert!(parse_key(&legacy).unwrap_err().contains("openssl pkey"));
        assert!(
            parse_key(&key.replace("PRIVATE KEY", "DSA PRIVATE KEY"))
                .unwrap_err()
                .contains("pkcs8")
        );
    }

    #[test]
    fn a_chain_begins_with_the_certificate_whatever_the_order() {
        let [leaf, middle, root] = chain();
        let expected = parse_certificates(&format!("{leaf}{middle}{root}")).unwrap();
        for order in [[&leaf, &middle, &root], [&root, &middle, &leaf], [&middle, &root, &leaf]] {
            let pem: String = order.iter().map(|pem| pem.as_str()).collect();
            assert_eq!(parse_chain(&pem).unwrap(), expected);
        }
        let (alone, _) = certificate();
        assert_eq!(parse_chain(&alone).unwrap(), parse_certificates(&alone).unwrap());
    }

    proptest! {
        #[test]
        fn no_error_contains_a_part_of_the_key(cut in any::<prop::sample::Index>(), junk in ".{0,5}") {
            let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDJhc2U2NGtleW1hdGVyaWFsZm9ydGVzdHM=\n-----END PRIVATE KEY-----\n";
            let mut text = key.to_owned();
            text.insert_str(cut.index(text.len()), &junk);
            for message in [parse_key(&text).err(), parse_certificates(&text).err()].into_iter().flatten() {
                let chunks = ["MC4CAQ", "DK2Vw", "IDJhc2", "U2NGtl", "bWF0ZX"];
                prop_assert!(!chunks.iter().any(|chunk| message.contains(chunk)), "{}", message);
            }
        }
    }
}

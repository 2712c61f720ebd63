//! Code for receivers that verify signatures. The tests run it.

use crate::model::signature::SignatureScheme;

/// Stands for the public key in the code.
const PUBLIC_KEY: &str = "whpk_PUBLIC_KEY";

/// Code in one language.
#[derive(Debug)]
pub(super) struct Snippet {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    /// What it does and needs.
    pub(super) hint: &'static str,
    pub(super) code: String,
}

/// Returns the code for a scheme.
pub(super) fn of(scheme: SignatureScheme, public_key: &str) -> Vec<Snippet> {
    let [python, node, shell] = match scheme {
        SignatureScheme::V1 => [
            (
                include_str!("snippets/v1.py"),
                "Uses only the standard library. The package standardwebhooks does the same.",
            ),
            (
                include_str!("snippets/v1.mjs"),
                "Uses only Node.js. The package standardwebhooks does the same.",
            ),
            (
                include_str!("snippets/v1.sh"),
                "Sends a signed request, so that you can test your receiver. Needs bash, curl and openssl.",
            ),
        ],
        SignatureScheme::V1a => [
            (include_str!("snippets/v1a.py"), "Uses the package cryptography."),
            (include_str!("snippets/v1a.mjs"), "Uses only Node.js."),
            (
                include_str!("snippets/v1a.sh"),
                "Verifies a recorded request, then sends it to your receiver. Needs bash, curl and openssl 3; the openssl of macOS is another.",
            ),
        ],
    };
    let named = [("python", "Python", python), ("node", "Node.js", node), ("curl", "curl", shell)];
    named
        .into_iter()
        .map(|(id, label, (code, hint))| {
            let code = code.trim_end().replace(PUBLIC_KEY, public_key);
            Snippet { id, label, hint, code }
        })
        .collect()
}

//! Certificates and keys are described or rejected.
#![no_main]

use gatepost::egress::describe_pem;
use gatepost::model::signature::{SignatureScheme, SigningKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _described = describe_pem(text);
    for scheme in SignatureScheme::ALL {
        let _key = SigningKey::parse(scheme, text);
    }
});

//! What is imported is written and read again without a difference.
#![no_main]

use gatepost::model::webhook::{read_file, write_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(drafts) = read_file(text) else { return };
    let written = write_yaml(&drafts).expect("every draft can be written");
    let again = read_file(&written).unwrap_or_else(|error| panic!("{error}:\n{written}"));
    assert_eq!(write_yaml(&again).expect("every draft can be written"), written);
});

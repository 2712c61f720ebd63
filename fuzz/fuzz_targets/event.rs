//! An accepted event is kept as it was received, and its payload is the same JSON.
#![no_main]

use gatepost::model::event::Event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(event) = Event::parse(text) {
        assert_eq!(event.raw.trim(), text.trim());
        assert!(event.payload().is_object());
    }
});

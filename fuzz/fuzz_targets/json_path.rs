//! Every JSON path that is accepted ends in bounded time on every document.
#![no_main]

use gatepost::model::webhook::{Draft, Rules, ValidatorDraft, Webhook};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (path, document) = input;
    let draft = Draft {
        name: "Fuzz".to_owned(),
        url: "https://10.0.0.5/".to_owned(),
        triggers: vec!["Granted".to_owned()],
        response_validators: vec![ValidatorDraft::at(path, "true")],
        ..Draft::default()
    };
    let Ok(webhook) = Webhook::new(draft, &Rules::default()) else { return };
    for validator in webhook.validators() {
        let json = serde_json::from_str(document).ok();
        let _checked = validator.check(document, json.as_ref());
    }
});

//! Every filter that is accepted can be compared with every event.
#![no_main]

use std::sync::Arc;

use gatepost::model::event::{Event, Projection};
use gatepost::model::filter::{Choice, Field};
use gatepost::model::webhook::{Draft, Rules, Webhook};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<String>, &str)| {
    let (field, values, event) = input;
    let field = Field::ALL[usize::from(field) % Field::ALL.len()];
    let draft = Draft {
        name: "Fuzz".to_owned(),
        url: "https://10.0.0.5/".to_owned(),
        triggers: vec!["Granted".to_owned()],
        filters: [(field, Choice::any_of(values))].into_iter().collect(),
        ..Draft::default()
    };
    let Ok(webhook) = Webhook::new(draft, &Rules::default()) else { return };
    let Ok(event) = Event::parse(event) else { return };
    let mut projection = Projection::default();
    webhook.extend_projection(&mut projection);
    let _matches = webhook.matches(&event, &Arc::new(projection));
});

//! Credentials in body templates, by the format that decides how values are escaped.

use super::json;
use super::names::is_credential_name;
use super::slots::Slots;
use super::view::View;
use super::{csv, url, xml};
use crate::template::{MAX_JSON_DEPTH, OutputContext};

/// Adds the values of a body.
pub(super) fn add(view: &View, context: OutputContext, slots: &mut Slots) {
    match context {
        OutputContext::JsonBody => add_json(view, 0, slots),
        OutputContext::TextBody if json::is_json(view.text()) => add_json(view, 0, slots),
        OutputContext::FormBody => add_form(view, slots),
        OutputContext::XmlBody => xml::add(view, slots),
        OutputContext::CsvBody => csv::add(view, slots),
        OutputContext::TextBody | OutputContext::Header | OutputContext::Url => {
            slots.add_value(view, "", false);
        }
    }
}

/// Adds the values of a JSON text inside `depth` JSON strings.
fn add_json(view: &View, depth: usize, slots: &mut Slots) {
    for value in json::values(view) {
        let content = view.slice(value.range);
        let content = if value.is_string { content.decode_json() } else { content };
        let is_json = value.is_string && depth < MAX_JSON_DEPTH && json::is_json(content.text());
        let is_whole = value.is_secret && !super::placeholders::has_placeholder(content.text());
        if is_json && !is_whole {
            add_json(&content, depth + 1, slots);
        } else {
            slots.add_value(&content, &value.name, value.is_secret);
        }
    }
}

fn add_form(view: &View, slots: &mut Slots) {
    let mut at = 0;
    for pair in view.text().split('&') {
        let range = at..at + pair.len();
        at += pair.len() + 1;
        let equals = pair.find('=').map_or(range.end, |equals| range.start + equals + 1);
        let value = view.slice(equals..range.end).decode_percent(true);
        if json::is_json(value.text()) {
            add_json(&value, 0, slots);
        } else {
            url::add_pair(view, range, is_credential_name, slots);
        }
    }
}

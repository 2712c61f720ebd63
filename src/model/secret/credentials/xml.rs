//! The values of an XML document, with their names.

use std::ops::Range;

use super::names::is_credential_name;
use super::slots::Slots;
use super::view::View;

/// The start of a CDATA section.
const CDATA: &str = "<![CDATA[";
/// Deepest elements whose names are kept.
const MAX_DEPTH: usize = 200;

/// An open element.
#[derive(Debug, Default)]
struct Element {
    name: String,
    is_secret: bool,
}

/// Adds the texts and attributes of a document.
pub(super) fn add(view: &View, slots: &mut Slots) {
    Reader { view, slots, elements: vec![Element::default()] }.read();
}

struct Reader<'v> {
    view: &'v View,
    slots: &'v mut Slots,
    elements: Vec<Element>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(rest) = self.view.text().get(at..).filter(|rest| !rest.is_empty()) {
            let before = |end: &str| rest.find(end).unwrap_or(rest.len());
            let after = |end: &str| rest.find(end).map_or(rest.len(), |start| start + end.len());
            at += if rest.starts_with("<!--") {
                after("-->")
            } else if rest.starts_with(CDATA) {
                self.text(at + CDATA.len()..at + before("]]>"), true);
                after("]]>")
            } else if rest.starts_with("<?") {
                after("?>")
            } else if rest.starts_with("</") {
                if self.elements.len() > 1 {
                    self.elements.pop();
                }
                after(">")
            } else if rest.starts_with('<') {
                self.tag(at, rest)
            } else {
                self.text(at..at + before("<"), false);
                before("<")
            };
        }
    }

    /// Adds a text without the spaces around it.
    fn text(&mut self, range: Range<usize>, is_raw: bool) {
        let text = self.view.get(range.clone());
        let start = range.start + text.len() - text.trim_start().len();
        let value = self.view.slice(start..start + text.trim().len());
        let value = if is_raw { value } else { value.decode_xml() };
        if let Some(Element { name, is_secret }) = self.elements.last()
            && !value.text().is_empty()
        {
            self.slots.add_value(&value, name, *is_secret);
        }
    }

    /// Reads the start of an element. Returns its length.
    fn tag(&mut self, at: usize, rest: &str) -> usize {
        let content = rest.get(1..).unwrap_or_default();
        let name_length = content
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
            .unwrap_or(content.len());
        let name = local_name(content.get(..name_length).unwrap_or_default()).to_owned();
        let (attributes, end) = attributes(rest, 1 + name_length);
        let text =
            |range: &Range<usize>| self.view.slice(at + range.start..at + range.end).decode_xml();
        let names_credential = attributes.iter().any(|(name, value)| {
            matches!(local_name(name).to_ascii_lowercase().as_str(), "name" | "key")
                && is_credential_name(text(value).text())
        });
        let has_value = attributes.iter().any(|(name, _)| name.eq_ignore_ascii_case("value"));
        let inherited = self.elements.last().is_some_and(|element| element.is_secret);
        let is_secret = inherited || names_credential || is_credential_name(&name);
        for (name, range) in attributes {
            // Addresses of name spaces.
            if name.starts_with("xmlns") {
                continue;
            }
            let name = local_name(name);
            let value = text(&range);
            let is_secret = match name.to_ascii_lowercase().as_str() {
                "value" => is_secret,
                // It names the element's value.
                "key" if has_value || is_credential_name(value.text()) => false,
                _ => is_credential_name(name),
            };
            if !value.text().is_empty() {
                self.slots.add_value(&value, name, is_secret);
            }
        }
        let is_empty = rest.get(..end).is_some_and(|tag| tag.trim_end_matches('>').ends_with('/'));
        if !is_empty && self.elements.len() < MAX_DEPTH {
            self.elements.push(Element { name, is_secret });
        }
        end
    }
}

/// Returns the attributes of a tag with the ranges of their values, and the length of the tag.
fn attributes(tag: &str, from: usize) -> (Vec<(&str, Range<usize>)>, usize) {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(rest) = tag.get(at..) {
        let Some(sign) = rest.find(['>', '"', '\'']) else { return (found, tag.len()) };
        let quote = rest.get(sign..sign + 1).unwrap_or_default();
        if quote == ">" {
            return (found, at + sign + 1);
        }
        let start = at + sign + 1;
        let length = tag.get(start..).and_then(|rest| rest.find(quote));
        let Some(length) = length else { return (found, tag.len()) };
        let before = rest.get(..sign).unwrap_or_default().trim_end().trim_end_matches('=');
        let name = before.split_whitespace().next_back().unwrap_or_default();
        found.push((name, start..start + length));
        at = start + length + 1;
    }
    (found, tag.len())
}

/// A name without its prefix.
fn local_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

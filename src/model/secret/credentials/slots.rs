//! The places of a text at which credentials are, or could be.

use std::collections::HashMap;
use std::ops::Range;

use super::names;
use super::placeholders::{REFERENCE, has_placeholder, is_placeholder};
use super::text::{self, Part};
use super::tokens::{Kind, Search};
use super::view::View;
use crate::model::webhook::preset;

/// The name of a part of the path.
pub(super) const PATH: &str = "path";

/// Maximum number of searches in a value, each after the credentials of the previous one were replaced. Usually the
/// second one finds nothing.
const MAX_SEARCHES: usize = 8;

/// Longest name in a place, in characters.
const MAX_NAME_CHARS: usize = 60;

/// A value that has a place. A reference to a secret keeps its place, so that the numbers of others do not
/// change when a value becomes a reference.
#[derive(Debug)]
pub(super) struct Slot {
    /// The place without its number.
    pub(super) place: String,
    /// The credential, if the value is one.
    pub(super) credential: Option<Found>,
}

/// A credential in a text.
pub(super) struct Found {
    /// A short noun phrase.
    pub(super) what: String,
    /// The text of which a name is made.
    pub(super) name: String,
    /// The part of the source.
    pub(super) range: Range<usize>,
    /// The decoded value.
    pub(super) value: String,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("what", &self.what).finish_non_exhaustive()
    }
}

/// A text in which values are looked for.
#[derive(Debug, Clone)]
pub(super) enum Area {
    Url,
    Header(String),
    Body,
}

/// The slots of one text, in order.
#[derive(Debug)]
pub(super) struct Slots {
    area: Area,
    pub(super) found: Vec<Slot>,
}

impl Slots {
    pub(super) fn new(area: Area) -> Self {
        Self { area, found: Vec::new() }
    }

    /// Adds a value with a name, which may be empty. It is a credential as a whole if its name says so, or
    /// may contain credentials.
    pub(super) fn add_value(&mut self, value: &View, name: &str, is_secret: bool) {
        // The name is wrong about a value such as `none`, and a number is not searched.
        let whole = is_secret.then(|| secret_part(value.text(), name)).flatten();
        let search = if names::has_random_values(name) { Search::Certain } else { Search::All };
        let before = self.found.len();
        self.add_credentials(value, name, whole, |rest| text::find(rest, search));
        if self.found.len() == before && !value.text().is_empty() {
            self.push(name, None);
        }
    }

    /// Adds the credentials in a value, first a known one, and the references to secrets between them.
    ///
    /// Each credential is replaced by a reference before the rest is searched again. So whatever can be found once some
    /// of them are replaced is found at once, and nothing is found once all of them are.
    pub(super) fn add_credentials(
        &mut self,
        value: &View,
        name: &str,
        known: Option<Range<usize>>,
        find: impl Fn(&View) -> Vec<Part>,
    ) {
        let known = known.map(|range| Part { range, kind: Kind::Token, name: String::new() });
        let mut parts: Vec<Part> = known.into_iter().collect();
        if parts.is_empty() {
            parts = find(value);
        }
        let mut rest = value.clone();
        let mut found: HashMap<usize, Found> = HashMap::new();
        for _ in 0..MAX_SEARCHES {
            let mut replaced: Vec<Range<usize>> = Vec::new();
            for part in text::merged(parts) {
                // A brace before a reference would change its meaning, so it becomes part of the value.
                let at = replaced.last().map_or(0, |last| last.end);
                let before = rest.get(at..part.range.start);
                let braces = before.len() - before.trim_end_matches('{').len();
                let range = part.range.start - braces..part.range.end;
                let label = match part.kind {
                    Kind::PrivateKey => "private key",
                    Kind::Token if part.name.is_empty() => name,
                    Kind::Token => &part.name,
                };
                if let Some(credential) = self.found(&rest, &range, label) {
                    found.insert(credential.range.start, credential);
                    replaced.push(range);
                }
            }
            if replaced.is_empty() {
                break;
            }
            rest = rest.with_references(&replaced);
            parts = find(&rest);
        }
        for (_, start) in rest.characters().filter(|(c, _)| *c == REFERENCE) {
            self.push(name, found.remove(&start));
        }
    }

    /// The credential at a part of a view. `None` if nothing is there.
    fn found(&self, value: &View, range: &Range<usize>, name: &str) -> Option<Found> {
        let text = value.get(range.clone());
        let is_credential = !text.is_empty() && !has_placeholder(text);
        is_credential.then(|| Found {
            what: self.what(name),
            name: self.name(name),
            range: value.source(range),
            value: text.to_owned(),
        })
    }

    fn push(&mut self, name: &str, credential: Option<Found>) {
        let place = match &self.area {
            Area::Url => format!("url.{}", place_name(name)),
            Area::Header(header) => format!("header.{}", place_name(header)),
            Area::Body => format!("body.{}", place_name(name)),
        };
        self.found.push(Slot { place, credential });
    }

    fn what(&self, name: &str) -> String {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
        match &self.area {
            Area::Header(header) => {
                let header: String = header.chars().take(MAX_NAME_CHARS).collect();
                format!("The header {header}")
            }
            Area::Url if name == PATH => "A part of the URL's path".to_owned(),
            Area::Url if shown.trim().is_empty() => "A value in the URL".to_owned(),
            Area::Url => format!("{shown} in the URL"),
            Area::Body if shown.trim().is_empty() => "A value in the body".to_owned(),
            Area::Body => format!("{shown} in the body"),
        }
    }

    fn name(&self, name: &str) -> String {
        match &self.area {
            Area::Header(header) => header.clone(),
            Area::Url if name == PATH => "url_path".to_owned(),
            Area::Url | Area::Body => name.to_owned(),
        }
    }
}

/// The part of a place that stands for a name.
fn place_name(name: &str) -> String {
    let is_kept = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let lower = name.trim().chars().flat_map(char::to_lowercase).take(MAX_NAME_CHARS);
    let place: String = lower.map(|c| if is_kept(c) { c } else { '_' }).collect();
    if place.is_empty() { "value".to_owned() } else { place }
}

/// The part of a value that is secret if its name says so: all but the scheme of an authorization, such as
/// `Bearer`. `None` if nothing is secret.
fn secret_part(value: &str, name: &str) -> Option<Range<usize>> {
    const SCHEMES: [&str; 16] = [
        "api-key",
        "api-token",
        "apikey",
        "apitoken",
        "aws4-hmac-sha256",
        "basic",
        "bearer",
        "bot",
        "digest",
        "geniekey",
        "hmac",
        "key",
        "negotiate",
        "splunk",
        "ssws",
        "token",
    ];
    const NOT_SECRET: [&str; 14] = [
        "basic", "bearer", "default", "disabled", "enabled", "false", "header", "no", "none",
        "null", "oauth", "off", "true", "yes",
    ];
    let unspaced = value.trim_start();
    let scheme = unspaced.split(' ').next().unwrap_or_default();
    let is_word = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_authorization = name.to_ascii_lowercase().ends_with("authorization");
    let is_scheme = SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
        || (is_authorization && is_word && scheme.len() < unspaced.len());
    let rest = if is_scheme { unspaced.get(scheme.len()..).unwrap_or_default() } else { value };
    let rest = if rest.trim().is_empty() { value } else { rest };
    let secret = if is_scheme { rest.trim() } else { rest };
    let is_none = NOT_SECRET.contains(&secret.trim().to_ascii_lowercase().as_str())
        || secret.trim().is_empty()
        || secret.contains(is_placeholder)
        || preset::is_placeholder(secret.trim());
    let start = value.len() - rest.len() + (rest.len() - rest.trim_start().len());
    let start = if is_scheme { start } else { 0 };
    (!is_none).then(|| start..start + secret.len())
}

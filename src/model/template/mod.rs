//! Body templates: Handlebars, with every value escaped for the place it stands in.
//!
//! The `handlebars` crate parses; what is written where is decided here, because plain Handlebars
//! escapes for HTML, and the text around a placeholder decides how often a value must be escaped:
//!
//! | where `{{x}}` stands | what is written |
//! | --- | --- |
//! | in a JSON string | the text, escaped; a number, `true` or `false` as it is; `null` as nothing; an object or list as its JSON, escaped |
//! | in JSON within a JSON string | the same, escaped twice, and so on |
//! | in JSON outside of quotes | a whole JSON value: a text gets its quotes, what is missing is `null` |
//! | in a text that is not JSON | the text as it is |
//! | in a form body | the text, form-encoded |
//! | in a header | the text; a control character is an error |
//! | in a URL | the text, percent-encoded, so that it cannot end the part it stands in |
//!
//! A field that an event lacks is written as if it were `null`: losing an event for the sake of an optional
//! field would be worse. [`lint()`] tells of fields that no documented event has, when the template is saved. A
//! missing secret is an error, because nothing good comes of sending an empty password.
//!
//! What plain Handlebars has and this dialect refuses: `{{{x}}}` and `{{&x}}`, partials, decorators, raw
//! blocks, `lookup`, `log`. What it adds: `json`, `join`, `default`, `upper`, `lower`, `truncate`, `eq`, `ne`,
//! `and`, `or`, `not`, `first`, `last`, `date`.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use gatepost::model::template::{Place, Template, TemplateData};
//!
//! let template = Template::compile(r#"{"text": "{{data.justification}}"}"#, Place::JsonBody)?;
//! let payload = serde_json::json!({ "data": { "justification": "a \"quote\"" } });
//! let data = TemplateData::new(Cow::Owned(payload), "delivery-1", 1, "Logpoint comment", &[]);
//! assert_eq!(template.render(&data)?, r#"{"text": "a \"quote\""}"#);
//! # Ok::<(), gatepost::model::template::TemplateError>(())
//! ```

mod data;
mod dates;
mod error;
mod escape;
mod helpers;
mod json;
mod limits;
mod lint;
mod operand;
mod parse;
mod place;
mod program;
mod render;
mod scan;
mod scope;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use data::TemplateData;
pub use error::{TemplateError, TemplateErrorKind};
pub use helpers::helpers;
pub use json::{JsonError, check_json};
pub use limits::{
    MAX_JSON_DEPTH, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_RENDER_TIME, MAX_SOURCE_BYTES,
};
pub use lint::{Warning, lint};
pub use program::PathUse;

use error::TemplateErrorKind as Kind;
use program::{Node, Position};

/// Where the result stands, which decides how values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A body with a JSON content type.
    JsonBody,
    /// An `application/x-www-form-urlencoded` body.
    FormBody,
    /// Any other body. Where its text begins like JSON, values are escaped as in [`Place::JsonBody`].
    TextBody,
    /// A header's value.
    Header,
    /// A URL.
    Url,
}

/// A compiled template. Cloning it is cheap.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

struct Compiled {
    nodes: Vec<Node>,
    paths: Vec<PathUse>,
    field_paths: Vec<parse::FieldPath>,
    place: Place,
    /// A first guess at the result's length.
    capacity: usize,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn compile(source: &str, place: Place) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(Kind::SourceTooLong.at(START));
        }
        let mut parsed = parse::parse(source)?;
        place::find_encodings(&mut parsed.nodes, place)?;
        let capacity = source.len() + source.len() / 2;
        let parse::Parsed { nodes, paths, field_paths } = parsed;
        Ok(Self(Arc::new(Compiled { nodes, paths, field_paths, place, capacity })))
    }

    /// Fills in the data.
    ///
    /// # Errors
    /// A secret that does not exist, a value that its place cannot hold, or a bound that was passed.
    pub fn render(&self, data: &TemplateData<'_>) -> Result<String, TemplateError> {
        let rendered = render::render(&self.0.nodes, data, self.0.capacity)?;
        if self.0.place == Place::Url && !self.is_fixed() && has_dot_segment(&rendered) {
            return Err(Kind::DotSegment.at(START));
        }
        Ok(rendered)
    }

    /// The paths used, in the order in which they stand, as far as they are known without data.
    pub fn paths(&self) -> &[PathUse] {
        &self.0.paths
    }

    /// The field_paths to all that is looked at of the data, each by the names of the members on it.
    pub fn field_paths(&self) -> impl Iterator<Item = &[Box<str>]> {
        self.0.field_paths.iter().map(AsRef::as_ref)
    }

    /// The names of the secrets used, each once.
    pub fn secrets(&self) -> Vec<&str> {
        let mut names: Vec<_> =
            self.paths().iter().filter_map(|used| used.path.strip_prefix("secrets.")).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Its text, where there is no placeholder in it.
    pub fn fixed(&self) -> Option<String> {
        let text = |node: &Node| match node {
            Node::Text(text) => Some(text.to_string()),
            Node::Value(_) | Node::If(_) | Node::Each(_) | Node::With(_) => None,
        };
        self.0.nodes.iter().map(text).collect()
    }

    /// Whether there is no placeholder in it.
    pub fn is_fixed(&self) -> bool {
        self.0.nodes.iter().all(|node| matches!(node, Node::Text(_)))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text itself may hold credentials that were typed into it.
        f.debug_struct("Template")
            .field("place", &self.0.place)
            .field("paths", &self.0.paths)
            .finish()
    }
}

const START: Position = Position { line: 1, column: 1 };

/// Whether a segment of the URL's path is one that URLs resolve away.
fn has_dot_segment(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).skip(1).any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    })
}

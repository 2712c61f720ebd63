//! A Handlebars dialect for HTTP requests that escapes every value for the place where it is used.
//!
//! Templates are parsed by the rules of handlebars.js. Plain Handlebars escapes for HTML, whereas here the text
//! around a placeholder decides how its value is escaped, and how often:
//!
//! | position of `{{x}}` | output |
//! | --- | --- |
//! | inside a JSON string | the text, escaped; numbers and booleans as they are; nothing for `null`; the JSON of an object or list, escaped |
//! | inside JSON within a JSON string | the same, escaped once per level |
//! | in JSON outside quotes | a complete JSON value: a text with quotes, `null` for a missing field |
//! | in text other than JSON | the text as it is |
//! | in a form body | the text, form-encoded; in JSON within a value, escaped for the JSON first |
//! | in an XML body | the text, escaped for an element, an attribute or a CDATA section |
//! | in a CSV body | the text as a field, or escaped within the quotes of a field |
//! | in a header | the text; control characters are an error |
//! | in a URL | the text, percent-encoded, so that it cannot leave its path segment or parameter |
//!
//! A field that the data lack renders like `null`, because losing an event over an optional field would
//! be worse. [`lint()`] reports such fields when a template is saved. A missing secret is an error, because
//! a request with an empty password is never useful.
//!
//! Not supported: `{{{x}}}` and `{{&x}}`, partials, decorators, raw blocks, `lookup` and `log`.
//! In addition to Handlebars there are the [`helpers()`] `json`, `join`, `default`, `upper`, `lower`,
//! `truncate`, `eq`, `ne`, `and`, `or`, `not`, `first`, `last`, `date`, `xml`, `csv`, `noformula`, `base64` and
//! `basic_auth`.
//!
//! Compilation and rendering are bounded in size, nesting and time (see the `MAX_*` constants), so that
//! templates from untrusted users are safe to run.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use gatepost::template::{OutputContext, Template, TemplateData};
//!
//! let source = r#"{"text": "{{data.justification}}"}"#;
//! let template = Template::compile(source, OutputContext::JsonBody)?;
//! let payload = serde_json::json!({ "data": { "justification": "a \"quote\"" } });
//! let data = TemplateData::new(Cow::Owned(payload), "delivery-1", 1, "Logpoint comment", &[]);
//! assert_eq!(template.render(&data)?, r#"{"text": "a \"quote\""}"#);
//! # Ok::<(), gatepost::template::TemplateError>(())
//! ```
//!
//! This module uses no other module of Gatepost.

mod ast;
mod budget;
mod compiled;
mod context;
mod csv;
mod cursor;
mod data;
mod dates;
mod error;
mod escape;
mod expression;
mod form;
mod frame;
mod grammar;
mod helpers;
mod json;
mod json_levels;
mod key;
mod lexer;
mod limits;
mod lint;
mod look_ahead;
mod lookalike;
mod operand;
mod output;
mod parser;
mod position;
mod render;
mod reserved;
mod scanner;
mod scope;
mod suggestion;
mod syntax;
#[cfg(test)]
mod tests;
mod token;
mod tracker;
mod whitespace;
mod xml;
mod xml_text;

pub use ast::{FieldPath, PathUse};
pub use budget::Budget;
pub use compiled::{Template, dot_segment};
pub use context::OutputContext;
pub use data::{TemplateData, TemplateSecret};
pub use error::{TemplateError, TemplateErrorKind};
pub use helpers::helpers;
pub use json::{JsonError, check_json};
pub use limits::{
    MAX_JSON_DEPTH, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_RENDER_TIME, MAX_SOURCE_BYTES,
};
pub use lint::{FieldKind, MAX_WARNINGS, SchemaField, Warning, lint};
pub use output::RenderedText;

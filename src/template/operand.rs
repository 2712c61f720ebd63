//! Values during rendering: arguments and results of helpers.

use std::borrow::Cow;

use serde_json::Value;

/// A value that an expression evaluates to.
#[derive(Debug, Clone)]
pub(super) enum Operand<'a> {
    /// The data have no such field. Rendered like null.
    Missing,
    Json(&'a Value),
    Text(Cow<'a, str>),
    Flag(bool),
    Count(usize),
}

impl<'a> Operand<'a> {
    /// Whether Handlebars' `if` takes the value as true. False are: a missing value, false, null, 0
    /// (unless `include_zero`), and an empty text, list or object.
    pub(super) fn is_truthy(&self, include_zero: bool) -> bool {
        match self {
            Self::Missing | Self::Json(Value::Null) => false,
            Self::Json(Value::Bool(flag)) | Self::Flag(flag) => *flag,
            Self::Json(Value::Number(number)) => include_zero || number.as_f64() != Some(0.0),
            Self::Json(Value::String(text)) => !text.is_empty(),
            Self::Json(Value::Array(list)) => !list.is_empty(),
            Self::Json(Value::Object(map)) => !map.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Count(count) => include_zero || *count != 0,
        }
    }

    /// The value as readable text: a string without quotes, nothing for null, the JSON of an object or list.
    pub(super) fn to_text(&self) -> Cow<'a, str> {
        match self {
            Self::Missing | Self::Json(Value::Null) => Cow::Borrowed(""),
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Number(number)) => Cow::Owned(number.to_string()),
            Self::Json(other) => Cow::Owned(other.to_string()),
            Self::Text(text) => text.clone(),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Count(count) => Cow::Owned(count.to_string()),
        }
    }

    /// The value as JSON: a string with quotes.
    pub(super) fn to_json(&self) -> Cow<'a, str> {
        match self {
            Self::Missing => Cow::Borrowed("null"),
            Self::Json(value) => Cow::Owned(value.to_string()),
            Self::Text(text) => Cow::Owned(Value::String(text.clone().into_owned()).to_string()),
            Self::Flag(_) | Self::Count(_) => self.to_text(),
        }
    }

    /// The value as `this` of a `with` block.
    pub(super) fn to_value(&self) -> Cow<'a, Value> {
        match self {
            Self::Missing => Cow::Owned(Value::Null),
            Self::Json(value) => Cow::Borrowed(value),
            Self::Text(text) => Cow::Owned(Value::String(text.clone().into_owned())),
            Self::Flag(flag) => Cow::Owned(Value::Bool(*flag)),
            Self::Count(count) => Cow::Owned(Value::from(*count)),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Json(Value::String(_)) | Self::Text(_))
    }

    /// Whether two values are equal. Texts equal only texts, numbers are compared by amount, a missing
    /// value equals null.
    pub(super) fn equals(&self, other: &Self) -> bool {
        if self.is_text() || other.is_text() {
            return self.is_text() && other.is_text() && self.to_text() == other.to_text();
        }
        let (left, right) = (self.to_value(), other.to_value());
        match (left.as_ref(), right.as_ref()) {
            (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (left, right) => left == right,
        }
    }
}

//! Values during rendering: arguments and results of helpers.

use std::borrow::Cow;

use serde_json::Value;

use super::budget::{BoundedText, Budget};
use super::error::TemplateErrorKind as Kind;
use super::escape::quote_json;
use super::key::Key;

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
    /// (unless `include_zero`), and an empty text or list.
    pub(super) fn is_truthy(&self, include_zero: bool) -> bool {
        match self {
            Self::Missing | Self::Json(Value::Null) => false,
            Self::Json(Value::Bool(flag)) | Self::Flag(flag) => *flag,
            Self::Json(Value::Number(number)) => include_zero || number.as_f64() != Some(0.0),
            Self::Json(Value::String(text)) => !text.is_empty(),
            Self::Json(Value::Array(list)) => !list.is_empty(),
            Self::Json(Value::Object(_)) => true,
            Self::Text(text) => !text.is_empty(),
            Self::Count(count) => include_zero || *count != 0,
        }
    }

    /// The text of a value other than a list or an object, without copying.
    #[inline]
    pub(super) fn as_scalar(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Missing | Self::Json(Value::Null) => Cow::Borrowed(""),
            Self::Json(Value::Bool(flag)) | Self::Flag(flag) => {
                Cow::Borrowed(if *flag { "true" } else { "false" })
            }
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Number(number)) => Cow::Borrowed(number.as_str()),
            Self::Json(Value::Array(_) | Value::Object(_)) => return None,
            Self::Text(text) => Cow::Borrowed(text),
            Self::Count(count) => Cow::Owned(count.to_string()),
        })
    }

    /// The value as readable text: a string without quotes, nothing for null, the JSON of an object or list.
    pub(super) fn to_text(&self, budget: &Budget) -> Result<Cow<'_, str>, Kind> {
        match (self.as_scalar(), self) {
            (Some(text), _) => Ok(text),
            (None, Self::Json(value)) => BoundedText::of(value, budget).map(Cow::Owned),
            (None, _) => Ok(Cow::Borrowed("")),
        }
    }

    /// The value as readable text, which outlives it.
    pub(super) fn into_text(self, budget: &Budget) -> Result<Cow<'a, str>, Kind> {
        match self {
            Self::Json(Value::String(text)) => Ok(Cow::Borrowed(text)),
            Self::Text(text) => Ok(text),
            Self::Missing | Self::Json(_) | Self::Flag(_) | Self::Count(_) => {
                self.to_text(budget).map(|text| Cow::Owned(text.into_owned()))
            }
        }
    }

    /// The value as JSON: a string with quotes.
    pub(super) fn to_json(&self, budget: &Budget) -> Result<Cow<'_, str>, Kind> {
        match self {
            Self::Missing | Self::Json(Value::Null) => Ok(Cow::Borrowed("null")),
            Self::Json(Value::String(text)) => quoted(text, budget),
            Self::Text(text) => quoted(text, budget),
            Self::Json(_) | Self::Flag(_) | Self::Count(_) => self.to_text(budget),
        }
    }

    /// The value as `this` of a `with` block.
    pub(super) fn into_value(self) -> Cow<'a, Value> {
        match self {
            Self::Missing => Cow::Owned(Value::Null),
            Self::Json(value) => Cow::Borrowed(value),
            Self::Text(text) => Cow::Owned(Value::String(text.into_owned())),
            Self::Flag(flag) => Cow::Owned(Value::Bool(flag)),
            Self::Count(count) => Cow::Owned(Value::from(count)),
        }
    }

    /// The member of an object, the entry of a list, the character of a text, or the length of a list or text.
    /// As in JavaScript, a text consists of UTF-16 code units.
    pub(super) fn member(self, key: &Key, budget: &Budget) -> Result<Self, Kind> {
        if let Self::Json(value) = self {
            if let (Value::Array(list), true) = (value, key.is_length) {
                return Ok(Self::Count(list.len()));
            }
            if let Some(found) = key.find(value) {
                return Ok(Self::Json(found));
            }
        }
        let Some(text) = self.as_text().filter(|_| key.is_length || key.index.is_some()) else {
            return Ok(Self::Missing);
        };
        budget.spend_bytes(text.len())?;
        let mut units = text.encode_utf16();
        let Some(index) = key.index else { return Ok(Self::Count(units.count())) };
        let unit = units.nth(index).map(|unit| char::from_u32(unit.into()).unwrap_or('\u{fffd}'));
        Ok(unit.map_or(Self::Missing, |unit| Self::Text(unit.to_string().into())))
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Json(Value::String(text)) => Some(text),
            Self::Text(text) => Some(text),
            Self::Missing | Self::Json(_) | Self::Flag(_) | Self::Count(_) => None,
        }
    }

    /// Whether two values are equal. Texts equal only texts, numbers are compared by amount, a missing
    /// value equals null.
    pub(super) fn equals(self, other: Self, budget: &Budget) -> Result<bool, Kind> {
        if self.as_text().is_some() || other.as_text().is_some() {
            let (left, right) = (self.as_text(), other.as_text());
            budget.spend_bytes(left.map_or(0, str::len))?;
            return Ok(left == right);
        }
        let (left, right) = (self.into_value(), other.into_value());
        match (left.as_ref(), right.as_ref()) {
            (Value::Number(a), Value::Number(b)) => {
                let amount = a.as_f64();
                Ok(a == b || (amount.is_some() && amount == b.as_f64()))
            }
            (left, right) => are_equal(left, right, budget),
        }
    }
}

fn quoted(text: &str, budget: &Budget) -> Result<Cow<'static, str>, Kind> {
    budget.spend_bytes(text.len())?;
    Ok(Cow::Owned(quote_json(text)))
}

fn are_equal(left: &Value, right: &Value, budget: &Budget) -> Result<bool, Kind> {
    budget.spend(1)?;
    match (left, right) {
        (Value::String(a), Value::String(b)) => {
            budget.spend_bytes(a.len())?;
            Ok(a == b)
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (left, right) in a.iter().zip(b) {
                if !are_equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            for (name, left) in a {
                budget.spend_bytes(name.len())?;
                let Some(right) = b.get(name) else { return Ok(false) };
                if !are_equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Array(_) | Value::Object(_), _) => Ok(false),
        (left, right) => Ok(left == right),
    }
}

/// Counts the steps of copying a value.
pub(super) fn spend_copy(value: &Value, budget: &Budget) -> Result<(), Kind> {
    budget.spend(1)?;
    match value {
        Value::String(text) => budget.spend_bytes(text.len()),
        Value::Array(list) => list.iter().try_for_each(|entry| spend_copy(entry, budget)),
        Value::Object(map) => map.iter().try_for_each(|(name, entry)| {
            budget.spend_bytes(name.len())?;
            spend_copy(entry, budget)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

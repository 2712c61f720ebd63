//! Reads JSON in one pass, by the first character of each value.
//!
//! `serde_json` passes numbers with all their digits, and raw values, as objects with a private key, and cannot tell them
//! from objects that contain this key. It also changes the spelling of exponents.

use serde::de::Error as _;
use serde_json::{Error, Map, Number, Value};

use super::string_end::string_end;

/// Maximum nesting that `serde_json` accepts too.
const MAX_DEPTH: usize = 127;

/// Reads a text whose structure is known to be valid.
///
/// # Errors
/// If a string has an invalid escape, or the nesting is too deep.
pub(super) fn read(text: &str) -> Result<Value, Error> {
    Reader { rest: text, depth: 0 }.value()
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Value, Error> {
        self.skip_space();
        match self.rest.bytes().next() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => self.string().map(Value::String),
            _ => self.scalar(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::custom("recursion limit exceeded"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Advances past a sign.
    fn skip(&mut self, sign: char) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut members = Map::new();
        self.skip('{');
        while !self.skip('}') {
            self.skip(',');
            self.skip_space();
            let name = self.string()?;
            self.skip(':');
            members.insert(name, self.value()?);
        }
        Ok(Value::Object(members))
    }

    fn list(&mut self) -> Result<Value, Error> {
        let mut entries = Vec::new();
        self.skip('[');
        while !self.skip(']') {
            self.skip(',');
            entries.push(self.value()?);
        }
        Ok(Value::Array(entries))
    }

    fn string(&mut self) -> Result<String, Error> {
        let length = 1 + self.rest.get(1..).and_then(string_end).unwrap_or_default();
        serde_json::from_str(self.take(length))
    }

    fn scalar(&mut self) -> Result<Value, Error> {
        let ends = [',', ']', '}', ' ', '\t', '\r', '\n'];
        let scalar = self.take(self.rest.find(ends).unwrap_or(self.rest.len()));
        if scalar.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            // Every other way to create a number changes its spelling.
            return Ok(Value::Number(Number::from_string_unchecked(scalar.to_owned())));
        }
        serde_json::from_str(scalar)
    }
}

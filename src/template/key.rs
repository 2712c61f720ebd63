//! Segments of paths.

use serde_json::Value;

/// One segment of a path.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    /// The segment as a number, to index lists and texts.
    pub(super) index: Option<usize>,
    /// Whether the segment is `length`, which lists and texts have.
    pub(super) is_length: bool,
}

impl Key {
    pub(super) fn new(name: &str) -> Self {
        // `007` and `+7` are no indexes.
        let index = name.parse().ok().filter(|index: &usize| index.to_string() == name);
        Self { name: name.into(), index, is_length: name == "length" }
    }

    /// Returns the member of an object or the entry of a list.
    #[inline]
    pub(super) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match value {
            Value::Object(map) => map.get(self.name.as_ref()),
            Value::Array(list) => list.get(self.index?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
}

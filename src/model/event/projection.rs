//! Reads only selected fields of a JSON text, so that events need not be parsed completely to accept or send
//! them.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use crate::model::json::PRIVATE_NUMBER_KEY;

/// Selection of fields of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// The complete value.
    All,
    /// The named members of an object, each with its own projection. In a list, the members of each entry.
    Members(Vec<(Box<str>, Projection)>),
}

const NOTHING: Projection = Projection::Members(Vec::new());

impl Default for Projection {
    /// Selects nothing.
    fn default() -> Self {
        NOTHING
    }
}

impl Projection {
    /// Selects the fields at these paths.
    pub(super) fn new(paths: &[&[&str]]) -> Self {
        let mut projection = Self::default();
        for path in paths {
            projection.add(path);
        }
        projection
    }

    /// Adds the field at this path. The empty path selects everything.
    pub fn add(&mut self, path: &[impl AsRef<str>]) {
        let [name, rest @ ..] = path else {
            *self = Self::All;
            return;
        };
        let name = name.as_ref();
        let Self::Members(members) = self else { return };
        let known = members.iter().position(|(known, _)| **known == *name);
        let at = known.unwrap_or_else(|| {
            members.push((name.into(), Self::default()));
            members.len() - 1
        });
        if let Some((_, member)) = members.get_mut(at) {
            member.add(rest);
        }
    }
}

/// Reads the selected fields. The rest is validated as if it were selected.
///
/// # Errors
/// The text is not JSON.
pub(super) fn read(text: &str, projection: &Projection) -> Result<Value, serde_json::Error> {
    project(text, projection, true)
}

/// Reads the selected fields of a text that is known to be valid. The rest is skipped.
///
/// # Errors
/// The text is not JSON. Not every error is detected.
pub(super) fn read_unchecked(
    text: &str,
    projection: &Projection,
) -> Result<Value, serde_json::Error> {
    project(text, projection, false)
}

fn project(
    text: &str,
    projection: &Projection,
    validate: bool,
) -> Result<Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Reader { projection, validate }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Deserializes the selected fields.
#[derive(Clone, Copy)]
struct Reader<'w> {
    projection: &'w Projection,
    /// Whether the rest is validated.
    validate: bool,
}

impl Reader<'_> {
    /// Skips a member. (`IgnoredAny` alone would accept invalid strings and unlimited nesting.)
    fn skip<'de, A: MapAccess<'de>>(self, members: &mut A) -> Result<(), A::Error> {
        if self.validate {
            members.next_value_seed(Reader { projection: &NOTHING, ..self }).map(drop)
        } else {
            members.next_value::<IgnoredAny>().map(drop)
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        match self.projection {
            Projection::All => Value::deserialize(json),
            Projection::Members(_) => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key_seed(MemberName(self.projection))? {
            match name {
                Member::Projected(name, projection) => {
                    let value = members.next_value_seed(Reader { projection, ..self })?;
                    found.insert(name.to_owned(), value);
                }
                Member::Other => self.skip(&mut members)?,
                Member::Number => {
                    self.skip(&mut members)?;
                    return Ok(Value::Null);
                }
            }
        }
        Ok(Value::Object(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            if *self.projection != NOTHING {
                found.push(entry);
            }
        }
        Ok(Value::Array(found))
    }

    // The value of a scalar where members are selected does not matter.

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// The name of a member.
enum Member<'w> {
    Projected(&'w str, &'w Projection),
    Other,
    /// The value is a number, not an object.
    Number,
}

/// Deserializes the name of a member.
struct MemberName<'w>(&'w Projection);

impl<'de, 'w> DeserializeSeed<'de> for MemberName<'w> {
    type Value = Member<'w>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Member<'w>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for MemberName<'w> {
    type Value = Member<'w>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member<'w>, E> {
        let Projection::Members(members) = self.0 else { return Ok(Member::Other) };
        let known = members.iter().find(|(known, _)| **known == *name);
        Ok(match known {
            Some((known, projection)) => Member::Projected(known, projection),
            None if name == PRIVATE_NUMBER_KEY => Member::Number,
            None => Member::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn projection() -> Projection {
        Projection::new(&[&["a"], &["b", "a"], &["b", "c"]])
    }

    /// JSON with selected and other names, and unusual strings and numbers.
    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|flag| flag.to_string()),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            any::<String>().prop_map(|text| Value::from(text).to_string()),
            Just(r#""\ud83d\ude00\n\u0000""#.to_owned()),
            Just(r#""\ud83d""#.to_owned()),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|entries| format!("[{}]", entries.join(","))),
                prop::collection::vec(("[abcd]", inner), 0..4).prop_map(|members| {
                    let members: Vec<String> = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\": {value}"))
                        .collect();
                    format!("{{{}}}", members.join(", "))
                }),
            ]
        })
    }

    /// Applies a projection to a complete value.
    fn reference(value: &Value, projection: &Projection) -> Value {
        let Projection::Members(places) = projection else { return value.clone() };
        match value {
            Value::Array(entries) => {
                entries.iter().map(|entry| reference(entry, projection)).collect()
            }
            Value::Object(members) => {
                let find = |name: &str| places.iter().find(|(known, _)| **known == *name);
                let kept = members.iter().filter_map(|(name, value)| {
                    find(name).map(|(_, projection)| (name.clone(), reference(value, projection)))
                });
                Value::Object(kept.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
        }
    }

    fn assert_equals_complete_read(text: &str) {
        let whole = serde_json::from_str::<Value>(text);
        match (read(text, &projection()), whole) {
            (Ok(part), Ok(whole)) => {
                assert_eq!(part, reference(&whole, &projection()), "{text}");
                assert_eq!(read_unchecked(text, &projection()).unwrap(), part, "{text}");
            }
            (Err(part), Err(whole)) => assert_eq!(part.to_string(), whole.to_string(), "{text}"),
            (part, whole) => panic!("{text}: {part:?}, {whole:?}"),
        }
    }

    #[test]
    fn nesting_is_limited_everywhere() {
        for name in ["a", "b", "x"] {
            for depth in [120, 200] {
                assert_equals_complete_read(&format!(
                    "{{\"{name}\": {}{}}}",
                    "[".repeat(depth),
                    "]".repeat(depth)
                ));
            }
        }
    }

    proptest! {
        #[test]
        fn reading_a_projection_equals_projecting_a_complete_read(text in json()) {
            assert_equals_complete_read(&text);
        }

        #[test]
        fn invalid_json_is_rejected_with_the_same_error(text in json(), at in any::<prop::sample::Index>(), junk in "[\\[\\]{},:\"\\\\ue0-]") {
            let mut chars: Vec<char> = text.chars().collect();
            chars.insert(at.index(chars.len() + 1), junk.chars().next().unwrap());
            assert_equals_complete_read(&chars.into_iter().collect::<String>());
        }
    }
}

//! Reads a few places of a JSON text: an event is not built in memory whole, neither to take it in nor to send it.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

/// Places of a JSON text that are wanted, with all that lies below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// All of what stands there.
    All,
    /// The members of those names, and of each these places; of a list, those of each of its entries.
    Members(Vec<(Box<str>, Projection)>),
}

const NOTHING: Projection = Projection::Members(Vec::new());

impl Default for Projection {
    /// Nothing.
    fn default() -> Self {
        NOTHING
    }
}

impl Projection {
    /// These places, each by the names of the members on the way to it.
    pub(super) fn of(ways: &[&[&str]]) -> Self {
        let mut projection = Self::default();
        for way in ways {
            projection.add(way);
        }
        projection
    }

    /// One more place, by the names of the members on the way to it. Without a name all is wanted.
    pub fn add(&mut self, way: &[impl AsRef<str>]) {
        let [name, rest @ ..] = way else {
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

/// What is wanted of a text. Whatever else stands in it is checked just as if all were wanted.
///
/// # Errors
/// Where the text is not JSON.
pub(super) fn read(text: &str, projection: &Projection) -> Result<Value, serde_json::Error> {
    part(text, projection, true)
}

/// What is wanted of a text that was read before: the rest of it is passed over.
///
/// # Errors
/// Where the text is not JSON, perhaps.
pub(super) fn read_unchecked(
    text: &str,
    projection: &Projection,
) -> Result<Value, serde_json::Error> {
    part(text, projection, false)
}

fn part(text: &str, projection: &Projection, is_checked: bool) -> Result<Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Part { projection, is_checked }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// A part that is read.
#[derive(Clone, Copy)]
struct Part<'w> {
    projection: &'w Projection,
    /// Whether the rest is checked.
    is_checked: bool,
}

impl Part<'_> {
    /// What is not wanted. (`IgnoredAny` lets pass what no string may hold, and any depth.)
    fn pass<'de, A: MapAccess<'de>>(self, members: &mut A) -> Result<(), A::Error> {
        if self.is_checked {
            members.next_value_seed(Part { projection: &NOTHING, ..self }).map(drop)
        } else {
            members.next_value::<IgnoredAny>().map(drop)
        }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        match self.projection {
            Projection::All => Value::deserialize(json),
            Projection::Members(_) => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key_seed(Name(self.projection))? {
            match name {
                Member::Projected(name, projection) => {
                    let value = members.next_value_seed(Part { projection, ..self })?;
                    found.insert(name.to_owned(), value);
                }
                Member::Other => self.pass(&mut members)?,
                Member::Number => {
                    self.pass(&mut members)?;
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

    // Where members are wanted, it does not matter what stands there instead.

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

/// Under which name `serde_json` gives a visitor a number with all of its digits.
const NUMBER: &str = "$serde_json::private::Number";

/// A member's name.
enum Member<'w> {
    Projected(&'w str, &'w Projection),
    Other,
    /// It is no object, but a number.
    Number,
}

/// Reads a member's name.
struct Name<'w>(&'w Projection);

impl<'de, 'w> DeserializeSeed<'de> for Name<'w> {
    type Value = Member<'w>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Member<'w>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for Name<'w> {
    type Value = Member<'w>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member<'w>, E> {
        let Projection::Members(members) = self.0 else { return Ok(Member::Other) };
        let known = members.iter().find(|(known, _)| **known == *name);
        Ok(match known {
            Some((known, projection)) => Member::Projected(known, projection),
            None if name == NUMBER => Member::Number,
            None => Member::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn projection() -> Projection {
        Projection::of(&[&["a"], &["b", "a"], &["b", "c"]])
    }

    /// JSON, of the names that are wanted and others, with all that strings and numbers can be.
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

    /// What is left of a whole value where only what is wanted is kept.
    fn cut(value: &Value, projection: &Projection) -> Value {
        let Projection::Members(places) = projection else { return value.clone() };
        match value {
            Value::Array(entries) => entries.iter().map(|entry| cut(entry, projection)).collect(),
            Value::Object(members) => {
                let find = |name: &str| places.iter().find(|(known, _)| **known == *name);
                let kept = members.iter().filter_map(|(name, value)| {
                    find(name).map(|(_, projection)| (name.clone(), cut(value, projection)))
                });
                Value::Object(kept.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
        }
    }

    fn is_alike(text: &str) {
        let whole = serde_json::from_str::<Value>(text);
        match (read(text, &projection()), whole) {
            (Ok(part), Ok(whole)) => {
                assert_eq!(part, cut(&whole, &projection()), "{text}");
                assert_eq!(read_unchecked(text, &projection()).unwrap(), part, "{text}");
            }
            (Err(part), Err(whole)) => assert_eq!(part.to_string(), whole.to_string(), "{text}"),
            (part, whole) => panic!("{text}: {part:?}, {whole:?}"),
        }
    }

    #[test]
    fn what_is_too_deep_is_refused_wherever_it_stands() {
        for name in ["a", "b", "x"] {
            for depth in [120, 200] {
                is_alike(&format!("{{\"{name}\": {}{}}}", "[".repeat(depth), "]".repeat(depth)));
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_as_if_all_had_been_read(text in json()) {
            is_alike(&text);
        }

        #[test]
        fn what_is_no_json_is_refused_just_so(text in json(), at in any::<prop::sample::Index>(), junk in "[\\[\\]{},:\"\\\\ue0-]") {
            let mut chars: Vec<char> = text.chars().collect();
            chars.insert(at.index(chars.len() + 1), junk.chars().next().unwrap());
            is_alike(&chars.into_iter().collect::<String>());
        }
    }
}

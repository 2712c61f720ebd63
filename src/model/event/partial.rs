//! Reads a few places of a JSON text and checks the rest of it: an event comes in without being built in memory whole.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The wanted members of an object, and what is wanted of each; of a list, of each of its entries. With no members,
/// all of it.
#[derive(Debug)]
pub(super) struct Wanted(pub(super) &'static [(&'static str, Wanted)]);

/// All of what stands there.
pub(super) const ALL: Wanted = Wanted(&[]);

/// What is wanted of a text. Whatever else stands in it is checked just as if all were wanted.
///
/// # Errors
/// Where the text is not JSON.
pub(super) fn read(text: &str, wanted: &Wanted) -> Result<Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = wanted.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

impl<'de> DeserializeSeed<'de> for &Wanted {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        if self.0.is_empty() { Value::deserialize(json) } else { json.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for &Wanted {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key_seed(Name(self))? {
            match name {
                Member::Wanted(name, wanted) => {
                    found.insert(name.to_owned(), members.next_value_seed(wanted)?);
                }
                Member::Other => members.next_value::<Checked>().map(drop)?,
                Member::Number => {
                    members.next_value::<Checked>()?;
                    return Ok(some_number());
                }
            }
        }
        Ok(Value::Object(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            found.push(entry);
        }
        Ok(Value::Array(found))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(some_number())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(some_number())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// Where members are wanted, it does not matter which number stands there instead.
fn some_number() -> Value {
    0.into()
}

/// Under which name `serde_json` gives a visitor a number with all of its digits.
const NUMBER: &str = "$serde_json::private::Number";

/// A member's name.
enum Member<'w> {
    Wanted(&'w str, &'w Wanted),
    Other,
    /// It is no object, but a number.
    Number,
}

/// Reads a member's name.
struct Name<'w>(&'w Wanted);

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
        let known = self.0.0.iter().find(|(known, _)| *known == name);
        Ok(match known {
            Some((known, wanted)) => Member::Wanted(known, wanted),
            None if name == NUMBER => Member::Number,
            None => Member::Other,
        })
    }
}

/// Anything, checked and forgotten. (`IgnoredAny` would let pass what no string may hold, and any depth.)
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WANTED: Wanted = Wanted(&[("a", ALL), ("b", Wanted(&[("a", ALL), ("c", ALL)]))]);

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
    fn cut(value: &Value, wanted: &Wanted) -> Value {
        match value {
            _ if wanted.0.is_empty() => value.clone(),
            Value::Array(entries) => entries.iter().map(|entry| cut(entry, wanted)).collect(),
            Value::Object(members) => {
                let find = |name: &str| wanted.0.iter().find(|(known, _)| *known == name);
                let kept = members.iter().filter_map(|(name, value)| {
                    find(name).map(|(_, wanted)| (name.clone(), cut(value, wanted)))
                });
                Value::Object(kept.collect())
            }
            Value::Number(_) => some_number(),
            Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
        }
    }

    fn is_alike(text: &str) {
        let whole = serde_json::from_str::<Value>(text);
        match (read(text, &WANTED), whole) {
            (Ok(part), Ok(whole)) => assert_eq!(part, cut(&whole, &WANTED), "{text}"),
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

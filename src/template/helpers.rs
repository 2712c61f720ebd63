//! Helpers: pure functions that templates can call.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::budget::{BoundedText, Budget};
use super::csv;
use super::dates;
use super::error::{TemplateErrorKind as Kind, shorten};
use super::operand::Operand;
use super::xml_text::escape_xml;

/// Maximum number of arguments of a helper.
const MAX_ARGUMENTS: usize = 16;

/// Returns the name of every helper and a description of its arguments, with an example.
pub fn helpers() -> impl Iterator<Item = (&'static str, &'static str)> {
    Helper::VARIANTS.iter().map(|helper| (helper.name(), helper.arguments().2))
}

/// A helper. Its name in templates is the variant in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Helper {
    Json,
    Join,
    Default,
    Upper,
    Lower,
    Truncate,
    Eq,
    Ne,
    And,
    Or,
    Not,
    First,
    Last,
    Date,
    Xml,
    Csv,
    NoFormula,
    Base64,
    #[strum(serialize = "basic_auth")]
    BasicAuth,
}

impl Helper {
    /// The name in templates.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    /// Minimum and maximum number of arguments, and their description.
    fn arguments(self) -> (usize, usize, &'static str) {
        match self {
            Self::Json => (1, 1, "one value: {{json data.access_groups}}"),
            Self::Join => (
                1,
                3,
                "a list, a separator and a field of each entry: {{join data.approvals ', ' 'name'}}",
            ),
            Self::Default => (
                2,
                MAX_ARGUMENTS,
                "values, of which the first non-empty one is used: {{default data.justification 'none'}}",
            ),
            Self::Upper | Self::Lower => (1, 1, "one text: {{upper event_type}}"),
            Self::Truncate => {
                (2, 2, "a text and a number of characters: {{truncate data.justification 200}}")
            }
            Self::Eq | Self::Ne => {
                (2, 2, "two values: {{#if (eq event_type 'AccessRequestGranted')}}")
            }
            Self::And | Self::Or => (
                2,
                MAX_ARGUMENTS,
                "two or more values: {{#if (and data.justification data.approvals)}}",
            ),
            Self::Not => (1, 1, "one value: {{#if (not data.approvals)}}"),
            Self::First | Self::Last => (1, 1, "one list: {{#with (first data.approvals)}}"),
            Self::Xml => (1, 1, "one value: <name>{{xml data.requester.name}}</name>"),
            Self::Csv => {
                (1, 1, "one value: {{csv data.requester.name}},{{csv data.justification}}")
            }
            Self::NoFormula => (1, 1, "one text: {{csv (noformula data.justification)}}"),
            Self::Base64 => (1, 1, "one text: {{base64 secrets.key}}"),
            Self::BasicAuth => {
                (2, 2, "a user name and a password: {{basic_auth 'svc' secrets.password}}")
            }
            Self::Date => (
                1,
                3,
                "epoch seconds, a format and a time zone: {{date event_time '%Y-%m-%d %H:%M' 'Europe/Paris'}}",
            ),
        }
    }

    /// Whether a secret may be an argument. All other helpers could reveal a part of it.
    pub(super) fn takes_secrets(self) -> bool {
        matches!(self, Self::Base64 | Self::BasicAuth)
    }

    /// Finds a helper by its name.
    pub(super) fn find(name: &str) -> Result<Self, Kind> {
        name.parse().map_err(|_unknown: strum::ParseError| {
            let hint = match name {
                "lookup" => {
                    ": write the path itself, such as data.access_groups.[0].integration.name"
                        .to_owned()
                }
                "log" => ": remove it, a template only produces output".to_owned(),
                "if" | "unless" | "each" | "with" => {
                    format!(": a block starts with #, {{{{#{name} …}}}}")
                }
                _ => {
                    let names: Vec<_> = Self::VARIANTS.iter().map(|helper| helper.name()).collect();
                    format!(": use {}", names.join(", "))
                }
            };
            Kind::UnknownHelper(shorten(name), hint)
        })
    }

    /// Checks what is known without data: the number of arguments, and those that are literals.
    pub(super) fn check(self, arguments: &[Option<&Value>]) -> Result<(), Kind> {
        let (min, max, takes) = self.arguments();
        if arguments.len() < min || arguments.len() > max {
            return Err(Kind::HelperArguments { helper: self.name(), takes });
        }
        let text = |at: usize| arguments.get(at).copied().flatten().and_then(Value::as_str);
        if self == Self::Date {
            text(1).map_or(Ok(()), dates::check_format)?;
            text(2).map_or(Ok(()), |name| dates::zone(name).map(drop))?;
        }
        Ok(())
    }

    /// Computes the result. All work that grows with the data is counted.
    pub(super) fn call<'a>(
        self,
        mut arguments: Vec<Operand<'a>>,
        budget: &Budget,
    ) -> Result<Operand<'a>, Kind> {
        match self {
            Self::Default => return Ok(default(arguments)),
            Self::And => return Ok(Operand::Flag(arguments.iter().all(|it| it.is_truthy(false)))),
            Self::Or => return Ok(Operand::Flag(arguments.iter().any(|it| it.is_truthy(false)))),
            Self::Json
            | Self::Join
            | Self::Upper
            | Self::Lower
            | Self::Truncate
            | Self::Eq
            | Self::Ne
            | Self::Not
            | Self::First
            | Self::Last
            | Self::Date
            | Self::Xml
            | Self::Csv
            | Self::NoFormula
            | Self::Base64
            | Self::BasicAuth => {}
        }
        let mut next = arguments.drain(..);
        let first = next.next().unwrap_or(Operand::Missing);
        let second = next.next();
        Ok(match self {
            Self::Json => Operand::Text(Cow::Owned(first.to_json(budget)?.into_owned())),
            Self::Join => join(first, second.as_ref(), next.next().as_ref(), budget)?,
            Self::Upper => Operand::Text(Cow::Owned(counted_text(first, budget)?.to_uppercase())),
            Self::Lower => Operand::Text(Cow::Owned(counted_text(first, budget)?.to_lowercase())),
            Self::Truncate => truncate(first, second.as_ref(), budget)?,
            Self::Eq => Operand::Flag(first.equals(second.unwrap_or(Operand::Missing), budget)?),
            Self::Ne => Operand::Flag(!first.equals(second.unwrap_or(Operand::Missing), budget)?),
            Self::First => entry(first, <[Value]>::first),
            Self::Last => entry(first, <[Value]>::last),
            Self::Date => dates::date(first, second.as_ref(), next.next().as_ref())?,
            Self::Xml => {
                let text = counted_text(first, budget)?;
                Operand::Text(Cow::Owned(escape_xml(&text, true).into_owned()))
            }
            Self::Csv => {
                let text = counted_text(first, budget)?;
                Operand::Text(Cow::Owned(csv::field(&text).into_owned()))
            }
            Self::NoFormula => Operand::Text(csv::without_formula(counted_text(first, budget)?)),
            Self::Base64 => {
                let text = counted_text(first, budget)?;
                Operand::Text(Cow::Owned(STANDARD.encode(text.as_bytes())))
            }
            Self::BasicAuth => {
                let name = counted_text(first, budget)?;
                let password = counted_text(second.unwrap_or(Operand::Missing), budget)?;
                Operand::Text(Cow::Owned(basic_auth(&name, &password)))
            }
            Self::Default | Self::And | Self::Or | Self::Not => {
                Operand::Flag(!first.is_truthy(false))
            }
        })
    }
}

/// The value of an `Authorization` header (RFC 7617).
fn basic_auth(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The first value that is present, or else the last one.
fn default(mut arguments: Vec<Operand<'_>>) -> Operand<'_> {
    let found = arguments.iter().position(|argument| argument.is_truthy(true));
    let at = found.unwrap_or_else(|| arguments.len().saturating_sub(1));
    if at < arguments.len() { arguments.swap_remove(at) } else { Operand::Missing }
}

/// The text of a value that is about to be copied.
fn counted_text<'a>(value: Operand<'a>, budget: &Budget) -> Result<Cow<'a, str>, Kind> {
    let text = value.into_text(budget)?;
    budget.spend_bytes(text.len())?;
    Ok(text)
}

/// Picks an entry of a list. Other values are returned unchanged.
fn entry<'a>(
    list: Operand<'a>,
    pick: impl FnOnce(&'a [Value]) -> Option<&'a Value>,
) -> Operand<'a> {
    match list {
        Operand::Json(Value::Array(entries)) => {
            pick(entries).map_or(Operand::Missing, Operand::Json)
        }
        Operand::Missing
        | Operand::Json(_)
        | Operand::Text(_)
        | Operand::Flag(_)
        | Operand::Count(_) => list,
    }
}

/// Joins the entries of a list, or one field of each. Other values are returned unchanged.
fn join<'a>(
    list: Operand<'a>,
    separator: Option<&Operand<'a>>,
    field: Option<&Operand<'a>>,
    budget: &Budget,
) -> Result<Operand<'a>, Kind> {
    let Operand::Json(Value::Array(entries)) = list else {
        return Ok(list);
    };
    let separator = separator.map_or(Ok(Cow::Borrowed(", ")), |text| text.to_text(budget))?;
    let field = field.map(|field| field.to_text(budget)).transpose()?;
    let mut joined = BoundedText::new(budget);
    for (index, entry) in entries.iter().enumerate() {
        budget.spend(1)?;
        if index > 0 {
            joined.push(&separator)?;
        }
        let value = match field.as_deref() {
            Some(field) => {
                budget.spend_bytes(field.len())?;
                field.split('.').try_fold(entry, |value, key| value.get(key))
            }
            None => Some(entry),
        };
        joined.push(&value.map_or(Operand::Missing, Operand::Json).to_text(budget)?)?;
    }
    Ok(Operand::Text(Cow::Owned(joined.finish()?)))
}

/// Shortens a text to `length` characters, the last of which is `…` if something was cut off. Of a list or an
/// object, only the start is converted to text.
fn truncate<'a>(
    value: Operand<'a>,
    length: Option<&Operand<'a>>,
    budget: &Budget,
) -> Result<Operand<'a>, Kind> {
    let length = length.and_then(|length| length.as_scalar()?.parse::<usize>().ok());
    let Some(length) = length else {
        return Err(Kind::HelperArguments {
            helper: "truncate",
            takes: Helper::Truncate.arguments().2,
        });
    };
    // A character has at most 4 bytes.
    let bytes = length.saturating_add(1).saturating_mul(4);
    let text = match value {
        Operand::Json(whole @ (Value::Array(_) | Value::Object(_))) => {
            Cow::Owned(BoundedText::start_of(whole, bytes, budget)?)
        }
        Operand::Missing
        | Operand::Json(_)
        | Operand::Text(_)
        | Operand::Flag(_)
        | Operand::Count(_) => value.into_text(budget)?,
    };
    budget.spend_bytes(text.len().min(bytes))?;
    if text.chars().nth(length).is_none() {
        return Ok(Operand::Text(text));
    }
    let mut short: String = text.chars().take(length.saturating_sub(1)).collect();
    if length > 0 {
        short.push('…');
    }
    Ok(Operand::Text(Cow::Owned(short)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(helper: &str, arguments: &[Value]) -> String {
        let budget = Budget::start();
        let arguments: Vec<_> = arguments.iter().map(Operand::Json).collect();
        let result = Helper::find(helper).unwrap().call(arguments, &budget).unwrap();
        result.to_text(&budget).unwrap().into_owned()
    }

    #[test]
    fn text_helpers() {
        assert_eq!(call("upper", &[json!("aß")]), "ASS");
        assert_eq!(call("lower", &[json!("AÉ")]), "aé");
        assert_eq!(call("truncate", &[json!("ééééé"), json!(3)]), "éé…");
        assert_eq!(call("truncate", &[json!("abc"), json!(3)]), "abc");
        assert_eq!(call("truncate", &[json!("abc"), json!(0)]), "");
        assert_eq!(call("default", &[json!(null), json!(""), json!("x")]), "x");
        assert_eq!(call("default", &[json!(0), json!("x")]), "0");
        assert_eq!(call("json", &[json!("a\"b")]), r#""a\"b""#);
    }

    #[test]
    fn list_helpers() {
        let approvers = json!([{ "name": "A", "x": { "y": 1 } }, { "name": "B" }]);
        assert_eq!(call("join", &[approvers.clone(), json!("; "), json!("name")]), "A; B");
        assert_eq!(call("join", &[approvers.clone(), json!("-"), json!("x.y")]), "1-");
        assert_eq!(call("join", &[json!(["a", 1, null])]), "a, 1, ");
        assert_eq!(call("first", &[json!(["a", "b"])]), "a");
        assert_eq!(call("last", &[json!(["a", "b"])]), "b");
        assert_eq!(call("first", &[json!([])]), "");
    }

    #[test]
    fn comparison_and_logic_helpers() {
        assert_eq!(call("eq", &[json!("a"), json!("a")]), "true");
        assert_eq!(call("eq", &[json!("1"), json!(1)]), "false");
        assert_eq!(call("eq", &[json!(1.0), json!(1)]), "true");
        assert_eq!(call("ne", &[json!(null), json!(false)]), "true");
        assert_eq!(call("and", &[json!("a"), json!([])]), "false");
        assert_eq!(call("or", &[json!(""), json!({ "a": 1 })]), "true");
        assert_eq!(call("not", &[json!(0)]), "true");
    }
}

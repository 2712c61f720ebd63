//! JSON paths (RFC 9535) whose evaluation is bounded. The response is untrusted, and some paths take a time that grows with
//! a power of its size: filters within filters, or several descendants (`..`).

use serde_json::Value;
use serde_json_path::JsonPath;

/// Maximum number of segments, such as `.name` or `[0]`.
const MAX_SEGMENTS: usize = 20;
/// Maximum product of the numbers of selectors in the brackets of a path: `[0, 1]` has two.
const MAX_SELECTORS: usize = 8;
/// Maximum number of steps of an evaluation: values of the response times [`Bounded::weight`]. Takes about 20 ms.
const MAX_STEPS: usize = 200_000;

/// A JSON path.
#[derive(Debug, Clone)]
pub(super) struct BoundedPath {
    path: JsonPath,
    text: String,
    cost: Cost,
}

/// The cost of a path, from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    /// Maximum number of steps for each value of the response.
    weight: usize,
    /// Whether the path selects at most one value, by names and indices.
    is_singular: bool,
}

/// The response has too many values for the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BudgetExceeded;

impl BoundedPath {
    /// Parses a path.
    ///
    /// # Errors
    /// The message for the form field.
    pub(super) fn parse(path: &str) -> Result<Self, String> {
        let path = path.trim();
        if !path.starts_with("$.") && !path.starts_with("$[") {
            return Err(format!(
                "A JSON path starts with $: enter $.{}",
                path.trim_start_matches('$')
            ));
        }
        // Before the parser, which may take long for a path that is refused.
        let cost = Scanner::new(path).cost()?;
        let parsed = JsonPath::parse(path)
            .map_err(|error| format!("\"{path}\" is not a JSON path: {error}."))?;
        Ok(Self { path: parsed, text: path.to_owned(), cost })
    }

    /// The path as entered.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the selected values.
    ///
    /// # Errors
    /// If the evaluation could take more than [`MAX_STEPS`].
    pub(super) fn select<'v>(&self, value: &'v Value) -> Result<Vec<&'v Value>, BudgetExceeded> {
        if !self.cost.is_singular && !has_at_most(value, MAX_STEPS / self.cost.weight) {
            return Err(BudgetExceeded);
        }
        Ok(self.path.query(value).all())
    }
}

/// Whether a value has at most this many values, with itself.
fn has_at_most(value: &Value, max: usize) -> bool {
    let mut left = max;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let Some(rest) = left.checked_sub(1) else { return false };
        left = rest;
        match value {
            Value::Array(entries) => open.extend(entries),
            Value::Object(members) => open.extend(members.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    true
}

/// Reads the structure of a path. Mistakes in the syntax are left to the parser.
struct Scanner<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    segments: usize,
    descendants: usize,
    /// Product of the numbers of selectors.
    selectors: usize,
    /// Queries in filters, each of which selects at most one value.
    queries: usize,
    is_singular: bool,
}

impl<'p> Scanner<'p> {
    fn new(path: &'p str) -> Self {
        let rest = path.chars().peekable();
        Self { rest, segments: 0, descendants: 0, selectors: 1, queries: 0, is_singular: true }
    }

    fn cost(mut self) -> Result<Cost, String> {
        while let Some(c) = self.rest.next() {
            match c {
                '.' => {
                    self.segments += 1;
                    if self.rest.next_if_eq(&'.').is_some() {
                        self.descendants += 1;
                    }
                }
                '[' => self.brackets()?,
                '*' => self.is_singular = false,
                _ => {}
            }
        }
        if self.segments > MAX_SEGMENTS {
            return Err(format!("The JSON path is too long: use at most {MAX_SEGMENTS} segments."));
        }
        if self.descendants > 1 {
            return Err("A JSON path can contain .. once: write the names in between.".to_owned());
        }
        let weight = (1 + self.segments) * self.selectors * (1 + self.queries);
        Ok(Cost { weight, is_singular: self.is_singular && self.descendants == 0 })
    }

    /// Reads from after `[` to after `]`.
    fn brackets(&mut self) -> Result<(), String> {
        self.segments += 1;
        let mut selectors = 1;
        while let Some(c) = self.rest.next() {
            match c {
                '\'' | '"' => self.quoted(c),
                ',' => selectors += 1,
                '?' => {
                    self.is_singular = false;
                    if self.filter()? {
                        selectors += 1;
                    } else {
                        break;
                    }
                }
                '*' | ':' => self.is_singular = false,
                ']' => break,
                _ => {}
            }
        }
        self.is_singular &= selectors == 1;
        self.selectors *= selectors;
        if self.selectors > MAX_SELECTORS {
            return Err(format!(
                "The JSON path has too many selectors in brackets: use at most {MAX_SELECTORS}."
            ));
        }
        Ok(())
    }

    /// Reads a filter after its `?`. Returns whether another selector follows.
    fn filter(&mut self) -> Result<bool, String> {
        let (mut brackets, mut parentheses) = (0_usize, 0_usize);
        let mut word = String::new();
        while let Some(c) = self.rest.next() {
            match c {
                '\'' | '"' => self.quoted(c),
                '@' | '$' => self.queries += 1,
                '*' | '?' => return Err(too_complex(c)),
                '.' if self.rest.peek() == Some(&'.') => return Err(too_complex("..")),
                '(' if matches!(word.as_str(), "count" | "match" | "search") => {
                    return Err(too_complex(format!("{word}()")));
                }
                '(' => parentheses += 1,
                ')' => parentheses = parentheses.saturating_sub(1),
                '[' => brackets += 1,
                ']' if brackets == 0 => return Ok(false),
                ']' => brackets -= 1,
                ',' if brackets == 0 && parentheses == 0 => return Ok(true),
                ',' | ':' if brackets > 0 => return Err(too_complex(c)),
                _ => {}
            }
            if c.is_ascii_alphanumeric() || c == '_' {
                word.push(c);
            } else {
                word.clear();
            }
        }
        Ok(false)
    }

    fn quoted(&mut self, quote: char) {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.rest.next();
                }
                c if c == quote => return,
                _ => {}
            }
        }
    }
}

fn too_complex(what: impl std::fmt::Display) -> String {
    format!(
        "A filter in a JSON path can only compare single values, such as ?@.name == 'a': remove {what}."
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn error(path: &str) -> String {
        BoundedPath::parse(path).unwrap_err()
    }

    #[test]
    fn paths_whose_cost_grows_with_a_power_of_the_size_are_rejected() {
        for (path, word) in [
            ("$[?count($[?count($..*)>0])>0]", "count()"),
            ("$[?@[?@.a]]", "?"),
            ("$[?@.*]", "*"),
            ("$[?@..a]", ".."),
            ("$[?$[0, 1]]", ","),
            ("$[?@[1:]]", ":"),
            ("$[?match(@.a, 'x')]", "match()"),
            ("$[?search( @.a , $.b)]", "search()"),
            ("$..a..b", "once"),
            ("$..*..*", "once"),
            ("$[*,*][*,*][*,*][*,*]", "selectors"),
            ("$[0,1,2,3,4,5,6,7,8]", "selectors"),
        ] {
            assert!(error(path).contains(word), "{path}: {}", error(path));
        }
        assert!(error(&format!("${}", ".a".repeat(21))).contains("segments"));
    }

    #[test]
    fn ordinary_paths_are_accepted() {
        let body = json!({
            "success": true, "a,b": {"?*": 1}, "items": [{"id": 1, "ok": true}, {"id": 2}, {"id": 3}]
        });
        for (path, found) in [
            ("$.success", json!([true])),
            ("$['a,b']['?*']", json!([1])),
            ("$[\"a,b\"]", json!([{"?*": 1}])),
            ("$.items[*].id", json!([1, 2, 3])),
            ("$..id", json!([1, 2, 3])),
            ("$.items[0,2].id", json!([1, 3])),
            ("$.items[1:].id", json!([2, 3])),
            ("$.items[?@.id > 1 && !@.ok].id", json!([2, 3])),
            ("$.items[?length(@.id) == 1, ?@.ok].id", json!([1])),
            ("$.items[?@['id'] == $.items[0].id].id", json!([1])),
            ("$..[?@.id == 3].id", json!([3])),
        ] {
            let selected = BoundedPath::parse(path).unwrap().select(&body).unwrap();
            assert_eq!(json!(selected), found, "{path}");
        }
    }

    #[test]
    fn a_response_with_too_many_values_is_not_evaluated() {
        let large = json!(vec![vec![0; 50]; 600]);
        let select =
            |path: &str| BoundedPath::parse(path).unwrap().select(&large).map(|found| found.len());
        assert_eq!(select("$[599][49]"), Ok(1));
        assert_eq!(select("$[*][0]"), Ok(600));
        assert_eq!(select("$[*][?@ == 0 && @ == 0 && @ == 0]"), Err(BudgetExceeded));
        assert_eq!(select("$..[*,*,*,*]"), Err(BudgetExceeded));
    }

    /// Any nesting of arrays and objects.
    fn any_body() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from)
        ];
        scalar.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// No list in an evaluation is longer than the number of values times the number of selectors.
        #[test]
        fn an_accepted_path_selects_no_more_than_its_weight(
            body in any_body(),
            path in "\\$(\\.\\.)?((\\.[abc*])|\\[(\\*|0|'a'|:2|\\?@\\.a|\\?@ == 1)(, ?(\\*|1|\\?@\\.b))?\\]){1,5}",
        ) {
            let path = path.replace("...", "..");
            if let Ok(bounded) = BoundedPath::parse(&path) {
                let mut values = 0;
                while !has_at_most(&body, values) {
                    values += 1;
                }
                let selected = bounded.select(&body).unwrap();
                prop_assert!(selected.len() <= values * bounded.cost.weight, "{}", path);
                if bounded.cost.is_singular {
                    prop_assert!(selected.len() <= 1, "{}", path);
                }
            }
        }

        #[test]
        fn any_text_is_accepted_or_rejected_without_panic(path in "\\$[.\\[][\\[\\]?@$.*,:'\"a0()=&! -]{0,30}") {
            if let Ok(bounded) = BoundedPath::parse(&path) {
                let body = json!({"a": [0, {"a": 1}]});
                prop_assert!(bounded.select(&body).is_ok());
            }
        }
    }
}

//! Name resolution: the part of the data that a path refers to, as far as it is known without data.

use super::ast::{Base, Expression, Key, PathExpression};
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::helpers::Helper;
use super::position::Position;

/// A block that changes the meaning of `this`, or the whole template.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) is_each: bool,
    /// Path of `this` from the root, if it is known.
    pub(super) this: Option<String>,
    /// `as |value key|`
    pub(super) value_name: Option<String>,
    pub(super) key_name: Option<String>,
}

/// The blocks around the current position, outermost first.
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

/// The parts of a path as written in the template.
#[derive(Debug)]
struct RawPath<'r> {
    /// Whether the path starts with `this`, `./` or `../` and therefore cannot name a block parameter.
    is_explicit: bool,
    is_root: bool,
    is_local: bool,
    up: usize,
    keys: Vec<&'r str>,
}

impl Scopes {
    pub(super) fn new() -> Self {
        let this = Some(String::new());
        Self(vec![Scope { is_each: false, this, value_name: None, key_name: None }])
    }

    pub(super) fn enter(&mut self, scope: Scope) {
        self.0.push(scope);
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// The scope `up` levels further out.
    fn outer(&self, up: usize) -> Option<&Scope> {
        self.0.iter().rev().nth(up)
    }

    /// Whether paths with this base start at the root of the data.
    pub(super) fn starts_at_root(&self, base: Base) -> bool {
        match base {
            Base::Root => true,
            Base::This(up) => up + 1 == self.0.len(),
            Base::Index(_)
            | Base::Key(_)
            | Base::KeyOrIndex(_)
            | Base::First(_)
            | Base::Last(_) => false,
        }
    }

    /// Resolves a path. Also returns its path from the root, if that is known.
    pub(super) fn resolve(
        &self,
        raw: &str,
        at: Position,
    ) -> Result<(PathExpression, Option<String>), TemplateError> {
        let mut parts = split(raw);
        let base = self.base(&mut parts).map_err(|kind| kind.at(at))?;
        let known = match base {
            Base::Root => Some(String::new()),
            Base::This(up) => self.outer(up).and_then(|scope| scope.this.clone()),
            Base::Index(_)
            | Base::Key(_)
            | Base::KeyOrIndex(_)
            | Base::First(_)
            | Base::Last(_) => None,
        };
        let keys: Box<[Key]> = parts
            .keys
            .iter()
            .map(|name| Key { name: (*name).into(), index: name.parse().ok() })
            .collect();
        let known = known.map(|start| keys.iter().fold(start, append));
        let secret = check_reserved_names(known.as_deref()).map_err(|kind| kind.at(at))?;
        let key_bytes = keys.iter().map(|key| key.name.len()).sum();
        Ok((PathExpression { base, keys, key_bytes, secret, at }, known))
    }

    fn base(&self, parts: &mut RawPath<'_>) -> Result<Base, Kind> {
        if parts.is_local {
            let name = parts.keys.first().copied().unwrap_or_default();
            let base: fn(usize) -> Base = match name {
                "root" => |_| Base::Root,
                "index" => Base::Index,
                "key" => Base::Key,
                "first" => Base::First,
                "last" => Base::Last,
                _ => return Err(Kind::UnknownLocal(shorten(name))),
            };
            // Inside #with, these names still refer to the loop around it.
            let mut loops = self.0.iter().rev().enumerate().filter(|(_, scope)| scope.is_each);
            let found = loops.nth(parts.up).map(|(up, _)| up);
            let up = match found {
                Some(up) => up,
                None if name == "root" => 0,
                None => return Err(Kind::LocalOutsideEach(shorten(name))),
            };
            parts.keys.remove(0);
            return Ok(base(up));
        }
        if parts.is_root {
            return Ok(Base::Root);
        }
        if parts.up >= self.0.len() {
            return Err(Kind::AboveTop);
        }
        if let Some(name) = parts.keys.first().copied().filter(|_| !parts.is_explicit) {
            for (up, scope) in self.0.iter().rev().enumerate() {
                let base = if scope.value_name.as_deref() == Some(name) {
                    Base::This(up)
                } else if scope.key_name.as_deref() == Some(name) {
                    Base::KeyOrIndex(up)
                } else {
                    continue;
                };
                parts.keys.remove(0);
                return Ok(base);
            }
        }
        Ok(Base::This(parts.up))
    }

    /// Path of the value of an expression from the root, if it is known.
    pub(super) fn known_path(&self, expression: &Expression) -> Option<String> {
        match expression {
            Expression::Path(path) => {
                let start = match path.base {
                    Base::Root => String::new(),
                    Base::This(up) => self.outer(up)?.this.clone()?,
                    Base::Index(_)
                    | Base::Key(_)
                    | Base::KeyOrIndex(_)
                    | Base::First(_)
                    | Base::Last(_) => return None,
                };
                Some(path.keys.iter().fold(start, append))
            }
            Expression::Call(call) => {
                let path = self.known_path(call.arguments.first()?)?;
                match call.helper {
                    Helper::First | Helper::Last => Some(format!("{path}[]")),
                    Helper::Default => Some(path),
                    Helper::Json
                    | Helper::Join
                    | Helper::Upper
                    | Helper::Lower
                    | Helper::Truncate
                    | Helper::Eq
                    | Helper::Ne
                    | Helper::And
                    | Helper::Or
                    | Helper::Not
                    | Helper::Date
                    | Helper::Xml
                    | Helper::Csv
                    | Helper::NoFormula => None,
                }
            }
            Expression::Literal(_) => None,
        }
    }
}

fn append(mut path: String, key: &Key) -> String {
    if key.index.is_some() {
        path.push_str("[]");
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&key.name);
    }
    path
}

/// Checks paths below `secrets`, `delivery` and `webhook`, whose fields are fixed. Returns the name of the
/// secret, if the path refers to one.
fn check_reserved_names(known: Option<&str>) -> Result<Option<Box<str>>, Kind> {
    let Some(path) = known else { return Ok(None) };
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    match (root, rest) {
        ("secrets" | "secrets[]", "") => Err(Kind::SecretsWhole),
        ("secrets", name) => Ok(Some(name.into())),
        ("delivery", "" | "id" | "attempt") | ("webhook", "" | "name") => Ok(None),
        ("delivery", _) => Err(Kind::UnknownField {
            path: shorten(path),
            known: "delivery.id or delivery.attempt",
        }),
        ("webhook", _) => Err(Kind::UnknownField { path: shorten(path), known: "webhook.name" }),
        _ => Ok(None),
    }
}

fn split(raw: &str) -> RawPath<'_> {
    let mut rest = raw;
    let mut is_explicit = false;
    if let Some(after) =
        ["this.", "this/", "./"].iter().find_map(|prefix| rest.strip_prefix(prefix))
    {
        rest = after;
        is_explicit = true;
    }
    let root = ["@root.", "@root/"].iter().find_map(|prefix| rest.strip_prefix(prefix));
    rest = root.unwrap_or(rest);
    let local = rest.strip_prefix('@');
    rest = local.unwrap_or(rest);
    let mut up = 0;
    while let Some(after) = ["../", "..."].iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = after;
        up += 1;
    }
    let mut keys = split_keys(rest);
    // `this` and `../this`.
    if keys.first() == Some(&"this") && local.is_none() {
        keys.remove(0);
        is_explicit = true;
    }
    RawPath {
        is_explicit: is_explicit || up > 0,
        is_root: root.is_some(),
        is_local: local.is_some(),
        up,
        keys,
    }
}

/// Splits `a.[b.c]/d` into `a`, `b.c` and `d`.
fn split_keys(path: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((key, after)) => (key, after.trim_start_matches(['.', '/'])),
            None => rest.split_once(['.', '/']).unwrap_or((rest, "")),
        };
        keys.push(key);
        rest = after;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(scopes: &Scopes, raw: &str) -> Option<String> {
        scopes.resolve(raw, Position::START).unwrap().1
    }

    #[test]
    fn paths_are_resolved_from_the_root() {
        let mut scopes = Scopes::new();
        assert_eq!(known(&scopes, "data.x").unwrap(), "data.x");
        assert_eq!(
            known(&scopes, "data.access_groups.[0].[a b].c").unwrap(),
            "data.access_groups[].a b.c"
        );
        assert_eq!(known(&scopes, "this").unwrap(), "");
        scopes.enter(Scope {
            is_each: true,
            this: Some("data.access_groups[]".to_owned()),
            value_name: Some("group".to_owned()),
            key_name: Some("i".to_owned()),
        });
        assert_eq!(
            known(&scopes, "integration/name").unwrap(),
            "data.access_groups[].integration.name"
        );
        assert_eq!(known(&scopes, "this").unwrap(), "data.access_groups[]");
        assert_eq!(known(&scopes, "./a").unwrap(), "data.access_groups[].a");
        assert_eq!(known(&scopes, "group.a").unwrap(), "data.access_groups[].a");
        assert_eq!(known(&scopes, "this.group").unwrap(), "data.access_groups[].group");
        assert_eq!(known(&scopes, "../event_type").unwrap(), "event_type");
        assert_eq!(known(&scopes, "@root.event_type").unwrap(), "event_type");
        assert_eq!(known(&scopes, "@index"), None);
        assert_eq!(known(&scopes, "i"), None);
    }

    #[test]
    fn invalid_paths_are_rejected() {
        let scopes = Scopes::new();
        let error = |raw: &str| scopes.resolve(raw, Position::START).unwrap_err().kind;
        assert_eq!(error("../x"), Kind::AboveTop);
        assert_eq!(error("@index"), Kind::LocalOutsideEach("index".to_owned()));
        assert_eq!(error("@size"), Kind::UnknownLocal("size".to_owned()));
        assert_eq!(error("secrets"), Kind::SecretsWhole);
        assert!(matches!(error("delivery.number"), Kind::UnknownField { .. }));
        assert!(matches!(error("webhook.url"), Kind::UnknownField { .. }));
    }
}

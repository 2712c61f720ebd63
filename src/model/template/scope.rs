//! Which part of the data a name in a template refers to, as far as that is known before there is data.

use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::helpers::Function;
use super::program::{Base, Expression, Key, PathExpression, Position};

/// A block that changes what `this` is, or the whole template.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) is_each: bool,
    /// The path from the top of what `this` is, where it is known.
    pub(super) this: Option<String>,
    /// `as |value key|`
    pub(super) value_name: Option<String>,
    pub(super) key_name: Option<String>,
}

/// The blocks around the place that is being read, outermost first.
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

/// A path, taken apart.
#[derive(Debug)]
struct Written<'r> {
    /// Begins with `this`, `./` or `../`, so that it cannot be a block parameter's name.
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

    /// The scope so many further out.
    fn outer(&self, up: usize) -> Option<&Scope> {
        self.0.iter().rev().nth(up)
    }

    /// Whether paths that begin there begin at the top of the data.
    pub(super) fn is_from_top(&self, base: Base) -> bool {
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

    /// Finds what a path refers to, and its path from the top where that is known.
    pub(super) fn resolve(
        &self,
        raw: &str,
        at: Position,
    ) -> Result<(PathExpression, Option<String>), TemplateError> {
        let mut written = take_apart(raw);
        let base = self.base(&mut written).map_err(|kind| kind.at(at))?;
        let known = match base {
            Base::Root => Some(String::new()),
            Base::This(up) => self.outer(up).and_then(|scope| scope.this.clone()),
            Base::Index(_)
            | Base::Key(_)
            | Base::KeyOrIndex(_)
            | Base::First(_)
            | Base::Last(_) => None,
        };
        let keys: Box<[Key]> = written
            .keys
            .iter()
            .map(|name| Key { name: (*name).into(), index: name.parse().ok() })
            .collect();
        let known = known.map(|begin| keys.iter().fold(begin, append));
        let secret = check_own_names(known.as_deref()).map_err(|kind| kind.at(at))?;
        Ok((PathExpression { base, keys, secret, at }, known))
    }

    fn base(&self, written: &mut Written<'_>) -> Result<Base, Kind> {
        if written.is_local {
            let name = written.keys.first().copied().unwrap_or_default();
            let base: fn(usize) -> Base = match name {
                "root" => |_| Base::Root,
                "index" => Base::Index,
                "key" => Base::Key,
                "first" => Base::First,
                "last" => Base::Last,
                _ => return Err(Kind::UnknownLocal(shorten(name))),
            };
            // Within #with, the loop around it still counts.
            let mut loops = self.0.iter().rev().enumerate().filter(|(_, scope)| scope.is_each);
            let found = loops.nth(written.up).map(|(up, _)| up);
            let up = match found {
                Some(up) => up,
                None if name == "root" => 0,
                None => return Err(Kind::LocalOutsideEach(shorten(name))),
            };
            written.keys.remove(0);
            return Ok(base(up));
        }
        if written.is_root {
            return Ok(Base::Root);
        }
        if written.up >= self.0.len() {
            return Err(Kind::AboveTop);
        }
        if let Some(name) = written.keys.first().copied().filter(|_| !written.is_explicit) {
            for (up, scope) in self.0.iter().rev().enumerate() {
                let base = if scope.value_name.as_deref() == Some(name) {
                    Base::This(up)
                } else if scope.key_name.as_deref() == Some(name) {
                    Base::KeyOrIndex(up)
                } else {
                    continue;
                };
                written.keys.remove(0);
                return Ok(base);
            }
        }
        Ok(Base::This(written.up))
    }

    /// The path from the top of an expression's value, where it is known.
    pub(super) fn known_path(&self, expression: &Expression) -> Option<String> {
        match expression {
            Expression::Path(path) => {
                let begin = match path.base {
                    Base::Root => String::new(),
                    Base::This(up) => self.outer(up)?.this.clone()?,
                    Base::Index(_)
                    | Base::Key(_)
                    | Base::KeyOrIndex(_)
                    | Base::First(_)
                    | Base::Last(_) => return None,
                };
                Some(path.keys.iter().fold(begin, append))
            }
            Expression::Call(call) => {
                let path = self.known_path(call.arguments.first()?)?;
                match call.function {
                    Function::First | Function::Last => Some(format!("{path}[]")),
                    Function::Default => Some(path),
                    Function::Json
                    | Function::Join
                    | Function::Upper
                    | Function::Lower
                    | Function::Truncate
                    | Function::Eq
                    | Function::Ne
                    | Function::And
                    | Function::Or
                    | Function::Not
                    | Function::Date => None,
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

/// What Gatepost itself adds is known to the last name. Gives the name of a secret.
fn check_own_names(known: Option<&str>) -> Result<Option<Box<str>>, Kind> {
    let Some(path) = known else { return Ok(None) };
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    match (root, rest) {
        ("secrets" | "secrets[]", "") => Err(Kind::SecretsWhole),
        ("secrets", name) => Ok(Some(name.into())),
        ("delivery", "" | "id" | "attempt") | ("webhook", "" | "name") => Ok(None),
        ("delivery", _) => Err(Kind::UnknownField {
            path: shorten(path),
            known: "there are delivery.id and delivery.attempt",
        }),
        ("webhook", _) => {
            Err(Kind::UnknownField { path: shorten(path), known: "there is webhook.name" })
        }
        _ => Ok(None),
    }
}

fn take_apart(raw: &str) -> Written<'_> {
    let mut rest = raw;
    let mut is_explicit = false;
    if let Some(after) = ["this.", "this/", "./"].iter().find_map(|begin| rest.strip_prefix(begin))
    {
        rest = after;
        is_explicit = true;
    }
    let root = ["@root.", "@root/"].iter().find_map(|begin| rest.strip_prefix(begin));
    rest = root.unwrap_or(rest);
    let local = rest.strip_prefix('@');
    rest = local.unwrap_or(rest);
    let mut up = 0;
    while let Some(after) = ["../", "..."].iter().find_map(|begin| rest.strip_prefix(begin)) {
        rest = after;
        up += 1;
    }
    let mut keys = split_keys(rest);
    // `this` alone, and `../this`.
    if keys.first() == Some(&"this") && local.is_none() {
        keys.remove(0);
        is_explicit = true;
    }
    Written {
        is_explicit: is_explicit || up > 0,
        is_root: root.is_some(),
        is_local: local.is_some(),
        up,
        keys,
    }
}

/// `a.[b.c]/d` is a, b.c, d.
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
        scopes.resolve(raw, Position { line: 1, column: 1 }).unwrap().1
    }

    #[test]
    fn paths_are_known_from_the_top() {
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
    fn what_cannot_be_is_refused() {
        let scopes = Scopes::new();
        let fault =
            |raw: &str| scopes.resolve(raw, Position { line: 1, column: 1 }).unwrap_err().kind;
        assert_eq!(fault("../x"), Kind::AboveTop);
        assert_eq!(fault("@index"), Kind::LocalOutsideEach("index".to_owned()));
        assert_eq!(fault("@size"), Kind::UnknownLocal("size".to_owned()));
        assert_eq!(fault("secrets"), Kind::SecretsWhole);
        assert!(matches!(fault("delivery.number"), Kind::UnknownField { .. }));
        assert!(matches!(fault("webhook.url"), Kind::UnknownField { .. }));
    }
}

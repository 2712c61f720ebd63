//! Name resolution: the part of the data that a path refers to, as far as it is known without data.

use super::ast::{Base, Expression, FieldPath, PathExpression};
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::helpers::Helper;
use super::key::Key;
use super::reserved::{check_reserved_names, secret_name};
use super::syntax::Path;

/// Maximum number of paths that a path within sections is known to refer to. Each section triples it.
const MAX_KNOWN_PATHS: usize = 16;

/// Length of the keys of a path from which looking them up counts as work, in bytes.
const LONG_KEYS_BYTES: usize = 256;

/// Kinds of blocks that change the meaning of `this`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// The whole template.
    Root,
    With,
    Each,
    /// `{{#x}}`: a loop for a list, the same as around the block for `true`, or else like `with`.
    Section,
}

/// A block that changes the meaning of `this`, or the whole template.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    /// The paths of `this` from the root that are possible. Empty if they are not known.
    pub(super) this: Vec<String>,
    /// Whether `this` is the same as around the block, as in `{{#with this}}`. `..` does not count such blocks.
    pub(super) is_same: bool,
    /// `as |value key|`
    pub(super) value_name: Option<String>,
    pub(super) key_name: Option<String>,
}

/// The blocks around the current position, outermost first.
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    pub(super) fn new() -> Self {
        Self(vec![Scope {
            kind: ScopeKind::Root,
            this: vec![String::new()],
            is_same: false,
            value_name: None,
            key_name: None,
        }])
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

    /// Whether paths with this base may start at the root of the data.
    pub(super) fn may_start_at_root(&self, base: Base) -> bool {
        match base {
            Base::Root => true,
            // A section of `true` does not change `this`.
            Base::This(up) => self
                .0
                .iter()
                .rev()
                .skip(up)
                .find(|scope| scope.kind != ScopeKind::Section)
                .is_some_and(|scope| scope.kind == ScopeKind::Root),
            Base::KeyOf(_) | Base::Index(_) | Base::Key(_) | Base::First(_) | Base::Last(_) => {
                false
            }
        }
    }

    /// Resolves a path. Also returns the paths from the root that it may be, as far as they are known.
    pub(super) fn resolve(
        &self,
        path: &Path,
    ) -> Result<(PathExpression, Vec<String>), TemplateError> {
        let at = path.at;
        let (base, keys) = self.base(path).map_err(|kind| kind.at(at))?;
        let keys: Box<[Key]> = keys.iter().map(|name| Key::new(name)).collect();
        let known = extend(self.known(base), &keys);
        for path in &known {
            check_reserved_names(path).map_err(|kind| kind.at(at))?;
        }
        let has_long_keys = keys.iter().map(|key| key.name.len()).sum::<usize>() >= LONG_KEYS_BYTES;
        Ok((PathExpression { base, keys, has_long_keys, at }, known))
    }

    /// Returns the name of the secret that a path refers to: `secrets.NAME` anywhere, or any other path that may lead to it.
    pub(super) fn secret(&self, path: &Path) -> Result<Option<Box<str>>, TemplateError> {
        let at = path.at;
        let (base, keys) = self.base(path).map_err(|kind| kind.at(at))?;
        let keys: Box<[Key]> = keys.iter().map(|name| Key::new(name)).collect();
        let mut known = extend(self.known(base), &keys);
        let is_plain = !path.is_local && !path.is_explicit && path.up == 0;
        if is_plain && !self.is_block_parameter(path) {
            known.push(extend(vec![String::new()], &keys).concat());
        }
        for path in known {
            if let Some(name) = secret_name(&path).map_err(|kind| kind.at(at))? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn is_block_parameter(&self, path: &Path) -> bool {
        let first = path.keys.first();
        let named = |name: &Option<String>| name.is_some() && name.as_ref() == first;
        self.0.iter().any(|scope| named(&scope.value_name) || named(&scope.key_name))
    }

    /// The start of a path, and the keys after it.
    fn base<'p>(&self, path: &'p Path) -> Result<(Base, &'p [String]), Kind> {
        let (name, after_name) =
            path.keys.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
        if path.is_local {
            let base: fn(usize) -> Base = match name {
                "root" => return Ok((Base::Root, after_name)),
                "index" => Base::Index,
                "key" => Base::Key,
                "first" => Base::First,
                "last" => Base::Last,
                _ => return Err(Kind::UnknownLocal(shorten(name))),
            };
            // Inside #with, these names still refer to the loop around it.
            let is_loop =
                |scope: &&Scope| matches!(scope.kind, ScopeKind::Each | ScopeKind::Section);
            if self.0.iter().filter(is_loop).count() <= path.up {
                return Err(Kind::LocalOutsideEach(shorten(name)));
            }
            return Ok((base(path.up), after_name));
        }
        let up = self.blocks_to_skip(path.up).ok_or(Kind::AboveTop)?;
        if !path.is_explicit {
            for (up, scope) in self.0.iter().rev().enumerate() {
                if scope.value_name.as_deref() == Some(name) {
                    return Ok((Base::This(up), after_name));
                }
                if scope.key_name.as_deref() == Some(name) {
                    return Ok((Base::KeyOf(up), after_name));
                }
            }
        }
        Ok((Base::This(up), &path.keys))
    }

    /// The number of blocks that `up` times `..` goes out.
    fn blocks_to_skip(&self, up: usize) -> Option<usize> {
        let mut blocks = self.0.iter().rev().enumerate();
        for _ in 0..up {
            blocks.find(|(_, scope)| !scope.is_same)?;
        }
        blocks.next().map(|(position, _)| position)
    }

    fn known(&self, base: Base) -> Vec<String> {
        match base {
            Base::Root => vec![String::new()],
            Base::This(up) => self.outer(up).map(|scope| scope.this.clone()).unwrap_or_default(),
            Base::KeyOf(_) | Base::Index(_) | Base::Key(_) | Base::First(_) | Base::Last(_) => {
                Vec::new()
            }
        }
    }

    /// The paths of `this` inside a block with this expression.
    pub(super) fn inside(&self, kind: ScopeKind, over: &Expression) -> Vec<String> {
        let known = self.known_paths(over);
        let entries = || known.iter().map(|path| format!("{path}[]"));
        match kind {
            ScopeKind::Each => entries().collect(),
            ScopeKind::Section => {
                let around = self.outer(0).map(|scope| scope.this.as_slice()).unwrap_or_default();
                let all: Vec<_> = entries().chain(known.clone()).chain(around.to_vec()).collect();
                if all.len() > MAX_KNOWN_PATHS { Vec::new() } else { all }
            }
            ScopeKind::With | ScopeKind::Root => known,
        }
    }

    /// The paths of the value of an expression from the root, as far as they are known.
    fn known_paths(&self, expression: &Expression) -> Vec<String> {
        match expression {
            Expression::Path(path) => extend(self.known(path.base), &path.keys),
            Expression::Call(call) => {
                let known = || call.arguments.first().map(|argument| self.known_paths(argument));
                match call.helper {
                    Helper::First | Helper::Last => {
                        known().into_iter().flatten().map(|path| format!("{path}[]")).collect()
                    }
                    Helper::Default => known().unwrap_or_default(),
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
                    | Helper::NoFormula
                    | Helper::Base64
                    | Helper::BasicAuth => Vec::new(),
                }
            }
            Expression::Literal(_) | Expression::Secret(_) => Vec::new(),
        }
    }
}

impl PathExpression {
    /// Whether the path is `this`.
    pub(super) fn is_this(&self) -> bool {
        self.base == Base::This(0) && self.keys.is_empty()
    }

    /// Path of the field from the root. A path into a list or text ends at it.
    pub(super) fn field_path(&self) -> FieldPath {
        let is_field = |(position, key): &(usize, &Key)| {
            key.index.is_none() && (*position == 0 || !key.is_length)
        };
        self.keys.iter().enumerate().take_while(is_field).map(|(_, key)| key.name.clone()).collect()
    }
}

/// Appends keys to every path.
fn extend(paths: Vec<String>, keys: &[Key]) -> Vec<String> {
    paths.into_iter().map(|path| keys.iter().fold(path, append)).collect()
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

#[cfg(test)]
mod tests {
    use super::super::position::Position;
    use super::*;

    fn path(up: usize, keys: &[&str]) -> Path {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let original = keys.join(".");
        Path { is_local: false, is_explicit: up > 0, up, keys, original, at: Position::START }
    }

    fn known(scopes: &Scopes, path: &Path) -> Vec<String> {
        scopes.resolve(path).unwrap().1
    }

    #[test]
    fn paths_are_resolved_from_the_root() {
        let mut scopes = Scopes::new();
        assert_eq!(known(&scopes, &path(0, &["data", "x"])), ["data.x"]);
        assert_eq!(
            known(&scopes, &path(0, &["data", "access_groups", "0", "a b", "c"])),
            ["data.access_groups[].a b.c"]
        );
        assert_eq!(known(&scopes, &path(0, &[])), [""]);
        scopes.enter(Scope {
            kind: ScopeKind::Each,
            this: vec!["data.access_groups[]".to_owned()],
            is_same: false,
            value_name: Some("group".to_owned()),
            key_name: Some("i".to_owned()),
        });
        assert_eq!(known(&scopes, &path(0, &["a", "b"])), ["data.access_groups[].a.b"]);
        assert_eq!(known(&scopes, &path(0, &["group", "a"])), ["data.access_groups[].a"]);
        assert_eq!(known(&scopes, &path(1, &["event_type"])), ["event_type"]);
        assert_eq!(known(&scopes, &path(0, &["i"])), [""; 0]);
        let explicit = Path { is_explicit: true, ..path(0, &["group"]) };
        assert_eq!(known(&scopes, &explicit), ["data.access_groups[].group"]);
    }

    #[test]
    fn a_section_may_be_a_loop_or_change_nothing() {
        let mut scopes = Scopes::new();
        let (over, _) = scopes.resolve(&path(0, &["data", "x"])).unwrap();
        let this = scopes.inside(ScopeKind::Section, &Expression::Path(over));
        let kind = ScopeKind::Section;
        scopes.enter(Scope { kind, this, is_same: false, value_name: None, key_name: None });
        assert_eq!(known(&scopes, &path(0, &["y"])), ["data.x[].y", "data.x.y", "y"]);
        assert!(scopes.may_start_at_root(Base::This(0)) && scopes.may_start_at_root(Base::This(1)));
    }

    #[test]
    fn invalid_paths_are_rejected() {
        let scopes = Scopes::new();
        let error = |path: &Path| scopes.resolve(path).unwrap_err().kind;
        let local = |name| Path { is_local: true, ..path(0, &[name]) };
        assert_eq!(error(&path(1, &["x"])), Kind::AboveTop);
        assert_eq!(error(&local("index")), Kind::LocalOutsideEach("index".to_owned()));
        assert_eq!(error(&local("size")), Kind::UnknownLocal("size".to_owned()));
        let secret = |path: &Path| scopes.secret(path).map_err(|error| error.kind);
        assert_eq!(secret(&path(0, &["secrets"])), Err(Kind::SecretsWhole));
        assert_eq!(secret(&path(0, &["secrets", "a", "length"])), Err(Kind::SecretsWhole));
        assert_eq!(secret(&path(0, &["secrets", "a"])), Ok(Some("a".into())));
        assert!(matches!(error(&path(0, &["delivery", "number"])), Kind::UnknownField { .. }));
        assert!(matches!(error(&path(0, &["webhook", "url"])), Kind::UnknownField { .. }));
    }
}

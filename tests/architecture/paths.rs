//! The paths that a Rust file uses, with `self` and `super` resolved.

use std::collections::BTreeSet;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemImpl, ItemMod, ItemUse, Macro, MetaList, UseTree, Visibility};

/// A path such as `crate::model::Event`, by segment.
pub(super) type RustPath = Vec<String>;

/// The paths that a file uses.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// All paths except re-exports.
    pub(super) used: BTreeSet<RustPath>,
    /// Re-exported names and the paths behind them, from `pub use`.
    pub(super) re_exports: BTreeSet<(String, RustPath)>,
    /// Names of the modules that are declared for tests only.
    pub(super) test_modules: BTreeSet<String>,
}

/// Collects the paths of a parsed file, with or without its tests.
pub(super) fn collect(file: &syn::File, module: RustPath, with_tests: bool) -> Paths {
    let mut collector =
        Collector { module, with_tests, found: Paths::default(), idents: BTreeSet::new() };
    collector.visit_file(file);
    let Collector { mut found, idents, .. } = collector;
    // A re-exported name that the file uses itself is an ordinary import as well.
    let imported = found.re_exports.iter().filter(|(name, _)| idents.contains(name));
    found.used.extend(imported.map(|(_, path)| path.clone()));
    found
}

/// The module of a file in src: `web::webhooks::list` for `web/webhooks/list.rs`.
pub(super) fn module_of(inside: &str) -> RustPath {
    let path = inside.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if ["lib", "main"].contains(&path) {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

struct Collector {
    module: RustPath,
    with_tests: bool,
    found: Paths,
    /// First segments of all paths outside `use`.
    idents: BTreeSet<String>,
}

impl Collector {
    fn resolve(&self, path: RustPath) -> RustPath {
        match path.first().map(String::as_str) {
            Some("self" | "super") => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                let rest =
                    path.into_iter().skip_while(|segment| segment == "super" || segment == "self");
                let above = self.module.iter().take(kept).cloned();
                ["crate".to_owned()].into_iter().chain(above).chain(rest).collect()
            }
            _ => path,
        }
    }

    /// Collects the imports of a `use` tree as pairs of the name and the path.
    fn flatten(above: &[String], tree: &UseTree, imports: &mut Vec<(String, RustPath)>) {
        let with = |name: String| [above, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                Self::flatten(&with(path.ident.to_string()), &path.tree, imports);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                imports.push((name.clone(), with(name)));
            }
            UseTree::Rename(name) => {
                imports.push((name.rename.to_string(), with(name.ident.to_string())));
            }
            UseTree::Glob(_) => imports.push(("*".to_owned(), above.to_vec())),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| Self::flatten(above, tree, imports));
            }
        }
    }

    /// Collects the paths in the arguments of a macro, which are not parsed.
    fn add_tokens(&mut self, mut cursor: Cursor<'_>) {
        let mut path: RustPath = Vec::new();
        let mut colons = 0;
        loop {
            if let Some((ident, rest)) = cursor.ident() {
                if colons != 2 {
                    self.add_path(std::mem::take(&mut path));
                }
                path.push(ident.to_string());
                (colons, cursor) = (0, rest);
                continue;
            }
            if let Some((punct, rest)) = cursor.punct()
                && punct.as_char() == ':'
            {
                (colons, cursor) = (colons + 1, rest);
                continue;
            }
            self.add_path(std::mem::take(&mut path));
            colons = 0;
            if let Some((inner, _, _, rest)) = cursor.any_group() {
                self.add_tokens(inner);
                cursor = rest;
            } else if let Some((_, rest)) = cursor.token_tree() {
                cursor = rest;
            } else {
                return;
            }
        }
    }

    fn skips(&self, attributes: &[Attribute]) -> bool {
        !self.with_tests && is_test_only(attributes)
    }

    /// Adds a path outside `use`. A single segment is a local name.
    fn add_path(&mut self, path: RustPath) {
        self.idents.extend(path.first().cloned());
        if path.len() > 1 {
            let path = self.resolve(path);
            self.found.used.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !self.skips(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !self.skips(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if self.skips(&item.attrs) {
            return;
        }
        let mut imports = Vec::new();
        Self::flatten(&[], &item.tree, &mut imports);
        let is_private = matches!(item.vis, Visibility::Inherited);
        for (name, path) in imports {
            let path = self.resolve(path);
            if is_private || self.with_tests {
                self.found.used.insert(path);
            } else {
                // `pub use child::Name` is relative to the module.
                self.found.re_exports.insert((name, path));
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if self.skips(&item.attrs) {
            self.found.test_modules.insert(item.ident.to_string());
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.add_tokens(TokenBuffer::new2(called.tokens.clone()).begin());
        visit::visit_macro(self, called);
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.add_tokens(TokenBuffer::new2(list.tokens.clone()).begin());
        visit::visit_meta_list(self, list);
    }
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

//! Who may use whom. A room is a folder in src; its permissions, and where each crate lives, are the
//! two tables here. Tests inside of src keep to them as well.

use std::collections::BTreeSet;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, Macro, MetaList, UseTree};

use super::File;

/// What each room may use, the ground floor first.
const ROOMS: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("vault", &["model"]),
    ("config", &["model"]),
    ("store", &["model", "vault"]),
    ("egress", &["model"]),
    ("identity", &["model", "store", "egress"]),
    ("delivery", &["model", "store", "egress", "vault"]),
    ("actions", &["model", "vault", "store", "egress", "identity", "delivery"]),
    ("web", &["model", "store", "identity", "actions", "config"]),
    ("api", &["model", "store", "identity", "actions", "delivery"]),
    (
        "app",
        &[
            "model", "vault", "config", "store", "egress", "identity", "delivery", "actions",
            "web", "api",
        ],
    ),
    // The last four are what a command without a server is put together from.
    ("cli", &["app", "config", "actions", "store", "model", "vault", "egress", "identity"]),
];

/// In which rooms a crate lives. `main` is src/main.rs. Crates that are not here live anywhere.
const CRATES: [(&str, &[&str]); 20] = [
    ("handlebars", &["model"]),
    ("chacha20poly1305", &["vault"]),
    ("figment", &["config"]),
    ("std::env", &["config"]),
    ("sqlx", &["store"]),
    ("reqwest", &["egress"]),
    ("hyper", &["egress"]),
    ("hyper_util", &["egress"]),
    ("rustls", &["egress"]),
    ("tokio_rustls", &["egress"]),
    ("webpki_roots", &["egress"]),
    ("x509_parser", &["egress"]),
    ("argon2", &["identity"]),
    ("governor", &["identity"]),
    ("askama", &["web"]),
    ("axum_htmx", &["web"]),
    ("rust_embed", &["web"]),
    ("axum", &["web", "api", "app"]),
    ("clap", &["config", "cli"]),
    (
        "tokio",
        &[
            "vault", "store", "egress", "identity", "delivery", "actions", "web", "api", "app",
            "cli", "main",
        ],
    ),
];

const SEE: &str = "see docs/architecture.md#rooms";

/// Violations in the files of src.
pub(super) fn check(files: &[File]) -> Vec<String> {
    files.iter().flat_map(check_file).collect()
}

/// Violations in a template, which belongs to web.
pub(super) fn check_template(file: &File) -> Vec<String> {
    let rest = file.text.split("crate::").skip(1);
    let named = rest.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let paths = named.filter_map(|mut words| words.next());
    let path = |room: &str| ["crate".to_owned(), room.to_owned()];
    paths.filter_map(|room| violation(file, &file.path, "web", &path(room))).collect()
}

fn check_file(file: &File) -> BTreeSet<String> {
    let inside = file.inside("src").unwrap_or_default();
    let parsed = match syn::parse_file(&file.text) {
        Ok(parsed) => parsed,
        Err(error) => return BTreeSet::from([format!("{inside} is no Rust: {error}")]),
    };
    let module = module_of(inside);
    let room = match (module.first(), inside) {
        (Some(room), _) => room.clone(),
        // The list of rooms.
        (None, "lib.rs") => return BTreeSet::new(),
        (None, _) => "main".to_owned(),
    };
    let mut used = Used { module, paths: BTreeSet::new() };
    used.visit_file(&parsed);
    used.paths.iter().filter_map(|path| violation(file, inside, &room, path)).collect()
}

/// Where a file stands: `web/webhooks/list.rs` is `web::webhooks::list`.
fn module_of(inside: &str) -> Vec<String> {
    let path = inside.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if ["lib", "main"].contains(&path) {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// What is wrong with using a path in a room, if anything.
fn violation(file: &File, inside: &str, room: &str, path: &[String]) -> Option<String> {
    let first = path.first()?;
    if ["crate", "gatepost"].contains(&first.as_str()) {
        let used = path.get(1).filter(|used| ROOMS.iter().any(|(known, _)| known == used))?;
        let may: &[&str] = match room {
            "main" => &["cli"],
            _ => ROOMS.iter().find(|(known, _)| *known == room).map_or(&[], |(_, may)| *may),
        };
        if used == room || may.contains(&used.as_str()) {
            return None;
        }
        let may = if may.is_empty() { "nothing".to_owned() } else { may.join(", ") };
        let words = [format!("crate::{used}"), format!("{used}::"), used.clone()];
        let line = file.line_of(&words.each_ref().map(String::as_str));
        return Some(format!("{inside}:{line} uses crate::{used}; {room} may use {may}: {SEE}"));
    }
    let is = |name: &str| name.split("::").eq(path.iter().take(name.split("::").count()));
    let (name, lives) = CRATES.iter().find(|(name, _)| is(name))?;
    if lives.contains(&room) {
        return None;
    }
    let last = name.rsplit("::").next().unwrap_or_default();
    let line = file.line_of(&[name, last]);
    Some(format!("{inside}:{line} uses {name}; only {} may: {SEE}", lives.join(", ")))
}

/// Collects each path that a file names, with `self` and `super` resolved.
struct Used {
    module: Vec<String>,
    paths: BTreeSet<Vec<String>>,
}

impl Used {
    fn add(&mut self, path: Vec<String>) {
        let first = path.first().map(String::as_str);
        let path = match first {
            Some("self" | "super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                let rest = path.into_iter().skip_while(|part| part == "super" || part == "self");
                let above = self.module.iter().take(kept).cloned();
                ["crate".to_owned()].into_iter().chain(above).chain(rest).collect()
            }
            _ => path,
        };
        self.paths.insert(path);
    }

    fn add_tree(&mut self, above: &[String], tree: &UseTree) {
        let with = |name: String| [above, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.add(with(name.ident.to_string())),
            UseTree::Rename(name) => self.add(with(name.ident.to_string())),
            UseTree::Glob(_) => self.add(above.to_vec()),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(above, tree));
            }
        }
    }

    /// Paths in what is given to a macro, which is only a row of tokens.
    fn add_tokens(&mut self, mut cursor: Cursor<'_>) {
        let mut path: Vec<String> = Vec::new();
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

    /// A path outside of a `use`: one word alone is something local.
    fn add_path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.add(path);
        }
    }
}

impl<'ast> Visit<'ast> for Used {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
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

fn checked(path: &str, text: &str) -> Vec<String> {
    check(&[File { path: format!("src/{path}"), text: text.to_owned() }])
}

#[test]
fn a_room_above_or_beside_is_refused_with_the_line_and_the_remedy() {
    let text =
        "//! Not crate::api.\n\nuse crate::model::Id;\nuse crate::{\n    api::Problem,\n};\n";
    let expected = "web/webhooks/list.rs:5 uses crate::api; web may use model, store, identity, \
                    actions, config: see docs/architecture.md#rooms";
    assert_eq!(checked("web/webhooks/list.rs", text), [expected]);
    assert!(checked("api/mod.rs", "use crate::web::Page;").len() == 1);
    assert!(checked("app/mod.rs", "use crate::{api, web};").is_empty());
    assert!(checked("app/mod.rs", "use crate::cli::Cli;").len() == 1);
    assert!(checked("model/id.rs", "use crate::store::Error;").len() == 1);
    assert!(checked("model/id.rs", "use crate::model::event;").is_empty());
    assert!(checked("main.rs", "fn main() { gatepost::cli::run(); }").is_empty());
    assert!(checked("main.rs", "fn main() { gatepost::app::run(); }").len() == 1);
}

#[test]
fn no_way_of_naming_a_room_is_missed() {
    for text in [
        "use super::super::web;",
        "use super::super::web::*;",
        "mod inner { use super::super::super::web::Page as P; }",
        "fn f() -> Result<(), crate::web::Error> { g() }",
        "fn f() { let x = Some(crate::web::x()); }",
        "fn f() { format!(\"{}\", crate::web::x()); }",
        "fn f() { select! { () = a => { g(&crate :: web::x) } } }",
        "#[derive(crate::web::Page)] struct S;",
        "impl<T: crate::web::Trait> T2 for T {}",
    ] {
        assert_eq!(checked("store/events.rs", text).len(), 1, "{text}");
    }
    for text in ["use super::web;", "mod web {} use self::web::X;", "// crate::web", "fn web() {}"]
    {
        assert!(checked("store/events.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn a_crate_outside_of_its_room_is_refused() {
    let expected = "web/list.rs:1 uses sqlx; only store may: see docs/architecture.md#rooms";
    assert_eq!(checked("web/list.rs", "use sqlx::PgPool;"), [expected]);
    assert!(checked("store/list.rs", "use sqlx::PgPool;").is_empty());
    assert!(checked("actions/a.rs", "fn f() { sqlx::query!(\"select 1\"); }").len() == 1);
    assert!(checked("model/a.rs", "#[tokio::test] async fn f() {}").len() == 1);
    assert!(checked("config/a.rs", "use std::{env, fs};").is_empty());
    assert!(checked("store/a.rs", "use std::{env, fs};").len() == 1);
    assert!(checked("store/a.rs", "const A: &str = env!(\"CARGO_PKG_VERSION\");").is_empty());
}

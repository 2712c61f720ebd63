//! Which modules may import which. The two tables list the permissions of each top-level module and the
//! modules in which a crate may be used. Tests inside src follow the same rules.

use std::collections::BTreeSet;

use super::File;
use super::paths::{RustPath, collect, module_of};

/// What each module may import, lowest module first.
const MODULES: [(&str, &[&str]); 21] = [
    ("template", &[]),
    ("metrics", &[]),
    ("trace", &[]),
    ("model", &["template"]),
    ("vault", &["model"]),
    ("config", &["model"]),
    ("private_postgres", &[]),
    ("store", &["model", "vault"]),
    ("egress", &["model"]),
    ("mail", &["config"]),
    ("identity", &["model", "vault", "store"]),
    ("oidc", &["model", "vault", "config", "egress", "identity"]),
    ("health", &["model", "vault", "config", "private_postgres", "store", "egress", "oidc"]),
    ("delivery", &["metrics", "trace", "model", "store", "egress", "vault"]),
    ("monitoring", &["metrics", "model", "store", "egress", "delivery"]),
    ("notifications", &["mail", "model", "store"]),
    (
        "actions",
        &[
            "template",
            "model",
            "vault",
            "store",
            "egress",
            "mail",
            "identity",
            "oidc",
            "delivery",
            "notifications",
        ],
    ),
    ("web", &["template", "model", "store", "health", "identity", "actions"]),
    ("api", &["metrics", "model", "store", "identity", "actions", "delivery", "monitoring"]),
    (
        "app",
        &[
            "metrics",
            "trace",
            "model",
            "vault",
            "config",
            "private_postgres",
            "store",
            "egress",
            "health",
            "mail",
            "identity",
            "oidc",
            "delivery",
            "monitoring",
            "notifications",
            "actions",
            "web",
            "api",
        ],
    ),
    // Commands without a server are assembled from the last three.
    ("cli", &["app", "config", "actions", "model", "egress", "health", "identity"]),
];

/// The modules in which a crate may be used. `main` is src/main.rs. Crates that are not listed may be used
/// everywhere.
const CRATES: [(&str, &[&str]); 24] = [
    ("chacha20poly1305", &["vault"]),
    ("figment", &["config"]),
    ("std::env", &["config"]),
    ("sqlx", &["private_postgres", "store"]),
    ("lettre", &["mail"]),
    ("reqwest", &["egress"]),
    ("hyper", &["egress", "app"]),
    ("hyper_util", &["egress", "app"]),
    ("rustls", &["egress", "app"]),
    ("tokio_rustls", &["egress", "app"]),
    ("webpki_roots", &["egress"]),
    ("x509_parser", &["egress"]),
    ("metrics", &["metrics"]),
    ("metrics_exporter_prometheus", &["metrics"]),
    ("opentelemetry", &["trace"]),
    ("opentelemetry_http", &["trace", "egress"]),
    ("opentelemetry_otlp", &["trace"]),
    ("opentelemetry_sdk", &["trace"]),
    ("argon2", &["identity"]),
    ("openidconnect", &["oidc"]),
    ("askama", &["web"]),
    ("axum", &["web", "api", "app"]),
    ("clap", &["config", "cli"]),
    (
        "tokio",
        &[
            "private_postgres",
            "store",
            "egress",
            "identity",
            "oidc",
            "delivery",
            "monitoring",
            "notifications",
            "actions",
            "app",
            "cli",
            "main",
        ],
    ),
];

const SEE: &str = "see docs/architecture.md#modules";

/// Returns the violations in the files of src.
pub(super) fn check(files: &[File]) -> Vec<String> {
    files.iter().flat_map(check_file).collect()
}

/// Returns the entries of the two tables that no file of src needs.
pub(super) fn unused_permissions(files: &[File]) -> Vec<String> {
    let uses: BTreeSet<(String, RustPath)> = files.iter().flat_map(uses_of).collect();
    let is_used = |module: &str, path: &[&str]| {
        uses.iter().any(|(user, used)| {
            user == module
                && used.iter().map(String::as_str).take(path.len()).eq(path.iter().copied())
        })
    };
    let modules = MODULES.iter().flat_map(|(module, may)| may.iter().map(|used| (*module, *used)));
    let modules = modules
        .filter(|(module, used)| !is_used(module, &["crate", used]))
        .map(|(module, used)| format!("{module} does not use {used}: remove the permission"));
    let crates = CRATES.iter().flat_map(|(name, may)| may.iter().map(|module| (*module, *name)));
    let crates = crates
        .filter(|(module, name)| !is_used(module, &name.split("::").collect::<Vec<_>>()))
        .map(|(module, name)| format!("{module} does not use {name}: remove the permission"));
    modules.chain(crates).collect()
}

/// The top-level module of a file with each path that it uses.
fn uses_of(file: &File) -> Vec<(String, RustPath)> {
    let inside = file.inside("src").unwrap_or_default();
    let Ok(parsed) = syn::parse_file(&file.text) else { return Vec::new() };
    let path = module_of(inside);
    let module = path.first().cloned().unwrap_or_else(|| "main".to_owned());
    collect(&parsed, path, true).used.into_iter().map(|used| (module.clone(), used)).collect()
}

/// Returns the violations in a template, which belongs to web.
pub(super) fn check_template(file: &File) -> Vec<String> {
    let rest = file.text.split("crate::").skip(1);
    let words = rest.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let modules = words.filter_map(|mut words| words.next());
    let path = |module: &str| ["crate".to_owned(), module.to_owned()];
    modules.filter_map(|module| violation(file, &file.path, "web", &path(module))).collect()
}

fn check_file(file: &File) -> BTreeSet<String> {
    let inside = file.inside("src").unwrap_or_default();
    let parsed = match syn::parse_file(&file.text) {
        Ok(parsed) => parsed,
        Err(error) => return BTreeSet::from([format!("{inside} is not valid Rust: {error}")]),
    };
    let path = module_of(inside);
    let module = match (path.first(), inside) {
        (Some(module), _) => module.clone(),
        // Declares all modules.
        (None, "lib.rs") => return BTreeSet::new(),
        (None, _) => "main".to_owned(),
    };
    let paths = collect(&parsed, path, true);
    paths.used.iter().filter_map(|path| violation(file, inside, &module, path)).collect()
}

/// The violation of using a path in a module, if it is one.
fn violation(file: &File, inside: &str, module: &str, path: &[String]) -> Option<String> {
    let first = path.first()?;
    if ["crate", "gatepost"].contains(&first.as_str()) {
        let used = path.get(1).filter(|used| MODULES.iter().any(|(known, _)| known == used))?;
        let allowed: &[&str] = match module {
            "main" => &["cli"],
            _ => MODULES.iter().find(|(known, _)| *known == module).map_or(&[], |(_, may)| *may),
        };
        if used == module || allowed.contains(&used.as_str()) {
            return None;
        }
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        let words = [format!("crate::{used}"), format!("{used}::"), used.clone()];
        let line = file.line_of(&words.each_ref().map(String::as_str));
        return Some(format!(
            "{inside}:{line} uses crate::{used}; {module} may use {allowed}: {SEE}"
        ));
    }
    let is = |name: &str| name.split("::").eq(path.iter().take(name.split("::").count()));
    let (name, allowed) = CRATES.iter().find(|(name, _)| is(name))?;
    if allowed.contains(&module) {
        return None;
    }
    let last = name.rsplit("::").next().unwrap_or_default();
    let line = file.line_of(&[name, last]);
    Some(format!("{inside}:{line} uses {name}; only {} may use it: {SEE}", allowed.join(", ")))
}

fn checked(path: &str, text: &str) -> Vec<String> {
    check(&[File { path: format!("src/{path}"), text: text.to_owned() }])
}

#[test]
fn an_import_of_a_higher_module_is_reported_with_its_line() {
    let text =
        "//! Not crate::api.\n\nuse crate::model::Id;\nuse crate::{\n    api::Problem,\n};\n";
    let expected = "web/webhooks/list.rs:5 uses crate::api; web may use template, model, store, \
                    health, identity, actions: see docs/architecture.md#modules";
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
fn every_syntax_of_a_path_is_recognized() {
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
fn a_crate_outside_its_modules_is_reported() {
    let expected = "web/list.rs:1 uses sqlx; only private_postgres, store may use it: see docs/architecture.md#modules";
    assert_eq!(checked("web/list.rs", "use sqlx::PgPool;"), [expected]);
    assert!(checked("store/list.rs", "use sqlx::PgPool;").is_empty());
    assert!(checked("actions/a.rs", "fn f() { sqlx::query!(\"select 1\"); }").len() == 1);
    assert!(checked("model/a.rs", "#[tokio::test] async fn f() {}").len() == 1);
    assert!(checked("config/a.rs", "use std::{env, fs};").is_empty());
    assert!(checked("store/a.rs", "use std::{env, fs};").len() == 1);
    assert!(checked("store/a.rs", "const A: &str = env!(\"CARGO_PKG_VERSION\");").is_empty());
}

#[test]
fn an_unused_permission_is_reported() {
    let violation = "model does not use template: remove the permission".to_owned();
    assert!(unused_permissions(&[]).contains(&violation));
    let text = "use crate::template::Template;".to_owned();
    let file = File { path: "src/model/id.rs".to_owned(), text };
    assert!(!unused_permissions(&[file]).contains(&violation));
}

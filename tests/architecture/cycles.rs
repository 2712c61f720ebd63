//! Files must not import each other in a cycle.
//!
//! A path through a re-export counts as an import of the file that defines the item. Two kinds of imports do
//! not count: those of a `mod.rs` from the files in its folder, which it assembles, and those of tests inside
//! a file.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::paths::{self, Paths, RustPath};

/// Returns a violation for every cycle.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let tree = Tree::parse(files);
    let cycles = tree.cycles();
    let describe = |cycle: &Vec<&str>| {
        let first = cycle.first().copied().unwrap_or_default();
        let path: Vec<&str> = cycle.iter().copied().chain([first]).collect();
        format!("{}: move what they share to a separate file", path.join(" → "))
    };
    cycles.iter().map(describe).collect()
}

/// The modules of the crate.
struct Tree<'f> {
    modules: BTreeMap<RustPath, Module<'f>>,
}

struct Module<'f> {
    /// The path of the file inside src.
    file: &'f str,
    paths: Paths,
}

impl<'f> Tree<'f> {
    fn parse(files: &'f [File]) -> Self {
        let mut modules = BTreeMap::new();
        for file in files {
            // Files that are not Rust are reported by the rule about imports between modules.
            if let (Some(inside), Ok(parsed)) = (file.inside("src"), syn::parse_file(&file.text)) {
                let module = paths::module_of(inside);
                let paths = paths::collect(&parsed, module.clone(), false);
                modules.insert(module, Module { file: inside, paths });
            }
        }
        let is_test_only = |path: &RustPath| {
            (1..=path.len()).any(|length| {
                let (above, rest) = path.split_at(length - 1);
                let parent: Option<&Module<'_>> = modules.get(above);
                parent
                    .zip(rest.first())
                    .is_some_and(|(parent, name)| parent.paths.test_modules.contains(name))
            })
        };
        let excluded: Vec<RustPath> =
            modules.keys().filter(|path| is_test_only(path)).cloned().collect();
        modules.retain(|path, _| !excluded.contains(path));
        Self { modules }
    }

    /// The file that defines the item at a path.
    fn file_of(&self, path: &[String], depth: usize) -> Option<&'f str> {
        let (root, mut rest) = path.split_first()?;
        if !["crate", "gatepost"].contains(&root.as_str()) || depth > 8 {
            return None;
        }
        let mut module: RustPath = Vec::new();
        while let Some((name, after)) = rest.split_first() {
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                (module, rest) = (child, after);
                continue;
            }
            let re_exports = &self.modules.get(&module)?.paths.re_exports;
            let found = re_exports.iter().find(|(known, _)| known == name);
            if let Some((_, target)) = found {
                let target = self.absolute(&module, target);
                return self.file_of(&target, depth + 1);
            }
            break;
        }
        self.modules.get(&module).map(|module| module.file)
    }

    /// A path that starts with a child of the module, as an absolute path.
    fn absolute(&self, module: &RustPath, path: &RustPath) -> RustPath {
        let child: RustPath = module.iter().chain(path.first()).cloned().collect();
        if self.modules.contains_key(&child) {
            let root = "crate".to_owned();
            return [root].iter().chain(module).chain(path).cloned().collect();
        }
        path.clone()
    }

    fn imports(&self) -> BTreeMap<&'f str, BTreeSet<&'f str>> {
        let imports_of = |(path, module): (&RustPath, &Module<'f>)| {
            let used = module.paths.used.iter().map(|used| self.absolute(path, used));
            let files = used.filter_map(|used| self.file_of(&used, 0));
            let counts = |file: &&str| *file != module.file && !assembles(module.file, file);
            (module.file, files.filter(counts).collect())
        };
        self.modules.iter().map(imports_of).collect()
    }

    /// A shortest cycle through every file that is part of one, each cycle once.
    fn cycles(&self) -> Vec<Vec<&'f str>> {
        let imports = self.imports();
        let mut seen: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
        let cycles = imports.keys().filter_map(|file| shortest_cycle(file, &imports));
        cycles.filter(|cycle| seen.insert(cycle.iter().copied().collect())).collect()
    }
}

/// Whether the first file is a `mod.rs` and the second is in its folder.
fn assembles(parent: &str, file: &str) -> bool {
    parent.strip_suffix("mod.rs").is_some_and(|folder| file.starts_with(folder))
}

/// The shortest way from a file back to itself.
fn shortest_cycle<'f>(
    start: &'f str,
    imports: &BTreeMap<&'f str, BTreeSet<&'f str>>,
) -> Option<Vec<&'f str>> {
    let mut visited = BTreeSet::new();
    let mut paths = vec![vec![start]];
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            for next in path.last().and_then(|last| imports.get(last)).into_iter().flatten() {
                if *next == start {
                    return Some(path);
                }
                if visited.insert(*next) {
                    longer.push([path.as_slice(), &[*next]].concat());
                }
            }
        }
        paths = longer;
    }
    None
}

fn checked(files: &[(&str, &str)]) -> Vec<String> {
    check(&parsed(files))
}

fn parsed(files: &[(&str, &str)]) -> Vec<File> {
    let file = |(path, text): &(&str, &str)| File {
        path: format!("src/{path}"),
        text: (*text).to_owned(),
    };
    files.iter().map(file).collect()
}

#[test]
fn reports_a_cycle_with_its_files() {
    let files = [
        ("model/mod.rs", "mod a; mod b; mod c;"),
        ("model/a.rs", "use super::b::B; pub struct A(B);"),
        ("model/b.rs", "fn f() -> crate::model::c::C {}"),
        ("model/c.rs", "use super::a; fn g() { a::A::new() }"),
        ("model/d.rs", "use super::a::A;"),
    ];
    let expected = "model/a.rs → model/b.rs → model/c.rs → model/a.rs: move what they share to a separate file";
    assert_eq!(checked(&files), [expected]);
}

#[test]
fn follows_re_exports_to_the_defining_file() {
    let files = [
        ("model/mod.rs", "pub mod a; pub mod x;"),
        ("model/a.rs", "use super::x::Y;"),
        ("model/x/mod.rs", "mod y; mod z; pub use y::Y; pub use z::Z as Renamed;"),
        ("model/x/y.rs", "pub struct Y;"),
        ("model/x/z.rs", "use crate::model::a::A; pub struct Z;"),
    ];
    assert_eq!(checked(&files), [""; 0]);
    let mut cyclic = files;
    cyclic[1].1 = "use super::x::Renamed;";
    assert_eq!(checked(&cyclic).len(), 1);
}

#[test]
fn a_mod_file_may_assemble_the_files_of_its_folder() {
    let parent = ("model/x/mod.rs", "mod y; pub struct Shared; fn f() { y::g() }");
    let child = ("model/x/y.rs", "use super::Shared; pub fn g() {}");
    assert_eq!(checked(&[("model/mod.rs", ""), parent, child]), [""; 0]);
    let elsewhere = ("model/z.rs", "use super::x::Shared;");
    let imports = ("model/x/mod.rs", "use super::z::Z; pub struct Shared;");
    assert_eq!(checked(&[("model/mod.rs", ""), imports, elsewhere]).len(), 1);
}

#[test]
fn a_re_exported_name_that_the_file_uses_itself_is_an_import() {
    let a = ("model/a.rs", "use super::b::f;");
    let only_re_exported = ("model/b.rs", "pub use crate::model::a::A; pub fn f() {}");
    assert_eq!(checked(&[("model/mod.rs", ""), a, only_re_exported]), [""; 0]);
    let used = ("model/b.rs", "pub use crate::model::a::A; pub fn f(a: A) {}");
    assert_eq!(checked(&[("model/mod.rs", ""), a, used]).len(), 1);
}

#[test]
fn tests_may_import_everything() {
    let files = [
        ("model/mod.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
        ("model/a.rs", "use super::b::B;"),
        ("model/b.rs", "#[cfg(test)] mod tests { use crate::model::a::A; }"),
        ("model/tests.rs", "use super::a::A;"),
    ];
    assert_eq!(checked(&files), [""; 0]);
}

//! Templates: each is rendered by exactly one struct per block or used by another template, is in the same
//! folder as its struct, and has no block inside a loop, because askama renders such a block as nothing.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, LitStr};

use super::{File, modules};

/// A template or block that a struct renders.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rendering {
    template: String,
    block: Option<String>,
}

/// Returns the violations in the files of src/web and templates.
pub(super) fn check(web: &[File], templates: &[File]) -> Vec<String> {
    let mut violations: Vec<String> = templates.iter().flat_map(check_one).collect();
    let known: BTreeMap<&str, &File> =
        templates.iter().filter_map(|file| Some((file.inside("templates")?, file))).collect();

    let mut rendered: BTreeMap<Rendering, Vec<&str>> = BTreeMap::new();
    for file in web {
        let inside = file.inside("src/web").unwrap_or_default();
        for rendering in renderings(file) {
            if !known.contains_key(rendering.template.as_str()) {
                violations
                    .push(format!("{inside} renders {}, which does not exist", rendering.template));
            }
            if folder(inside) != folder(&rendering.template) {
                violations.push(format!(
                    "web/{inside} renders {}: move the template to the folder of its struct",
                    rendering.template
                ));
            }
            rendered.entry(rendering).or_default().push(inside);
        }
    }
    for (Rendering { template, block }, by) in &rendered {
        if by.len() > 1 {
            let block = block.as_ref().map(|name| format!(" (block {name})")).unwrap_or_default();
            violations.push(format!(
                "{template}{block} is rendered by {}: use one struct",
                by.join(" and ")
            ));
        }
    }

    let mut reached = BTreeSet::new();
    let mut next: Vec<String> = rendered.into_keys().map(|rendering| rendering.template).collect();
    while let Some(template) = next.pop() {
        if let Some(file) = known.get(template.as_str()) {
            if reached.insert(template) {
                next.extend(used_by(&file.text));
            }
        } else if !violations.iter().any(|text| text.contains(&template)) {
            violations.push(format!("templates/{template} is used, but does not exist"));
        }
    }
    let unused = known.keys().filter(|template| !reached.contains(**template));
    violations.extend(unused.map(|name| format!("templates/{name} is unused: remove it")));
    violations
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the violations inside a template.
fn check_one(file: &File) -> Vec<String> {
    let in_loops = blocks_in_loops(&file.text).into_iter().map(|block| {
        format!(
            "{}: the block {block} is inside a loop and would render nothing on its own: include a \
             file instead",
            file.path
        )
    });
    in_loops.chain(modules::check_template(file)).collect()
}

/// The templates that the structs of a file render.
fn renderings(file: &File) -> Vec<Rendering> {
    #[derive(Default)]
    struct Renderings(Vec<Rendering>);

    impl<'ast> Visit<'ast> for Renderings {
        fn visit_attribute(&mut self, attribute: &'ast Attribute) {
            if attribute.path().is_ident("template") {
                self.0.extend(rendering(attribute));
            }
            visit::visit_attribute(self, attribute);
        }
    }

    let mut renderings = Renderings::default();
    if let Ok(parsed) = syn::parse_file(&file.text) {
        renderings.visit_file(&parsed);
    }
    renderings.0
}

/// Parses `#[template(path = "…", block = "…")]`; `None` if there is no path.
fn rendering(attribute: &Attribute) -> Option<Rendering> {
    let (mut template, mut block) = (None, None);
    let read = attribute.parse_nested_meta(|meta| {
        let value = meta.value()?;
        if meta.path.is_ident("path") {
            template = Some(value.parse::<LitStr>()?.value());
        } else if meta.path.is_ident("block") {
            block = Some(value.parse::<LitStr>()?.value());
        } else {
            value.parse::<Expr>()?;
        }
        Ok(())
    });
    read.ok()?;
    Some(Rendering { template: template?, block })
}

/// The contents of `{% … %}` tags outside comments.
fn tags(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        if let Some(comment) = rest.strip_prefix('#') {
            rest = comment.split_once("#}").map_or("", |(_, after)| after);
        } else if let Some(tag) = rest.strip_prefix('%') {
            let (inner, after) = tag.split_once("%}").unwrap_or((tag, ""));
            found.push(inner.trim_matches(|c: char| c.is_whitespace() || "-+~".contains(c)));
            rest = after;
        }
    }
    found
}

/// The templates that a template includes, extends or imports.
fn used_by(text: &str) -> Vec<String> {
    let path = |tag: &str| {
        let (word, rest) = tag.split_once(char::is_whitespace)?;
        let uses = ["include", "extends", "import"].contains(&word);
        uses.then(|| rest.split('"').nth(1).unwrap_or_default().to_owned())
    };
    tags(text).into_iter().filter_map(path).collect()
}

/// The names of the blocks inside a `for`.
fn blocks_in_loops(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for tag in tags(text) {
        let mut words = tag.split_whitespace();
        match words.next() {
            Some("for") => depth += 1,
            Some("endfor") => depth = depth.saturating_sub(1),
            Some("block") if depth > 0 => {
                found.push(words.next().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    found
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_block_is_rendered_by_one_struct() {
    let list = file("templates/a/list.html", "{% block table %}{% endblock %}");
    let page = "#[derive(Template)] #[template(path = \"a/list.html\")] struct Page;";
    let part =
        "#[template(path = \"a/list.html\", block = \"table\", escape = \"none\")] struct Part;";
    let both = file("src/web/a/list.rs", &format!("{page} {part}"));
    assert_eq!(check(std::slice::from_ref(&both), std::slice::from_ref(&list)), [""; 0]);
    let again = file("src/web/a/show.rs", part);
    let expected =
        "a/list.html (block table) is rendered by a/list.rs and a/show.rs: use one struct";
    assert_eq!(check(&[both, again], std::slice::from_ref(&list)), [expected]);
    let elsewhere = file("src/web/b/list.rs", page);
    let expected =
        "web/b/list.rs renders a/list.html: move the template to the folder of its struct";
    assert_eq!(check(&[elsewhere], &[list]), [expected]);
}

#[test]
fn unused_and_missing_templates_are_reported() {
    let web = [file("src/web/a.rs", "#[template(path = \"a.html\")] struct A;")];
    let a = file("templates/a.html", "{%- extends \"base.html\" -%} {% include \"_b.html\" %}");
    let base = file("templates/base.html", "{% import \"ui.html\" as ui %}");
    let (b, ui) = (file("templates/_b.html", ""), file("templates/ui.html", ""));
    let orphan = file("templates/_c.html", "{# {% include \"_c.html\" %} #}");
    let templates = [a.clone(), base.clone(), b, ui.clone(), orphan];
    assert_eq!(check(&web, &templates), ["templates/_c.html is unused: remove it"]);
    assert_eq!(check(&web, &[a, base, ui]), ["templates/_b.html is used, but does not exist"]);
}

#[test]
fn a_block_inside_a_loop_is_found() {
    let text = "{% for a in b %}{% if a %}{%- block row -%}{% endblock %}{% endif %}{% endfor %}";
    assert_eq!(blocks_in_loops(text), ["row"]);
    let text = "{% block t %}{% for a in b %}{% include \"_row.html\" %}{% endfor %}{% endblock %}\
                {% block u %}{% endblock %}";
    assert_eq!(blocks_in_loops(text), [""; 0]);
}

//! Converts the syntax tree of the `handlebars` crate: resolves names and rejects unsupported syntax.

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, Template as Tree};

use super::ast::{Block, Call, Condition, Expression, FieldPath, Key, Node, PathUse, Placeholder};
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::escape::Encoding;
use super::helpers::Helper;
use super::position::Position;
use super::scanner::{Tag, TagKind, scan};
use super::scope::{Scope, Scopes};

/// Result of parsing.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) paths: Vec<PathUse>,
    pub(super) field_paths: Vec<FieldPath>,
}

/// Parses a template.
pub(super) fn parse(source: &str) -> Result<Parsed, TemplateError> {
    let tags = scan(source)?;
    let tree = Tree::compile(source).map_err(|error| syntax_error(&error, &tags))?;
    let mut parser = Parser {
        tags: tags.iter(),
        tag: None,
        read: 0,
        scopes: Scopes::new(),
        paths: Vec::new(),
        field_paths: Vec::new(),
    };
    let nodes = parser.nodes(&tree)?;
    Ok(Parsed { nodes, paths: parser.paths, field_paths: parser.field_paths })
}

/// Finds the placeholder at the position that the parser reports.
fn syntax_error(error: &handlebars::TemplateError, tags: &[Tag<'_>]) -> TemplateError {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let tag = tags.iter().rev().find(|tag| (tag.at.line, tag.at.column) <= (line, column));
    match tag.or(tags.first()) {
        Some(tag) => Kind::Syntax(shorten(tag.body)).at(tag.at),
        None => Kind::Syntax(String::new()).at(Position { line, column }),
    }
}

#[derive(Debug)]
struct Parser<'t, 's> {
    /// The remaining placeholders.
    tags: std::slice::Iter<'t, Tag<'s>>,
    /// The current placeholder, and the number of bytes of its body that were read.
    tag: Option<&'t Tag<'s>>,
    read: usize,
    scopes: Scopes,
    paths: Vec<PathUse>,
    field_paths: Vec<FieldPath>,
}

impl Parser<'_, '_> {
    fn nodes(&mut self, tree: &Tree) -> Result<Vec<Node>, TemplateError> {
        let mut nodes = Vec::with_capacity(tree.elements.len());
        for element in &tree.elements {
            match element {
                TemplateElement::RawString(text) => nodes.push(Node::Text(text.as_str().into())),
                TemplateElement::Expression(expression) => {
                    nodes.push(Node::Value(self.placeholder(expression)?));
                }
                TemplateElement::HelperBlock(block) => nodes.push(self.block(block)?),
                TemplateElement::Comment(_) => {}
                TemplateElement::HtmlExpression(_) => {
                    return Err(Kind::Unescaped.at(self.position()));
                }
                TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                    return Err(Kind::Decorator.at(self.position()));
                }
                TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => {
                    return Err(Kind::Partial.at(self.position()));
                }
                _ => return Err(self.unreadable()),
            }
        }
        Ok(nodes)
    }

    /// Advances to the placeholder of the next element of the tree.
    fn next_tag(&mut self, kind: TagKind) -> Position {
        self.tag = self.tags.find(|tag| tag.kind == kind);
        self.read = 0;
        self.position()
    }

    fn position(&self) -> Position {
        self.tag.map_or(Position::START, |tag| tag.at)
    }

    /// Finds the position of a word of the placeholder and continues after it.
    fn locate(&mut self, word: &str) -> Position {
        let Some(tag) = self.tag else {
            return self.position();
        };
        let rest = tag.body.get(self.read..).unwrap_or_default();
        let Some(start) =
            rest.find(word).map(|found| self.read + found).or_else(|| tag.body.find(word))
        else {
            return tag.at;
        };
        self.read = start + word.len();
        tag.body_at.after(tag.body.get(..start).unwrap_or_default())
    }

    fn placeholder(&mut self, element: &HelperTemplate) -> Result<Placeholder, TemplateError> {
        let at = self.next_tag(TagKind::Value);
        let expression = self.name_or_call(element)?;
        let (expression, as_json) = match expression {
            Expression::Call(Call { helper: Helper::Json, mut arguments, at }) => {
                let argument = arguments.pop().ok_or_else(|| Kind::Empty.at(at))?;
                (argument, true)
            }
            Expression::Call(_) | Expression::Path(_) | Expression::Literal(_) => {
                (expression, false)
            }
        };
        Ok(Placeholder { expression, as_json, encoding: Encoding::Plain, at })
    }

    fn expression(&mut self, parameter: &Parameter) -> Result<Expression, TemplateError> {
        match parameter {
            Parameter::Name(name) => self.path(name),
            Parameter::Path(path) => {
                let (Path::Relative((_, raw)) | Path::Local((_, _, raw))) = path;
                self.path(raw)
            }
            Parameter::Literal(value) => Ok(Expression::Literal(value.clone())),
            Parameter::Subexpression(inner) => {
                let TemplateElement::Expression(element) = inner.as_element() else {
                    return Err(self.unreadable());
                };
                self.name_or_call(element)
            }
            _ => Err(self.unreadable()),
        }
    }

    fn name_or_call(&mut self, element: &HelperTemplate) -> Result<Expression, TemplateError> {
        if element.params.is_empty() && element.hash.is_empty() {
            self.expression(&element.name)
        } else {
            self.call(element)
        }
    }

    fn unreadable(&self) -> TemplateError {
        let body = self.tag.map(|tag| tag.body).unwrap_or_default();
        Kind::Syntax(shorten(body)).at(self.position())
    }

    fn path(&mut self, raw: &str) -> Result<Expression, TemplateError> {
        let at = self.locate(raw);
        let (path, used) = self.scopes.resolve(raw, at)?;
        if let Some(used) = used {
            self.paths.push(PathUse { path: used, line: at.line, column: at.column });
        }
        // A path relative to a block is covered by the path of the block.
        if self.scopes.starts_at_root(path.base) {
            self.field_paths.push(field_path(&path.keys));
        }
        Ok(Expression::Path(path))
    }

    fn call(&mut self, element: &HelperTemplate) -> Result<Expression, TemplateError> {
        let name = name_of(&element.name);
        let at = self.locate(name);
        let helper = Helper::find(name).map_err(|kind| kind.at(at))?;
        if let Some(option) = element.hash.keys().min() {
            let kind = Kind::HelperOption { helper: helper.name(), option: shorten(option) };
            return Err(kind.at(at));
        }
        let literals: Vec<_> = element.params.iter().map(literal).collect();
        helper.check(&literals).map_err(|kind| kind.at(at))?;
        let arguments = element
            .params
            .iter()
            .map(|argument| self.expression(argument))
            .collect::<Result<_, _>>()?;
        Ok(Expression::Call(Call { helper, arguments, at }))
    }

    fn block(&mut self, element: &HelperTemplate) -> Result<Node, TemplateError> {
        let at = self.next_tag(TagKind::Block);
        let name = name_of(&element.name);
        let example = match name {
            "if" | "unless" => "data.justification",
            "each" => "data.access_groups",
            "with" => "data.requester",
            _ => return Err(Kind::UnknownBlock(shorten(name)).at(at)),
        };
        self.locate(name);
        let is_condition = matches!(name, "if" | "unless");
        let is_option = |(key, value): (&String, &Parameter)| {
            is_condition && key == "includeZero" && matches!(value, Parameter::Literal(_))
        };
        let [parameter] = element.params.as_slice() else {
            return Err(Kind::BlockArguments { block: name.to_owned(), example }.at(at));
        };
        if !element.hash.iter().all(is_option) {
            return Err(Kind::BlockArguments { block: name.to_owned(), example }.at(at));
        }
        let expression = self.expression(parameter)?;
        if is_condition {
            let include_zero = element.hash.get("includeZero")
                == Some(&Parameter::Literal(serde_json::Value::Bool(true)));
            let then = self.branch(element.template.as_ref())?.unwrap_or_default();
            let otherwise = self.branch(element.inverse.as_ref())?;
            let negate = name == "unless";
            return Ok(Node::If(Condition {
                expression,
                negate,
                include_zero,
                then,
                otherwise,
                at,
            }));
        }
        let is_each = name == "each";
        self.scopes.enter(scope(is_each, &expression, element.block_param.as_ref(), &self.scopes));
        let body = self.branch(element.template.as_ref())?.unwrap_or_default();
        self.scopes.leave();
        let otherwise = self.branch(element.inverse.as_ref())?;
        let block = Block { expression, body, otherwise, at };
        Ok(if is_each { Node::Each(block) } else { Node::With(block) })
    }

    fn branch(&mut self, tree: Option<&Tree>) -> Result<Option<Vec<Node>>, TemplateError> {
        tree.map(|tree| self.nodes(tree)).transpose()
    }
}

fn name_of(name: &Parameter) -> &str {
    name.as_name().unwrap_or_default()
}

/// Creates the scope of a block's body.
fn scope(
    is_each: bool,
    over: &Expression,
    parameters: Option<&BlockParam>,
    scopes: &Scopes,
) -> Scope {
    let owned = |name: &Parameter| Some(name_of(name).to_owned());
    let (value_name, key_name) = match parameters {
        Some(BlockParam::Single(value)) => (owned(value), None),
        Some(BlockParam::Pair((value, key))) => (owned(value), owned(key)),
        _ => (None, None),
    };
    let this = scopes.known_path(over).map(|path| if is_each { format!("{path}[]") } else { path });
    Scope { is_each, this, value_name, key_name }
}

/// The value of a literal argument.
fn literal(argument: &Parameter) -> Option<&serde_json::Value> {
    if let Parameter::Literal(value) = argument { Some(value) } else { None }
}

/// Path of a field from the root. A path into a list ends at the list.
fn field_path(keys: &[Key]) -> FieldPath {
    keys.iter().take_while(|key| key.index.is_none()).map(|key| key.name.clone()).collect()
}

//! Converts the syntax tree: resolves names, and rejects what does not exist.

use super::ast::{
    Block, Call, Condition, Expression, FieldPath, Node, PathUse, Placeholder, SecretReference,
};
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::escape::Encoding;
use super::grammar::parse_program;
use super::helpers::Helper;
use super::position::Position;
use super::scanner::scan;
use super::scope::{Scope, ScopeKind, Scopes};
use super::syntax::{self, Argument, Callee, Program, Statement};
use super::whitespace::strip_whitespace;

/// Result of parsing.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) paths: Vec<PathUse>,
    pub(super) field_paths: Vec<FieldPath>,
}

/// Parses a template.
pub(super) fn parse(source: &str) -> Result<Parsed, TemplateError> {
    let mut program = parse_program(scan(source)?)?;
    strip_whitespace(&mut program);
    let mut parser = Parser { scopes: Scopes::new(), paths: Vec::new(), field_paths: Vec::new() };
    let nodes = parser.nodes(&program)?;
    Ok(Parsed { nodes, paths: parser.paths, field_paths: parser.field_paths })
}

#[derive(Debug)]
struct Parser {
    scopes: Scopes,
    paths: Vec<PathUse>,
    field_paths: Vec<FieldPath>,
}

impl Parser {
    fn nodes(&mut self, program: &Program) -> Result<Vec<Node>, TemplateError> {
        let statements = match program {
            Program::Statements(statements) => statements,
            Program::Chain(block) => return Ok(vec![self.block(block)?]),
        };
        let mut nodes = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                Statement::Text(text) if text.value.is_empty() => {}
                Statement::Text(text) => nodes.push(Node::Text(text.value.as_str().into())),
                Statement::Comment(_) => {}
                Statement::Value { call, .. } => nodes.push(Node::Value(self.placeholder(call)?)),
                Statement::Block(block) => nodes.push(self.block(block)?),
            }
        }
        Ok(nodes)
    }

    fn placeholder(&mut self, call: &syntax::Call) -> Result<Placeholder, TemplateError> {
        let expression = self.call_or_path(call)?;
        let (expression, as_json) = match expression {
            Expression::Call(Call { helper: Helper::Json, mut arguments, at }) => {
                let argument = arguments.pop().ok_or_else(|| Kind::Empty.at(at))?;
                (argument, true)
            }
            Expression::Call(_)
            | Expression::Path(_)
            | Expression::Literal(_)
            | Expression::Secret(_) => (expression, false),
        };
        let is_secret = expression.holds_secret();
        let encoding = Encoding::Plain;
        Ok(Placeholder { expression, as_json, is_secret, encoding, at: call.at })
    }

    fn argument(&mut self, argument: &Argument) -> Result<Expression, TemplateError> {
        match argument {
            Argument::Path(path) => self.path(path),
            Argument::Literal(value) => Ok(Expression::Literal(value.clone())),
            Argument::Call(call) => self.call_or_path(call),
        }
    }

    fn call_or_path(&mut self, call: &syntax::Call) -> Result<Expression, TemplateError> {
        match &call.callee {
            Callee::Call(inner) => self.call_or_path(inner),
            Callee::Path(path) if call.is_bare() => self.path(path),
            Callee::Path(path) => self.call(path, call),
        }
    }

    fn path(&mut self, path: &syntax::Path) -> Result<Expression, TemplateError> {
        if let Some(name) = self.scopes.secret(path)? {
            let (line, column) = (path.at.line, path.at.column);
            self.paths.push(PathUse { paths: vec![format!("secrets.{name}")], line, column });
            return Ok(Expression::Secret(SecretReference { name, at: path.at }));
        }
        let (resolved, used) = self.scopes.resolve(path)?;
        if !used.is_empty() {
            let (line, column) = (path.at.line, path.at.column);
            self.paths.push(PathUse { paths: used, line, column });
        }
        // A path relative to a block is covered by the path of the block.
        if self.scopes.may_start_at_root(resolved.base) {
            self.field_paths.push(resolved.field_path());
        }
        Ok(Expression::Path(resolved))
    }

    fn call(
        &mut self,
        callee: &syntax::Path,
        call: &syntax::Call,
    ) -> Result<Expression, TemplateError> {
        let at = callee.at;
        let name = callee.as_name().unwrap_or(&callee.original);
        let helper = Helper::find(name).map_err(|kind| kind.at(at))?;
        if let Some((option, _)) = call.options.first() {
            let kind = Kind::HelperOption { helper: helper.name(), option: shorten(option) };
            return Err(kind.at(at));
        }
        let literals: Vec<_> = call.arguments.iter().map(literal).collect();
        helper.check(&literals).map_err(|kind| kind.at(at))?;
        let arguments = call
            .arguments
            .iter()
            .map(|argument| self.argument(argument))
            .collect::<Result<Vec<_>, _>>()?;
        if !helper.takes_secrets() && arguments.iter().any(Expression::holds_secret) {
            return Err(Kind::SecretUse.at(at));
        }
        // A response could repeat a secret that was encoded more often than responses are decoded.
        let is_encoded = |argument: &Expression| matches!(argument, Expression::Call(_));
        if arguments.iter().any(|argument| is_encoded(argument) && argument.holds_secret()) {
            return Err(Kind::SecretEncodedTwice.at(at));
        }
        Ok(Expression::Call(Call { helper, arguments, at }))
    }

    fn block(&mut self, block: &syntax::Block) -> Result<Node, TemplateError> {
        let call = &block.call;
        let Callee::Path(callee) = &call.callee else {
            return Err(Kind::UnknownBlock("(".to_owned()).at(call.at));
        };
        let example = match callee.as_name() {
            Some("if" | "unless") => return self.condition(block, &callee.original),
            Some("each") => "data.access_groups",
            Some("with") => "data.requester",
            _ if call.is_bare() => {
                let expression = without_secret(self.path(callee)?, call.at)?;
                return Ok(Node::Section(self.body(
                    block,
                    callee,
                    ScopeKind::Section,
                    expression,
                )?));
            }
            _ => return Err(Kind::UnknownBlock(shorten(&callee.original)).at(call.at)),
        };
        let name = &callee.original;
        let ([argument], []) = (call.arguments.as_slice(), call.options.as_slice()) else {
            return Err(Kind::BlockArguments { block: name.clone(), example }.at(call.at));
        };
        let expression = without_secret(self.argument(argument)?, call.at)?;
        Ok(if name == "each" {
            Node::Each(self.body(block, callee, ScopeKind::Each, expression)?)
        } else {
            Node::With(self.body(block, callee, ScopeKind::With, expression)?)
        })
    }

    /// Converts `{{#if}}` or `{{#unless}}`.
    fn condition(&mut self, block: &syntax::Block, name: &str) -> Result<Node, TemplateError> {
        let syntax::Call { arguments, options, at, .. } = &block.call;
        let include_zero = match options.as_slice() {
            [] => Some(None),
            [(option, value)] if option == "includeZero" => Some(Some(value)),
            _ => None,
        };
        let ([argument], Some(include_zero)) = (arguments.as_slice(), include_zero) else {
            let (block, example) = (name.to_owned(), "data.justification");
            return Err(Kind::BlockArguments { block, example }.at(*at));
        };
        Ok(Node::If(Condition {
            expression: without_secret(self.argument(argument)?, *at)?,
            negate: name == "unless",
            include_zero: match include_zero {
                Some(option) => Some(without_secret(self.argument(option)?, *at)?),
                None => None,
            },
            then: self.branch(block.program.as_ref())?.unwrap_or_default(),
            otherwise: self.branch(block.inverse.as_ref())?,
            at: *at,
        }))
    }

    /// Converts the parts of a block that changes `this`.
    fn body(
        &mut self,
        block: &syntax::Block,
        callee: &syntax::Path,
        kind: ScopeKind,
        expression: Expression,
    ) -> Result<Block, TemplateError> {
        let mut names = block.parameters.iter().cloned();
        let this = self.scopes.inside(kind, &expression);
        let is_this = matches!(&expression, Expression::Path(path) if path.is_this());
        self.scopes.enter(Scope {
            kind,
            this,
            is_same: kind == ScopeKind::With && is_this,
            value_name: names.next(),
            key_name: names.next(),
        });
        let body = self.branch(block.program.as_ref())?.unwrap_or_default();
        self.scopes.leave();
        let otherwise = self.branch(block.inverse.as_ref())?;
        Ok(Block {
            name: callee.original.as_str().into(),
            expression,
            body,
            otherwise,
            at: block.call.at,
        })
    }

    fn branch(&mut self, program: Option<&Program>) -> Result<Option<Vec<Node>>, TemplateError> {
        program.map(|program| self.nodes(program)).transpose()
    }
}

/// Rejects a secret as the value that a block depends on, which could reveal it bit by bit.
fn without_secret(expression: Expression, at: Position) -> Result<Expression, TemplateError> {
    if expression.holds_secret() { Err(Kind::SecretUse.at(at)) } else { Ok(expression) }
}

/// The value of a literal argument.
fn literal(argument: &Argument) -> Option<&serde_json::Value> {
    if let Argument::Literal(value) = argument { Some(value) } else { None }
}

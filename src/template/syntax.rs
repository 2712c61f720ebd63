//! The syntax tree of a template, before names are resolved.

use serde_json::Value;

use super::position::Position;
use super::scanner::Strip;

/// The content of a block or of the template.
#[derive(Debug)]
pub(super) enum Program {
    Statements(Vec<Statement>),
    /// The block of an `{{else if}}`.
    Chain(Box<Block>),
}

impl Program {
    /// The statements that come first: for a block, those in its first branch.
    pub(super) fn statements(&mut self) -> &mut Vec<Statement> {
        match self {
            Self::Statements(statements) => statements,
            Self::Chain(block) => {
                block.program.get_or_insert_with(|| Self::Statements(Vec::new())).statements()
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Statement {
    Text(Text),
    Comment(Strip),
    Value { call: Call, strip: Strip },
    Block(Box<Block>),
}

/// Literal text, from which white space is stripped.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) original: String,
    pub(super) is_start_stripped: bool,
    pub(super) is_end_stripped: bool,
}

/// `{{#if x}}…{{else}}…{{/if}}`
#[derive(Debug)]
pub(super) struct Block {
    pub(super) call: Call,
    pub(super) parameters: Vec<String>,
    /// `None` for `{{^x}}…{{/x}}`.
    pub(super) program: Option<Program>,
    pub(super) inverse: Option<Program>,
    pub(super) open_strip: Strip,
    pub(super) inverse_strip: Strip,
    pub(super) close_strip: Strip,
}

/// `name argument … option=argument …`. A path alone has no arguments.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) callee: Callee,
    pub(super) arguments: Vec<Argument>,
    pub(super) options: Vec<(String, Argument)>,
    /// Position of the braces.
    pub(super) at: Position,
}

#[derive(Debug, Clone)]
pub(super) enum Callee {
    Path(Path),
    /// `{{(helper x)}}`
    Call(Box<Call>),
}

#[derive(Debug, Clone)]
pub(super) enum Argument {
    Path(Path),
    Literal(Value),
    Call(Call),
}

/// `data.access_groups.[0]`, `../name`, `@index`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// Whether the path starts with `@`.
    pub(super) is_local: bool,
    /// Whether the path starts with `this`, `.` or `..` and therefore cannot name a helper or a block parameter.
    pub(super) is_explicit: bool,
    /// Number of `..`.
    pub(super) up: usize,
    pub(super) keys: Vec<String>,
    /// The path as written, without brackets.
    pub(super) original: String,
    pub(super) at: Position,
}

impl Path {
    /// The path as the name of a helper or block.
    pub(super) fn as_name(&self) -> Option<&str> {
        match self.keys.as_slice() {
            [name] if !self.is_local && !self.is_explicit => Some(name),
            _ => None,
        }
    }
}

impl Call {
    /// Whether the call is a path without arguments.
    pub(super) fn is_bare(&self) -> bool {
        self.arguments.is_empty() && self.options.is_empty()
    }
}

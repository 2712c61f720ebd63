//! A compiled template: what is to be written, in order.

use serde_json::Value;

use super::escape::Encoding;
use super::helpers::Function;

/// Line and column, both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Value(Placeholder),
    If(Condition),
    Each(Block),
    With(Block),
}

/// `{{expression}}`
#[derive(Debug)]
pub(super) struct Placeholder {
    pub(super) expression: Expression,
    /// Written by the outermost `json`: a string keeps its quotes.
    pub(super) as_json: bool,
    /// How a value is written where this stands; found after parsing.
    pub(super) encoding: Encoding,
    pub(super) at: Position,
}

/// `{{#if x}}…{{else}}…{{/if}}`
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) expression: Expression,
    /// `unless`
    pub(super) negate: bool,
    /// `includeZero=true`: 0 counts as there.
    pub(super) include_zero: bool,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
    pub(super) at: Position,
}

/// `{{#each x}}…{{else}}…{{/each}}`, `{{#with x}}…{{else}}…{{/with}}`
#[derive(Debug)]
pub(super) struct Block {
    pub(super) expression: Expression,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
    pub(super) at: Position,
}

#[derive(Debug)]
pub(super) enum Expression {
    Path(PathExpression),
    Literal(Value),
    Call(Call),
}

/// `(function argument …)`
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Expression>,
    pub(super) at: Position,
}

/// `data.access_groups.[0].integration`, `../name`, `@index`
#[derive(Debug)]
pub(super) struct PathExpression {
    pub(super) base: Base,
    pub(super) keys: Box<[Key]>,
    /// The name of the secret, where it is one: a missing secret is an error, a missing field is not.
    pub(super) secret: Option<Box<str>>,
    pub(super) at: Position,
}

/// Where a path begins. The number says how many `each`/`with` further out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    This(usize),
    Root,
    Index(usize),
    Key(usize),
    /// The second block parameter: the key in an object, the index in a list.
    KeyOrIndex(usize),
    First(usize),
    Last(usize),
}

/// One step of a path.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    /// The same as a number, for lists.
    pub(super) index: Option<usize>,
}

/// A path as a template uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathUse {
    /// The path from the top, with `[]` for any entry of a list, such as
    /// `data.access_groups[].integration.name`, also where it was written relative to a block.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

//! The compiled form of a template: a tree of nodes to write in order.

use serde_json::Value;

use super::escape::Encoding;
use super::helpers::Helper;
use super::key::Key;
use super::position::Position;

#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Value(Placeholder),
    If(Condition),
    Each(Block),
    With(Block),
    Section(Block),
}

/// `{{expression}}`
#[derive(Debug)]
pub(super) struct Placeholder {
    pub(super) expression: Expression,
    /// Whether the outermost helper is `json`, so that a string keeps its quotes.
    pub(super) as_json: bool,
    /// Whether the value is a secret or made of one.
    pub(super) is_secret: bool,
    /// How the value is escaped. Assigned after parsing.
    pub(super) encoding: Encoding,
    pub(super) at: Position,
}

/// `{{#if x}}…{{else}}…{{/if}}`
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) expression: Expression,
    /// Whether the block is `unless`.
    pub(super) negate: bool,
    /// `includeZero=…`: whether 0 is truthy.
    pub(super) include_zero: Option<Expression>,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
    pub(super) at: Position,
}

/// `{{#each x}}…{{else}}…{{/each}}`, `{{#with x}}…{{else}}…{{/with}}`, `{{#x}}…{{else}}…{{/x}}`
#[derive(Debug)]
pub(super) struct Block {
    /// The name in the closing placeholder.
    pub(super) name: Box<str>,
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
    /// `secrets.NAME`. It can only be printed, or encoded and printed.
    Secret(SecretReference),
}

impl Expression {
    /// Whether the value is a secret or made of one.
    pub(super) fn holds_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Call(call) => call.arguments.iter().any(Self::holds_secret),
            Self::Path(_) | Self::Literal(_) => false,
        }
    }
}

/// `secrets.NAME`
#[derive(Debug)]
pub(super) struct SecretReference {
    pub(super) name: Box<str>,
    pub(super) at: Position,
}

/// `(helper argument …)`
#[derive(Debug)]
pub(super) struct Call {
    pub(super) helper: Helper,
    pub(super) arguments: Vec<Expression>,
    pub(super) at: Position,
}

/// `data.access_groups.[0].integration`, `../name`, `@index`
#[derive(Debug)]
pub(super) struct PathExpression {
    pub(super) base: Base,
    pub(super) keys: Box<[Key]>,
    /// Whether the keys are so long that the work of looking them up counts.
    pub(super) has_long_keys: bool,
    pub(super) at: Position,
}

/// Start of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// `this` of a block. The number counts the blocks to skip that change `this`.
    This(usize),
    /// The second block parameter of a block, counted in the same way: the key in an object, the index in a
    /// list.
    KeyOf(usize),
    Root,
    /// `@index` and others. The number counts the loops to skip.
    Index(usize),
    Key(usize),
    First(usize),
    Last(usize),
}

/// Path of a data field: the names of the members that lead to it. A path into a list ends at the list.
pub type FieldPath = Box<[Box<str>]>;

/// A path as a template uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathUse {
    /// The paths from the root that it may refer to, with `[]` for any entry of a list, such as
    /// `data.access_groups[].integration.name`. Paths relative to a block are resolved. There is more than one
    /// within `{{#x}}`, which is a loop for a list and changes nothing for `true`.
    pub paths: Vec<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

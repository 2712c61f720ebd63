//! Errors of templates. Each message names the problem and the fix.

use super::limits::{
    MAX_JSON_DEPTH, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_RENDER_TIME, MAX_SOURCE_BYTES,
};
use super::position::Position;

/// Longest part of the source that a message quotes, in characters.
const MAX_QUOTED_CHARS: usize = 60;

/// An error and its position in the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct TemplateError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The error.
    pub kind: TemplateErrorKind,
}

impl TemplateError {
    /// The message as a sentence that starts with a capital letter.
    pub fn as_sentence(&self) -> String {
        let Self { line, column, kind } = self;
        format!("Line {line}, column {column}: {kind}")
    }
}

/// Kinds of errors. Quoted names and texts are already shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message documents each variant")]
pub enum TemplateErrorKind {
    #[error("the template is longer than {} KiB: shorten it", MAX_SOURCE_BYTES / 1024)]
    SourceTooLong,
    #[error("blocks and parentheses are nested more than {MAX_NESTING} levels deep")]
    TooDeep,
    #[error("a placeholder can be at most {MAX_JSON_DEPTH} levels of JSON strings deep")]
    JsonTooDeep,
    #[error("this {{{{ is not closed: add }}}} at its end")]
    Unclosed,
    #[error("there is nothing between {{{{ and }}}}: write a field, such as {{{{event_type}}}}")]
    Empty,
    #[error(
        "{{{{{{x}}}}}} and {{{{&x}}}} are not supported because they skip escaping: write {{{{x}}}}, or \
         {{{{json x}}}} for an object or a list. Separate a brace of the JSON from a placeholder with a \
         space: {{ {{{{x}}}} }}"
    )]
    Unescaped,
    #[error(
        "raw blocks ({{{{{{{{ }}}}}}}}) are not supported: to output {{{{ itself, write \\{{{{"
    )]
    RawBlock,
    #[error("partials ({{{{> name}}}}) are not supported: write the text itself")]
    Partial,
    #[error("decorators ({{{{* name}}}}) are not supported: remove it")]
    Decorator,
    #[error(
        "this placeholder contains a {character}: {correction}. A field whose name contains it is written in \
         brackets, as in {{{{data.[name]}}}}"
    )]
    Lookalike { character: String, correction: &'static str },
    #[error("an index needs a dot before the bracket: write {{{{{0}}}}}")]
    IndexWithoutDot(String),
    #[error(
        "| is not supported: write the helper first, such as {{{{upper data.requester.name}}}}"
    )]
    Pipe,
    #[error(
        "the operator {0} is not supported: use a helper (eq, ne, and, or, not), such as \
         {{{{#if (eq event_type 'AccessRequestGranted')}}}}"
    )]
    Operator(String),
    #[error(
        "a placeholder cannot contain a backslash: write texts in single quotes, such as \
         {{{{default x 'none'}}}}"
    )]
    Backslash,
    #[error(
        "Handlebars removes one \\ before {{{{: to output \\\\ before the value, write \\\\\\{{{{"
    )]
    BackslashBefore,
    #[error("{{{{#{0}}}}} is not closed: write {{{{/{0}}}}} where it ends")]
    BlockNotClosed(String),
    #[error(
        "{{{{/{closed}}}}} does not match {{{{#{opened}}}}} in line {line}: write {{{{/{opened}}}}}"
    )]
    BlockMismatch { opened: String, line: usize, closed: String },
    #[error("{{{{/{0}}}}} closes nothing: remove it, or write {{{{#{0}}}}} before it")]
    BlockNotOpened(String),
    #[error(
        "{{{{else}}}} is allowed only once, and only within {{{{#if}}}}, {{{{#unless}}}}, {{{{#each}}}} \
         or {{{{#with}}}}"
    )]
    ElseOutside,
    #[error("the block #{0} does not exist: use #if, #unless, #each or #with")]
    UnknownBlock(String),
    #[error("#{block} takes one value, such as {{{{#{block} {example}}}}}")]
    BlockArguments { block: String, example: &'static str },
    #[error("the helper \"{0}\" does not exist{1}")]
    UnknownHelper(String, String),
    #[error("{helper} takes {takes}")]
    HelperArguments { helper: &'static str, takes: &'static str },
    #[error("{helper} has no option \"{option}=\": remove it")]
    HelperOption { helper: &'static str, option: String },
    #[error("\"{0}\" is not a date format: use % letters, such as '%Y-%m-%d %H:%M:%S'")]
    DateFormat(String),
    #[error(
        "\"{0}\" is not a time zone: use a name such as 'Europe/Paris', 'America/New_York' or 'UTC'"
    )]
    TimeZone(String),
    #[error(
        "\"{0}\" is not a valid placeholder: write a field, such as {{{{data.requester.email}}}}"
    )]
    Syntax(String),
    #[error("@{0} does not exist: use @index, @key, @first or @last within {{{{#each}}}}")]
    UnknownLocal(String),
    #[error("@{0} can be used only within {{{{#each}}}}")]
    LocalOutsideEach(String),
    #[error("there are more ../ than blocks around the placeholder: remove one")]
    AboveTop,
    #[error("{path} does not exist: use {known}")]
    UnknownField { path: String, known: &'static str },
    #[error("secrets can be used only one by one and as a whole: write {{{{secrets.NAME}}}}")]
    SecretsWhole,
    #[error(
        "a secret can only be printed, as in {{{{secrets.NAME}}}}, or encoded by base64 or basic_auth: remove the \
         other helper, condition or loop"
    )]
    SecretUse,
    #[error("a secret can only be encoded once: remove one of the helpers around it")]
    SecretEncodedTwice,
    #[error(
        "there is no secret named \"{0}\" that this webhook may use: add it, or correct the name{1}"
    )]
    MissingSecret(String, String),
    #[error(
        "the branches of this {{{{#{0}}}}} end differently, one inside a JSON string and the other \
         outside: put complete strings, with their quotes, into each branch"
    )]
    BranchesDiffer(String),
    #[error(
        "this {{{{#{0}}}}} starts inside a JSON string and ends outside, or vice versa: put both quotes \
         inside the block, or both outside"
    )]
    BlockNotEven(String),
    #[error(
        "a placeholder cannot be the name of an XML element or attribute, or a whole attribute: use it in the \
         content of an element, or between the quotes of an attribute"
    )]
    XmlTag,
    #[error(
        "a placeholder cannot be in an XML comment: remove it, or write the comment as {{{{!-- … --}}}}"
    )]
    XmlComment,
    #[error(
        "a placeholder cannot be in an XML declaration or processing instruction: write the text itself"
    )]
    XmlDeclaration,
    #[error(
        "the branches of this {{{{#{0}}}}} must start and end in the same part of the XML: put complete elements, \
         or complete attributes, into each branch"
    )]
    XmlBlock(String),
    #[error(
        "in CSV, a value is a whole field: put a field with more than one value, or with other text, in quotes, \
         such as \"{{{{data.id}}}} {{{{event_type}}}}\""
    )]
    CsvPart,
    #[error("a header cannot contain the line break or control character of this value")]
    HeaderControl,
    #[error(
        "with this value the path of the URL contains \"{0}\", which leads to another address: use a field that \
         is never \".\" or \"..\", or write it with other text, such as id-{{{{data.id}}}}"
    )]
    DotSegment(String),
    #[error("the output is longer than {} MiB", MAX_OUTPUT_BYTES / 1024 / 1024)]
    OutputTooLong,
    #[error(
        "rendering took longer than {} ms: check for nested loops",
        MAX_RENDER_TIME.as_millis()
    )]
    TooSlow,
}

impl TemplateErrorKind {
    pub(super) fn at(self, position: Position) -> TemplateError {
        TemplateError { line: position.line, column: position.column, kind: self }
    }
}

/// The start of a quoted text, on one line.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTED_CHARS).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        short.push('…');
    }
    short
}

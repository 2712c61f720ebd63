//! What can be wrong with a template, in words that say how to mend it.

use super::limits::{
    MAX_JSON_DEPTH, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_RENDER_TIME, MAX_SOURCE_BYTES,
};

/// What is wrong, and where in the template it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct TemplateError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: TemplateErrorKind,
}

impl TemplateError {
    /// The same where it stands alone.
    pub fn as_sentence(&self) -> String {
        let Self { line, column, kind } = self;
        format!("Line {line}, column {column}: {kind}")
    }
}

/// What is wrong with a template. Names and texts in it are already shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it means")]
pub enum TemplateErrorKind {
    #[error("the template is longer than {} KiB", MAX_SOURCE_BYTES / 1024)]
    SourceTooLong,
    #[error("blocks and parentheses are nested more than {MAX_NESTING} deep")]
    TooDeep,
    #[error("JSON within JSON within JSON is followed {MAX_JSON_DEPTH} deep at most")]
    JsonTooDeep,
    #[error("this {{{{ is never closed: end it with }}}}")]
    Unclosed,
    #[error("there is nothing between {{{{ and }}}}: write a field, such as {{{{event_type}}}}")]
    Empty,
    #[error(
        "{{{{{{x}}}}}} and {{{{&x}}}} would skip the escaping: write {{{{x}}}}, and {{{{json x}}}} for an \
         object or a list. (Leave a space between a brace of the JSON and a placeholder: {{ {{{{x}}}} }})"
    )]
    Unescaped,
    #[error(
        "raw blocks ({{{{{{{{ }}}}}}}}) do not exist here: write \\{{{{ where {{{{ itself is wanted"
    )]
    RawBlock,
    #[error("partials ({{{{> name}}}}) do not exist here: write the text itself")]
    Partial,
    #[error("decorators ({{{{* name}}}}) do not exist here")]
    Decorator,
    #[error("a list entry is written with a dot before the bracket: {{{{{0}}}}}")]
    IndexWithoutDot(String),
    #[error(
        "there is no | here: the helper stands in front, such as {{{{upper data.requester.name}}}}"
    )]
    Pipe,
    #[error(
        "there is no {0} here: write a helper, such as {{{{#if (eq event_type 'AccessRequestGranted')}}}} \
         (eq, ne, and, or, not)"
    )]
    Operator(String),
    #[error(
        "no backslash belongs within {{{{ }}}}: for a text there, use single quotes: {{{{default x 'none'}}}}"
    )]
    Backslash,
    #[error(
        "Handlebars takes away one \\ that stands right before {{{{: write \\\\\\{{{{ where the result \
         shall have \\\\ before the value"
    )]
    BackslashBefore,
    #[error("{{{{#{0}}}}} is never closed: write {{{{/{0}}}}} where it ends")]
    BlockNotClosed(String),
    #[error(
        "{{{{/{closed}}}}} does not fit {{{{#{opened}}}}} of line {line}: write {{{{/{opened}}}}}"
    )]
    BlockMismatch { opened: String, line: usize, closed: String },
    #[error("{{{{/{0}}}}} closes nothing: there is no {{{{#{0}}}}} before it")]
    BlockNotOpened(String),
    #[error(
        "{{{{else}}}} stands only within {{{{#if}}}}, {{{{#unless}}}}, {{{{#each}}}} or {{{{#with}}}}, and once"
    )]
    ElseOutside,
    #[error("there is no block #{0}: use #if, #unless, #each or #with")]
    UnknownBlock(String),
    #[error("#{block} takes one value, such as {{{{#{block} {example}}}}}")]
    BlockArguments { block: String, example: &'static str },
    #[error("the helper \"{0}\" does not exist here{1}")]
    UnknownHelper(String, String),
    #[error("{helper} takes {takes}")]
    HelperArguments { helper: &'static str, takes: &'static str },
    #[error("{helper} knows no \"{option}=\"")]
    HelperOption { helper: &'static str, option: String },
    #[error("\"{0}\" is not a date format: use % letters as in '%Y-%m-%d %H:%M:%S'")]
    DateFormat(String),
    #[error(
        "\"{0}\" is not a time zone: use a name such as 'Europe/Paris', 'America/New_York' or 'UTC'"
    )]
    TimeZone(String),
    #[error(
        "this is not a placeholder that can be read: \"{0}\". Write a field such as {{{{data.requester.email}}}}"
    )]
    Syntax(String),
    #[error("@{0} does not exist: use @index, @key, @first or @last, within {{{{#each}}}}")]
    UnknownLocal(String),
    #[error("@{0} stands only within {{{{#each}}}}")]
    LocalOutsideEach(String),
    #[error("../ goes up further than there are blocks around it")]
    AboveTop,
    #[error("{path} does not exist: {known}")]
    UnknownField { path: String, known: &'static str },
    #[error("secrets are used one by one: {{{{secrets.NAME}}}}")]
    SecretsWhole,
    #[error("there is no secret called \"{0}\": add it, or correct the name{1}")]
    MissingSecret(String, String),
    #[error(
        "the two field_paths through this {{{{#{0}}}}} end differently: one within a JSON string, the other not. \
         Put whole strings, quotes included, into each"
    )]
    BranchesDiffer(String),
    #[error(
        "{{{{#{0}}}}} begins within a JSON string and ends outside of it, or the other way round: put both quotes \
         inside the block, or both outside"
    )]
    BlockNotEven(String),
    #[error("a header cannot hold the line break or control character that is in this value")]
    HeaderControl,
    #[error("with this value the URL's path would contain \".\" or \"..\", which leads elsewhere")]
    DotSegment,
    #[error("the result is longer than {} MiB", MAX_OUTPUT_BYTES / 1024 / 1024)]
    OutputTooLong,
    #[error("rendering took longer than {} ms: loops within loops?", MAX_RENDER_TIME.as_millis())]
    TooSlow,
}

impl TemplateErrorKind {
    pub(super) fn at(self, position: super::program::Position) -> TemplateError {
        TemplateError { line: position.line, column: position.column, kind: self }
    }
}

/// At most 60 characters of what someone typed, on one line.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

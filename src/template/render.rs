//! Renders a compiled template.

use std::cell::{Cell, OnceCell};
use std::time::Instant;

use serde_json::Value;

use super::ast::{Base, Block, Call, Expression, Key, Node, PathExpression, Placeholder};
use super::data::TemplateData;
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::limits::{MAX_OUTPUT_BYTES, MAX_RENDER_TIME, STEPS_BEFORE_CLOCK};
use super::operand::Operand;
use super::position::Position;
use super::suggestion::nearest;

/// Number of bytes produced by a helper that count as one step.
const BYTES_PER_STEP: usize = 64;

/// The values of `this`, from the innermost block outwards.
#[derive(Debug, Clone, Copy)]
struct Scope<'s> {
    /// `None` at the root, where `this` is the data.
    this: Option<&'s Value>,
    outer: Option<&'s Scope<'s>>,
    iteration: Option<Iteration<'s>>,
}

/// One iteration of a loop.
#[derive(Debug, Clone, Copy)]
struct Iteration<'s> {
    index: usize,
    count: usize,
    /// The key, in a loop over an object.
    key: Option<&'s str>,
}

/// State of one rendering.
#[derive(Debug)]
struct Renderer<'d> {
    root: &'d TemplateData<'d>,
    /// The data without secrets, the meaning of `{{this}}` at the root.
    public: OnceCell<Value>,
    started: Instant,
    steps: Cell<usize>,
}

/// Renders the nodes into a string with the given initial capacity.
pub(super) fn render(
    nodes: &[Node],
    data: &TemplateData<'_>,
    capacity: usize,
) -> Result<String, TemplateError> {
    let mut output = String::with_capacity(capacity);
    let renderer = Renderer {
        root: data,
        public: OnceCell::new(),
        started: Instant::now(),
        steps: Cell::new(0),
    };
    renderer.run(nodes, &Scope { this: None, outer: None, iteration: None }, &mut output)?;
    Ok(output)
}

impl Renderer<'_> {
    fn run(
        &self,
        nodes: &[Node],
        scope: &Scope<'_>,
        output: &mut String,
    ) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => write(text, Position::START, output)?,
                Node::Value(placeholder) => self.placeholder(placeholder, scope, output)?,
                Node::If(block) => {
                    self.step(1, block.at)?;
                    let value = self.evaluate(&block.expression, scope, true)?;
                    if value.is_truthy(block.include_zero) == block.negate {
                        self.run(block.otherwise.as_deref().unwrap_or_default(), scope, output)?;
                    } else {
                        self.run(&block.then, scope, output)?;
                    }
                }
                Node::Each(block) => self.each(block, scope, output)?,
                Node::With(block) => self.with(block, scope, output)?,
            }
        }
        Ok(())
    }

    fn each(
        &self,
        block: &Block,
        scope: &Scope<'_>,
        output: &mut String,
    ) -> Result<(), TemplateError> {
        self.step(1, block.at)?;
        let over = self.evaluate(&block.expression, scope, true)?;
        let mut iterate = |entries: &mut dyn Iterator<Item = (Option<&str>, &Value)>,
                           count: usize| {
            for (index, (key, this)) in entries.enumerate() {
                self.step(1, block.at)?;
                let iteration = Some(Iteration { index, count, key });
                let this = Some(this);
                self.run(&block.body, &Scope { this, outer: Some(scope), iteration }, output)?;
            }
            Ok(())
        };
        match &over {
            Operand::Json(Value::Array(list)) if !list.is_empty() => {
                iterate(&mut list.iter().map(|entry| (None, entry)), list.len())
            }
            Operand::Json(Value::Object(map)) if !map.is_empty() => {
                iterate(&mut map.iter().map(|(key, value)| (Some(key.as_str()), value)), map.len())
            }
            Operand::Missing
            | Operand::Json(_)
            | Operand::Text(_)
            | Operand::Flag(_)
            | Operand::Count(_) => {
                self.run(block.otherwise.as_deref().unwrap_or_default(), scope, output)
            }
        }
    }

    fn with(
        &self,
        block: &Block,
        scope: &Scope<'_>,
        output: &mut String,
    ) -> Result<(), TemplateError> {
        self.step(1, block.at)?;
        let value = self.evaluate(&block.expression, scope, true)?;
        if !value.is_truthy(false) {
            return self.run(block.otherwise.as_deref().unwrap_or_default(), scope, output);
        }
        let this = value.to_value();
        let this = Some(this.as_ref());
        self.run(&block.body, &Scope { this, outer: Some(scope), iteration: None }, output)
    }

    fn placeholder(
        &self,
        placeholder: &Placeholder,
        scope: &Scope<'_>,
        output: &mut String,
    ) -> Result<(), TemplateError> {
        let Placeholder { expression, as_json, encoding, at } = placeholder;
        self.step(1, *at)?;
        let value = self.evaluate(expression, scope, false)?;
        let text = if *as_json || encoding.is_bare() { value.to_json() } else { value.to_text() };
        let encoded = encoding.encode(&text).map_err(|kind| kind.at(*at))?;
        write(&encoded, *at, output)
    }

    /// Counts steps, and checks the time once there have been many.
    fn step(&self, steps: usize, at: Position) -> Result<(), TemplateError> {
        let before = self.steps.get();
        let after = before.saturating_add(steps);
        self.steps.set(after);
        // Only every 64 steps, because reading the clock costs about as much as a step.
        let is_due = after > STEPS_BEFORE_CLOCK && before / 64 != after / 64;
        if is_due && self.started.elapsed() > MAX_RENDER_TIME {
            return Err(Kind::TooSlow.at(at));
        }
        Ok(())
    }

    fn evaluate<'v>(
        &'v self,
        expression: &'v Expression,
        scope: &Scope<'v>,
        allow_missing_secret: bool,
    ) -> Result<Operand<'v>, TemplateError> {
        match expression {
            Expression::Literal(value) => Ok(Operand::Json(value)),
            Expression::Path(path) => {
                let value = self.find(path, scope);
                match (&value, &path.secret) {
                    (Operand::Missing, Some(name)) if !allow_missing_secret => {
                        Err(self.missing_secret(name, path.at))
                    }
                    _ => Ok(value),
                }
            }
            Expression::Call(call) => self.call(call, scope, allow_missing_secret),
        }
    }

    fn call<'v>(
        &'v self,
        call: &'v Call,
        scope: &Scope<'v>,
        allow_missing_secret: bool,
    ) -> Result<Operand<'v>, TemplateError> {
        let allow_missing_secret = allow_missing_secret || call.helper.allows_missing_secret();
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.evaluate(argument, scope, allow_missing_secret)?);
        }
        let value = call.helper.call(&arguments).map_err(|kind| kind.at(call.at))?;
        let produced = if let Operand::Text(text) = &value { text.len() } else { 0 };
        self.step(1 + produced / BYTES_PER_STEP, call.at)?;
        Ok(value)
    }

    fn find<'v>(&'v self, path: &PathExpression, scope: &Scope<'v>) -> Operand<'v> {
        let iteration = |up: usize| outer(scope, up).and_then(|scope| scope.iteration);
        let index = |up| iteration(up).map_or(Operand::Missing, |it| Operand::Count(it.index));
        let key = |up| iteration(up).and_then(|it| it.key).map(|key| Operand::Text(key.into()));
        let start = match path.base {
            Base::Root => None,
            Base::This(up) => match outer(scope, up) {
                Some(scope) => scope.this,
                None => return Operand::Missing,
            },
            Base::Index(up) => return index(up),
            Base::Key(up) => return key(up).unwrap_or(Operand::Missing),
            Base::KeyOrIndex(up) => return key(up).unwrap_or_else(|| index(up)),
            Base::First(up) => {
                return iteration(up).map_or(Operand::Missing, |it| Operand::Flag(it.index == 0));
            }
            Base::Last(up) => {
                return iteration(up)
                    .map_or(Operand::Missing, |it| Operand::Flag(it.index + 1 == it.count));
            }
        };
        let (start, keys) = match (start, path.keys.split_first()) {
            (Some(this), _) => (Some(this), &*path.keys),
            (None, Some((first, rest))) => (self.root.get(&first.name), rest),
            (None, None) => return Operand::Json(self.public()),
        };
        let found = start.and_then(|start| keys.iter().try_fold(start, child));
        found.map_or(Operand::Missing, Operand::Json)
    }

    fn public(&self) -> &Value {
        self.public.get_or_init(|| self.root.without_secrets())
    }

    fn missing_secret(&self, name: &str, at: Position) -> TemplateError {
        let hint = nearest(name, self.root.secret_names())
            .map(|near| format!("; did you mean {}?", shorten(near)));
        Kind::MissingSecret(shorten(name), hint.unwrap_or_default()).at(at)
    }
}

fn write(text: &str, at: Position, output: &mut String) -> Result<(), TemplateError> {
    if output.len() + text.len() > MAX_OUTPUT_BYTES {
        return Err(Kind::OutputTooLong.at(at));
    }
    output.push_str(text);
    Ok(())
}

/// The scope `up` levels further out.
fn outer<'s>(scope: &Scope<'s>, up: usize) -> Option<Scope<'s>> {
    let mut found = *scope;
    for _ in 0..up {
        found = *found.outer?;
    }
    Some(found)
}

fn child<'v>(value: &'v Value, key: &Key) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(key.name.as_ref()),
        Value::Array(list) => list.get(key.index?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

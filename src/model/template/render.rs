//! Runs a compiled template on data.

use std::cell::{Cell, OnceCell};
use std::time::Instant;

use serde_json::Value;

use super::data::TemplateData;
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::limits::{MAX_OUTPUT_BYTES, MAX_RENDER_TIME, STEPS_BEFORE_CLOCK};
use super::lint::nearest;
use super::operand::Operand;
use super::program::{
    Base, Block, Call, Expression, Key, Node, PathExpression, Placeholder, Position,
};

/// How many bytes that a helper makes count as one step.
const BYTES_PER_STEP: usize = 64;

/// What `this` is, from the innermost block outwards.
#[derive(Debug, Clone, Copy)]
struct Scope<'s> {
    /// None at the top, where it is the data themselves.
    this: Option<&'s Value>,
    outer: Option<&'s Scope<'s>>,
    round: Option<Round<'s>>,
}

/// One round of a loop.
#[derive(Debug, Clone, Copy)]
struct Round<'s> {
    index: usize,
    count: usize,
    /// In a loop over an object.
    key: Option<&'s str>,
}

/// One rendering.
#[derive(Debug)]
pub(super) struct Renderer<'d> {
    root: &'d TemplateData<'d>,
    /// The data without secrets: what `{{this}}` at the top means.
    public: OnceCell<Value>,
    started: Instant,
    steps: Cell<usize>,
}

/// Renders the nodes.
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
    renderer.run(nodes, &Scope { this: None, outer: None, round: None }, &mut output)?;
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
                Node::Text(text) => write(text, START, output)?,
                Node::Value(placeholder) => self.place(placeholder, scope, output)?,
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
        let mut rounds = |entries: &mut dyn Iterator<Item = (Option<&str>, &Value)>,
                          count: usize| {
            for (index, (key, this)) in entries.enumerate() {
                self.step(1, block.at)?;
                let round = Some(Round { index, count, key });
                let this = Some(this);
                self.run(&block.body, &Scope { this, outer: Some(scope), round }, output)?;
            }
            Ok(())
        };
        match &over {
            Operand::Json(Value::Array(list)) if !list.is_empty() => {
                rounds(&mut list.iter().map(|entry| (None, entry)), list.len())
            }
            Operand::Json(Value::Object(map)) if !map.is_empty() => {
                rounds(&mut map.iter().map(|(key, value)| (Some(key.as_str()), value)), map.len())
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
        self.run(&block.body, &Scope { this, outer: Some(scope), round: None }, output)
    }

    fn place(
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

    /// Counts work, and looks at the clock once there was much of it.
    fn step(&self, steps: usize, at: Position) -> Result<(), TemplateError> {
        let before = self.steps.get();
        let after = before.saturating_add(steps);
        self.steps.set(after);
        // Every 64 steps: asking for the time costs about as much as a step.
        let looks = after > STEPS_BEFORE_CLOCK && before / 64 != after / 64;
        if looks && self.started.elapsed() > MAX_RENDER_TIME {
            return Err(Kind::TooSlow.at(at));
        }
        Ok(())
    }

    fn evaluate<'v>(
        &'v self,
        expression: &'v Expression,
        scope: &Scope<'v>,
        forgives: bool,
    ) -> Result<Operand<'v>, TemplateError> {
        match expression {
            Expression::Literal(value) => Ok(Operand::Json(value)),
            Expression::Path(path) => {
                let got = self.find(path, scope);
                match (&got, &path.secret) {
                    (Operand::Missing, Some(name)) if !forgives => {
                        Err(self.missing_secret(name, path.at))
                    }
                    _ => Ok(got),
                }
            }
            Expression::Call(call) => self.call(call, scope, forgives),
        }
    }

    fn call<'v>(
        &'v self,
        call: &'v Call,
        scope: &Scope<'v>,
        forgives: bool,
    ) -> Result<Operand<'v>, TemplateError> {
        let forgives = forgives || call.function.forgives();
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.evaluate(argument, scope, forgives)?);
        }
        let got = call.function.call(&arguments).map_err(|kind| kind.at(call.at))?;
        let made = if let Operand::Text(text) = &got { text.len() } else { 0 };
        self.step(1 + made / BYTES_PER_STEP, call.at)?;
        Ok(got)
    }

    fn find<'v>(&'v self, path: &PathExpression, scope: &Scope<'v>) -> Operand<'v> {
        let round = |up: usize| outer(scope, up).and_then(|scope| scope.round);
        let index = |up| round(up).map_or(Operand::Missing, |round| Operand::Count(round.index));
        let key = |up| round(up).and_then(|round| round.key).map(|key| Operand::Text(key.into()));
        let begin = match path.base {
            Base::Root => None,
            Base::This(up) => match outer(scope, up) {
                Some(scope) => scope.this,
                None => return Operand::Missing,
            },
            Base::Index(up) => return index(up),
            Base::Key(up) => return key(up).unwrap_or(Operand::Missing),
            Base::KeyOrIndex(up) => return key(up).unwrap_or_else(|| index(up)),
            Base::First(up) => {
                return round(up).map_or(Operand::Missing, |round| Operand::Flag(round.index == 0));
            }
            Base::Last(up) => {
                return round(up).map_or(Operand::Missing, |round| {
                    Operand::Flag(round.index + 1 == round.count)
                });
            }
        };
        let (begin, keys) = match (begin, path.keys.split_first()) {
            (Some(this), _) => (Some(this), &*path.keys),
            (None, Some((first, rest))) => (self.root.get(&first.name), rest),
            (None, None) => return Operand::Json(self.public()),
        };
        let found = begin.and_then(|begin| keys.iter().try_fold(begin, child));
        found.map_or(Operand::Missing, Operand::Json)
    }

    fn public(&self) -> &Value {
        self.public.get_or_init(|| self.root.public())
    }

    fn missing_secret(&self, name: &str, at: Position) -> TemplateError {
        let hint = nearest(name, self.root.secrets())
            .map(|near| format!("; did you mean {}?", shorten(near)));
        Kind::MissingSecret(shorten(name), hint.unwrap_or_default()).at(at)
    }
}

/// Where plain text is said to stand when it is one byte too many.
const START: Position = Position { line: 1, column: 1 };

fn write(text: &str, at: Position, output: &mut String) -> Result<(), TemplateError> {
    if output.len() + text.len() > MAX_OUTPUT_BYTES {
        return Err(Kind::OutputTooLong.at(at));
    }
    output.push_str(text);
    Ok(())
}

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

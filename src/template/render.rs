//! Renders a compiled template.

use std::cell::OnceCell;

use serde_json::Value;

use super::ast::{Base, Block, Call, Expression, Key, Node, PathExpression, Placeholder};
use super::budget::Budget;
use super::data::TemplateData;
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::operand::{Operand, spend_copy};
use super::output::Output;
use super::position::Position;
use super::suggestion::nearest;

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
    budget: &'d Budget,
}

/// Renders the nodes.
pub(super) fn render(
    nodes: &[Node],
    data: &TemplateData<'_>,
    budget: &Budget,
    output: &mut Output,
) -> Result<(), TemplateError> {
    let renderer = Renderer { root: data, public: OnceCell::new(), budget };
    renderer.run(nodes, &Scope { this: None, outer: None, iteration: None }, output)
}

impl Renderer<'_> {
    fn run(
        &self,
        nodes: &[Node],
        scope: &Scope<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => output.literal(text)?,
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
        output: &mut Output,
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
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        self.step(1, block.at)?;
        let value = self.evaluate(&block.expression, scope, true)?;
        if !value.is_truthy(false) {
            return self.run(block.otherwise.as_deref().unwrap_or_default(), scope, output);
        }
        if let Operand::Text(text) = &value {
            self.budget.spend_bytes(text.len()).map_err(|kind| kind.at(block.at))?;
        }
        let this = value.into_value();
        let this = Some(this.as_ref());
        self.run(&block.body, &Scope { this, outer: Some(scope), iteration: None }, output)
    }

    fn placeholder(
        &self,
        placeholder: &Placeholder,
        scope: &Scope<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let Placeholder { expression, as_json, encoding, at } = placeholder;
        self.step(1, *at)?;
        let value = self.evaluate(expression, scope, false)?;
        let text = if *as_json || encoding.is_bare() {
            value.to_json(self.budget)
        } else {
            value.to_text(self.budget)
        };
        output.value(&text.map_err(|kind| kind.at(*at))?, *encoding, *at)
    }

    /// Counts steps.
    fn step(&self, steps: usize, at: Position) -> Result<(), TemplateError> {
        self.budget.spend(steps).map_err(|kind| kind.at(at))
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
                let value = self.find(path, scope)?;
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
        self.step(1, call.at)?;
        call.helper.call(arguments, self.budget).map_err(|kind| kind.at(call.at))
    }

    fn find<'v>(
        &'v self,
        path: &PathExpression,
        scope: &Scope<'v>,
    ) -> Result<Operand<'v>, TemplateError> {
        let iteration = |up: usize| outer(scope, up).and_then(|scope| scope.iteration);
        let index = |up| iteration(up).map_or(Operand::Missing, |it| Operand::Count(it.index));
        let key = |up| iteration(up).and_then(|it| it.key).map(|key| Operand::Text(key.into()));
        let start = match path.base {
            Base::Root => None,
            Base::This(up) => match outer(scope, up) {
                Some(scope) => scope.this,
                None => return Ok(Operand::Missing),
            },
            Base::Index(up) => return Ok(index(up)),
            Base::Key(up) => return Ok(key(up).unwrap_or(Operand::Missing)),
            Base::KeyOrIndex(up) => return Ok(key(up).unwrap_or_else(|| index(up))),
            Base::First(up) => {
                let is_first = iteration(up).map(|it| Operand::Flag(it.index == 0));
                return Ok(is_first.unwrap_or(Operand::Missing));
            }
            Base::Last(up) => {
                let is_last = iteration(up).map(|it| Operand::Flag(it.index + 1 == it.count));
                return Ok(is_last.unwrap_or(Operand::Missing));
            }
        };
        self.budget.spend_bytes(path.key_bytes).map_err(|kind| kind.at(path.at))?;
        let (start, keys) = match (start, path.keys.split_first()) {
            (Some(this), _) => (Some(this), &*path.keys),
            (None, Some((first, rest))) => (self.root.get(&first.name), rest),
            (None, None) => return Ok(Operand::Json(self.public(path.at)?)),
        };
        let found = start.and_then(|start| keys.iter().try_fold(start, child));
        Ok(found.map_or(Operand::Missing, Operand::Json))
    }

    fn public(&self, at: Position) -> Result<&Value, TemplateError> {
        if self.public.get().is_none() {
            spend_copy(self.root.payload(), self.budget).map_err(|kind| kind.at(at))?;
        }
        Ok(self.public.get_or_init(|| self.root.without_secrets()))
    }

    fn missing_secret(&self, name: &str, at: Position) -> TemplateError {
        let hint = nearest(name, self.root.secret_names())
            .map(|near| format!("; did you mean {}?", shorten(near)));
        Kind::MissingSecret(shorten(name), hint.unwrap_or_default()).at(at)
    }
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

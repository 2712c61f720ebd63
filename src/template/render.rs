//! Renders a compiled template.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Deref;

use serde_json::Value;
use zeroize::Zeroizing;

use super::ast::{
    Base, Block, Call, Condition, Expression, Node, PathExpression, Placeholder, SecretReference,
};
use super::budget::Budget;
use super::data::TemplateData;
use super::error::{TemplateError, TemplateErrorKind as Kind, shorten};
use super::frame::{Frame, Iteration};
use super::helpers::Helper;
use super::key::Key;
use super::operand::{Operand, spend_copy};
use super::output::Output;
use super::position::Position;
use super::suggestion::nearest;

/// A secret, or an encoded one, which is erased from memory.
enum SecretText<'v> {
    Whole(&'v str),
    Encoded(Zeroizing<String>),
}

impl Deref for SecretText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Whole(text) => text,
            Self::Encoded(text) => text,
        }
    }
}

/// State of one rendering.
#[derive(Debug)]
struct Renderer<'d> {
    root: &'d TemplateData<'d>,
    /// The data as one object, the meaning of `{{this}}` at the root.
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
    renderer.run(nodes, &Frame::ROOT, output)
}

impl Renderer<'_> {
    fn run(
        &self,
        nodes: &[Node],
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => output.literal(text)?,
                Node::Value(placeholder) => self.placeholder(placeholder, frame, output)?,
                Node::If(block) => self.condition(block, frame, output)?,
                Node::Each(block) => {
                    let over = self.start(block, frame)?;
                    self.each(block, &over, frame, output)?;
                }
                Node::With(block) => {
                    let value = self.start(block, frame)?;
                    if value.is_truthy(true) {
                        self.with(block, value, frame, output)?;
                    } else {
                        self.otherwise(block, frame, output)?;
                    }
                }
                Node::Section(block) => self.section(block, frame, output)?,
            }
        }
        Ok(())
    }

    /// Counts a block, and evaluates its expression.
    fn start<'v>(
        &'v self,
        block: &'v Block,
        frame: &Frame<'v>,
    ) -> Result<Operand<'v>, TemplateError> {
        self.step(1, block.at)?;
        self.evaluate(&block.expression, frame)
    }

    fn otherwise(
        &self,
        block: &Block,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        self.run(block.otherwise.as_deref().unwrap_or_default(), frame, output)
    }

    fn condition(
        &self,
        block: &Condition,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        self.step(1, block.at)?;
        let value = self.evaluate(&block.expression, frame)?;
        let include_zero = match &block.include_zero {
            Some(option) => self.evaluate(option, frame)?.is_truthy(false),
            None => false,
        };
        if value.is_truthy(include_zero) == block.negate {
            self.run(block.otherwise.as_deref().unwrap_or_default(), frame, output)
        } else {
            self.run(&block.then, frame, output)
        }
    }

    fn each(
        &self,
        block: &Block,
        over: &Operand<'_>,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let mut iterate = |entries: &mut dyn Iterator<Item = (Option<&str>, &Value)>,
                           count: usize| {
            for (index, (key, this)) in entries.enumerate() {
                self.step(1, block.at)?;
                let iteration = Some(Iteration { index, count, key });
                let inner = Frame { this: Some(this), outer: Some(frame), iteration };
                self.run(&block.body, &inner, output)?;
            }
            Ok(())
        };
        match over {
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
            | Operand::Count(_) => self.otherwise(block, frame, output),
        }
    }

    fn with(
        &self,
        block: &Block,
        value: Operand<'_>,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        if let Operand::Text(text) = &value {
            self.budget.spend_bytes(text.len()).map_err(|kind| kind.at(block.at))?;
        }
        let this = value.into_value();
        let this = Some(this.as_ref());
        self.run(&block.body, &Frame { this, outer: Some(frame), iteration: None }, output)
    }

    /// A loop for a list, the same as around the block for true, or else like `with`.
    fn section(
        &self,
        block: &Block,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let value = self.start(block, frame)?;
        match &value {
            Operand::Json(Value::Array(_)) => self.each(block, &value, frame, output),
            Operand::Json(Value::Bool(true)) | Operand::Flag(true) => {
                let same = Frame { this: frame.this, outer: Some(frame), iteration: None };
                self.run(&block.body, &same, output)
            }
            Operand::Missing
            | Operand::Json(Value::Null | Value::Bool(false))
            | Operand::Flag(false) => self.otherwise(block, frame, output),
            Operand::Json(_) | Operand::Text(_) | Operand::Count(_) => {
                self.with(block, value, frame, output)
            }
        }
    }

    fn placeholder(
        &self,
        placeholder: &Placeholder,
        frame: &Frame<'_>,
        output: &mut Output,
    ) -> Result<(), TemplateError> {
        let Placeholder { expression, as_json, is_secret, encoding, at } = placeholder;
        self.step(1, *at)?;
        if *is_secret {
            let (secret, label) = self.secret(expression, frame)?;
            return output.secret(&secret, &label, *encoding, *at);
        }
        let value = self.evaluate(expression, frame)?;
        if *as_json || encoding.is_bare() {
            let json = value.to_json(self.budget).map_err(|kind| kind.at(*at))?;
            return output.value(&json, *encoding, *at);
        }
        if let Some(text) = value.as_scalar() {
            return output.value(&text, *encoding, *at);
        }
        let json = value.to_text(self.budget).map_err(|kind| kind.at(*at))?;
        output.value(&json, *encoding, *at)
    }

    /// Counts steps.
    fn step(&self, steps: usize, at: Position) -> Result<(), TemplateError> {
        self.budget.spend(steps).map_err(|kind| kind.at(at))
    }

    fn evaluate<'v>(
        &'v self,
        expression: &'v Expression,
        frame: &Frame<'v>,
    ) -> Result<Operand<'v>, TemplateError> {
        match expression {
            Expression::Literal(value) => Ok(Operand::Json(value)),
            Expression::Path(path) => match self.field(path, frame) {
                Some(value) => Ok(Operand::Json(value)),
                None => self.find(path, frame),
            },
            Expression::Call(call) => self.call(call, frame),
            // Secrets are printed by `secret`, and cannot be used otherwise.
            Expression::Secret(reference) => Err(Kind::SecretUse.at(reference.at)),
        }
    }

    /// Returns a secret, encoded by helpers, and what is recorded in its place.
    fn secret<'v>(
        &'v self,
        expression: &'v Expression,
        frame: &Frame<'v>,
    ) -> Result<(SecretText<'v>, Cow<'v, str>), TemplateError> {
        let Expression::Call(call) = expression else {
            let Expression::Secret(SecretReference { name, at }) = expression else {
                let text = self.evaluate(expression, frame)?.into_text(self.budget);
                let text = text.map_err(|kind| kind.at(Position::START))?.into_owned();
                return Ok((SecretText::Encoded(Zeroizing::new(text)), Cow::Borrowed("")));
            };
            let secret = self.root.secret(name).ok_or_else(|| self.missing_secret(name, *at))?;
            return Ok((SecretText::Whole(secret.value), Cow::Borrowed(secret.label)));
        };
        let mut texts = Vec::with_capacity(call.arguments.len());
        let mut label = Cow::Borrowed("");
        for argument in &call.arguments {
            let (text, found) = self.secret(argument, frame)?;
            texts.push(text);
            if label.is_empty() {
                label = found;
            }
        }
        let arguments = texts.iter().map(|text| Operand::Text(Cow::Borrowed(&**text))).collect();
        self.step(1, call.at)?;
        let encoded = call.helper.call(arguments, self.budget).map_err(|kind| kind.at(call.at))?;
        let encoded = encoded.into_text(self.budget).map_err(|kind| kind.at(call.at))?.into_owned();
        if call.helper == Helper::BasicAuth {
            label = Cow::Owned(format!("Basic {label}"));
        }
        Ok((SecretText::Encoded(Zeroizing::new(encoded)), label))
    }

    fn call<'v>(&'v self, call: &'v Call, frame: &Frame<'v>) -> Result<Operand<'v>, TemplateError> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.evaluate(argument, frame)?);
        }
        self.step(1, call.at)?;
        call.helper.call(arguments, self.budget).map_err(|kind| kind.at(call.at))
    }

    /// Finds a member of an object or an entry of a list, which most paths refer to.
    fn field<'v>(&'v self, path: &PathExpression, frame: &Frame<'v>) -> Option<&'v Value> {
        let start = match path.base {
            Base::Root => None,
            Base::This(0) => frame.this,
            Base::This(up) => frame.outer(up)?.this,
            Base::KeyOf(_) | Base::Index(_) | Base::Key(_) | Base::First(_) | Base::Last(_) => {
                return None;
            }
        };
        let mut keys = path.keys.iter();
        let start = match start {
            Some(start) => start,
            None => self.root.get(&keys.next()?.name)?,
        };
        keys.try_fold(start, |value, key| key.find(value)).filter(|_| !path.has_long_keys)
    }

    /// Finds the value of any path.
    fn find<'v>(
        &'v self,
        path: &PathExpression,
        frame: &Frame<'v>,
    ) -> Result<Operand<'v>, TemplateError> {
        let this = |up| frame.outer(up).map(|frame| frame.this);
        let start = match path.base {
            Base::Root => Some(None),
            Base::This(up) => this(up),
            Base::KeyOf(_) | Base::Index(_) | Base::Key(_) | Base::First(_) | Base::Last(_) => None,
        };
        let (start, keys) = match (start, path.keys.split_first()) {
            (Some(Some(this)), _) => (Some(this), &*path.keys),
            (Some(None), Some((first, rest))) => (self.root.get(&first.name), rest),
            (Some(None), None) => return Ok(Operand::Json(self.public(path.at)?)),
            (None, _) => return self.members(frame.local(path.base), &path.keys, path.at),
        };
        if path.has_long_keys {
            let bytes = keys.iter().map(|key| key.name.len()).sum();
            self.budget.spend_bytes(bytes).map_err(|kind| kind.at(path.at))?;
        }
        let start = start.map_or(Operand::Missing, Operand::Json);
        self.members(start, keys, path.at)
    }

    /// Looks up members one by one. They can be the length of a list or text, or a character.
    fn members<'v>(
        &self,
        start: Operand<'v>,
        keys: &[Key],
        at: Position,
    ) -> Result<Operand<'v>, TemplateError> {
        let mut members = keys.iter();
        members
            .try_fold(start, |value, key| value.member(key, self.budget))
            .map_err(|kind| kind.at(at))
    }

    fn public(&self, at: Position) -> Result<&Value, TemplateError> {
        if self.public.get().is_none() {
            spend_copy(self.root.payload(), self.budget).map_err(|kind| kind.at(at))?;
        }
        Ok(self.public.get_or_init(|| self.root.public()))
    }

    fn missing_secret(&self, name: &str, at: Position) -> TemplateError {
        let hint = nearest(name, self.root.secret_names())
            .map(|near| format!("; did you mean {}?", shorten(near)));
        Kind::MissingSecret(shorten(name), hint.unwrap_or_default()).at(at)
    }
}

//! The blocks around a position during rendering.

use serde_json::Value;

use super::ast::Base;
use super::operand::Operand;

/// The value of `this`, and of the blocks further out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'s> {
    /// `None` at the root, where `this` is the data.
    pub(super) this: Option<&'s Value>,
    pub(super) outer: Option<&'s Frame<'s>>,
    pub(super) iteration: Option<Iteration<'s>>,
}

/// One iteration of a loop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Iteration<'s> {
    pub(super) index: usize,
    pub(super) count: usize,
    /// The key, in a loop over an object.
    pub(super) key: Option<&'s str>,
}

impl<'s> Frame<'s> {
    /// The whole template.
    pub(super) const ROOT: Self = Self { this: None, outer: None, iteration: None };

    /// The frame `up` blocks further out.
    #[inline]
    pub(super) fn outer(&self, up: usize) -> Option<&Frame<'s>> {
        let mut found = self;
        for _ in 0..up {
            found = found.outer?;
        }
        Some(found)
    }

    /// The iteration `up` loops further out. Other blocks do not count.
    fn iteration(&self, up: usize) -> Option<&Iteration<'s>> {
        let mut frame = Some(self);
        let mut skipped = 0;
        while let Some(Frame { outer, iteration, .. }) = frame {
            if let Some(iteration) = iteration {
                if skipped == up {
                    return Some(iteration);
                }
                skipped += 1;
            }
            frame = *outer;
        }
        None
    }

    /// The value of `@index` and others, or of the second block parameter.
    pub(super) fn local(&self, base: Base) -> Operand<'s> {
        let key = |it: &Iteration<'s>| {
            it.key.map_or(Operand::Count(it.index), |key| Operand::Text(key.into()))
        };
        let found = match base {
            Base::KeyOf(up) => self.outer(up).and_then(|frame| frame.iteration.as_ref()).map(key),
            Base::Key(up) => self.iteration(up).map(key),
            Base::Index(up) => self.iteration(up).map(|it| Operand::Count(it.index)),
            Base::First(up) => self.iteration(up).map(|it| Operand::Flag(it.index == 0)),
            Base::Last(up) => self.iteration(up).map(|it| Operand::Flag(it.index + 1 == it.count)),
            Base::Root | Base::This(_) => None,
        };
        found.unwrap_or(Operand::Missing)
    }
}

//! The literal text of a template, which shows how the text at a position goes on.

use std::ops::Range;

use super::ast::Node;

/// Represents a placeholder.
const PLACEHOLDER: char = '\u{1}';
/// Length of the text that is examined to recognize JSON, in characters, with all their backslashes.
const LOOK_AHEAD_CHARS: usize = 256;

/// The texts of a template in source order.
#[derive(Debug, Default)]
pub(super) struct LookAhead {
    characters: Vec<char>,
    texts: Vec<Range<usize>>,
}

impl LookAhead {
    /// Collects the texts, each decoded by `decode`.
    pub(super) fn new(nodes: &[Node], decode: fn(&str) -> Vec<char>) -> Self {
        let mut ahead = Self::default();
        ahead.add(nodes, decode);
        ahead
    }

    fn add(&mut self, nodes: &[Node], decode: fn(&str) -> Vec<char>) {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    let start = self.characters.len();
                    self.characters.extend(decode(text));
                    self.texts.push(start..self.characters.len());
                }
                Node::Value(_) => self.characters.push(PLACEHOLDER),
                Node::If(block) => {
                    self.add(&block.then, decode);
                    self.add(block.otherwise.as_deref().unwrap_or_default(), decode);
                }
                Node::Each(block) | Node::With(block) | Node::Section(block) => {
                    self.add(&block.body, decode);
                    self.add(block.otherwise.as_deref().unwrap_or_default(), decode);
                }
            }
        }
    }

    /// Returns the characters of a text, each with the index of the next.
    pub(super) fn text(&self, number: usize) -> impl Iterator<Item = (char, usize)> {
        let range = self.texts.get(number).cloned().unwrap_or_default();
        let characters = self.characters.get(range.clone()).unwrap_or_default();
        characters.iter().copied().zip(range.map(|index| index + 1))
    }

    /// Returns the characters from an index on, as far as they are examined.
    pub(super) fn starting_at(&self, start: usize) -> &[char] {
        let rest = self.characters.get(start..).unwrap_or_default();
        rest.get(..LOOK_AHEAD_CHARS).unwrap_or(rest)
    }
}

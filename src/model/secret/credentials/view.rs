//! Decoded texts that know where each character comes from.

use std::ops::Range;

use super::placeholders::{self, REFERENCE};

/// A text as it is sent, decoded from a part of a template. It knows the part of the template that each byte
/// stands for.
#[derive(Clone)]
pub(super) struct View {
    text: String,
    /// The position in the template at which the character of each byte starts, and that of the end.
    starts: Vec<usize>,
}

impl View {
    /// The text of a template, with each placeholder replaced by [`placeholders::REFERENCE`] or
    /// [`placeholders::OTHER`].
    pub(super) fn of_template(source: &str) -> Self {
        let mut builder = Builder::new(source.len());
        for (c, start) in placeholders::read(source) {
            builder.push(c, start);
        }
        builder.finish(source.len())
    }

    /// A text without placeholders.
    #[cfg(test)]
    pub(super) fn of_text(text: &str) -> Self {
        let mut builder = Builder::new(text.len());
        for (start, c) in text.char_indices() {
            builder.push(c, start);
        }
        builder.finish(text.len())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns a part of the text.
    pub(super) fn get(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// Returns a part as its own view.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let text = self.get(range.clone()).to_owned();
        let starts = self.starts.get(range.start..=range.end).unwrap_or_default().to_vec();
        Self { text, starts }
    }

    /// Returns the text with a reference to a secret in place of each of these parts, which are sorted and do not
    /// overlap.
    pub(super) fn with_references(&self, parts: &[Range<usize>]) -> Self {
        let mut parts = parts.iter().peekable();
        let characters = self.text.char_indices().filter_map(|(at, c)| {
            while parts.next_if(|part| part.end <= at).is_some() {}
            let part = parts.peek().filter(|part| part.start <= at);
            let c = part.map_or(Some(c), |part| (part.start == at).then_some(REFERENCE))?;
            Some((c, self.start_of(at)))
        });
        self.decoded(characters)
    }

    /// Returns the part of the template that a part of the text stands for.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        self.start_of(range.start)..self.start_of(range.end)
    }

    fn start_of(&self, position: usize) -> usize {
        self.starts.get(position).or(self.starts.last()).copied().unwrap_or_default()
    }

    /// Returns the characters with their positions in the template.
    pub(super) fn characters(&self) -> impl Iterator<Item = (char, usize)> + Clone {
        self.text.char_indices().map(|(at, c)| (c, self.start_of(at)))
    }

    /// Returns the bytes with their positions in the template.
    pub(super) fn bytes(&self) -> impl Iterator<Item = (u8, usize)> {
        self.text.bytes().zip(self.starts.iter().copied())
    }

    /// Creates a view of decoded characters.
    pub(super) fn decoded(&self, characters: impl Iterator<Item = (char, usize)>) -> Self {
        let mut builder = Builder::new(self.text.len());
        for (c, start) in characters {
            builder.push(c, start);
        }
        builder.finish(self.starts.last().copied().unwrap_or_default())
    }
}

struct Builder {
    text: String,
    starts: Vec<usize>,
}

impl Builder {
    fn new(capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), starts: Vec::with_capacity(capacity + 1) }
    }

    fn push(&mut self, c: char, start: usize) {
        self.text.push(c);
        self.starts.extend(std::iter::repeat_n(start, c.len_utf8()));
    }

    fn finish(mut self, end: usize) -> View {
        self.starts.push(end);
        View { text: self.text, starts: self.starts }
    }
}

//! The compiled template.

use std::fmt;
use std::sync::Arc;

use super::ast::{FieldPath, Node, PathUse};
use super::budget::Budget;
use super::context::{OutputContext, assign_encodings};
use super::data::TemplateData;
use super::error::{TemplateError, TemplateErrorKind as Kind};
use super::limits::MAX_SOURCE_BYTES;
use super::output::{Output, RenderedText};
use super::parser::{Parsed, parse};
use super::position::Position;
use super::render::render;

/// A compiled template. Cloning it is cheap.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

struct Compiled {
    nodes: Vec<Node>,
    paths: Vec<PathUse>,
    field_paths: Vec<FieldPath>,
    context: OutputContext,
    /// Estimated length of the output, in bytes.
    capacity: usize,
}

impl Template {
    /// Compiles a template whose output is used in `context`.
    ///
    /// # Errors
    /// The first error in the template, with its position.
    pub fn compile(source: &str, context: OutputContext) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(Kind::SourceTooLong.at(Position::START));
        }
        let Parsed { mut nodes, paths, field_paths } = parse(source)?;
        assign_encodings(&mut nodes, context)?;
        let capacity = source.len() + source.len() / 2;
        Ok(Self(Arc::new(Compiled { nodes, paths, field_paths, context, capacity })))
    }

    /// Renders the template with `data`.
    ///
    /// # Errors
    /// A secret does not exist, the context cannot hold a value, or a limit was exceeded.
    pub fn render(&self, data: &TemplateData<'_>) -> Result<String, TemplateError> {
        self.render_within(data, &Budget::start()).map(|rendered| rendered.text)
    }

    /// Renders the template with `data`, within a budget that it shares with other templates.
    ///
    /// # Errors
    /// See [`Template::render`].
    pub fn render_within(
        &self,
        data: &TemplateData<'_>,
        budget: &Budget,
    ) -> Result<RenderedText, TemplateError> {
        let mut output = Output::new(self.0.capacity, self.0.context == OutputContext::CsvBody);
        render(&self.0.nodes, data, budget, &mut output)?;
        let rendered = output.finish();
        if self.0.context == OutputContext::Url
            && let Some(segment) = dot_segment(&rendered.text)
        {
            return Err(Kind::DotSegment(segment.to_owned()).at(Position::START));
        }
        Ok(rendered)
    }

    /// Returns the paths that the template uses, in source order, as far as they are known without data.
    pub fn paths(&self) -> &[PathUse] {
        &self.0.paths
    }

    /// Returns the paths of all data fields that rendering may read. Rendering needs nothing else of the
    /// payload.
    pub fn field_paths(&self) -> &[FieldPath] {
        &self.0.field_paths
    }

    /// Returns the names of the secrets that the template uses, sorted and without duplicates.
    pub fn secrets(&self) -> Vec<&str> {
        let paths = self.paths().iter().flat_map(|used| &used.paths);
        let mut names: Vec<_> = paths.filter_map(|path| path.strip_prefix("secrets.")).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the output if the template has no placeholder.
    pub fn as_literal(&self) -> Option<String> {
        let text = |node: &Node| match node {
            Node::Text(text) => Some(text.to_string()),
            Node::Value(_) | Node::If(_) | Node::Each(_) | Node::With(_) | Node::Section(_) => None,
        };
        self.0.nodes.iter().map(text).collect()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The source is left out because it may contain credentials.
        f.debug_struct("Template")
            .field("context", &self.0.context)
            .field("paths", &self.0.paths)
            .finish_non_exhaustive()
    }
}

/// Returns the first segment of a URL's path that is `.` or `..`, which URL parsers resolve away.
pub fn dot_segment(url: &str) -> Option<&str> {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).skip(1).find(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    })
}

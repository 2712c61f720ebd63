//! Strips white space by the rules of handlebars.js (`whitespace-control.js`): next to `~`, and the line of a
//! block's placeholder or comment that is alone on it.

use super::scanner::Strip;
use super::syntax::{Block, Program, Statement};

/// What a statement strips from the text around it.
#[derive(Debug, Default, Clone, Copy)]
struct Effect {
    strip: Strip,
    /// Whether the start, the end or the whole of the statement can be alone on its line.
    starts_alone: bool,
    ends_alone: bool,
    is_alone: bool,
}

/// Strips the white space of a template.
pub(super) fn strip_whitespace(program: &mut Program) {
    strip_program(program, true);
}

fn strip_program(program: &mut Program, is_root: bool) {
    let body = match program {
        Program::Statements(statements) => statements,
        // It has no text around it.
        Program::Chain(block) => {
            strip_block(block);
            return;
        }
    };
    for index in 0..body.len() {
        let Some(statement) = body.get_mut(index) else { return };
        let effect = match statement {
            Statement::Text(_) => continue,
            Statement::Value { strip, .. } => Effect { strip: *strip, ..Effect::default() },
            Statement::Comment(strip) => {
                Effect { strip: *strip, is_alone: true, ..Effect::default() }
            }
            Statement::Block(block) => strip_block(block),
        };
        let after_line = ends_with_line(body.get(..index).unwrap_or_default(), is_root);
        let before_line = starts_with_line(body.get(index + 1..).unwrap_or_default(), is_root);
        if effect.strip.after {
            strip_start(body.get_mut(index + 1..).unwrap_or_default(), true);
        }
        if effect.strip.before {
            strip_end(body.get_mut(..index).unwrap_or_default(), true);
        }
        let is_alone = effect.is_alone && after_line && before_line;
        let starts_alone = effect.starts_alone && after_line;
        let ends_alone = effect.ends_alone && before_line;
        if is_alone || ends_alone {
            strip_start(body.get_mut(index + 1..).unwrap_or_default(), false);
        }
        if is_alone || starts_alone {
            strip_end(body.get_mut(..index).unwrap_or_default(), false);
        }
        let Some(Statement::Block(block)) = body.get_mut(index) else { continue };
        let Block { program, inverse, .. } = &mut **block;
        if starts_alone && let Some(first) = program.as_mut().or(inverse.as_mut()) {
            strip_start(first.statements(), false);
        }
        // As in handlebars.js, the end of an `{{else if}}` keeps its indentation.
        if ends_alone && let Some(Program::Statements(last)) = inverse.as_mut().or(program.as_mut())
        {
            strip_end(last, false);
        }
    }
}

fn strip_block(block: &mut Block) -> Effect {
    let Block { program, inverse, open_strip, inverse_strip, close_strip, .. } = block;
    for part in [&mut *program, &mut *inverse].into_iter().flatten() {
        strip_program(part, false);
    }
    // `{{^x}}…{{/x}}` has only an inverse.
    let (first, mut second) = match (program, inverse) {
        (Some(program), inverse) => {
            (program.statements(), inverse.as_mut().map(Program::statements))
        }
        (None, Some(inverse)) => (inverse.statements(), None),
        (None, None) => return Effect::default(),
    };
    let last = second.as_deref().unwrap_or(first);
    let effect = Effect {
        strip: Strip { before: open_strip.before, after: close_strip.after },
        starts_alone: starts_with_line(first, false),
        ends_alone: ends_with_line(last, false),
        is_alone: false,
    };
    if open_strip.after {
        strip_start(first, true);
    }
    let Some(second) = second.as_mut() else {
        if close_strip.before {
            strip_end(first, true);
        }
        return effect;
    };
    if inverse_strip.before {
        strip_end(first, true);
    }
    if inverse_strip.after {
        strip_start(second, true);
    }
    if close_strip.before {
        strip_end(second, true);
    }
    // An `{{else}}` that is alone on its line.
    if ends_with_line(first, false) && starts_with_line(second, false) {
        strip_end(first, false);
        strip_start(second, false);
    }
    effect
}

/// Whether statements start with white space up to the end of a line.
fn starts_with_line(statements: &[Statement], is_root: bool) -> bool {
    match statements {
        [] => is_root,
        [Statement::Text(text), rest @ ..] => {
            let blank = text.original.trim_start_matches(is_space);
            let space = text.original.strip_suffix(blank).unwrap_or_default();
            space.contains('\n') || (blank.is_empty() && rest.is_empty() && is_root)
        }
        _ => false,
    }
}

/// Whether statements end with white space from the start of a line.
fn ends_with_line(statements: &[Statement], is_root: bool) -> bool {
    match statements {
        [] => is_root,
        [rest @ .., Statement::Text(text)] => {
            let blank = text.original.trim_end_matches(is_space);
            let space = text.original.strip_prefix(blank).unwrap_or_default();
            space.contains('\n') || (blank.is_empty() && rest.is_empty() && is_root)
        }
        _ => false,
    }
}

/// Strips all white space at the start of the first text, or the rest of its line. The latter happens once.
fn strip_start(statements: &mut [Statement], all: bool) {
    let Some(Statement::Text(text)) = statements.first_mut() else { return };
    if !all && text.is_start_stripped {
        return;
    }
    let kept = if all {
        text.value.trim_start_matches(is_space)
    } else {
        let line = text.value.trim_start_matches([' ', '\t']);
        let line_end = line.strip_prefix("\r\n").or_else(|| line.strip_prefix('\n'));
        line_end.or_else(|| line.strip_prefix('\r')).unwrap_or(line)
    };
    text.is_start_stripped = kept.len() != text.value.len();
    text.value = kept.to_owned();
}

/// Strips all white space at the end of the last text, or the start of its line. The latter happens once.
fn strip_end(statements: &mut [Statement], all: bool) {
    let Some(Statement::Text(text)) = statements.last_mut() else { return };
    if !all && text.is_end_stripped {
        return;
    }
    let kept = if all {
        text.value.trim_end_matches(is_space)
    } else {
        text.value.trim_end_matches([' ', '\t'])
    };
    text.is_end_stripped = kept.len() != text.value.len();
    text.value.truncate(kept.len());
}

/// White space as JavaScript's `\s` (ECMA-262, section 22.2.2.9).
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

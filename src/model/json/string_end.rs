//! Finds the ends of strings in JSON.

/// Returns the position after the closing quote of a string, given the text after its opening quote.
pub(super) fn string_end(rest: &str) -> Option<usize> {
    let mut bytes = rest.bytes().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(position + 1),
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

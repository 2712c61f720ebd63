//! HTML entities.

/// The entities of U+00A0 to U+00FF, in order.
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
    "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
    "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute",
    "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute",
    "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
    "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc",
    "uuml", "yacute", "thorn", "yuml",
];

/// The entities of ASCII characters.
const ASCII: [(&str, char); 40] = [
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// Longest name of an entity, in bytes.
const MAX_NAME_BYTES: usize = 8;

/// Reads the entity at the start of a text: its character and its length. A number needs no semicolon,
/// unless it is at the end of the text.
pub(super) fn read(text: &[u8]) -> Option<(char, usize)> {
    let rest = text.strip_prefix(b"&")?;
    if let Some(number) = rest.strip_prefix(b"#") {
        return numeric(number);
    }
    let length = rest.iter().take(MAX_NAME_BYTES + 1).position(|byte| *byte == b';')?;
    let name = str::from_utf8(rest.get(..length)?).ok()?;
    let ascii = ASCII.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
    let c = ascii.or_else(|| {
        let index = LATIN_1.iter().position(|known| *known == name)?;
        char::from_u32(0xa0 + u32::try_from(index).ok()?)
    })?;
    Some((c, length + 2))
}

/// Reads a number after `&#`, in decimal or hex, with any number of zeros before it.
fn numeric(text: &[u8]) -> Option<(char, usize)> {
    let (digits, radix, start) = match text.first()? {
        b'x' | b'X' => (text.get(1..)?, 16, 3),
        _ => (text, 10, 2),
    };
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let length = digits.iter().take_while(|byte| is_digit(byte)).count();
    let mut code: u32 = 0;
    for byte in digits.get(..length).filter(|digits| !digits.is_empty())? {
        code = code.checked_mul(radix)?.checked_add(char::from(*byte).to_digit(radix)?)?;
    }
    // At the end of a text, the number may be cut off.
    let semicolon = usize::from(digits.get(length)? == &b';');
    Some((char::from_u32(code)?, start + length + semicolon))
}

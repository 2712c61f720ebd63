//! QR codes, drawn as the path of an SVG image.

use std::fmt::Write as _;

use qrcode::Color;

use crate::web::Error;

/// Width of the white margin that readers need (ISO/IEC 18004), in modules.
const MARGIN: usize = 4;

/// A QR code, ready to print.
#[derive(Debug)]
pub(super) struct QrCode {
    /// Width and height with the margin.
    pub(super) size: usize,
    /// The dark modules.
    pub(super) path: String,
}

impl QrCode {
    /// Draws a text.
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        let code = qrcode::QrCode::new(text)
            .map_err(|error| Error::Internal(format!("could not draw a QR code: {error}")))?;
        let (width, colors) = (code.width(), code.to_colors());
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&Color::Dark) {
                    let (left, top, length) = (x + MARGIN, y + MARGIN, run.len());
                    write!(path, "M{left} {top}h{length}v1h-{length}z")
                        .map_err(|error| Error::Internal(error.to_string()))?;
                }
                x += run.len();
            }
        }
        Ok(Self { size: width + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_modules_are_drawn_within_the_margin() {
        let link = format!(
            "otpauth://totp/Gatepost:{}?secret={}&issuer=Gatepost",
            "a".repeat(254),
            "A".repeat(32)
        );
        for text in ["x", &link] {
            let code = QrCode::new(text).unwrap();
            let expected = qrcode::QrCode::new(text).unwrap();
            assert_eq!(code.size, expected.width() + 8);
            let dark =
                expected.to_colors().into_iter().filter(|color| *color == Color::Dark).count();
            let drawn = code.path.split('h').skip(1).step_by(2);
            let drawn: usize =
                drawn.map(|run| run.split('v').next().unwrap().parse::<usize>().unwrap()).sum();
            assert_eq!(drawn, dark);
            // The first finder pattern.
            assert!(code.path.starts_with("M4 4h7v1h-7z"), "{}", code.path);
        }
    }
}

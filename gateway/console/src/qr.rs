//! Pictures that a phone reads: a QR code as one SVG path.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Bytes of one picture at most.
const MAX_BYTES: usize = 512;
/// Light modules around it, as readers want them.
const QUIET: usize = 4;

/// Width in modules, its quiet zone included, and a path over its dark modules; `None` for what is
/// too long.
pub(crate) fn draw(bytes: &[u8]) -> Option<(usize, String)> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let code = QrCode::with_error_correction_level(bytes, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let length = run.len();
                let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
            }
            x += run.len();
        }
    }
    Some((width + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_finders_and_its_bound() {
        let (width, path) = draw(b"otpauth://totp/x").expect("a picture");
        assert_eq!(width, 25 + 2 * QUIET, "version 2");
        for finder in ["M4 4h7", "M22 4h7", "M4 22h7"] {
            assert!(path.contains(finder), "{finder}");
        }
        assert!(draw(&[b'x'; MAX_BYTES + 1]).is_none());
    }
}

//! A picture for a phone's or a terminal's camera, in half blocks on the terminal.

use anyhow::{Context as _, Result};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// `text` as lines of a picture.
pub(super) fn picture(text: &str) -> Result<String> {
    let code = QrCode::new(text.as_bytes()).context("this is too long for a picture")?;
    Ok(code.render::<Dense1x2>().quiet_zone(true).build())
}

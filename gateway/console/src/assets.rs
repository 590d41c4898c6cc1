//! What the page loads: embedded, addressed by content so that browsers may keep it for good.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "assets"]
struct Folder;

/// Addresses of the assets.
#[derive(Clone)]
pub(crate) struct Assets {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) htmx: String,
    pub(crate) logo: String,
    pub(crate) warden: String,
    pub(crate) kiosk: String,
}

impl Assets {
    pub(crate) fn new() -> Self {
        Self {
            css: address("app.css"),
            js: address("app.js"),
            htmx: address("htmx-2.0.11.min.js"),
            logo: address("logo.svg"),
            warden: address("warden.js"),
            kiosk: address("kiosk.js"),
        }
    }
}

/// `/assets/NAME?v=` and eight bytes of the content's SHA-256.
fn address(name: &str) -> String {
    let digest = Folder::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{name}?v={short}")
}

/// A script that has an address of its own.
pub(crate) fn text(name: &str) -> Option<Vec<u8>> {
    Folder::get(name).map(|file| file.data.into_owned())
}

pub(crate) async fn asset(
    State(_): State<crate::app::Shared>,
    Path(name): Path<String>,
) -> Result<Response, crate::guard::Problem> {
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return Err(crate::guard::Problem::Missing),
    };
    let file = Folder::get(&name).ok_or(crate::guard::Problem::Missing)?;
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, file.data.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn htmx_is_the_file_we_say_it_is() {
        let file = Folder::get("htmx-2.0.11.min.js").expect("htmx");
        let hex: String = file.metadata.sha256_hash().iter().map(|b| format!("{b:02x}")).collect();
        assert!(include_str!("../assets/README.md").contains(&hex), "{hex}");
    }

    #[test]
    fn every_asset_is_there() {
        let Assets { css, js, htmx, logo, warden, kiosk } = Assets::new();
        for address in [css, js, htmx, logo, warden, kiosk] {
            assert!(!address.ends_with("=0000000000000000"), "{address}");
        }
    }

    #[test]
    fn scripts_and_styles_load_nothing_from_outside() {
        for name in ["app.css", "app.js", "logo.svg", "warden.js", "warden-worker.js", "kiosk.js"] {
            let file = Folder::get(name).expect("an asset");
            let text =
                String::from_utf8_lossy(&file.data).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:") && !text.contains("https:"), "{name}");
        }
    }
}

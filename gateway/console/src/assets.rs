//! What the page loads: embedded, addressed by content so that browsers may keep it for good, and
//! packed for those that take it so. Pages are not packed: they hold tokens beside what others
//! wrote, and their length would tell of them.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::Embed;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

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
    asked: HeaderMap,
) -> Result<Response, crate::guard::Problem> {
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return Err(crate::guard::Problem::Missing),
    };
    let file = Folder::get(&name).ok_or(crate::guard::Problem::Missing)?;
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
    ];
    let packed = takes_gzip(&asked).then(|| PACKED.get(&name)).flatten();
    Ok(match packed {
        Some(packed) => (headers, [(CONTENT_ENCODING, "gzip")], packed.clone()).into_response(),
        None => (headers, file.data.into_owned()).into_response(),
    })
}

/// Each asset as gzip, made when a browser first asks for one.
static PACKED: LazyLock<HashMap<String, Bytes>> = LazyLock::new(|| {
    let packed = |name: std::borrow::Cow<'static, str>| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&Folder::get(&name)?.data).ok()?;
        Some((name.into_owned(), gzip.finish().ok()?.into()))
    };
    Folder::iter().filter_map(packed).collect()
});

/// Whether a browser takes gzip (RFC 9110, section 12.5.3); one that weighs it at nothing does not.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let asked = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut codings = asked.unwrap_or_default().split(',');
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let weight = |part: &str| part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        parts.next() == Some("gzip") && parts.next().and_then(weight) != Some(0.0)
    })
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
    fn gzip_goes_to_those_who_take_it() {
        for (asked, expect) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let value = asked.parse().expect("a header");
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value)]);
            assert_eq!(takes_gzip(&headers), expect, "{asked}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
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

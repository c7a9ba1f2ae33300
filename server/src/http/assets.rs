//! The site's files, embedded by `build.rs`: `/pkg/<name>.<hash>.<extension>`.
//!
//! Only the Brotli form is in the binary. A name changes with its content, so every answer may be kept for
//! ever; a client that does not take Brotli gets the file unpacked.

use std::{io::Read, sync::LazyLock};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use slipway_app::shell::{Chunk, Site};

/// One file of the site.
pub struct Asset {
    /// As the source calls it: `main.css`.
    pub name: &'static str,
    /// As the page calls it: `/pkg/main.0123456789abcdef.css`.
    pub path: &'static str,
    pub media_type: &'static str,
    /// Bytes before compression.
    pub identity_len: usize,
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/site.rs"));

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Bytes that the decoder unpacks at a time.
const UNPACK_BUFFER: usize = 16 * 1024;

/// Where the page finds each file; empty names when the site was left out of the build.
pub static SITE: LazyLock<Site> = LazyLock::new(|| {
    let path = |name: &str| ASSETS.iter().find(|asset| asset.name == name).map(|asset| asset.path).unwrap_or_default();
    Site {
        js: path("slipway.js").into(),
        chunks_js: path("chunks.js").into(),
        chunks: CHUNKS,
        wasm: path("slipway.wasm").into(),
        css: path("main.css").into(),
        icons: path("icons.svg").into(),
        favicon: path("favicon.svg").into(),
        favicon_alert: path("favicon-alert.svg").into(),
    }
});

/// Compressed bytes of all files; 0 when the site was left out of the build.
pub fn site_bytes() -> usize {
    ASSETS.iter().map(|asset| asset.brotli.len()).sum()
}

/// `GET /pkg/{file}`.
pub fn assets_router() -> Router {
    Router::new().route("/pkg/{file}", get(asset))
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.path.strip_prefix("/pkg/") == Some(&file)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = if takes_brotli(&headers) {
        let mut response = Body::from(asset.brotli).into_response();
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        response
    } else {
        match unpack(asset) {
            Ok(bytes) => Body::from(bytes).into_response(),
            Err(error) => {
                tracing::error!(asset = asset.name, %error, "an embedded file could not be unpacked");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn unpack(asset: &Asset) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(asset.identity_len);
    brotli::Decompressor::new(asset.brotli, UNPACK_BUFFER).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether `Accept-Encoding` names `br`, or anything, with a weight above zero (RFC 9110, section 12.5.3).
fn takes_brotli(headers: &HeaderMap) -> bool {
    let mut any = None;
    for value in headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()) {
        for coding in value.split(',') {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            match name {
                _ if name.eq_ignore_ascii_case("br") => return weight > 0.0,
                "*" => any = Some(weight > 0.0),
                _ => {}
            }
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_negotiated() {
        let check = |accept: Option<&str>, want: bool| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            }
            assert_eq!(takes_brotli(&headers), want, "{accept:?}");
        };
        check(None, false);
        check(Some("gzip, deflate, br, zstd"), true);
        check(Some("gzip"), false);
        check(Some("br;q=0"), false);
        check(Some("br; q=0.5"), true);
        check(Some("*"), true);
        check(Some("br;q=0, *"), false);
        check(Some("*, BR;q=0"), false);
        check(Some("identity"), false);
    }

    #[test]
    fn every_embedded_file_unpacks_to_its_length() {
        for asset in ASSETS {
            assert_eq!(unpack(asset).unwrap().len(), asset.identity_len, "{}", asset.name);
        }
    }
}

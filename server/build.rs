//! Builds the site that the binary embeds: `app` compiled to WebAssembly and split into what every page
//! needs and what is loaded when it is needed, its bindings, the style sheets bundled and minified, and
//! `public/`; each named by its content and compressed with Brotli.
//!
//! `SLIPWAY_SITE=skip` embeds an empty site: for `cargo check`, clippy and tests that need no browser.
//! Pages are then served without styles and without hydration.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::exit,
};

use brotli::enc::BrotliEncoderParams;
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
};
use sha2::{Digest, Sha256};

#[path = "build/compile.rs"]
mod compile;
#[path = "build/split.rs"]
mod split;

/// Hexadecimal digits of SHA-256 in a file's name: 64 bits tell every version of a file from every other.
const HASH_DIGITS: usize = 16;
/// The largest window that every Brotli decoder must support (RFC 7932), as a power of two.
const BROTLI_WINDOW: i32 = 22;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    if let Err(error) = embed_site() {
        println!("cargo::error=the front end could not be built: {error}");
        exit(1);
    }
}

fn embed_site() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed=SLIPWAY_SITE");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("SLIPWAY_SITE").is_ok_and(|value| value == "skip") {
        return write_manifest(&out, &[], &[]);
    }
    for watched in ["server/build", "app/src", "app/Cargo.toml", "style", "public", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let release = env::var("PROFILE")? == "release";
    let wasm = compile::app(&root, release)?;
    let split::Code { files: mut site, chunks } = split::bind(&wasm, &out, release)?;
    site.push(Source::new("main.css", bundle_styles(&root.join("style/main.css"))?));
    for file in sorted_files(&root.join("public"))? {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or("a file in public/ has no UTF-8 name")?;
        site.push(Source::new(name, fs::read(&file)?));
    }
    let quality = if release { 11 } else { 4 };
    let assets = site.into_iter().map(|source| source.store(&out, quality)).collect::<Result<Vec<_>>>()?;
    write_manifest(&out, &assets, &chunks)
}

/// A file of the site before it is compressed.
struct Source {
    name: String,
    /// As the page calls it, behind `/pkg/`.
    hashed: String,
    bytes: Vec<u8>,
}

/// A file of the site as the binary holds it.
struct Asset {
    name: String,
    hashed: String,
    media_type: &'static str,
    identity_len: usize,
}

impl Source {
    /// A file that is named by its own content.
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Source { hashed: hashed_name(name, &hash(&[&bytes])), name: name.to_owned(), bytes }
    }

    fn store(self, out: &Path, quality: i32) -> Result<Asset> {
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
        let media_type = match extension {
            "js" => "text/javascript; charset=utf-8",
            "wasm" => "application/wasm",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            other => {
                return Err(format!("{}: no media type is known for .{other}", self.name).into());
            }
        };
        let params = BrotliEncoderParams {
            quality,
            lgwin: BROTLI_WINDOW,
            size_hint: self.bytes.len(),
            ..BrotliEncoderParams::default()
        };
        let mut compressed = Vec::new();
        brotli::BrotliCompress(&mut self.bytes.as_slice(), &mut compressed, &params)?;
        fs::write(out.join(format!("{}.br", self.hashed)), compressed)?;
        Ok(Asset { identity_len: self.bytes.len(), hashed: self.hashed, media_type, name: self.name })
    }
}

/// Hexadecimal SHA-256 of these bytes, one after the other, cut to [`HASH_DIGITS`].
fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    let mut hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hash.truncate(HASH_DIGITS);
    hash
}

/// `slipway.js` with its hash before the extension.
fn hashed_name(name: &str, hash: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{name}.{hash}"),
    }
}

fn write_manifest(out: &Path, assets: &[Asset], chunks: &[split::Chunk]) -> Result<()> {
    let mut code = String::from("pub static ASSETS: &[Asset] = &[\n");
    for Asset { name, hashed, media_type, identity_len } in assets {
        writeln!(
            code,
            "    Asset {{ name: {name:?}, path: \"/pkg/{hashed}\", media_type: {media_type:?}, \
             identity_len: {identity_len}, brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{hashed}.br\")) }},"
        )?;
    }
    code.push_str("];\npub static CHUNKS: &[Chunk] = &[\n");
    for split::Chunk { name, files } in chunks {
        let paths: Vec<String> = files.iter().map(|file| format!("/pkg/{file}")).collect();
        writeln!(code, "    Chunk {{ name: {name:?}, paths: &{paths:?} }},")?;
    }
    code.push_str("];\n");
    Ok(fs::write(out.join("site.rs"), code)?)
}

fn bundle_styles(main: &Path) -> Result<String> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(main).map_err(|error| format!("{}: {error}", main.display()))?;
    sheet.minify(MinifyOptions::default()).map_err(|error| error.to_string())?;
    let printed = sheet.to_css(PrinterOptions { minify: true, ..PrinterOptions::default() });
    Ok(printed.map_err(|error| error.to_string())?.code)
}

fn sorted_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

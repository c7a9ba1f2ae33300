//! Builds the site that the binary embeds: `app` compiled to WebAssembly, its bindings, the style sheets
//! bundled and minified, and `public/`; each named by its content and compressed with Brotli.
//!
//! `SLIPWAY_SITE=skip` embeds an empty site: for `cargo check`, clippy and tests that need no browser.
//! Pages are then served without styles and without hydration.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use brotli::enc::BrotliEncoderParams;
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

const WASM_TARGET: &str = "wasm32-unknown-unknown";
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
        return write_manifest(&out, &[]);
    }
    for watched in ["app/src", "app/Cargo.toml", "style", "public", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let release = env::var("PROFILE")? == "release";
    let wasm = compile_app(&root, release)?;
    let mut site = bind(&wasm, &out, release)?;
    site.push(Source::new("main.css", bundle_styles(&root.join("style/main.css"))?));
    for file in sorted_files(&root.join("public"))? {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or("a file in public/ has no UTF-8 name")?;
        site.push(Source::new(name, fs::read(&file)?));
    }
    let quality = if release { 11 } else { 4 };
    let assets = site.into_iter().map(|source| source.store(&out, quality)).collect::<Result<Vec<_>>>()?;
    write_manifest(&out, &assets)
}

/// A file of the site before it is compressed.
struct Source {
    name: String,
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
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Source { name: name.to_owned(), bytes: bytes.into() }
    }

    fn store(self, out: &Path, quality: i32) -> Result<Asset> {
        let (stem, extension) = self.name.rsplit_once('.').ok_or_else(|| format!("{} has no extension", self.name))?;
        let digest = Sha256::digest(&self.bytes);
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let hashed = format!("{stem}.{}.{extension}", &hash[..HASH_DIGITS]);
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
        fs::write(out.join(format!("{hashed}.br")), compressed)?;
        Ok(Asset { identity_len: self.bytes.len(), hashed, media_type, name: self.name })
    }
}

fn write_manifest(out: &Path, assets: &[Asset]) -> Result<()> {
    let mut code = String::from("pub static ASSETS: &[Asset] = &[\n");
    for Asset { name, hashed, media_type, identity_len } in assets {
        writeln!(
            code,
            "    Asset {{ name: {name:?}, path: \"/pkg/{hashed}\", media_type: {media_type:?}, \
             identity_len: {identity_len}, brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{hashed}.br\")) }},"
        )?;
    }
    code.push_str("];\n");
    Ok(fs::write(out.join("site.rs"), code)?)
}

/// Compiles `app` to WebAssembly with the same toolchain and lock file, in a target directory of its own so
/// that it neither waits for the outer cargo's lock nor throws away its work.
fn compile_app(root: &Path, release: bool) -> Result<PathBuf> {
    ensure_wasm_target()?;
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("site");
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("cargo did not say where it is")?);
    cargo
        .current_dir(root)
        .args(["build", "--package", "slipway-app", "--lib", "--features", "hydrate"])
        .args(["--target", WASM_TARGET, "--profile", profile])
        .arg("--target-dir")
        .arg(&target_dir);
    if root.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_outer_build) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(format!("cargo build for {WASM_TARGET} failed\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(target_dir.join(WASM_TARGET).join(profile).join("slipway_app.wasm"))
}

/// What the outer cargo (or clippy) sets for this crate's build. Left in place it would change the inner
/// build's fingerprints with every outer command. Settings of the person (CARGO_HOME, proxies, registries,
/// network, the job server) stay.
fn belongs_to_outer_build(name: &str) -> bool {
    const PREFIXES: [&str; 7] =
        ["CARGO_PKG_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_MANIFEST_", "CARGO_BIN_", "DEP_", "CARGO_PROFILE_"];
    const NAMES: [&str; 17] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_DIR",
        "CARGO_INCREMENTAL",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
        "OUT_DIR",
        "TARGET",
        "HOST",
        "PROFILE",
        "OPT_LEVEL",
        "DEBUG",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn ensure_wasm_target() -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libdir = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]).output()?;
    if Path::new(String::from_utf8_lossy(&libdir.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", WASM_TARGET]).output();
    if added.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    Err(format!("this toolchain cannot compile to WebAssembly; run `rustup target add {WASM_TARGET}`").into())
}

/// Writes the JavaScript that loads the module, and the module with its bindings.
fn bind(wasm: &Path, out: &Path, release: bool) -> Result<Vec<Source>> {
    let dir = out.join("bindgen");
    if let Err(error) = fs::remove_dir_all(&dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    Bindgen::new()
        .input_path(wasm)
        .out_name("slipway")
        .web(true)?
        .typescript(false)
        .debug(!release)
        .remove_name_section(release)
        .remove_producers_section(true)
        .generate(&dir)?;
    if dir.join("snippets").exists() {
        return Err("a dependency of app brings JavaScript snippets, which this site does not serve".into());
    }
    Ok(vec![
        Source::new("slipway.js", fs::read(dir.join("slipway.js"))?),
        Source::new("slipway.wasm", fs::read(dir.join("slipway_bg.wasm"))?),
    ])
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

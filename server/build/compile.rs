//! Compiles `app` to WebAssembly.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Result;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Compiles `app` to WebAssembly with the same toolchain and lock file, in a target directory of its own so
/// that it neither waits for the outer cargo's lock nor throws away its work.
pub fn app(root: &Path, release: bool) -> Result<PathBuf> {
    ensure_wasm_target()?;
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("site");
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("cargo did not say where it is")?);
    cargo
        .current_dir(root)
        .args(["rustc", "--package", "slipway-app", "--lib", "--crate-type", "cdylib", "--features", "hydrate"])
        .args(["--target", WASM_TARGET, "--profile", profile])
        .arg("--target-dir")
        .arg(&target_dir);
    if root.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    // The splitter sees by relocations what needs what. Only the crate that is linked is told to keep them:
    // a flag for all crates would compile every one of them anew.
    cargo.args(["--", "-Clink-arg=--emit-relocs"]);
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

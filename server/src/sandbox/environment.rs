//! The environment a command sees: an allow-list, so that no key or token of the server's reaches it.

use std::{ffi::OsString, path::Path};

/// Variables handed on when the server has them: who and where the user is, language, and where toolchains
/// live. Nothing here is a secret; anything not named here stays out, whatever it is called.
pub const HANDED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "USER",
    "LOGNAME",
    "SHELL",
    "LD_LIBRARY_PATH",
    "CC",
    "CXX",
    "PKG_CONFIG_PATH",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "NVM_DIR",
    "NODE_PATH",
    "VOLTA_HOME",
    "PNPM_HOME",
    "BUN_INSTALL",
    "DENO_DIR",
    "JAVA_HOME",
    "GRADLE_USER_HOME",
    "M2_HOME",
    "GOROOT",
    "GOPATH",
    "GOMODCACHE",
    "GOFLAGS",
    "PYENV_ROOT",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "RBENV_ROOT",
    "GEM_HOME",
    "ANDROID_HOME",
    "DOTNET_ROOT",
    "NIX_PATH",
    "NIX_SSL_CERT_FILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Locale categories all start so (POSIX).
const LOCALE_PREFIX: &str = "LC_";

/// Names the agent that a process belongs to; [`super::processes::sweep`] finds strays by it.
pub const MARKER: &str = "SLIPWAY_AGENT";

/// What the command's environment holds, and nothing else: [`HANDED_ON`], the locale, that no person
/// watches (`CI`, `TERM=dumb`), a private `TMPDIR`, and whose process it is.
pub fn for_command(marker: &str, temporary: &Path) -> Vec<(OsString, OsString)> {
    let handed_on = std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| HANDED_ON.contains(&name) || name.starts_with(LOCALE_PREFIX))
    });
    let set = [
        ("TERM", OsString::from("dumb")),
        ("CI", OsString::from("1")),
        ("TMPDIR", temporary.into()),
        // Go refuses to build without a cache it can write to, and the home directory is read-only.
        ("GOCACHE", temporary.join("go-build").into()),
        (MARKER, OsString::from(marker)),
    ];
    handed_on.chain(set.map(|(name, value)| (OsString::from(name), value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_nothing_that_is_not_listed() {
        let own = ["TERM", "CI", "TMPDIR", "GOCACHE", MARKER];
        for (name, _) in for_command("agent", Path::new("/tmp/x")) {
            let name = name.into_string().unwrap();
            assert!(HANDED_ON.contains(&&*name) || name.starts_with("LC_") || own.contains(&&*name), "{name}");
        }
    }

    #[test]
    fn no_listed_name_sounds_like_a_secret() {
        for name in HANDED_ON {
            for word in ["KEY", "TOKEN", "SECRET", "PASS", "AUTH"] {
                assert!(!name.contains(word), "{name}");
            }
        }
    }
}

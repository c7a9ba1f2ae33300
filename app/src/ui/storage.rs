//! The browser's storage. `read` and its like are scoped to the origin, so that every window has them;
//! `read_here` and its like to one window. On the server, and where storage is denied, both are empty and forget.

use web_sys::Storage;

/// There is a browser around: the server must not touch its functions.
const IN_BROWSER: bool = cfg!(feature = "hydrate");

fn shared() -> Option<Storage> {
    if IN_BROWSER { web_sys::window()?.local_storage().ok()? } else { None }
}

fn here() -> Option<Storage> {
    if IN_BROWSER { web_sys::window()?.session_storage().ok()? } else { None }
}

/// What is kept under `key`.
pub fn read(key: &str) -> Option<String> {
    shared()?.get_item(key).ok()?
}

/// Keeps `value` under `key`; a full or denied storage is no error, the page works on without.
pub fn write(key: &str, value: &str) {
    if let Some(storage) = shared() {
        let _ = storage.set_item(key, value);
    }
}

/// Forgets `key`.
pub fn forget(key: &str) {
    if let Some(storage) = shared() {
        let _ = storage.remove_item(key);
    }
}

/// What this window keeps under `key`.
pub fn read_here(key: &str) -> Option<String> {
    here()?.get_item(key).ok()?
}

/// Keeps `value` under `key` for this window.
pub fn write_here(key: &str, value: &str) {
    if let Some(storage) = here() {
        let _ = storage.set_item(key, value);
    }
}

/// Forgets `key` in this window.
pub fn forget_here(key: &str) {
    if let Some(storage) = here() {
        let _ = storage.remove_item(key);
    }
}

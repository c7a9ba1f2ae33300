//! The browser's origin-scoped storage. On the server, and where storage is denied, it is empty and forgets.

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// What is kept under `key`.
#[cfg(feature = "hydrate")]
pub fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

/// Keeps `value` under `key`; a full or denied storage is no error, the page works on without.
#[cfg(feature = "hydrate")]
pub fn write(key: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, value);
    }
}

/// Forgets `key`.
#[cfg(feature = "hydrate")]
pub fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}

#[cfg(not(feature = "hydrate"))]
pub fn read(_key: &str) -> Option<String> {
    None
}

#[cfg(not(feature = "hydrate"))]
pub fn write(_key: &str, _value: &str) {}

#[cfg(not(feature = "hydrate"))]
pub fn forget(_key: &str) {}

//! The data directory: made at the first start, owned by one server at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

const LOCK: &str = "lock";
const TOKEN: &str = "token";
const SERVER: &str = "server.json";
/// The database file.
pub const DATABASE: &str = "slipway.db";
/// Random bytes in a token: 256 bits, more than anyone can guess.
const TOKEN_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("the data directory {} could not be made: {source}. Name another with --data-dir.", .path.display())]
    Make { path: PathBuf, source: io::Error },
    #[error("another Slipway server{} uses {}. Open its board, stop it, or name another directory with --data-dir.", owner(.server), .path.display())]
    InUse { path: PathBuf, server: Option<Running> },
    #[error("{} could not be {doing}: {source}", .path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
}

fn owner(server: &Option<Running>) -> String {
    server.as_ref().map_or_else(String::new, |server| format!(" (process {}, {})", server.pid, server.url))
}

/// A server that runs on a data directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub url: String,
}

/// A data directory that this process has to itself.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be, and takes it.
    pub fn take(path: &Path) -> Result<DataDir, DataDirError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| path.canonicalize());
        let path = made.map_err(|source| DataDirError::Make { path: path.to_owned(), source })?;
        let file = path.join(LOCK);
        let failed = |doing| {
            let path = file.clone();
            move |source| DataDirError::File { path, doing, source }
        };
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file)
            .map_err(failed("opened"))?;
        match lock.try_lock() {
            Ok(()) => Ok(DataDir { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { server: read_server(&path), path }),
            Err(TryLockError::Error(source)) => Err(failed("locked")(source)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says where the server is, for `slipway run`.
    pub fn announce(&self, url: &str) -> Result<(), DataDirError> {
        let running = Running { pid: std::process::id(), url: url.to_owned() };
        let text = serde_json::to_vec(&running).unwrap_or_default();
        write_private(&self.path.join(SERVER), &text)
    }

    /// The token, made at the first start.
    pub fn token(&self) -> Result<String, DataDirError> {
        let path = self.path.join(TOKEN);
        if let Some(token) = read_token(&self.path)? {
            return Ok(token);
        }
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| DataDirError::File {
            path: path.clone(),
            doing: "made: the system has no random numbers",
            source: io::Error::other(error.to_string()),
        })?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(&path, token.as_bytes())?;
        Ok(token)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path.join(SERVER));
    }
}

/// The server that runs on a data directory, if one does.
pub fn running(path: &Path) -> Option<Running> {
    let lock = File::open(path.join(LOCK)).ok()?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => read_server(path),
        _ => None,
    }
}

fn read_server(path: &Path) -> Option<Running> {
    serde_json::from_slice(&fs::read(path.join(SERVER)).ok()?).ok()
}

/// The token of a data directory, if it has been started before.
pub fn read_token(path: &Path) -> Result<Option<String>, DataDirError> {
    let path = path.join(TOKEN);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DataDirError::File { path, doing: "read", source }),
    }
}

/// Replaces a file in one step, readable by its owner alone.
fn write_private(path: &Path, content: &[u8]) -> Result<(), DataDirError> {
    let fresh = path.with_extension("new");
    let written = (|| {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    })();
    written.map_err(|source| DataDirError::File { path: path.to_owned(), doing: "written", source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let mine = DataDir::take(&path).unwrap();
        mine.announce("http://127.0.0.1:1").unwrap();
        let error = DataDir::take(&path).unwrap_err().to_string();
        assert!(error.contains("http://127.0.0.1:1") && error.contains(&std::process::id().to_string()), "{error}");
        assert_eq!(running(&path).unwrap().url, "http://127.0.0.1:1");
        drop(mine);
        assert!(running(&path).is_none());
        DataDir::take(&path).unwrap();
    }

    #[test]
    fn the_token_stays_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::take(dir.path()).unwrap();
        let token = data.token().unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        assert_eq!(data.token().unwrap(), token);
        let mode = fs::metadata(dir.path().join(TOKEN)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

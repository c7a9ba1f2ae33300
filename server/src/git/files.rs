//! Files written and deleted so that neither a crash nor what an agent's tools left behind gets in the way.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Replaces a file, so that a reader or a crash finds the old content or the new, never a part. A file that
/// holds the right bytes already is left alone.
pub(super) fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) && fs::read(path)? == content {
        return Ok(());
    }
    let mut half = path.as_os_str().to_owned();
    half.push(".slipway-new");
    let half = PathBuf::from(half);
    if fs::symlink_metadata(&half).is_ok() {
        remove(&half)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&half)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&half, path)
}

/// Deletes a file, symlink or directory with all in it; nothing there is fine. Directories that an agent's
/// tools left read-only (Go's module cache does) are opened up first.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match delete(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path)?;
            delete(path)
        }
        done => done,
    }
}

fn delete(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn make_writable(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = found.permissions();
        permissions.set_mode(permissions.mode() | 0o700);
        fs::set_permissions(directory, permissions)?;
    }
    for entry in fs::read_dir(directory)? {
        make_writable(&entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_whatever_a_crash_left_beside_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("HEAD");
        fs::create_dir(directory.path().join("HEAD.slipway-new")).unwrap();
        write_durably(&path, b"one\n").unwrap();
        write_durably(&path, b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        write_durably(&path, b"two\n").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written, "the right bytes are left alone");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn removing_opens_read_only_directories_and_follows_no_link() {
        let directory = tempfile::TempDir::new().unwrap();
        let (gone, kept) = (directory.path().join("gone"), directory.path().join("kept"));
        fs::create_dir_all(gone.join("locked")).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "kept").unwrap();
        fs::write(gone.join("locked/file"), "gone").unwrap();
        std::os::unix::fs::symlink(&kept, gone.join("link")).unwrap();
        let mut permissions = fs::metadata(gone.join("locked")).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(gone.join("locked"), permissions).unwrap();
        remove(&gone).unwrap();
        remove(&gone).unwrap();
        assert!(!gone.exists() && kept.join("file").exists());
    }
}

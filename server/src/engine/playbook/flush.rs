//! Writes an overlay's changes to disk. A reader never sees half a file: contents go to a temporary name
//! first and take their place by a rename.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::{
    cancel::Cancel,
    overlay::{Changes, Node},
    paths::RepoPath,
    refusal::Refusal,
};

/// Makes temporary names differ within this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Applies `changes` below `dir`: what moves is set aside, what goes is removed, what comes is put in place.
/// Between files it looks whether it was cancelled.
pub(super) fn flush(dir: &Dir, changes: Changes, cancel: &Cancel) -> Result<(), Refusal> {
    cancel.check()?;
    let mut aside = Vec::new();
    for (to, node) in &changes {
        if let Some(Node::Moved { from }) = node {
            let name = temporary_name();
            dir.rename(from, dir, &name).map_err(|source| Refusal::Write { path: from.clone(), source })?;
            aside.push((to, name));
        }
    }
    for path in changes.iter().filter(|(_, node)| node.is_none()).map(|(path, _)| path) {
        remove(dir, path).map_err(|source| Refusal::Write { path: path.clone(), source })?;
    }
    for (to, name) in aside {
        make_room(dir, to)
            .and_then(|()| dir.rename(&name, dir, to))
            .map_err(|source| Refusal::Write { path: to.clone(), source })?;
    }
    for (path, node) in &changes {
        cancel.check()?;
        if let Some(Node::New { bytes, executable }) = node {
            make_room(dir, path)
                .and_then(|()| write(dir, path, bytes, *executable))
                .map_err(|source| Refusal::Write { path: path.clone(), source })?;
        }
    }
    Ok(())
}

fn temporary_name() -> String {
    format!(".slipway-{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Removes a file, if it is still there, and the directories that it leaves empty: git keeps none.
fn remove(dir: &Dir, path: &RepoPath) -> io::Result<()> {
    match dir.remove_file(path) {
        // A file that a block both created and removed was never on disk.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
        other => other?,
    }
    let mut parent = path.parent();
    while let Some(directory) = parent {
        if dir.remove_dir(&directory).is_err() {
            break;
        }
        parent = directory.parent();
    }
    Ok(())
}

/// Makes the directories above `path`, and takes away empty ones that stand in its place.
fn make_room(dir: &Dir, path: &RepoPath) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        dir.create_dir_all(&parent)?;
    }
    match dir.symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => remove_empty(dir, path),
        _ => Ok(()),
    }
}

/// Removes a directory that holds nothing but empty directories; fails at the first file.
fn remove_empty(dir: &Dir, path: &RepoPath) -> io::Result<()> {
    for entry in dir.read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_str().ok_or(io::ErrorKind::DirectoryNotEmpty)?;
        remove_empty(dir, &path.join(name))?;
    }
    dir.remove_dir(path)
}

fn write(dir: &Dir, path: &RepoPath, bytes: &[u8], executable: bool) -> io::Result<()> {
    let name = path.parent().map_or_else(temporary_name, |parent| format!("{parent}/{}", temporary_name()));
    let written = dir
        .open_with(&name, &new_file(executable))
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| dir.rename(&name, dir, path));
    if written.is_err() {
        let _ = dir.remove_file(&name);
    }
    written
}

/// Readable and writable by all that the process' umask lets, as git makes files.
fn new_file(executable: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt;
        options.mode(if executable { 0o777 } else { 0o666 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options
}

#[cfg(unix)]
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    use cap_std::fs::MetadataExt;
    metadata.mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(super) fn is_executable(_: &Metadata) -> bool {
    false
}

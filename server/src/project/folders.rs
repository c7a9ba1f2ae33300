//! Completes a path on the server's machine, for the person who is at home there. Lists folders only, looks
//! into none but the one that is typed, and never waits long: a mount that does not answer costs one thread of
//! a few, and nobody's time.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use slipway_app::model::{Folder, FolderList};
use tokio::sync::Semaphore;

/// Folders shown at once: more than anyone reads before typing on.
const SHOWN: usize = 40;
/// Entries of a folder that are looked at: a mail spool of a million files must not be read for a completion.
const ENTRIES: usize = 20_000;
/// How long a look may take before the person is told that the disk is slow.
const PATIENCE: Duration = Duration::from_millis(800);
/// Looks at once. One that hangs on a dead mount keeps its thread, and this many may.
const AT_ONCE: usize = 4;

static LOOKS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// Runs a look at the file system that may hang; `None` when it takes longer than `patience`, or too many
/// others hang already.
pub async fn patiently<T: Send + 'static>(patience: Duration, look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let turn = tokio::time::timeout(patience, LOOKS.clone().acquire_owned()).await.ok()?.ok()?;
    let looked = tokio::task::spawn_blocking(move || {
        let found = look();
        drop(turn);
        found
    });
    tokio::time::timeout(patience, looked).await.ok()?.ok()
}

/// Folders whose path begins as `typed`. A leading `~` is the home directory of whoever runs the server.
pub async fn complete(typed: &str, home: Option<PathBuf>) -> FolderList {
    let typed = typed.to_owned();
    let slow = FolderList {
        note: Some("That folder does not answer. Type on, or try again.".to_owned()),
        ..FolderList::default()
    };
    patiently(PATIENCE, move || list(&typed, home.as_deref())).await.unwrap_or(slow)
}

/// `typed` with its leading `~` replaced.
pub fn expanded(typed: &str, home: Option<&Path>) -> PathBuf {
    match (typed.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(typed),
    }
}

fn list(typed: &str, home: Option<&Path>) -> FolderList {
    let typed = if typed.is_empty() || typed == "~" { "~/" } else { typed };
    let Some((shown_parent, begun)) = typed.rsplit_once('/') else { return nothing("Start with / or ~/.") };
    let parent = expanded(&format!("{shown_parent}/"), home);
    if !parent.is_absolute() {
        return nothing("Start with / or ~/.");
    }
    match matching(&parent, begun) {
        Ok(Matching { mut names, more }) => {
            let surplus = names.len().saturating_sub(SHOWN);
            names.truncate(SHOWN);
            let folders: Vec<Folder> = names
                .into_iter()
                .map(|name| Folder {
                    repository: is_repository(&parent.join(&name)),
                    path: format!("{shown_parent}/{name}"),
                })
                .collect();
            let note = match (folders.len(), surplus) {
                (0, _) if begun.is_empty() => Some("There are no folders in there.".to_owned()),
                (0, _) => Some(format!("No folder in there begins with “{begun}”.")),
                (_, 0) if !more => None,
                (shown, _) => Some(format!("The first {shown}; type on to narrow them down.")),
            };
            FolderList { folders, note }
        }
        Err(error) => nothing(match error.kind() {
            io::ErrorKind::NotFound => "There is no such folder.",
            io::ErrorKind::PermissionDenied => "You may not look into that folder.",
            io::ErrorKind::NotADirectory => "That is a file, not a folder.",
            _ => "That folder cannot be read.",
        }),
    }
}

fn nothing(note: &str) -> FolderList {
    FolderList { folders: Vec::new(), note: Some(note.to_owned()) }
}

struct Matching {
    /// Sorted as people sort: letter case aside.
    names: Vec<String>,
    /// Whether the folder had more entries than were looked at.
    more: bool,
}

/// Names of folders that begin so, letter case aside. Hidden ones only where a dot asks for them.
fn matching(parent: &Path, begun: &str) -> io::Result<Matching> {
    let wanted = begun.to_lowercase();
    let mut names = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(parent)? {
        seen += 1;
        if seen > ENTRIES {
            break;
        }
        let Ok(entry) = entry else { continue };
        // A name that is not Unicode cannot be typed into the page, and not registered either.
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let hidden = name.starts_with('.') && !begun.starts_with('.');
        if !hidden && name.to_lowercase().starts_with(&wanted) && is_folder(&entry) {
            names.push(name);
        }
    }
    names.sort_by_cached_key(|name| (name.to_lowercase(), name.clone()));
    Ok(Matching { names, more: seen > ENTRIES })
}

/// Whether an entry is a folder, or a link to one. The type comes with the listing; only links are followed.
fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|target| target.is_dir()),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

/// Whether a folder looks like a repository, with or without a checkout.
fn is_repository(folder: &Path) -> bool {
    let bare = || folder.extension() == Some(OsStr::new("git")) && folder.join("HEAD").is_file();
    fs::symlink_metadata(folder.join(".git")).is_ok() || bare()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn home() -> tempfile::TempDir {
        let home = tempfile::TempDir::new().unwrap();
        for folder in ["code/apple/.git", "code/Apricot", "code/banana", "code/.hidden", "code/bare.git", "locked"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        fs::write(home.path().join("code/bare.git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(home.path().join("code/apple.txt"), "").unwrap();
        symlink(home.path().join("code/banana"), home.path().join("code/avocado")).unwrap();
        home
    }

    #[track_caller]
    fn check(typed: &str, want: &[&str]) {
        let home = home();
        let found = list(typed, Some(home.path()));
        let paths: Vec<&str> = found.folders.iter().map(|folder| folder.path.as_str()).collect();
        assert_eq!(paths, want, "{typed}");
        assert_eq!(found.note.is_none(), !want.is_empty(), "{found:?}");
    }

    #[test]
    fn folders_are_completed_as_typed() {
        check("", &["~/code", "~/locked"]);
        check("~", &["~/code", "~/locked"]);
        check("~/co", &["~/code"]);
        check("~/code/a", &["~/code/apple", "~/code/Apricot", "~/code/avocado"]);
        check("~/code/AP", &["~/code/apple", "~/code/Apricot"]);
        check("~/code/.", &["~/code/.hidden"]);
        check("~/code/z", &[]);
        check("~/nowhere/x", &[]);
        check("~/code/apple.txt/", &[]);
        check("code", &[]);
        check("code/a", &[]);
        check("../", &[]);
    }

    #[test]
    fn absolute_paths_stay_absolute_and_repositories_are_marked() {
        let home = home();
        let typed = format!("{}/code/", home.path().display());
        let found = list(&typed, None);
        let repositories: Vec<_> =
            found.folders.iter().filter(|folder| folder.repository).map(|folder| &folder.path[typed.len()..]).collect();
        assert_eq!(repositories, ["apple", "bare.git"]);
        assert_eq!(expanded("~x/y", Some(home.path())), Path::new("~x/y"));
        assert_eq!(expanded("~/y", Some(home.path())), home.path().join("y"));
    }

    #[test]
    fn what_cannot_be_listed_is_said() {
        let home = home();
        let note = |typed: &str| list(typed, Some(home.path())).note.unwrap_or_default();
        assert!(note("~/nowhere/").contains("no such folder"));
        assert!(note("~/code/apple.txt/").contains("a file"));
        assert!(note("~/code/banana/").contains("no folders"));
        fs::set_permissions(home.path().join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
        // Root may look everywhere.
        if fs::read_dir(home.path().join("locked")).is_err() {
            assert!(note("~/locked/").contains("may not"));
        }
        fs::set_permissions(home.path().join("locked"), fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_crowd_is_cut_and_said() {
        let home = tempfile::TempDir::new().unwrap();
        for n in 0..SHOWN + 3 {
            fs::create_dir(home.path().join(format!("folder{n:03}"))).unwrap();
        }
        let found = list("~/", Some(home.path()));
        assert_eq!(found.folders.len(), SHOWN);
        assert!(found.note.unwrap().contains("narrow"));
        assert_eq!(list("~/folder00", Some(home.path())).note, None);
    }

    #[tokio::test]
    async fn a_disk_that_hangs_costs_nobody_their_time() {
        let (release, hang) = std::sync::mpsc::channel::<()>();
        let patience = Duration::from_millis(20);
        let looked = patiently(patience, move || hang.recv().is_ok()).await;
        assert!(looked.is_none());
        assert_eq!(patiently(Duration::from_secs(5), || 7).await, Some(7), "others still have their turn");
        drop(release);
    }
}

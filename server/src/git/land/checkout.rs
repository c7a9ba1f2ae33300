//! One checkout of the base branch, made to follow a landing.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use git2::{Index, ObjectType, Oid, Repository, RepositoryState, StatusOptions, build::CheckoutBuilder};

use super::{
    Doing, GitError, Intent, LandError, Stop, Watch,
    change::{Change, Entry},
    lossy, tick,
};
use crate::git::{Cause, files, is_missing, path_from_bytes, snapshot, worktree::Checkout};

/// Git's own lock of an index (gitrepository-layout(5)); while it exists no git command changes the index.
const INDEX_LOCK: &str = "index.lock";
/// What our lock holds. Git's holds the beginnings of an index, or nothing.
const LOCK_MARK: &[u8] = b"slipway is landing\n";
/// New files wait here until they are renamed into place.
const STAGE: &str = "slipway-landing";
/// The new index waits here.
const NEXT_INDEX: &str = "slipway-landing-index";

/// Paths that a refusal lists; more help nobody.
const PATHS_LISTED: usize = 100;

/// An index entry's flag for "assume unchanged", and the extended flag for "skip worktree" (sparse checkout):
/// `CE_VALID` and `CE_SKIP_WORKTREE` of git's `gitformat-index(5)`.
const ASSUME_UNCHANGED: u16 = 0x8000;
const SKIP_WORKTREE: u16 = 1 << 14;

/// What stood in the place of our lock.
#[derive(PartialEq, Eq)]
pub(super) enum Found {
    NoLock,
    /// An earlier landing was killed.
    OwnLock,
}

/// What is in the checkout at a changed path.
#[derive(PartialEq, Eq)]
enum State {
    Absent,
    Old,
    New,
    Other,
}

pub(super) struct CheckoutLanding {
    repo: Repository,
    git_dir: PathBuf,
    workdir: PathBuf,
}

/// Whether a checkout has `branch` checked out, or is in the middle of rebasing it.
pub(super) fn is_on(checkout: &Checkout, branch: &str) -> bool {
    let name = format!("refs/heads/{branch}");
    let rebased = ["rebase-merge/head-name", "rebase-apply/head-name"];
    let rebasing =
        |file: &&str| fs::read(checkout.git_dir.join(file)).is_ok_and(|text| text.trim_ascii() == name.as_bytes());
    checkout.head.as_deref() == Some(name.as_bytes()) || rebased.iter().any(rebasing)
}

impl CheckoutLanding {
    pub fn open(checkout: Checkout) -> Result<Self, GitError> {
        let Checkout { git_dir, workdir, .. } = checkout;
        let repo = open_with(&git_dir, &workdir).doing(format!("open the checkout at {}", workdir.display()))?;
        Ok(CheckoutLanding { repo, git_dir, workdir })
    }

    pub fn repo(&self) -> &Repository {
        &self.repo
    }

    pub fn workdir(&self) -> &Path {
        &self.workdir
    }

    /// Takes the index lock. A lock of our own is taken over when resuming; any other lock means that git is
    /// at work there.
    pub fn lock(&self, resume: bool) -> Result<Found, LandError> {
        let path = self.git_dir.join(INDEX_LOCK);
        let marked = self.git_dir.join("slipway-index-lock");
        let write = || {
            files::remove(&marked)?;
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&marked)?;
            file.write_all(LOCK_MARK)?;
            file.sync_all()
        };
        write().doing(format!("lock the index of {}", self.workdir.display()))?;
        // Linking fails if the lock exists, and the lock is never there without its mark.
        let linked = fs::hard_link(&marked, &path);
        files::remove(&marked).doing("remove a temporary file")?;
        match linked {
            Ok(()) => Ok(Found::NoLock),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match resume && self.holds_own_lock() {
                true => Ok(Found::OwnLock),
                false => Err(self.busy(format!(
                    "another git process is at work there, or one ended and left {}; delete that file if so",
                    path.display()
                ))),
            },
            Err(error) => Err(error).doing(format!("lock the index of {}", self.workdir.display()))?,
        }
    }

    pub fn holds_own_lock(&self) -> bool {
        fs::read(self.git_dir.join(INDEX_LOCK)).is_ok_and(|mark| mark == LOCK_MARK)
    }

    /// Removes what a landing keeps in the git directory: its staged files, and the lock if it is ours.
    pub fn release_own(&self) -> Result<(), GitError> {
        let release = || {
            files::remove(&self.git_dir.join(STAGE))?;
            files::remove(&self.git_dir.join(NEXT_INDEX))?;
            match self.holds_own_lock() {
                true => files::remove(&self.git_dir.join(INDEX_LOCK)),
                false => Ok(()),
            }
        };
        release().doing(format!("unlock the index of {}", self.workdir.display()))
    }

    fn busy(&self, what: String) -> LandError {
        LandError::Busy { checkout: self.workdir.clone(), what }
    }

    /// Refuses where work would be lost. A landing that has begun made the checkout dirty itself: then each
    /// changed path must be as it was, as it is to be, or gone, and other paths are nobody's business.
    pub fn check(&self, changes: &[Change], begun: bool) -> Result<(), LandError> {
        if let Some(what) = unfinished(self.repo.state()) {
            return Err(self.busy(format!("a {what} is under way there")));
        }
        let doing = || format!("look for uncommitted work in {}", self.workdir.display());
        let mut paths = match begun {
            true => self.paths_at_neither(changes).doing(doing())?,
            false => self.dirty_paths().doing(doing())?,
        };
        paths.extend(self.collisions(changes, begun).doing(doing())?);
        if paths.is_empty() {
            return Ok(());
        }
        let paths = paths.into_iter().take(PATHS_LISTED).collect();
        Err(LandError::Dirty { checkout: self.workdir.clone(), paths })
    }

    /// Everything staged or modified.
    fn dirty_paths(&self) -> Result<BTreeSet<String>, Cause> {
        let mut options = StatusOptions::new();
        options.include_untracked(false).include_ignored(false).exclude_submodules(true);
        let statuses = self.repo.statuses(Some(&mut options))?;
        Ok(statuses.iter().map(|entry| lossy(entry.path_bytes())).collect())
    }

    fn paths_at_neither(&self, changes: &[Change]) -> Result<BTreeSet<String>, Cause> {
        let mut paths = BTreeSet::new();
        for change in changes {
            if self.state(change)? == State::Other && !self.differs_only_in_line_endings(change)? {
                paths.insert(lossy(&change.name));
            }
        }
        Ok(paths)
    }

    /// Whether an earlier landing got as far as the files.
    pub fn any_at_new(&self, changes: &[Change]) -> Result<bool, GitError> {
        for change in changes {
            let came = change.new.is_some() && self.state(change).doing("compare a file")? == State::New;
            if came {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is at a path. Nothing is, when a part of the way there is a file or a symlink: git would not look
    /// further, and following the link could lead to files of somebody else.
    fn find(&self, path: &Path) -> io::Result<Option<fs::Metadata>> {
        let mut found = None;
        let steps: Vec<&Path> = path.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
        for step in steps.into_iter().rev() {
            if found.is_some_and(|parent: fs::Metadata| !parent.is_dir()) {
                return Ok(None);
            }
            found = match fs::symlink_metadata(self.workdir.join(step)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                found => Some(found?),
            };
        }
        Ok(found)
    }

    /// Compares a changed path with its two contents.
    fn state(&self, change: &Change) -> Result<State, Cause> {
        let path = self.workdir.join(&change.path);
        let Some(found) = self.find(&change.path)? else { return Ok(State::Absent) };
        if found.is_dir() {
            // Either a submodule, which is left alone, or looked at by `collisions`.
            return Ok(if change.old.is_some_and(Entry::is_submodule) { State::Old } else { State::Absent });
        }
        let is = |entry: Option<Entry>, id: Oid, link: bool| {
            entry.is_some_and(|entry| entry.id == id && (entry.mode == git2::FileMode::Link) == link)
        };
        let (ids, link) = match found.is_symlink() {
            true => {
                let target = fs::read_link(&path)?;
                (vec![Oid::hash_object(ObjectType::Blob, target.as_os_str().as_encoded_bytes())?], true)
            }
            // As it would be committed, and byte for byte: the attributes may be the old or the new ones.
            false => (vec![self.repo.blob_path(&path)?, Oid::hash_file(ObjectType::Blob, &path)?], false),
        };
        if ids.iter().any(|id| is(change.old, *id, link)) {
            return Ok(State::Old);
        }
        Ok(if ids.iter().any(|id| is(change.new, *id, link)) { State::New } else { State::Other })
    }

    /// Whether a file is the new one under attributes that are not in place yet.
    fn differs_only_in_line_endings(&self, change: &Change) -> Result<bool, Cause> {
        let Some(new) = change.new.filter(|entry| !entry.is_submodule()) else { return Ok(false) };
        let blob = self.repo.find_blob(new.id)?;
        let found = fs::read(self.workdir.join(&change.path))?;
        let without_cr = |text: &[u8]| text.iter().filter(|byte| **byte != b'\r').copied().collect::<Vec<_>>();
        Ok(!blob.is_binary() && without_cr(blob.content()) == without_cr(&found))
    }

    /// Untracked files and directories that are in the way of new ones, and tracked ones that the user told
    /// git not to look at.
    fn collisions(&self, changes: &[Change], begun: bool) -> Result<BTreeSet<String>, Cause> {
        let changed: HashSet<&Path> = changes.iter().map(|change| change.path.as_path()).collect();
        let index = self.repo.index()?;
        let mut paths = BTreeSet::new();
        for change in changes {
            let hidden = index
                .get_path(&change.path, 0)
                .is_some_and(|entry| entry.flags & ASSUME_UNCHANGED != 0 || entry.flags_extended & SKIP_WORKTREE != 0);
            let blocked = hidden || self.is_blocked(change, &changed, begun)?;
            if blocked {
                paths.insert(lossy(&change.name));
            }
        }
        Ok(paths)
    }

    fn is_blocked(&self, change: &Change, changed: &HashSet<&Path>, begun: bool) -> Result<bool, Cause> {
        for parent in change.path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            let found = fs::symlink_metadata(self.workdir.join(parent));
            if found.is_ok_and(|found| !found.is_dir()) && !changed.contains(parent) {
                return Ok(true);
            }
        }
        let Some(new) = change.new else { return Ok(false) };
        let path = self.workdir.join(&change.path);
        let Ok(found) = fs::symlink_metadata(&path) else { return Ok(false) };
        if found.is_dir() {
            let submodule = new.is_submodule() || change.old.is_some_and(Entry::is_submodule);
            return Ok(!submodule && holds_others(&self.workdir, &change.path, changed)?);
        }
        Ok(change.old.is_none() && !begun)
    }

    /// Brings the changed paths to `commit`: files, then index.
    pub fn follow(&self, commit: Oid, changes: &[Change], watch: Watch<'_>) -> Result<(), Stop> {
        let doing = || format!("update the files of {}", self.workdir.display());
        self.stage(commit, changes).doing(doing())?;
        tick(watch)?;
        for change in changes {
            self.place(change).doing(format!("update {}", self.workdir.join(&change.path).display()))?;
            tick(watch)?;
        }
        self.write_index(changes).doing(doing())?;
        tick(watch)
    }

    /// Puts everything back as it was before the landing, and unlocks.
    pub fn undo(&self, intent: &Intent, changes: &[Change]) -> Result<(), GitError> {
        let mut back: Vec<Change> = changes.iter().map(Change::reversed).collect();
        back.sort_by_key(|change| change.new.is_some());
        match self.follow(intent.base_before, &back, &mut || true) {
            Err(Stop::Failed(LandError::Git(error))) => Err(error),
            _ => self.release_own(),
        }
    }

    /// Writes the new files below the git directory, converted as the new attributes say.
    fn stage(&self, commit: Oid, changes: &[Change]) -> Result<(), Cause> {
        let stage = self.git_dir.join(STAGE);
        files::remove(&stage)?;
        fs::create_dir(&stage)?;
        let coming = changes.iter().filter(|change| change.new.is_some_and(|entry| !entry.is_submodule()));
        let coming: Vec<&Path> = coming.map(|change| change.path.as_path()).collect();
        // Attributes are read from the files, so theirs must be there first.
        let attributes: BTreeSet<PathBuf> = coming
            .iter()
            .flat_map(|path| path.ancestors().skip(1).map(|parent| parent.join(".gitattributes")))
            .collect();
        let repo = open_with(&self.git_dir, &stage)?;
        repo.set_index(&mut Index::new()?)?;
        let commit = repo.find_commit(commit)?;
        for paths in [attributes.iter().map(PathBuf::as_path).collect(), coming] {
            if paths.is_empty() {
                continue;
            }
            let mut options = CheckoutBuilder::new();
            options.force().update_index(false).refresh(false).disable_pathspec_match(true);
            for path in paths {
                options.path(path);
            }
            repo.checkout_tree(commit.as_object(), Some(&mut options))?;
        }
        Ok(())
    }

    /// Makes one change to the files. Doing it twice does no harm: a staged file that is gone was placed.
    fn place(&self, change: &Change) -> io::Result<()> {
        let path = self.workdir.join(&change.path);
        let Some(new) = change.new else {
            let is_file = self.find(&change.path)?.is_some_and(|found| !found.is_dir());
            if is_file && !change.old.is_some_and(Entry::is_submodule) {
                fs::remove_file(&path)?;
                remove_empty_parents(&self.workdir, &change.path);
            }
            return Ok(());
        };
        if new.is_submodule() {
            return fs::create_dir_all(&path);
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            remove_empty_directories(&path)?;
        }
        rename_across(&self.git_dir.join(STAGE).join(&change.path), &path)
    }

    /// Writes the index for the new files beside the old one, and swaps them. The lock that guards the index
    /// is ours already, so libgit2's own way of writing can't be used.
    fn write_index(&self, changes: &[Change]) -> Result<(), Cause> {
        let (current, next) = (self.git_dir.join("index"), self.git_dir.join(NEXT_INDEX));
        files::remove(&next)?;
        files::remove(&self.git_dir.join(format!("{NEXT_INDEX}.lock")))?;
        fs::copy(&current, &next)?;
        let mut index = Index::open(&next)?;
        for change in changes {
            let Some(new) = change.new else {
                match index.remove(&change.path, 0) {
                    Err(error) if !is_missing(&error) => return Err(error.into()),
                    _ => continue,
                }
            };
            let mut entry = snapshot::entry(&change.name, new.id, u32::from(new.mode));
            if !new.is_submodule() {
                record_file(&mut entry, &fs::symlink_metadata(self.workdir.join(path_from_bytes(&change.name)))?);
            }
            index.add(&entry)?;
        }
        index.write()?;
        Ok(fs::rename(&next, &current)?)
    }
}

fn open_with(git_dir: &Path, workdir: &Path) -> Result<Repository, git2::Error> {
    let repo = Repository::open(git_dir)?;
    repo.set_workdir(workdir, false)?;
    Ok(repo)
}

fn unfinished(state: RepositoryState) -> Option<&'static str> {
    use RepositoryState::*;
    match state {
        Clean => None,
        Merge => Some("merge"),
        Revert | RevertSequence => Some("revert"),
        CherryPick | CherryPickSequence => Some("cherry-pick"),
        Bisect => Some("bisect"),
        Rebase | RebaseInteractive | RebaseMerge | ApplyMailboxOrRebase => Some("rebase"),
        ApplyMailbox => Some("series of patches (git am)"),
    }
}

/// Whether a directory holds a file that no change is about; where a file is to be, the others are leaving.
fn holds_others(workdir: &Path, directory: &Path, changed: &HashSet<&Path>) -> io::Result<bool> {
    for entry in fs::read_dir(workdir.join(directory))? {
        let entry = entry?;
        let path = directory.join(entry.file_name());
        let others = match entry.file_type()?.is_dir() {
            true => holds_others(workdir, &path, changed)?,
            false => !changed.contains(path.as_path()),
        };
        if others {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove_empty_directories(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        remove_empty_directories(&entry?.path())?;
    }
    fs::remove_dir(directory)
}

/// As git does: a directory that lost its last file goes too. One that still holds something stays, and so
/// does everything above it.
fn remove_empty_parents(workdir: &Path, path: &Path) {
    for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        if fs::remove_dir(workdir.join(parent)).is_err() {
            return;
        }
    }
}

/// Renames; where source and target are on two file systems (a worktree on another disk), copies beside the
/// target first.
fn rename_across(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        renamed => return renamed,
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".slipway-landing");
    let beside = PathBuf::from(beside);
    files::remove(&beside)?;
    match fs::symlink_metadata(from)?.is_symlink() {
        #[cfg(unix)]
        true => std::os::unix::fs::symlink(fs::read_link(from)?, &beside)?,
        _ => fs::copy(from, &beside).map(|_| ())?,
    }
    fs::rename(&beside, to)?;
    fs::remove_file(from)
}

/// Notes what git compares to see that a file is unchanged, so that the next `git status` reads nothing.
#[cfg(unix)]
fn record_file(entry: &mut git2::IndexEntry, found: &fs::Metadata) {
    use std::os::unix::fs::MetadataExt;
    // The index format keeps the low 32 bits of each (gitformat-index(5)).
    entry.ctime = git2::IndexTime::new(found.ctime() as i32, found.ctime_nsec() as u32);
    entry.mtime = git2::IndexTime::new(found.mtime() as i32, found.mtime_nsec() as u32);
    entry.dev = found.dev() as u32;
    entry.ino = found.ino() as u32;
    entry.uid = found.uid();
    entry.gid = found.gid();
    entry.file_size = found.size() as u32;
}

/// Elsewhere the entry says nothing, and git reads the file once to see that it is unchanged.
#[cfg(not(unix))]
fn record_file(_entry: &mut git2::IndexEntry, _found: &fs::Metadata) {}

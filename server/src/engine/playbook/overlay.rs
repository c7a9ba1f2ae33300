//! The worktree with changes laid over it in memory. Blocks are applied to the overlay alone, so a dry run
//! and a build are the same code: a build also [flushes](Overlay::flush).
//!
//! Every access goes through a directory handle that can't be left (cap-std), and no symbolic link is ever
//! followed, so that a link to `.git` inside the repository leads nowhere either.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::{ambient_authority, fs::Dir};
use ignore::WalkBuilder;

use super::{cancel::Cancel, flush, paths::RepoPath, refusal::Refusal};

/// Largest file that blocks edit, in bytes: above any source that people keep, below what makes a dry run
/// slow. Moving and deleting take files of any size.
pub const FILE_LIMIT: u64 = 8 * 1024 * 1024;

/// A file's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Without its byte order mark.
    pub text: String,
    /// UTF-8's byte order mark opened it, and will again.
    pub marked: bool,
    pub executable: bool,
}

impl Text {
    /// Every line with its line feed.
    pub fn lines(&self) -> Vec<&str> {
        self.text.split_inclusive('\n').collect()
    }

    /// How the file ends its lines: as its first one does.
    pub fn line_end(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

/// A line without its line end.
pub fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// What stands at a changed path.
#[derive(Clone, Debug)]
pub(super) enum Node {
    New {
        bytes: Arc<Vec<u8>>,
        executable: bool,
    },
    /// What stands at another path on disk, untouched: a move of any size, a link or a binary file included.
    Moved {
        from: RepoPath,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Missing,
    File,
    /// A symbolic link, a socket, …
    Link,
    Directory,
}

/// What blocks have changed so far; `None` is a file that is gone.
pub(super) type Changes = BTreeMap<RepoPath, Option<Node>>;

pub struct Overlay {
    dir: Dir,
    root: PathBuf,
    changes: Changes,
}

impl Overlay {
    /// Opens the directory `root`.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(root: &Path) -> io::Result<Overlay> {
        let dir = Dir::open_ambient_dir(root, ambient_authority())?;
        Ok(Overlay { dir, root: root.to_owned(), changes: Changes::new() })
    }

    /// Runs one block; when it fails, nothing of it stays.
    pub fn all_or_nothing<T>(&mut self, apply: impl FnOnce(&mut Overlay) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let before = self.changes.clone();
        let result = apply(self);
        if result.is_err() {
            self.changes = before;
        }
        result
    }

    /// Writes every change to disk and forgets it.
    pub fn flush(&mut self, cancel: &Cancel) -> Result<(), Refusal> {
        let changes = std::mem::take(&mut self.changes);
        flush::flush(&self.dir, changes, cancel)
    }

    pub fn kind(&self, path: &RepoPath) -> Result<Kind, Refusal> {
        match self.changes.get(path) {
            Some(Some(Node::New { .. })) => return Ok(Kind::File),
            Some(Some(Node::Moved { from })) => return self.kind_on_disk(from),
            Some(None) | None => {}
        }
        if self.changed_below(path).any(|(_, node)| node.is_some()) {
            return Ok(Kind::Directory);
        }
        for ancestor in path.ancestors() {
            // Only files and links are changed: below one that came, or one that went, there is nothing.
            if self.changes.contains_key(&ancestor) {
                return Ok(Kind::Missing);
            }
        }
        let kind = self.kind_on_disk(path)?;
        let gone = match kind {
            Kind::Directory => !self.holds_anything(path)?,
            Kind::Missing => true,
            Kind::File | Kind::Link => self.changes.contains_key(path),
        };
        Ok(if gone { Kind::Missing } else { kind })
    }

    fn kind_on_disk(&self, path: &RepoPath) -> Result<Kind, Refusal> {
        for ancestor in path.ancestors() {
            match self.dir.symlink_metadata(&ancestor) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) if metadata.is_file() => return Ok(Kind::Missing),
                Ok(_) => return Err(Refusal::Link(ancestor)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kind::Missing),
                Err(source) => return Err(Refusal::Read { path: ancestor, source }),
            }
        }
        match self.dir.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Kind::Directory),
            Ok(metadata) if metadata.is_file() => Ok(Kind::File),
            Ok(_) => Ok(Kind::Link),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Kind::Missing)
            }
            Err(source) => Err(Refusal::Read { path: path.clone(), source }),
        }
    }

    /// Whether a directory on disk still holds anything but empty directories.
    fn holds_anything(&self, path: &RepoPath) -> Result<bool, Refusal> {
        let read = |source| Refusal::Read { path: path.clone(), source };
        for entry in self.dir.read_dir(path).map_err(read)? {
            let entry = entry.map_err(read)?;
            let is_directory = entry.file_type().map_err(read)?.is_dir();
            // A name that is not UTF-8 can't have been changed by a block.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { return Ok(true) };
            let below = path.join(&name);
            let stays = if is_directory { self.holds_anything(&below)? } else { !self.changes.contains_key(&below) };
            if stays {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file's text.
    ///
    /// # Errors
    /// [`Refusal`] when there is no such file, or it is not UTF-8 text of at most [`FILE_LIMIT`] bytes.
    pub fn read(&self, path: &RepoPath) -> Result<Text, Refusal> {
        match self.kind(path)? {
            Kind::File => {}
            Kind::Missing => return Err(Refusal::Missing(path.clone())),
            Kind::Directory => return Err(Refusal::Directory(path.clone())),
            Kind::Link => return Err(Refusal::Link(path.clone())),
        }
        let (bytes, executable) = match self.changes.get(path) {
            Some(Some(Node::New { bytes, executable })) => (bytes.as_ref().clone(), *executable),
            Some(Some(Node::Moved { from })) => self.read_disk(from)?,
            Some(None) | None => self.read_disk(path)?,
        };
        if bytes.contains(&0) {
            return Err(Refusal::Binary(path.clone()));
        }
        let text = String::from_utf8(bytes).map_err(|_| Refusal::NotUtf8(path.clone()))?;
        let (text, marked) = match text.strip_prefix('\u{feff}') {
            Some(text) => (text.to_owned(), true),
            None => (text, false),
        };
        Ok(Text { text, marked, executable })
    }

    fn read_disk(&self, path: &RepoPath) -> Result<(Vec<u8>, bool), Refusal> {
        let read = |source| Refusal::Read { path: path.clone(), source };
        let metadata = self.dir.symlink_metadata(path).map_err(read)?;
        if metadata.len() > FILE_LIMIT {
            return Err(Refusal::TooLarge { path: path.clone(), bytes: metadata.len() });
        }
        Ok((self.dir.read(path).map_err(read)?, flush::is_executable(&metadata)))
    }

    /// Puts text at a path, new or not. The caller has looked what stood there.
    pub fn write(&mut self, path: &RepoPath, text: &Text) -> Result<(), Refusal> {
        self.expect_room(path)?;
        let mark = if text.marked { "\u{feff}" } else { "" };
        let bytes = Arc::new(format!("{mark}{}", text.text).into_bytes());
        self.changes.insert(path.clone(), Some(Node::New { bytes, executable: text.executable }));
        Ok(())
    }

    /// Refuses a path whose parents are not all directories.
    fn expect_room(&self, path: &RepoPath) -> Result<(), Refusal> {
        for ancestor in path.ancestors() {
            match self.kind(&ancestor)? {
                Kind::Directory | Kind::Missing => {}
                Kind::File => {
                    return Refusal::rule(format!("`{ancestor}` is a file, so there can be no `{path}`"));
                }
                Kind::Link => return Err(Refusal::Link(ancestor)),
            }
        }
        if self.kind(path)? == Kind::Directory { Err(Refusal::Directory(path.clone())) } else { Ok(()) }
    }

    /// Takes a file (or link) away.
    pub fn remove(&mut self, path: &RepoPath) -> Result<(), Refusal> {
        match self.kind(path)? {
            Kind::Missing => Err(Refusal::Missing(path.clone())),
            Kind::Directory => Err(Refusal::Directory(path.clone())),
            Kind::File | Kind::Link => {
                self.changes.insert(path.clone(), None);
                Ok(())
            }
        }
    }

    /// Moves a file (or link) to a path where nothing stands.
    pub fn rename(&mut self, from: &RepoPath, to: &RepoPath) -> Result<(), Refusal> {
        if self.kind(from)? == Kind::Missing {
            return Err(Refusal::Missing(from.clone()));
        }
        if self.kind(to)? != Kind::Missing {
            return Err(Refusal::Exists(to.clone()));
        }
        let node = self.changes.get(from).cloned().flatten().unwrap_or_else(|| Node::Moved { from: from.clone() });
        self.remove(from)?;
        self.expect_room(to)?;
        self.changes.insert(to.clone(), Some(node));
        Ok(())
    }

    /// Every file that is not ignored, sorted, the overlay's own included.
    pub fn files(&self, cancel: &Cancel) -> Result<Vec<RepoPath>, Refusal> {
        let mut files = BTreeSet::new();
        for entry in walk(&self.root).build() {
            cancel.check()?;
            // What can't be read, or has a name that is not UTF-8, can't be named by a card either.
            let Ok(entry) = entry else { continue };
            let relative = entry.path().strip_prefix(&self.root).ok().and_then(Path::to_str);
            if entry.file_type().is_some_and(|kind| kind.is_file())
                && let Some(path) = relative.and_then(|path| RepoPath::parse(path).ok())
            {
                files.insert(path);
            }
        }
        for (path, node) in &self.changes {
            if node.is_some() {
                files.insert(path.clone())
            } else {
                files.remove(path)
            };
        }
        Ok(files.into_iter().collect())
    }

    fn changed_below(&self, path: &RepoPath) -> impl Iterator<Item = (&RepoPath, &Option<Node>)> {
        let path = path.clone();
        // In order of bytes a directory's files all lie between `dir/` and `dir0`.
        let (from, to) = (path.join(""), RepoPath::after_children(&path));
        self.changes.range(from..to)
    }
}

/// Walks a repository as git sees it: ignore files respected, those outside of it not; hidden files shown,
/// `.git` not; no link followed.
pub fn walk(root: &Path) -> WalkBuilder {
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(true)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git");
    walk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn text(text: &str) -> Text {
        Text { text: text.to_owned(), marked: false, executable: false }
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let at = dir.path().join(name);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, content).unwrap();
        }
        dir
    }

    #[test]
    fn shows_changes_before_and_after_a_flush() {
        let dir = tree(&[("a/b", "1"), ("c", "2"), ("d", "3")]);
        let mut overlay = Overlay::open(dir.path()).unwrap();
        overlay.remove(&path("a/b")).unwrap();
        overlay.write(&path("a"), &text("now a file")).unwrap();
        overlay.rename(&path("c"), &path("x/y/c")).unwrap();
        overlay.remove(&path("d")).unwrap();
        overlay.write(&path("d/e"), &text("now a directory")).unwrap();
        for _ in 0..2 {
            let files = overlay.files(&Cancel::default()).unwrap();
            assert_eq!(files, [path("a"), path("d/e"), path("x/y/c")]);
            assert_eq!(overlay.read(&path("a")).unwrap().text, "now a file");
            assert_eq!(overlay.read(&path("x/y/c")).unwrap().text, "2");
            assert_eq!(overlay.kind(&path("c")).unwrap(), Kind::Missing);
            assert_eq!(overlay.kind(&path("d")).unwrap(), Kind::Directory);
            overlay.flush(&Cancel::default()).unwrap();
        }
        assert!(dir.path().join("a").is_file());
    }

    #[test]
    fn a_failed_block_leaves_nothing() {
        let dir = tree(&[("a", "1")]);
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let failed = overlay.all_or_nothing(|overlay| {
            overlay.remove(&path("a"))?;
            overlay.remove(&path("missing"))
        });
        assert!(failed.is_err());
        assert_eq!(overlay.kind(&path("a")).unwrap(), Kind::File);
    }

    #[test]
    fn follows_no_link() {
        let dir = tree(&[("real/x", "1")]);
        let outside = tree(&[("secret", "s")]);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("in")).unwrap();
        std::os::unix::fs::symlink("real/x", dir.path().join("file")).unwrap();
        let mut overlay = Overlay::open(dir.path()).unwrap();
        for name in ["out/secret", "in/x", "file"] {
            assert!(matches!(overlay.read(&path(name)), Err(Refusal::Link(_))), "{name}");
        }
        assert!(overlay.write(&path("out/new"), &text("x")).is_err());
        overlay.rename(&path("file"), &path("moved")).unwrap();
        overlay.flush(&Cancel::default()).unwrap();
        assert!(std::fs::symlink_metadata(dir.path().join("moved")).unwrap().is_symlink());
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn refuses_what_is_not_text() {
        let dir = tree(&[("binary", "a\0b")]);
        std::fs::write(dir.path().join("latin"), b"caf\xe9").unwrap();
        let large = std::fs::File::create(dir.path().join("large")).unwrap();
        large.set_len(FILE_LIMIT + 1).unwrap();
        let overlay = Overlay::open(dir.path()).unwrap();
        assert!(matches!(overlay.read(&path("binary")), Err(Refusal::Binary(_))));
        assert!(matches!(overlay.read(&path("latin")), Err(Refusal::NotUtf8(_))));
        assert!(matches!(overlay.read(&path("large")), Err(Refusal::TooLarge { .. })));
    }

    #[test]
    fn keeps_mode_and_mark() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tree(&[("run", "\u{feff}echo\r\n")]);
        std::fs::set_permissions(dir.path().join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let mut run = overlay.read(&path("run")).unwrap();
        assert_eq!((run.text.as_str(), run.marked, run.executable, run.line_end()), ("echo\r\n", true, true, "\r\n"));
        run.text.push_str("x\r\n");
        overlay.write(&path("run"), &run).unwrap();
        overlay.flush(&Cancel::default()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("run")).unwrap(), "\u{feff}echo\r\nx\r\n");
        assert!(std::fs::metadata(dir.path().join("run")).unwrap().permissions().mode() & 0o111 != 0);
    }

    #[test]
    fn lists_what_git_would_see() {
        let dir =
            tree(&[(".gitignore", "target\n"), ("target/x", ""), (".git/config", ""), (".ci/run", ""), ("a", "")]);
        let files = Overlay::open(dir.path()).unwrap().files(&Cancel::default()).unwrap();
        assert_eq!(files, [path(".ci/run"), path(".gitignore"), path("a")]);
    }
}

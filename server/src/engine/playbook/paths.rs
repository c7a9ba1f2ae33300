//! Paths as cards name them: relative, inside the repository, never git's own.

use std::{fmt, path::Path};

/// Longest path, in bytes: what Linux takes (PATH_MAX).
const PATH_LIMIT: usize = 4096;

/// Why a path is not one that a card may name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path is missing")]
    Empty,
    #[error("the path is longer than {PATH_LIMIT} bytes")]
    TooLong,
    #[error("`{0}` is not relative to the repository's root; leave the leading slash or drive out")]
    Absolute(String),
    #[error("`{0}` leads out of the repository; `..` is not allowed")]
    Escapes(String),
    #[error("`{0}` is git's own; blocks may not touch it")]
    Git(String),
    #[error("`{0}` holds a character that no path can hold here")]
    Character(String),
    #[error("`{0}` names a directory; name a file")]
    Directory(String),
}

/// A path relative to the repository's root, with `/`, normalised, without `..` and without `.git`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

impl RepoPath {
    /// Reads a path as people write it: `./a/b` is `a/b`, and quotes around the whole are taken off.
    ///
    /// # Errors
    /// [`PathError`] when it is empty, absolute, leads out of the repository or into `.git`.
    pub fn parse(text: &str) -> Result<RepoPath, PathError> {
        let text = unquoted(text.trim());
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > PATH_LIMIT {
            return Err(PathError::TooLong);
        }
        if text.chars().any(|character| character.is_control()) || (cfg!(windows) && text.contains(['\\', ':'])) {
            return Err(PathError::Character(text.escape_default().to_string()));
        }
        if text.starts_with('/') || Path::new(text).is_absolute() {
            return Err(PathError::Absolute(text.to_owned()));
        }
        let mut parts = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                return Err(PathError::Escapes(text.to_owned()));
            }
            if is_git(part) {
                return Err(PathError::Git(text.to_owned()));
            }
            parts.push(part);
        }
        if parts.is_empty() { Err(PathError::Directory(text.to_owned())) } else { Ok(RepoPath(parts.join("/"))) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories above, the outermost first, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = RepoPath> + '_ {
        self.0.match_indices('/').map(|(at, _)| RepoPath(self.0[..at].to_owned()))
    }

    pub fn parent(&self) -> Option<RepoPath> {
        self.0.rsplit_once('/').map(|(parent, _)| RepoPath(parent.to_owned()))
    }

    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What stands below `directory`, if this does.
    pub fn below(&self, directory: &RepoPath) -> Option<&str> {
        self.0.strip_prefix(&directory.0)?.strip_prefix('/')
    }

    /// The first text that sorts after everything below `directory`: `0` follows `/` in ASCII.
    pub(super) fn after_children(directory: &RepoPath) -> RepoPath {
        RepoPath(format!("{}0", directory.0))
    }

    /// `self/name`, where `name` is already the tail of a [`RepoPath`].
    pub fn join(&self, name: &str) -> RepoPath {
        RepoPath(format!("{}/{name}", self.0))
    }
}

impl AsRef<Path> for RepoPath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('`')).unwrap_or(text)
}

/// Whether some file system takes this name for `.git`: Windows' short name and its disregard for trailing
/// dots and spaces, and any case (git's own `core.protectNTFS` and `core.protectHFS` rules, in the main).
fn is_git(part: &str) -> bool {
    let part: String = part.chars().filter(|character| !is_ignored_by_hfs(*character)).collect();
    let part = part.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_lowercase();
    part == ".git" || part == "git~1"
}

fn is_ignored_by_hfs(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, path) in
            [("a b/c", "a b/c"), ("./a//b/./c", "a/b/c"), ("\"x y\"", "x y"), (".gitignore", ".gitignore")]
        {
            assert_eq!(RepoPath::parse(text).unwrap().as_str(), path);
        }
    }

    #[test]
    fn refuses_ways_out() {
        for text in [
            "",
            "/etc/passwd",
            "..",
            "a/../../b",
            "a/..",
            ".git/config",
            "a/.GIT/x",
            ".git. /x",
            "git~1",
            ".",
            "./",
            "a\nb",
            ".g\u{200c}it",
        ] {
            assert!(RepoPath::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_reads_again(text in "[a./ gitGIT~\"-]{0,12}") {
            if let Ok(path) = RepoPath::parse(&text) {
                prop_assert!(!path.as_str().split('/').any(|part| part == ".." || part.is_empty()));
            }
        }
    }
}

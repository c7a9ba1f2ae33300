//! Why a block does not apply, in words that say what to change in the card.

use super::{overlay::FILE_LIMIT, paths::PathError, paths::RepoPath};

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    Path(#[from] PathError),
    #[error("`{0}` does not exist")]
    Missing(RepoPath),
    #[error("`{0}` exists already")]
    Exists(RepoPath),
    #[error("`{0}` is a directory")]
    Directory(RepoPath),
    #[error("`{0}` is a symbolic link or a special file, which blocks do not follow")]
    Link(RepoPath),
    #[error("`{0}` is a binary file (it holds a NUL byte); only text can be edited")]
    Binary(RepoPath),
    #[error("`{0}` is not UTF-8 text; only UTF-8 can be edited")]
    NotUtf8(RepoPath),
    #[error("`{path}` has {bytes} bytes; at most {FILE_LIMIT} can be edited")]
    TooLarge { path: RepoPath, bytes: u64 },
    /// A rule of one kind of block, in words.
    #[error("{0}")]
    Rule(String),
    #[error("`{path}` could not be read: {source}")]
    Read { path: RepoPath, source: std::io::Error },
    #[error("`{path}` could not be written: {source}")]
    Write { path: RepoPath, source: std::io::Error },
    #[error("cancelled")]
    Cancelled,
}

impl Refusal {
    pub fn rule<T>(text: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal::Rule(text.into()))
    }
}

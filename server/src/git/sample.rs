//! git, as the sample project needs it.

use std::{io, path::Path};

use super::{Identity, commit};
use crate::sample::SampleGit;

/// Makes the sample's repository in our name. Where git knows nobody, the repository gets that name in its
/// own configuration, so that a machine that has never committed can still ship the sample.
pub struct OwnGit;

fn own_identity() -> Identity {
    Identity { name: "Slipway".to_owned(), email: "slipway@localhost".to_owned() }
}

impl SampleGit for OwnGit {
    fn init(&self, directory: &Path, branch: &str) -> io::Result<()> {
        super::init(directory, branch).map_err(io::Error::other)?;
        if commit::identity(directory).is_ok() {
            return Ok(());
        }
        super::set_local_identity(directory, &own_identity()).map_err(io::Error::other)
    }

    fn commit_all(&self, directory: &Path, message: &str) -> io::Result<()> {
        super::commit_all(directory, message, &own_identity()).map(drop).map_err(io::Error::other)
    }
}

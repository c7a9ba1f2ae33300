//! What stands in a landing's way, and the ways on that a person can choose.

use std::path::PathBuf;

use slipway_app::model::{CardStatus, Project, QuestionOption};

use crate::{
    card, git,
    question::{self, NewQuestion, Topic},
    store::StoreError,
    workshop::Workshop,
};

/// Paths that a question names before it only counts the rest.
const PATHS_SHOWN: usize = 20;
/// Longest output of a failed check that a question shows, in bytes from its end.
const OUTPUT_SHOWN: usize = 4 * 1024;

/// Why the commit is not on the base yet. The text is what the card says.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    #[error("the card has no commit; send it back to Review")]
    NoCommit,
    #[error("it conflicts with what the base has now, in {}", list(.0))]
    Conflicts(Vec<String>),
    #[error("{} has uncommitted changes: {}", .checkout.display(), list(.paths))]
    Dirty { checkout: PathBuf, paths: Vec<String> },
    #[error("{} is in the middle of something: {what}", .checkout.display())]
    Busy { checkout: PathBuf, what: String },
    #[error("the base branch keeps moving")]
    BaseMoved,
    #[error("the check command fails on the merge with the base as it is now ({ended})")]
    ChecksFailed { ended: String, output: String },
    #[error("{0}")]
    Git(String),
}

impl From<git::GitError> for Obstacle {
    fn from(error: git::GitError) -> Self {
        Obstacle::Git(error.to_string())
    }
}

impl From<git::CommitError> for Obstacle {
    fn from(error: git::CommitError) -> Self {
        Obstacle::Git(error.to_string())
    }
}

impl From<git::land::LandError> for Obstacle {
    fn from(error: git::land::LandError) -> Self {
        use git::land::LandError;
        match error {
            LandError::Dirty { checkout, paths } => Obstacle::Dirty { checkout, paths },
            LandError::Busy { checkout, what } => Obstacle::Busy { checkout, what },
            LandError::BaseMoved { .. } => Obstacle::BaseMoved,
            LandError::Git(error) => error.into(),
        }
    }
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    TryAgain,
    BuildAgain,
    KeepBranch,
}

impl Way {
    const ALL: [Way; 3] = [Way::TryAgain, Way::BuildAgain, Way::KeepBranch];

    pub fn as_str(self) -> &'static str {
        match self {
            Way::TryAgain => "try_again",
            Way::BuildAgain => "build_again",
            Way::KeepBranch => "keep_branch",
        }
    }

    pub fn parse(text: &str) -> Option<Way> {
        Way::ALL.into_iter().find(|way| way.as_str() == text)
    }

    fn label(self) -> &'static str {
        match self {
            Way::TryAgain => "Try again",
            Way::BuildAgain => "Build again on the base as it is now",
            Way::KeepBranch => "Leave the commit on its branch",
        }
    }
}

/// Asks on the card how to go on; nothing is lost meanwhile, the commit is on the card's branch.
pub async fn ask(
    workshop: &Workshop,
    card: &card::Row,
    project: &Project,
    obstacle: Obstacle,
) -> Result<(), StoreError> {
    let branch = card.branch.as_deref().unwrap_or("its branch");
    let mut prompt = format!("The commit could not be landed on `{}`: {obstacle}.\n\n", project.base_branch);
    prompt.push_str(match &obstacle {
        Obstacle::Dirty { .. } => "Commit or stash those changes, then try again.",
        Obstacle::Busy { .. } => "Finish or abort it, then try again.",
        Obstacle::Conflicts(_) => {
            "Build again to apply the work to the base as it is now, or merge the branch by hand."
        }
        Obstacle::ChecksFailed { .. } => "Build again on the base as it is now, or look at the branch by hand.",
        Obstacle::BaseMoved => "Try again when it is quiet.",
        Obstacle::NoCommit | Obstacle::Git(_) => "Put that right, then try again.",
    });
    prompt.push_str(&format!(" The commit is safe on `{branch}`."));
    if let Obstacle::ChecksFailed { output, .. } = &obstacle {
        prompt.push_str(&format!("\n\n{}", crate::artifact::markdown::fence(tail(output), "text")));
    }
    let new = NewQuestion {
        topic: Topic::Landing,
        agent: None,
        prompt,
        options: Way::ALL
            .iter()
            .map(|way| QuestionOption { id: way.as_str().to_owned(), label: way.label().to_owned() })
            .collect(),
        default_option: Some(Way::TryAgain.as_str().to_owned()),
    };
    let mut tx = workshop.store.begin().await?;
    question::ask(&mut tx, card, new).await?;
    tracing::debug!(card = %card.id, status = CardStatus::Waiting.as_str(), "a landing asks a person");
    tx.commit().await
}

fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(OUTPUT_SHOWN);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[from..]
}

fn list(paths: &[String]) -> String {
    let mut text = paths.iter().take(PATHS_SHOWN).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > PATHS_SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - PATHS_SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obstacles_read_as_sentences() {
        let many = (0..25).map(|n| format!("f{n}")).collect();
        let text = Obstacle::Conflicts(many).to_string();
        assert!(text.ends_with("`f19` and 5 more"), "{text}");
        let dirty = Obstacle::Dirty { checkout: "/r".into(), paths: vec!["a b".to_owned()] };
        assert_eq!(dirty.to_string(), "/r has uncommitted changes: `a b`");
    }

    #[test]
    fn every_way_has_a_name() {
        for way in Way::ALL {
            assert_eq!(Way::parse(way.as_str()), Some(way));
            assert!(!way.label().is_empty());
        }
    }
}

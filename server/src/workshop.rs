//! What the orchestrator's tasks share: the store, the data directory's layout, the sandbox, the engines and
//! one lock per repository.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use slipway_app::model::{AgentId, CardId, EngineName, ProjectId};
use uuid::Uuid;

use crate::{
    engine::{Engine, playbook::PlaybookEngine},
    sandbox::Sandbox,
    store::Store,
};

/// Longest readable part of a branch name, in characters.
const SLUG_LIMIT: usize = 40;

/// Shared by everything that does work for agents.
pub struct Workshop {
    pub store: Arc<Store>,
    pub layout: Layout,
    pub sandbox: Sandbox,
    /// This run of the server: the owner of its leases.
    pub server: Uuid,
    /// Agents at work at once, over all projects.
    pub max_agents: usize,
    playbook: Arc<PlaybookEngine>,
    /// libgit2 and landings want one writer a repository.
    repositories: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Workshop {
    pub fn new(store: Arc<Store>, data_dir: &Path, sandbox: Sandbox, max_agents: usize) -> Self {
        Workshop {
            store,
            layout: Layout { data_dir: data_dir.to_owned() },
            sandbox,
            server: Uuid::now_v7(),
            max_agents,
            playbook: Arc::new(PlaybookEngine),
            repositories: Mutex::default(),
        }
    }

    /// The engine of that name, if this build has it.
    pub fn engine(&self, name: EngineName) -> Option<Arc<dyn Engine>> {
        match name {
            EngineName::Playbook => Some(self.playbook.clone()),
            EngineName::Anthropic | EngineName::Openai | EngineName::Acp => None,
        }
    }

    /// Held while refs, worktrees' administration or the user's checkout change.
    pub async fn repository_turn(&self, project: ProjectId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(project).or_default().clone()
        };
        lock.lock_owned().await
    }
}

/// Where things are in the data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    pub data_dir: PathBuf,
}

impl Layout {
    /// The card's own worktree.
    pub fn worktree(&self, card: CardId) -> PathBuf {
        self.data_dir.join("worktrees").join(card.to_string())
    }

    /// An agent's own files: gone when it is deleted.
    pub fn agent_dir(&self, agent: AgentId) -> PathBuf {
        self.data_dir.join("agents").join(agent.to_string())
    }

    /// Throw-away checkouts of landings.
    pub fn landings_dir(&self) -> PathBuf {
        self.data_dir.join("landings")
    }

    /// A throw-away checkout of a landing.
    pub fn landing_dir(&self, card: CardId) -> PathBuf {
        self.landings_dir().join(card.to_string())
    }
}

/// The name under which git administers a card's worktree; unique over all projects.
pub fn worktree_name(card: CardId) -> String {
    format!("slipway-{card}")
}

/// A card's branch: `slipway/<number>-<slug>`. Generated, so that no title ever becomes a ref or a path.
pub fn branch_name(number: i64, title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars() {
        if slug.len() >= SLUG_LIMIT {
            break;
        }
        match character.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => slug.push(letter),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("slipway/{number}") } else { format!("slipway/{number}-{slug}") }
}

/// The ref that keeps the `n`th snapshot of a card alive.
pub fn snapshot_ref(card: CardId, n: i32) -> String {
    format!("refs/slipway/{card}/{n}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn branches_are_readable() {
        let check = |title: &str, want: &str| assert_eq!(branch_name(12, title), want);
        check("Fix login", "slipway/12-fix-login");
        check("  $(rm -rf /) ../.. `x`.lock", "slipway/12-rm-rf-x-lock");
        check("日本語", "slipway/12");
    }

    proptest! {
        #[test]
        fn branches_are_valid_refs(title in ".*") {
            let name = branch_name(1, &title);
            let reference = format!("refs/heads/{name}");
            prop_assert!(git2::Reference::is_valid_name(&reference));
            prop_assert!(name.len() <= 60);
        }
    }
}

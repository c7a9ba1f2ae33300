//! Worktrees ready to work in: checked out, with the ignored files a project needs, and set up.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use slipway_app::model::{AgentId, Bring, BringMode, Project};

use crate::{
    card,
    commands::Commands,
    engine::{EngineError, RunCommand},
    git::{self, Oid},
    sandbox::Mode,
    store::StoreError,
    workshop::{Workshop, branch_name, worktree_name},
};

/// Files that one brought path may hold; a copy of more belongs into `share`.
const COPY_LIMIT: usize = 50_000;
/// Numbers tried behind a branch name that is taken.
const BRANCH_TRIES: usize = 20;
/// How much of a failed set-up command's output its error shows, in bytes from the end.
const OUTPUT_SHOWN: usize = 4 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Git(#[from] git::GitError),
    #[error("{path} could not be brought into the worktree")]
    Bring {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the set-up command `{command}` failed ({ended}). Its last output:\n{output}")]
    SetUp { command: String, ended: String, output: String },
    #[error(transparent)]
    Command(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("preparing the workspace ended unexpectedly")]
    Panicked(#[from] tokio::task::JoinError),
}

/// Directories of the user's that commands see read-only inside the worktree.
#[derive(Clone, Debug, Default)]
pub struct Shares(pub Vec<(PathBuf, PathBuf)>);

/// A worktree ready to work in.
pub struct Workspace {
    pub path: PathBuf,
    pub shares: Shares,
    /// The commit it stands on.
    pub base: Oid,
    pub base_tree: Oid,
    /// Its files before the agent began: set-up's litter is in it.
    pub before: Oid,
}

/// Makes the card's own worktree, or puts it back, to the tip of the base branch. What it is going to be is
/// put on record first.
pub async fn of_card(
    workshop: &Arc<Workshop>,
    agent: AgentId,
    card: &card::Row,
    project: &Project,
    set_up: SetUp,
) -> Result<Workspace, PrepareError> {
    let repository = PathBuf::from(&project.path);
    let id = card.card_id();
    let (base, base_tree) = {
        let (repository, branch) = (repository.clone(), project.base_branch.clone());
        tokio::task::spawn_blocking(move || {
            let base = git::base_tip(&repository, &branch)?;
            git::tree_of(&repository, base).map(|tree| (base, tree))
        })
        .await??
    };
    let branch = match &card.branch {
        Some(branch) => branch.clone(),
        None => {
            let (repository, wanted) = (repository.clone(), branch_name(card.number, &card.title));
            tokio::task::spawn_blocking(move || free_branch(&repository, wanted)).await?
        }
    };
    intend(workshop, card, &branch, base).await?;
    let path = workshop.layout.worktree(id);
    {
        // Held by the thread that works, so that a cancelled agent's last step is over before the next begins.
        let turn = workshop.repository_turn(project.id).await;
        let (repository, path) = (repository.clone(), path.clone());
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            git::worktree::create(&repository, &path, &worktree_name(id), &branch, base)
        })
        .await??;
    }
    let mut before = base_tree;
    let mut shares = Shares::default();
    if set_up == SetUp::Full {
        shares = bring(workshop, project, &path).await?;
        let commands = Commands::of_agent(workshop.clone(), agent, project, path.clone(), shares.clone());
        let ran = run_set_up(project, &commands).await?;
        if ran || !project.bring.is_empty() {
            before = tree_of_worktree(repository, path.clone(), worktree_name(id)).await?;
        }
    }
    Ok(Workspace { path, shares, base, base_tree, before })
}

/// A branch name that is not taken: another board on the same repository counts its cards from 1 as well.
fn free_branch(repository: &Path, wanted: String) -> String {
    let numbered = (2..=BRANCH_TRIES).map(|n| format!("{wanted}-{n}"));
    let mut names = std::iter::once(wanted.clone()).chain(numbered);
    let unique = || format!("{wanted}-{}", uuid::Uuid::now_v7().simple());
    names.find(|name| git::base_tip(repository, name).is_err()).unwrap_or_else(unique)
}

/// Whether a workspace is only read, or commands run in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUp {
    /// Files alone.
    Bare,
    /// With brought files and the set-up command.
    Full,
}

/// A writable throw-away checkout of `tree`, ready for commands. The caller removes it.
pub async fn throw_away(
    workshop: &Arc<Workshop>,
    project: &Project,
    path: PathBuf,
    name: String,
    tree: Oid,
    parent: Oid,
) -> Result<(PathBuf, Shares), PrepareError> {
    let repository = PathBuf::from(&project.path);
    {
        let turn = workshop.repository_turn(project.id).await;
        let path = path.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            git::worktree::checkout_throwaway(&repository, &path, &name, tree, parent)
        })
        .await??;
    }
    let shares = bring(workshop, project, &path).await?;
    Ok((path, shares))
}

/// Runs the project's set-up command, if it has one.
pub async fn run_set_up(project: &Project, commands: &Commands) -> Result<bool, PrepareError> {
    let Some(command) = &project.setup_command else { return Ok(false) };
    let result = commands.run(command).await?;
    if result.succeeded {
        return Ok(true);
    }
    let from = result.output.len().saturating_sub(OUTPUT_SHOWN);
    let from = (from..=result.output.len()).find(|at| result.output.is_char_boundary(*at)).unwrap_or(0);
    let output = result.output[from..].to_owned();
    Err(PrepareError::SetUp { command: command.clone(), ended: result.ended, output })
}

/// The tree of everything in the worktree that git does not ignore.
pub async fn tree_of_worktree(repository: PathBuf, path: PathBuf, name: String) -> Result<Oid, PrepareError> {
    Ok(tokio::task::spawn_blocking(move || git::snapshot::write_tree(&repository, &path, &name)).await??)
}

/// The card's row says which worktree and branch are its own before either exists, so that a kill in
/// between leaves nothing that nobody knows of.
async fn intend(workshop: &Workshop, card: &card::Row, branch: &str, base: Oid) -> Result<(), StoreError> {
    let base = base.to_string();
    if card.has_workspace && card.branch.as_deref() == Some(branch) && card.base_oid.as_deref() == Some(&base) {
        return Ok(());
    }
    let tx = workshop.store.begin().await?;
    let mut change = card::touched(card);
    change.branch = Set(Some(branch.to_owned()));
    change.has_workspace = Set(true);
    change.base_oid = Set(Some(base));
    change.update(&*tx).await?;
    tx.commit().await
}

/// Brings the ignored paths that the project names. A path that the repository does not have is passed over:
/// a fresh clone has no `.env` yet.
async fn bring(workshop: &Workshop, project: &Project, worktree: &Path) -> Result<Shares, PrepareError> {
    if project.bring.is_empty() {
        return Ok(Shares::default());
    }
    let binds = matches!(workshop.sandbox.mode().await, Mode::Bubblewrap { .. });
    let (repository, worktree, list) = (PathBuf::from(&project.path), worktree.to_owned(), project.bring.clone());
    tokio::task::spawn_blocking(move || {
        let mut shares = Shares::default();
        for Bring { path, mode } in list {
            let (source, target) = (repository.join(&path), worktree.join(&path));
            let failed = |source| PrepareError::Bring { path: path.clone(), source };
            match fs::symlink_metadata(&source) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
                Ok(_) if !stays_inside(&repository, &source) => {
                    return Err(failed(io::Error::other("it leads out of the repository")));
                }
                Ok(_) => {}
            }
            match mode {
                BringMode::Copy => copy(&source, &target, &mut 0).map_err(failed)?,
                BringMode::Share if binds => shares.0.push((source, target)),
                BringMode::Share => link(&source, &target).map_err(failed)?,
            }
        }
        Ok(shares)
    })
    .await?
}

fn stays_inside(repository: &Path, source: &Path) -> bool {
    match (repository.canonicalize(), source.canonicalize()) {
        (Ok(root), Ok(real)) => real.starts_with(root),
        _ => false,
    }
}

fn link(source: &Path, target: &Path) -> io::Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    match std::os::unix::fs::symlink(source, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn copy(source: &Path, target: &Path, copied: &mut usize) -> io::Result<()> {
    *copied += 1;
    if *copied > COPY_LIMIT {
        return Err(io::Error::other(format!("it holds more than {COPY_LIMIT} files; share it instead of copying it")));
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let kind = fs::symlink_metadata(source)?.file_type();
    if kind.is_symlink() {
        return link(&fs::read_link(source)?, target);
    }
    if kind.is_dir() {
        fs::create_dir_all(target)?;
        for entry in fs::read_dir(source)? {
            let entry = entry?;
            copy(&entry.path(), &target.join(entry.file_name()), copied)?;
        }
        return Ok(());
    }
    if kind.is_file() {
        fs::copy(source, target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_shape_and_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let (repository, worktree) = (dir.path().join("r"), dir.path().join("w"));
        fs::create_dir_all(repository.join("cache/deep")).unwrap();
        fs::write(repository.join("cache/deep/a"), "1").unwrap();
        std::os::unix::fs::symlink("deep/a", repository.join("cache/b")).unwrap();
        std::os::unix::fs::symlink("/etc", repository.join("out")).unwrap();
        copy(&repository.join("cache"), &worktree.join("cache"), &mut 0).unwrap();
        assert_eq!(fs::read_to_string(worktree.join("cache/b")).unwrap(), "1");
        assert!(stays_inside(&repository, &repository.join("cache")));
        assert!(!stays_inside(&repository, &repository.join("out")));
    }
}

//! The builder: works in the card's worktree. What it made is frozen as a snapshot before the check command
//! runs, so that the command's litter is never in it.

use slipway_app::model::{ArtifactKind, Role};

use super::{Bench, Produced, WorkError, report_name};
use crate::{
    artifact::{Plan, stored::NewArtifact},
    card,
    engine::Report,
    git,
    workshop::{snapshot_ref, worktree_name},
    workspace::{self, SetUp, Workspace},
};

/// The name of the builder's own account of its work.
pub const NOTES: &str = "build-notes.md";

pub async fn work(bench: Bench<'_>) -> Result<Produced, WorkError> {
    bench.say(2, "Preparing the worktree").await;
    let workspace =
        workspace::of_card(bench.workshop, bench.row.agent_id(), &bench.card, &bench.project, SetUp::Full).await?;
    let mut context = bench.context().await?;
    let mut consumed = Vec::new();
    let plan = bench.earlier(ArtifactKind::Plan, &mut consumed).await?;
    let plan =
        plan.ok_or_else(|| WorkError::Missing("The card has no plan to build from. Move it back to Plan.".to_owned()))?;
    let unreadable = |error| WorkError::Missing(format!("The card's plan cannot be read: {error}"));
    context.plan = Some(Plan::parse(&plan).map_err(unreadable)?);
    let commands = bench.commands(workspace.path.clone(), workspace.shares.clone());
    let report = bench.run_engine(Role::Builder, context, &consumed, workspace.path.clone(), commands.clone()).await?;
    let Report::Build(notes) = report else {
        return Err(WorkError::WrongReport { role: "builder", got: report_name(&report), owed: "build notes" });
    };
    bench.say(80, "Freezing the snapshot").await;
    let (snapshot, diff) = freeze(&bench, &workspace).await?;
    if bench.project.check_command.is_some() {
        bench.say(85, "Running the check command").await;
    }
    let checks = commands.check().await?;
    Ok(Produced {
        artifacts: vec![
            NewArtifact::diff(diff.patch),
            NewArtifact::markdown(ArtifactKind::CheckReport, "checks.md", checks.render()),
            NewArtifact::markdown(ArtifactKind::File, NOTES, notes.render()),
        ],
        card: Some(card::Produced::Snapshot {
            base: workspace.base.to_string(),
            snapshot: snapshot.to_string(),
            number: bench.card.snapshots + 1,
        }),
    })
}

/// Freezes what the agent changed, and nothing that was there before it began.
async fn freeze(bench: &Bench<'_>, workspace: &Workspace) -> Result<(git::Oid, git::Diff), WorkError> {
    let (repository, path) = (bench.repository(), workspace.path.clone());
    let (base_tree, before) = (workspace.base_tree, workspace.before);
    let id = bench.card.card_id();
    let reference = snapshot_ref(id, bench.card.snapshots + 1);
    let turn = bench.workshop.repository_turn(bench.project.id).await;
    let frozen = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let after = git::snapshot::write_tree(&repository, &path, &worktree_name(id))?;
        let snapshot = git::snapshot::freeze(&repository, base_tree, before, after, &reference)?;
        git::diff::diff(&repository, base_tree, snapshot).map(|diff| (snapshot, diff))
    });
    Ok(frozen.await??)
}

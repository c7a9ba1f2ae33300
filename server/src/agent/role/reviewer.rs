//! The reviewer: judges the snapshot in a fresh throw-away checkout, with a check run of its own. It never
//! sees the builder's worktree or session.

use slipway_app::model::{ArtifactKind, Role};

use super::{Bench, Produced, WorkError, checkout_name, report_name};
use crate::{
    artifact::{Plan, stored::NewArtifact},
    engine::Report,
    git::Oid,
    workspace,
};

pub async fn work(bench: Bench<'_>) -> Result<Produced, WorkError> {
    let (snapshot, base) = frozen(&bench)?;
    bench.say(5, "Checking out the snapshot").await;
    let agent = bench.row.agent_id();
    let at = bench.workshop.layout.agent_dir(agent).join("checkout");
    let (workspace, shares) =
        workspace::throw_away(bench.workshop, &bench.project, at, checkout_name(agent), snapshot, base).await?;
    let commands = bench.commands(workspace.clone(), shares);
    workspace::run_set_up(&bench.project, &commands).await?;
    if bench.project.check_command.is_some() {
        bench.say(20, "Running the check command").await;
    }
    let checks = commands.check().await?;

    let mut context = bench.context().await?;
    let mut consumed = Vec::new();
    context.plan = bench.earlier(ArtifactKind::Plan, &mut consumed).await?.and_then(|text| Plan::parse(&text).ok());
    context.diff = bench.earlier(ArtifactKind::Diff, &mut consumed).await?;
    context.check_report = Some(checks.clone());
    let report = bench.run_engine(Role::Reviewer, context, &consumed, workspace, commands).await?;
    let Report::Review(review) = report else {
        return Err(WorkError::WrongReport { role: "reviewer", got: report_name(&report), owed: "a review" });
    };
    Ok(Produced {
        artifacts: vec![
            NewArtifact::markdown(ArtifactKind::CheckReport, "checks.md", checks.render()),
            NewArtifact::markdown(ArtifactKind::Review, "review.md", review.render()),
        ],
        card: None,
    })
}

/// The card's snapshot and the commit it is based on.
pub(super) fn frozen(bench: &Bench<'_>) -> Result<(Oid, Oid), WorkError> {
    let missing = || WorkError::Missing("The card has no snapshot. Move it back to Build.".to_owned());
    let read = |hex: &Option<String>| hex.as_deref().and_then(|hex| Oid::from_str(hex).ok()).ok_or_else(missing);
    Ok((read(&bench.card.snapshot_oid)?, read(&bench.card.base_oid)?))
}

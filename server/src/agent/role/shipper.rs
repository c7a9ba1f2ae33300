//! The shipper: writes the message; the commit itself is made here, once per card and shipper.

use slipway_app::model::{ArtifactKind, Role};

use super::{Bench, Produced, WorkError, report_name, reviewer};
use crate::{
    artifact::{CommitMessage, Plan, Review, stored::NewArtifact},
    card,
    engine::Report,
    git::{self, Oid},
    ship::{AGENT_TRAILER, CARD_TRAILER},
};

pub async fn work(bench: Bench<'_>) -> Result<Produced, WorkError> {
    let id = bench.card.card_id();
    let mut context = bench.context().await?;
    let mut consumed = Vec::new();
    context.plan = bench.earlier(ArtifactKind::Plan, &mut consumed).await?.and_then(|text| Plan::parse(&text).ok());
    context.diff = bench.earlier(ArtifactKind::Diff, &mut consumed).await?;
    context.review =
        bench.earlier(ArtifactKind::Review, &mut consumed).await?.and_then(|text| Review::parse(&text).ok());
    let workspace = bench.workshop.layout.agent_dir(bench.row.agent_id());
    tokio::fs::create_dir_all(&workspace).await.map_err(|source| {
        WorkError::Engine(crate::engine::EngineError::Failed {
            doing: "making the agent's directory".to_owned(),
            source,
        })
    })?;
    let commands = bench.commands(workspace.clone(), Default::default());
    let report = bench.run_engine(Role::Shipper, context, &consumed, workspace, commands).await?;
    let Report::Commit(mut message) = report else {
        return Err(WorkError::WrongReport { role: "shipper", got: report_name(&report), owed: "a commit message" });
    };
    message.trailers =
        vec![(CARD_TRAILER.to_owned(), id.to_string()), (AGENT_TRAILER.to_owned(), bench.row.agent_id().to_string())];
    bench.say(80, "Committing on the card's branch").await;
    let commit = commit(&bench, &message).await?;
    Ok(Produced {
        artifacts: vec![NewArtifact::markdown(ArtifactKind::Commit, "commit.md", message.render())],
        card: Some(card::Produced::Commit { oid: commit.to_string() }),
    })
}

/// Commits the snapshot's tree on the card's branch, unless an earlier start of this very shipper has.
async fn commit(bench: &Bench<'_>, message: &CommitMessage) -> Result<Oid, WorkError> {
    let (snapshot, base) = reviewer::frozen(bench)?;
    let branch = bench
        .card
        .branch
        .clone()
        .ok_or_else(|| WorkError::Missing("The card has no branch. Move it back to Build.".to_owned()))?;
    let (repository, text) = (bench.repository(), message.to_git());
    let (card, agent) = (bench.card.id.to_string(), bench.row.id.to_string());
    let turn = bench.workshop.repository_turn(bench.project.id).await;
    let committed = tokio::task::spawn_blocking(move || -> Result<Oid, git::CommitError> {
        let _turn = turn;
        match git::commit::find_by_trailers(&repository, &branch, base, &card, &agent)? {
            Some((oid, _)) => Ok(oid),
            None => git::commit::commit(&repository, &branch, snapshot, base, &text),
        }
    });
    Ok(committed.await??)
}

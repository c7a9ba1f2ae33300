//! The planner: reads the repository, hands in a plan.

use slipway_app::model::{ArtifactKind, Role};

use super::{Bench, Produced, WorkError, report_name};
use crate::{
    artifact::stored::NewArtifact,
    engine::Report,
    workspace::{self, SetUp},
};

pub async fn work(bench: Bench<'_>) -> Result<Produced, WorkError> {
    bench.say(5, "Checking out the base").await;
    let workspace =
        workspace::of_card(bench.workshop, bench.row.agent_id(), &bench.card, &bench.project, SetUp::Bare).await?;
    let context = bench.context().await?;
    let commands = bench.commands(workspace.path.clone(), workspace.shares.clone());
    let report = bench.run_engine(Role::Planner, context, &[], workspace.path, commands).await?;
    let Report::Plan(plan) = report else {
        return Err(WorkError::WrongReport { role: "planner", got: report_name(&report), owed: "a plan" });
    };
    Ok(Produced { artifacts: vec![NewArtifact::markdown(ArtifactKind::Plan, "plan.md", plan.render())], card: None })
}

//! At a stage's exit: the checks are evaluated from what is on record, the gate is opened with them, and
//! where the project says so the policy decides.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use slipway_app::model::{
    Actor, AgentId, ArtifactKind, CardId, Check, Decision, GateId, GateState, Land, NewDecision, Project, Stage,
};

use crate::{
    agent::role::BUILD_NOTES,
    artifact::{BuildNotes, CheckReport, CommitMessage, Plan, Review, Severity, Verdict, stored},
    card,
    engine::playbook,
    gate::{
        self,
        checks::{
            BaseState, BuildFacts, PlanFacts, ReviewFacts, ShipFacts, build_checks, plan_checks, review_checks,
            ship_checks,
        },
    },
    git::{self, Oid, land::Preview},
    project,
    ship::{self, AGENT_TRAILER, CARD_TRAILER, trial},
    store::StoreError,
    transition::{self, MoveError},
    workshop::Workshop,
};

/// A gate that could not be put on record.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error(transparent)]
    Card(#[from] card::LoadError),
    #[error(transparent)]
    Project(#[from] project::LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// Why the checks have no answer. The gate opens red and says so: a card is never stuck.
#[derive(Debug, thiserror::Error)]
enum EvaluateError {
    #[error(transparent)]
    Read(#[from] stored::ReadError),
    #[error(transparent)]
    Git(#[from] git::GitError),
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    #[error(transparent)]
    Land(#[from] ship::LandError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Artifact(String),
    #[error("evaluating ended unexpectedly")]
    Panicked(#[from] tokio::task::JoinError),
}

/// Evaluates the checks of the stage that the agent has just completed, and opens its gate.
pub async fn open_gate(workshop: &Arc<Workshop>, id: CardId, agent: AgentId) -> Result<(), GateError> {
    let card = card::load(workshop.store.reader(), id).await?;
    let project = project::load(workshop.store.reader(), card.project()).await?;
    let stage = card.stage()?;
    let checks = evaluate(workshop, &card, &project, stage, agent).await.unwrap_or_else(|error| {
        let detail = format!("The checks could not be evaluated: {error}. Put that right, then send the card back.");
        vec![Check { name: "evaluated".to_owned(), passed: false, detail }]
    });
    let mut tx = workshop.store.begin().await?;
    let now = card::load(&*tx, id).await?;
    // The card may have moved on while the checks ran.
    if now.agent_id == Some(agent.0) && now.gate_id.is_none() && now.archived_at.is_none() {
        gate::open(&mut tx, &now, stage, agent, checks).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn evaluate(
    workshop: &Arc<Workshop>,
    card: &card::Row,
    project: &Project,
    stage: Stage,
    agent: AgentId,
) -> Result<Vec<Check>, EvaluateError> {
    let at = Evaluation { workshop, card, project, agent };
    match stage {
        Stage::Backlog => Ok(Vec::new()),
        Stage::Plan => at.plan().await,
        Stage::Build => at.build().await,
        Stage::Review => at.review().await,
        Stage::Ship => at.ship().await,
    }
}

struct Evaluation<'e> {
    workshop: &'e Arc<Workshop>,
    card: &'e card::Row,
    project: &'e Project,
    agent: AgentId,
}

impl Evaluation<'_> {
    async fn plan(&self) -> Result<Vec<Check>, EvaluateError> {
        let plan = self.own(ArtifactKind::Plan, Plan::parse).await?;
        let body = card::body(self.workshop.store.reader(), self.card.card_id()).await?;
        let worktree = self.workshop.layout.worktree(self.card.card_id());
        let dry_run = playbook::dry_run(&worktree, &body).await?;
        let known = self.known_paths(&plan).await?;
        let exists = |path: &str| known.contains(path);
        let engine = self.project.engine_at(Stage::Build);
        Ok(plan_checks(&PlanFacts { plan: &plan, exists: &exists, dry_run: &dry_run, engine }))
    }

    /// The plan's paths that the base has.
    async fn known_paths(&self, plan: &Plan) -> Result<HashSet<String>, EvaluateError> {
        let Some(base) = self.card.base_oid.as_deref().and_then(|hex| Oid::from_str(hex).ok()) else {
            return Err(EvaluateError::Artifact("the card has no base".to_owned()));
        };
        let repository = PathBuf::from(&self.project.path);
        let paths: Vec<String> = plan.files.iter().map(|file| file.path.clone()).collect();
        let found = tokio::task::spawn_blocking(move || {
            let tree = git::tree_of(&repository, base)?;
            let there = git::existing(&repository, tree, &paths)?;
            Ok::<_, git::GitError>(
                paths.into_iter().zip(there).filter(|(_, there)| *there).map(|(path, _)| path).collect(),
            )
        });
        Ok(found.await??)
    }

    async fn build(&self) -> Result<Vec<Check>, EvaluateError> {
        let reader = self.workshop.store.reader();
        let diff = self.own_text(ArtifactKind::Diff).await?;
        let notes = self.own(ArtifactKind::File, BuildNotes::parse).await.map_err(|error| match error {
            EvaluateError::Artifact(text) => EvaluateError::Artifact(format!("{BUILD_NOTES}: {text}")),
            other => other,
        })?;
        let report = self.own(ArtifactKind::CheckReport, CheckReport::parse).await?;
        let plan = stored::newest(reader, self.card.card_id(), ArtifactKind::Plan).await?;
        let plan = plan.and_then(|(_, text)| Plan::parse(&text).ok());
        let applies = self.diff_applies().await?;
        Ok(build_checks(&BuildFacts {
            diff: &diff,
            plan: plan.as_ref(),
            notes: &notes,
            applies: applies.as_ref().copied().map_err(String::as_str),
            check_report: Some(&report),
        }))
    }

    /// Whether the stored diff is what leads from the base to the snapshot, and so applies to the base.
    async fn diff_applies(&self) -> Result<Result<(), String>, EvaluateError> {
        let (snapshot, base) = self.frozen()?;
        let content = stored::bytes_by_agent(self.workshop.store.reader(), self.agent, ArtifactKind::Diff).await?;
        let repository = PathBuf::from(&self.project.path);
        let leads_there = tokio::task::spawn_blocking(move || {
            let base = git::tree_of(&repository, base)?;
            git::diff::diff(&repository, base, snapshot).map(|diff| diff.patch == content)
        });
        Ok(match leads_there.await?? {
            true => Ok(()),
            false => Err("it is not the difference between the base and the snapshot".to_owned()),
        })
    }

    async fn review(&self) -> Result<Vec<Check>, EvaluateError> {
        let review = self.own(ArtifactKind::Review, Review::parse).await?;
        let report = self.own(ArtifactKind::CheckReport, CheckReport::parse).await?;
        Ok(review_checks(&ReviewFacts { review: &review, check_report: Some(&report) }))
    }

    async fn ship(&self) -> Result<Vec<Check>, EvaluateError> {
        self.own(ArtifactKind::Commit, CommitMessage::parse).await?;
        let commit = self.card.commit_oid.as_deref().and_then(|hex| Oid::from_str(hex).ok());
        let commit = commit.ok_or_else(|| EvaluateError::Artifact("the card has no commit".to_owned()))?;
        let (snapshot, _) = self.frozen()?;
        let (repository, base) = (PathBuf::from(&self.project.path), self.project.base_branch.clone());
        let stays_on_branch = self.project.land == Land::Branch;
        let seen = tokio::task::spawn_blocking(move || {
            let (message, tree) = git::commit::read(&repository, commit)?;
            // A commit that stays on its branch has nothing to merge with.
            let preview = match stays_on_branch {
                true => Preview::FastForward,
                false => git::land::preview(&repository, &base, commit)?,
            };
            Ok::<_, git::GitError>((message, tree, preview))
        });
        let (message, tree, preview) = seen.await??;
        let trailers = [
            (CARD_TRAILER.to_owned(), self.card.card_id().to_string()),
            (AGENT_TRAILER.to_owned(), self.agent.to_string()),
        ];
        let report = match &preview {
            Preview::Merge { tree, .. } => Some(self.try_merge(*tree, commit).await?),
            _ => None,
        };
        let base = match &preview {
            Preview::AlreadyLanded | Preview::FastForward => BaseState::Unchanged,
            Preview::Merge { .. } => BaseState::CleanMerge { check_report: report.as_ref() },
            Preview::Conflicts { paths } => BaseState::Conflicts { paths },
        };
        let facts = ShipFacts { message: &message, trailers: &trailers, tree_equals_snapshot: tree == snapshot, base };
        Ok(ship_checks(&facts))
    }

    /// The check command on the merged tree, which is another one than was reviewed.
    async fn try_merge(&self, tree: Oid, commit: Oid) -> Result<CheckReport, EvaluateError> {
        match trial::check(self.workshop, self.card, self.project, tree, commit).await? {
            Ok(report) => Ok(report),
            Err(obstacle) => Err(EvaluateError::Artifact(obstacle.to_string())),
        }
    }

    fn frozen(&self) -> Result<(Oid, Oid), EvaluateError> {
        let read = |hex: &Option<String>| hex.as_deref().and_then(|hex| Oid::from_str(hex).ok());
        match (read(&self.card.snapshot_oid), read(&self.card.base_oid)) {
            (Some(snapshot), Some(base)) => Ok((snapshot, base)),
            _ => Err(EvaluateError::Artifact("the card has no snapshot".to_owned())),
        }
    }

    async fn own_text(&self, kind: ArtifactKind) -> Result<String, EvaluateError> {
        let text = stored::text_by_agent(self.workshop.store.reader(), self.agent, kind).await?;
        text.ok_or_else(|| EvaluateError::Artifact(format!("the agent attached no {}", kind.label().to_lowercase())))
    }

    /// The agent's own artifact of a kind, validated by reading it back.
    async fn own<T>(
        &self,
        kind: ArtifactKind,
        parse: impl Fn(&str) -> Result<T, crate::artifact::ParseError>,
    ) -> Result<T, EvaluateError> {
        let text = self.own_text(kind).await?;
        parse(&text).map_err(|error| EvaluateError::Artifact(error.to_string()))
    }
}

/// The policy approves a green gate.
pub async fn approve(workshop: &Workshop, id: CardId, gate: GateId) -> Result<(), GateError> {
    let decision = NewDecision {
        decision: Decision::Approve,
        gate_id: Some(gate),
        to: None,
        comment: None,
        override_reason: None,
    };
    by_policy(workshop, id, decision).await
}

/// The policy sends a card back whose review asks for changes; any other red gate waits for a person.
pub async fn send_back(workshop: &Workshop, id: CardId, gate: GateId) -> Result<(), GateError> {
    let review = stored::newest(workshop.store.reader(), id, ArtifactKind::Review).await;
    let review = review.ok().flatten().and_then(|(_, text)| Review::parse(&text).ok());
    let Some(review) = review.filter(|review| review.verdict == Verdict::RequestChanges) else { return Ok(()) };
    let decision = NewDecision {
        decision: Decision::SendBack,
        gate_id: Some(gate),
        to: None,
        comment: Some(findings(&review)),
        override_reason: None,
    };
    by_policy(workshop, id, decision).await
}

async fn by_policy(workshop: &Workshop, id: CardId, decision: NewDecision) -> Result<(), GateError> {
    let mut tx = workshop.store.begin().await?;
    let card = card::load(&*tx, id).await?;
    let open = gate::of_visit(&*tx, &card).await?.is_some_and(|gate| gate.state == GateState::Open);
    if !open {
        return Ok(());
    }
    match transition::decide(&mut tx, id, decision, Actor::Policy).await {
        Ok(_) => Ok(tx.commit().await?),
        // A person was quicker.
        Err(MoveError::StaleGate { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What the review wants changed, for the next builder.
fn findings(review: &Review) -> String {
    let mut text = format!("The review asks for changes. {}", review.summary);
    for finding in review.findings.iter().filter(|finding| !finding.resolved && finding.severity != Severity::Note) {
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        text.push_str(&format!("\n- {}: {place}{}", finding.severity.label(), finding.text));
    }
    text
}

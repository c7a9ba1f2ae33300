//! `slipway run`: one card from Plan to Ship without a browser, as a client of the server's own API.
//!
//! It holds no rules: the server moves cards and decides gates, and this asks, waits and tells. Whatever
//! happens to it, the card goes on from where it stands.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_app::{
    error::ErrorCode,
    model::{
        Agent, Artifact, Card, CardStatus, EngineName, Gate, GatePolicy, NewProject, Project, ProjectEdit, Question,
        Stage, StageName,
    },
};

mod client;
mod progress;

use crate::{
    card_text::{CardText, card_text},
    config::{RunArgs, ServeConfig},
    data_dir, serve,
};
use client::Client;
pub use client::RunError;
use progress::{Progress, plain};

/// First pause between two looks at the card: a playbook stage takes a few of these.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause: nobody reads progress faster.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a green gate with an automatic policy may stay open before it counts as waiting for a person.
const POLICY_PATIENCE: Duration = Duration::from_secs(10);

/// The subcommand: finds or brings up a server, and takes the card through. Wrong use exits 2.
pub async fn command(args: RunArgs) -> ExitCode {
    match errand(&args) {
        Ok((errand, data_dir)) => match carry_out(&errand, &data_dir).await {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                eprintln!("slipway run: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("slipway run: {error}");
            ExitCode::from(2)
        }
    }
}

/// What the words of the command line mean; the error says what is wrong with them.
fn errand(args: &RunArgs) -> Result<(Errand, PathBuf), String> {
    let repo = args.repo.clone().unwrap_or_else(|| PathBuf::from("."));
    let repo = repo.canonicalize().map_err(|error| format!("--repo {}: {error}", repo.display()))?;
    let card = match (&args.card, &args.title) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("--card {}: {error}", file.display()))?;
            let none = || {
                format!("--card {}: it has no heading to be the title; start it with `# What to do`", file.display())
            };
            card_text(&text).ok_or_else(none)?
        }
        (None, Some(title)) => CardText { title: title.clone(), body: args.body.clone().unwrap_or_default() },
        (None, None) => return Err("name a card with --card FILE.md, or --title and --body".to_owned()),
    };
    let data_dir = args.data.resolve().map_err(|error| error.to_string())?;
    let errand = Errand {
        repo,
        card,
        engine: args.engine,
        check_command: args.check_command.clone(),
        yes: args.yes,
        json: args.json,
    };
    Ok((errand, data_dir))
}

/// Talks to the server of the data directory, or to one of its own that ends with the command.
async fn carry_out(errand: &Errand, data_dir: &Path) -> Result<u8, String> {
    let out = &mut std::io::stdout();
    if let Some(running) = data_dir::running(data_dir) {
        let token = data_dir::read_token(data_dir).map_err(|error| error.to_string())?;
        let token = token.ok_or_else(|| {
            format!("the server at {} has a token of its own (SLIPWAY_TOKEN); stop it first", running.url)
        })?;
        let server = Server { base_url: running.url, token, stays: true };
        return run(errand, &server, out).await.map_err(|error| error.to_string());
    }
    let up = serve::start(&ServeConfig::for_errand(data_dir)).await.map_err(|error| error.to_string())?;
    let server = Server { base_url: up.url.clone(), token: up.token.clone(), stays: false };
    let ran = run(errand, &server, out).await.map_err(|error| error.to_string());
    up.down().await;
    ran
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Absolute.
    pub repo: PathBuf,
    pub card: CardText,
    /// For every stage of the project; what the project says when left out.
    pub engine: Option<EngineName>,
    /// The check command of a repository that is registered on the way.
    pub check_command: Option<String>,
    /// Approve every gate whose checks are green.
    pub yes: bool,
    /// Print the account as JSON.
    pub json: bool,
}

/// The server to talk to.
#[derive(Clone, Debug)]
pub struct Server {
    /// Such as `http://127.0.0.1:4747`.
    pub base_url: String,
    pub token: String,
    /// Whether it goes on when this command has ended.
    pub stays: bool,
}

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Shipped,
    Failed,
    /// A gate or a question waits for a person.
    Waits,
}

impl Outcome {
    /// As scripts rely on it.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Shipped => 0,
            Outcome::Failed => 1,
            Outcome::Waits => 3,
        }
    }
}

/// The one document that `--json` prints.
#[derive(Debug, Serialize)]
pub struct Account {
    pub outcome: Outcome,
    /// Why it failed or what it waits for.
    pub reason: Option<String>,
    pub card: Card,
    /// One entry per agent, oldest first.
    pub stages: Vec<StageAccount>,
    pub artifacts: Vec<Artifact>,
    /// Full hash of the card's own commit.
    pub commit: Option<String>,
}

/// What one agent did and what its gate said.
#[derive(Debug, Serialize)]
pub struct StageAccount {
    pub stage: Stage,
    pub agent: Agent,
    pub gate: Option<Gate>,
}

/// A page of a list; what is not asked for is left out.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// Takes the card through and tells about it on standard error; with `--json` the account goes to `out`.
/// Returns the exit code.
pub async fn run(errand: &Errand, server: &Server, out: &mut dyn std::io::Write) -> Result<u8, RunError> {
    let client = Client::new(server)?;
    let mut progress = Progress::to_stderr();
    let account = through(errand, &client, &mut progress).await?;
    progress.end(&account, server);
    if errand.json {
        let document = serde_json::to_string_pretty(&account).map_err(RunError::Write)?;
        writeln!(out, "{document}").map_err(RunError::Print)?;
    }
    Ok(account.outcome.exit_code())
}

async fn through(errand: &Errand, client: &Client, progress: &mut Progress) -> Result<Account, RunError> {
    let project = project(errand, client, progress).await?;
    let new = json!({ "project_id": project.id, "title": errand.card.title, "body": errand.card.body });
    let card: Card = client.post("/cards", &new).await?;
    progress.begin(&card, &project);
    let _: serde_json::Value = client.post(&format!("/cards/{}/moves", card.id), &json!({ "to": "plan" })).await?;
    let (card, outcome, reason) = follow(card, &project, errand.yes, client, progress).await?;
    account(card, outcome, reason, client).await
}

/// Registers the repository, or finds it among the registered; asked for by name, it is trusted.
async fn project(errand: &Errand, client: &Client, progress: &mut Progress) -> Result<Project, RunError> {
    let engines =
        errand.engine.map(|engine| Stage::ALL.into_iter().skip(1).map(|stage| (StageName(stage), engine)).collect());
    let path = errand.repo.canonicalize().unwrap_or_else(|_| errand.repo.clone());
    let new = NewProject {
        path: path.to_string_lossy().into_owned(),
        check_command: errand.check_command.clone(),
        engines: engines.clone(),
        ..NewProject::default()
    };
    let registered = client.post("/projects", &new).await;
    let project = match registered {
        Ok(project) => return Ok(project),
        Err(RunError::Refused(problem)) if problem.code == ErrorCode::AlreadyRegistered => {
            find_project(&path, client).await?.ok_or(RunError::Refused(problem))?
        }
        Err(error) => return Err(error),
    };
    let edit = ProjectEdit {
        trusted: (!project.trusted).then_some(true),
        engines: engines.filter(|engines| *engines != project.engines),
        ..ProjectEdit::default()
    };
    if edit == ProjectEdit::default() {
        return Ok(project);
    }
    if let (Some(_), Some(engine)) = (&edit.engines, errand.engine) {
        progress.say(&format!("{} now runs its agents on {}.", plain(&project.name), engine.as_str()));
    }
    client.patch(&format!("/projects/{}", project.id), &edit).await
}

/// The project at `path`, or the innermost one that holds it.
async fn find_project(path: &Path, client: &Client) -> Result<Option<Project>, RunError> {
    let projects: Vec<Project> = client.all("/projects").await?;
    Ok(projects
        .into_iter()
        .filter(|project| path.starts_with(&project.path))
        .max_by_key(|project| Path::new(&project.path).components().count()))
}

/// Looks at the card until it has shipped, failed or needs a person; approves what may be approved.
async fn follow(
    mut card: Card,
    project: &Project,
    yes: bool,
    client: &Client,
    progress: &mut Progress,
) -> Result<(Card, Outcome, Option<String>), RunError> {
    let mut pause = SHORTEST_PAUSE;
    let mut patience = std::time::Instant::now();
    loop {
        let now: Card = client.get(&format!("/cards/{}", card.id)).await?;
        if progress.show(&now) {
            pause = SHORTEST_PAUSE;
            patience = std::time::Instant::now();
        }
        card = now;
        match next(&card, project, yes) {
            Next::Approve => approve(&card, client).await?,
            Next::End(outcome, reason) => return Ok((card, outcome, reason)),
            Next::Ask => {
                let reason = question(&card, client).await?;
                return Ok((card, Outcome::Waits, reason));
            }
            Next::AwaitPolicy if patience.elapsed() > POLICY_PATIENCE => {
                return Ok((card, Outcome::Waits, Some("the gate is green and waits to be approved".to_owned())));
            }
            Next::AwaitPolicy | Next::Look => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// What to do about a card as it stands.
#[derive(Debug, PartialEq)]
enum Next {
    Look,
    /// The gate decides for itself in a moment.
    AwaitPolicy,
    Approve,
    /// Find out what is asked.
    Ask,
    End(Outcome, Option<String>),
}

fn next(card: &Card, project: &Project, yes: bool) -> Next {
    if card.archived_at.is_some() {
        return Next::End(Outcome::Failed, Some("the card was archived".to_owned()));
    }
    match (card.status, &card.gate) {
        (CardStatus::Shipped, _) => Next::End(Outcome::Shipped, None),
        (CardStatus::Failed, _) => Next::End(Outcome::Failed, card.reason.clone()),
        (CardStatus::Idle, _) => Next::End(Outcome::Waits, Some("the card was put back into the backlog".to_owned())),
        (CardStatus::Waiting, _) => Next::Ask,
        (CardStatus::NeedsApproval, Some(gate)) if gate.is_green() => {
            if project.gate_policy.at(gate.stage) == GatePolicy::AutoWhenGreen {
                Next::AwaitPolicy
            } else if yes {
                Next::Approve
            } else {
                Next::End(Outcome::Waits, Some("its checks are green; approve it, or run with --yes".to_owned()))
            }
        }
        (CardStatus::NeedsApproval, Some(gate)) => {
            let red = gate.checks.iter().filter(|check| !check.passed);
            let words: Vec<String> = red.map(|check| format!("{}: {}", check.name, check.detail)).collect();
            Next::End(Outcome::Waits, Some(words.join("\n")))
        }
        (CardStatus::NeedsApproval, None) | (CardStatus::Queued | CardStatus::Working, _) => Next::Look,
    }
}

/// A gate that somebody else decided in the meantime is seen at the next look.
async fn approve(card: &Card, client: &Client) -> Result<(), RunError> {
    let Some(gate) = &card.gate else { return Ok(()) };
    let decision = json!({ "decision": "approve", "gate_id": gate.id });
    match client.post::<serde_json::Value>(&format!("/cards/{}/gate", card.id), &decision).await {
        Err(RunError::Refused(problem))
            if !matches!(problem.code, ErrorCode::StaleGate | ErrorCode::NoOpenGate | ErrorCode::AlreadyShipped) =>
        {
            Err(RunError::Refused(problem))
        }
        Err(RunError::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The open question of the card in words, or what the card itself says it waits for.
async fn question(card: &Card, client: &Client) -> Result<Option<String>, RunError> {
    let open: Vec<Question> = client.all("/questions?state=open").await?;
    let Some(question) = open.into_iter().find(|question| question.card_id == card.id) else {
        return Ok(card.reason.clone());
    };
    let options: Vec<String> =
        question.options.iter().map(|option| format!("  {}: {}", option.id, option.label)).collect();
    Ok(Some(format!("{}\n{}", question.prompt, options.join("\n")).trim_end().to_owned()))
}

async fn account(card: Card, outcome: Outcome, reason: Option<String>, client: &Client) -> Result<Account, RunError> {
    let story = format!("/cards/{}", card.id);
    let mut agents: Vec<Agent> = client.all(&format!("{story}/agents")).await?;
    agents.sort_by_key(|agent| agent.created_at);
    let mut gates: Vec<Gate> = client.all(&format!("{story}/gates")).await?;
    let mut artifacts: Vec<Artifact> = client.all(&format!("{story}/artifacts")).await?;
    artifacts.sort_by_key(|artifact| artifact.created_at);
    let stages = agents
        .into_iter()
        .map(|agent| {
            let at = gates.iter().position(|gate| gate.agent_id == Some(agent.id));
            StageAccount { stage: agent.stage, gate: at.map(|at| gates.swap_remove(at)), agent }
        })
        .collect();
    Ok(Account { outcome, reason, commit: card.commit.clone(), card, stages, artifacts })
}

#[cfg(test)]
mod tests;

//! A card's whole way on a repository of 1,000 files, beside the same work done by git's command line.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Result,
    board::{Board, LOOK_AGAIN},
};

/// Files in the repository, and how many of them each card changes.
const FILES: usize = 1_000;
const CHANGED: usize = 100;
/// Lines of each file: the median of ordinary source files is about this.
const LINES: usize = 80;
/// A card that needs longer than this has gone wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds of each round: `(Slipway, git)`. The first round, which warms both, is not among them.
pub async fn rounds(board: &Board, data_dir: &Path, dir: &Path, rounds: usize) -> Result<Vec<(f64, f64)>> {
    let (ours, theirs) = (dir.join("ours"), dir.join("theirs"));
    make_repository(&ours)?;
    git(dir, &["clone", "--quiet", "ours", "theirs"])?;
    identity(&theirs)?;
    let new = json!({ "path": ours, "gate_policy": "auto_when_green" });
    let project = board.post("/projects", &new).await?;
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let (from, to) = (format!("round {round};"), format!("round {};", round + 1));
        let body = format!("Count one further.\n\n```replace changed/*.txt\n/{from}/{to}/\n```\n");
        let new = json!({ "project_id": project["id"], "title": format!("Round {round}"), "body": body });
        let card = board.post("/cards", &new).await?;
        let id = card["id"].as_str().ok_or("a card without an id")?;
        let slipway = slipway(board, data_dir, id).await?;
        let patch = dir.join("round.patch");
        fs::write(&patch, git(&ours, &["show", "--format=", "--binary", "main"])?)?;
        let command_line = command_line(&theirs, dir, &patch)?;
        let tree = |at: &Path| git(at, &["rev-parse", "main^{tree}"]);
        if tree(&ours)? != tree(&theirs)? {
            return Err("both ways must end in the same files".into());
        }
        if round > 0 {
            measured.push((slipway, command_line));
        }
    }
    Ok(measured)
}

/// From the move to Plan until the card is shipped and its worktree is gone.
async fn slipway(board: &Board, data_dir: &Path, card: &str) -> Result<f64> {
    let began = Instant::now();
    board.post(&format!("/cards/{card}/moves"), &json!({ "to": "plan" })).await?;
    board.until(card, "shipped", PATIENCE).await?;
    let worktree = data_dir.join("worktrees").join(card);
    while worktree.exists() {
        if began.elapsed() > PATIENCE {
            return Err("the card's worktree was not removed".into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// The same worktree, apply, commit, clean checkout for the review, merge and clean-up.
fn command_line(repository: &Path, dir: &Path, patch: &Path) -> Result<f64> {
    let (work, review) = (dir.join("work"), dir.join("review"));
    let (work_at, review_at) = (text(&work)?, text(&review)?);
    let began = Instant::now();
    git(repository, &["worktree", "add", "--quiet", "-b", "card", work_at, "main"])?;
    git(&work, &["apply", "--index", text(patch)?])?;
    git(&work, &["commit", "--quiet", "-m", "Count one further"])?;
    git(repository, &["worktree", "add", "--quiet", "--detach", review_at, "card"])?;
    git(&review, &["diff", "--stat", "main", "HEAD"])?;
    git(repository, &["worktree", "remove", "--force", review_at])?;
    git(repository, &["merge", "--quiet", "--ff-only", "card"])?;
    git(repository, &["worktree", "remove", "--force", work_at])?;
    git(repository, &["branch", "--quiet", "-d", "card"])?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn make_repository(at: &Path) -> Result<()> {
    fs::create_dir(at)?;
    git(at, &["init", "--quiet", "--initial-branch=main"])?;
    identity(at)?;
    for file in 0..FILES {
        let folder =
            if file < CHANGED { PathBuf::from("changed") } else { PathBuf::from(format!("kept/{}", file % 20)) };
        let lines: String = (0..LINES).map(|line| format!("let value_{line} = compute({file}, {line});\n")).collect();
        fs::create_dir_all(at.join(&folder))?;
        fs::write(at.join(folder).join(format!("{file}.txt")), format!("{lines}round 0;\n"))?;
    }
    git(at, &["add", "."])?;
    git(at, &["commit", "--quiet", "-m", "A thousand files"]).map(drop)
}

fn identity(at: &Path) -> Result<()> {
    git(at, &["config", "user.name", "Bench"])?;
    git(at, &["config", "user.email", "bench@example.org"])?;
    // Housekeeping in the background would fall into somebody's round.
    git(at, &["config", "gc.auto", "0"])?;
    git(at, &["config", "maintenance.auto", "false"]).map(drop)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "a temporary path is not Unicode".into())
}

fn git(at: &Path, words: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("git").current_dir(at).args(words).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("git {words:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(output.stdout)
}

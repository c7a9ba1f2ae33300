//! A board of 1,000 cards, from the server and from real Chromium (`tests/browser/bench.mjs`).

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{Figure, PLANNED_WITHIN, Result, board::Board, median, millis, visitor::Visitor};

/// Cards on the board, none of them archived.
const CARDS: usize = 1_000;
/// Every so many cards one has been planned and waits at its gate, with an artifact and a check that is red;
/// a board on which all cards are in the tray is smaller and quicker than a real one.
const PLANNED_EVERY: usize = 4;
/// Pages measured.
const PAGES: usize = 40;
/// An hour of 20 events a second.
pub const HOUR: usize = 72_000;
/// Changes whose way from window to window is measured: enough for a 99th percentile.
const CHANGES: usize = 250;

/// Which of a full board's figures are wanted.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub page: bool,
    pub drag: bool,
    /// How many events, if any.
    pub memory: Option<usize>,
    pub windows: bool,
}

pub async fn figures(binary: &Path, dir: &Path, home: &Path, wanted: Wanted) -> Result<Vec<Figure>> {
    let board = Board::start(binary, &dir.join("thousand"), home)?;
    fill(&board).await?;
    let mut figures = Vec::new();
    if wanted.page {
        let visitor = Visitor::enter(&board).await?;
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..PAGES {
            let page = visitor.page().await?;
            times.push(millis(page.first_byte));
            bytes = page.bytes;
        }
        figures.push(Figure::new("1,000 live cards: time to the page's first byte, p50", "ms", median(times), 30.0));
        figures.push(Figure::new("1,000 live cards: whole HTML, Brotli", "KB", bytes as f64 / 1024.0, 80.0));
        files_are_named(&board, &visitor).await?;
        let opening = browse(&board, "opening", 0)?;
        figures.push(Figure::new(
            "1,000 live cards: from navigation to a card that can be dragged, p50",
            "ms",
            number(&opening, "median_ms")?,
            1_500.0,
        ));
    }
    if wanted.drag {
        let dragging = browse(&board, "dragging", 0)?;
        // Two frames of a screen that draws sixty a second take 33.3 ms.
        let slowest = number(&dragging, "median_slowest_ms")?;
        figures.push(Figure::new("1,000 live cards: slowest frame of a drag", "ms", slowest, 33.4));
    }
    if wanted.windows {
        let windows = browse(&board, "windows", CHANGES)?;
        let name = format!("a change in one window to the other's screen, p99 of {CHANGES}");
        figures.push(Figure::new(&name, "ms", number(&windows, "p99_ms")?, 150.0));
    }
    if let Some(events) = wanted.memory {
        let memory = browse(&board, "memory", events)?;
        let (grown, seconds) = (number(&memory, "grown_bytes")?, number(&memory, "seconds")?);
        let name = format!("growth of an open board's memory over {events} events, played in {seconds:.0} s");
        // Fewer events than an hour's may grow it by their share only.
        let reach = 5.0 * events as f64 / HOUR as f64;
        figures.push(Figure::new(&name, "MB", grown / f64::from(1 << 20), reach));
    }
    board.stop()?;
    Ok(figures)
}

async fn fill(board: &Board) -> Result<()> {
    let project = board.get("/projects").await?["items"][0]["id"].clone();
    for number in board.get("/cards?limit=1000").await?["items"].as_array().map_or(0, Vec::len)..CARDS {
        let title = format!("Card {number}: what should be true when this is done");
        let body = "What is wanted, in a few words. ".repeat(10);
        let card = board.post("/cards", &json!({ "project_id": project, "title": title, "body": body })).await?;
        let id = card["id"].as_str().ok_or("a card without an id")?;
        if number % PLANNED_EVERY == 0 {
            board.post(&format!("/cards/{id}/moves"), &json!({ "to": "plan" })).await?;
            board.until(id, "needs_approval", PLANNED_WITHIN).await?;
        }
    }
    Ok(())
}

/// A file that the browser fetches for the board without the page's naming it would escape the first load's figure.
async fn files_are_named(board: &Board, visitor: &Visitor<'_>) -> Result<()> {
    let named = visitor.files().await?;
    let load = browse(board, "load", 0)?;
    let fetched = load["files"].as_array().ok_or("the browser fetched nothing")?;
    for path in fetched.iter().filter_map(|file| file["path"].as_str()).filter(|path| path.starts_with("/pkg/")) {
        if !named.iter().any(|file| file == path) {
            return Err(format!("the board fetches {path}, which its page does not name").into());
        }
    }
    Ok(())
}

/// Runs one part in Chromium; its answer is one JSON document.
fn browse(board: &Board, part: &str, number: usize) -> Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/bench.mjs");
    let link = format!("{}/?token={}", board.origin, board.token);
    let mut node = Command::new("node");
    node.arg(script).arg(part).arg(link).arg(number.to_string()).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = node.output().map_err(|error| format!("node cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the browser's part `{part}` failed: {}", output.status).into());
    }
    let answer = serde_json::from_slice(&output.stdout)?;
    eprintln!("{part}: {answer}");
    Ok(answer)
}

fn number(answer: &Value, name: &str) -> Result<f64> {
    answer[name].as_f64().ok_or_else(|| format!("the browser did not say {name}").into())
}

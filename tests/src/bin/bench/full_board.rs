//! A board of 500 cards: memory, the first load, listing and moving, all on one server.

use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Figure, PLANNED_WITHIN, Result, board::Board, median, millis, visitor::Visitor};

/// Cards on a full board.
const CARDS: usize = 500;
/// Listings and moves measured.
const LISTINGS: usize = 60;
const MOVES: usize = 40;
/// What a server is given to become quiet before its memory is read.
const SETTLES: Duration = Duration::from_secs(3);
/// What a small write transaction appends to the log: four pages of SQLite.
const LOG_APPEND: usize = 4 * 4096;

pub async fn figures(binary: &Path, dir: &Path, home: &Path) -> Result<Vec<Figure>> {
    let data_dir = dir.join("full");
    let board = Board::start(binary, &data_dir, home)?;
    std::thread::sleep(SETTLES);
    let idle = board.resident_kb()? / 1024.0;
    let first_load = Visitor::enter(&board).await?.first_load().await? as f64 / 1024.0;
    let project = board.get("/projects").await?["items"][0]["id"].clone();
    let mut cards = Vec::new();
    for number in 0..CARDS {
        let body = "What is wanted, in a few words. ".repeat(10);
        let new = json!({ "project_id": project, "title": format!("Card {number} of a full board"), "body": body });
        cards.push(board.post("/cards", &new).await?["id"].as_str().ok_or("a card without an id")?.to_owned());
    }
    let mut listings = Vec::new();
    for _ in 0..LISTINGS {
        let began = Instant::now();
        let listed = board.request(Method::GET, "/api/v1/cards?limit=500").bearer_auth(&board.token).send().await?;
        let bytes = listed.bytes().await?;
        listings.push(millis(began.elapsed()));
        let listed: Value = serde_json::from_slice(&bytes)?;
        if listed["items"].as_array().map(Vec::len) != Some(CARDS) {
            return Err("the list does not hold 500 cards".into());
        }
    }
    std::thread::sleep(SETTLES);
    let full = board.resident_kb()? / 1024.0;
    let (moves, fsyncs) = moves(&board, &cards, &data_dir).await?;
    board.stop()?;
    Ok(vec![
        Figure::new("resident memory, idle", "MB", idle, 25.0),
        Figure::new("resident memory, 500 cards", "MB", full, 32.0),
        Figure::new("first load of the board, all files, Brotli", "KB", first_load, 350.0),
        Figure::new("500 cards listed, p50", "ms", median(listings), 3.0),
        Figure::new(&format!("a move acknowledged, p50 (one fsync here: {fsyncs:.2} ms)"), "ms", moves, fsyncs + 1.0),
    ])
}

/// The median move, and this disk's median fsync between the moves. Each card's planner is through before
/// the next move, so that a move is measured and not the agents beside it.
async fn moves(board: &Board, cards: &[String], data_dir: &Path) -> Result<(f64, f64)> {
    let (mut moves, mut fsyncs) = (Vec::new(), Vec::new());
    let mut log = File::create(data_dir.join("bench.log"))?;
    for card in &cards[..MOVES] {
        let began = Instant::now();
        log.write_all(&[0; LOG_APPEND])?;
        log.sync_data()?;
        fsyncs.push(millis(began.elapsed()));
        let began = Instant::now();
        board.post(&format!("/cards/{card}/moves"), &json!({ "to": "plan" })).await?;
        moves.push(millis(began.elapsed()));
        board.until(card, "needs_approval", PLANNED_WITHIN).await?;
    }
    Ok((median(moves), median(fsyncs)))
}

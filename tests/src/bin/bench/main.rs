//! The figures of README.md's benchmark table, measured on this machine. Started by `tests/bench`.
//!
//! Everything is on the loopback interface and in temporary directories below `target/`, so that the disk is
//! the one that the build is on; what is started here is ended here.

use std::{
    error::Error,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::{Method, header};
use serde_json::{Value, json};

mod board;
mod whole_way;

use board::Board;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Starts of each kind; medians of nine are steady enough to compare.
const STARTS: usize = 9;
/// Cards on a full board.
const CARDS: usize = 500;
/// Listings and moves measured.
const LISTINGS: usize = 60;
const MOVES: usize = 40;
/// Rounds of a card's whole way.
const ROUNDS: usize = 7;
/// What a server is given to become quiet before its memory is read.
const SETTLES: Duration = Duration::from_secs(3);
/// A plan with nothing to do takes milliseconds; this is for a machine that is busy.
const PLANNED_WITHIN: Duration = Duration::from_secs(30);
/// What a small write transaction appends to the log: four pages of SQLite.
const LOG_APPEND: usize = 4 * 4096;

/// One row of the table.
struct Figure {
    name: String,
    unit: &'static str,
    measured: f64,
    reach: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let binary = match std::env::args_os().nth(1) {
        Some(named) => PathBuf::from(named).canonicalize()?,
        None => target.join("release/slipway"),
    };
    let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
    // A plain directory below the project's own repository would be taken for part of it.
    let home = tempfile::tempdir()?;
    let mut figures = starts(&binary, dir.path(), home.path())?;
    figures.extend(full_board(&binary, dir.path(), home.path()).await?);
    figures.push(whole_way(&binary, dir.path(), home.path()).await?);
    print_table(&figures);
    let file = target.join("bench.json");
    fs::write(&file, serde_json::to_string_pretty(&figures.iter().map(Figure::json).collect::<Vec<_>>())?)?;
    eprintln!("The same as JSON: {}", file.display());
    Ok(())
}

/// Ready after start: cold makes the database and the sample project, warm finds them.
fn starts(binary: &Path, dir: &Path, home: &Path) -> Result<Vec<Figure>> {
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for round in 0..STARTS {
        let data_dir = dir.join(format!("start-{round}"));
        for times in [&mut cold, &mut warm] {
            let board = Board::start(binary, &data_dir, home)?;
            times.push(millis(board.ready_after));
            board.stop()?;
        }
    }
    Ok(vec![
        Figure::new("ready after start, warm", "ms", median(warm), 40.0),
        Figure::new("ready after start, cold", "ms", median(cold), 150.0),
    ])
}

/// Memory, the first load, listing and moving, all on one server.
async fn full_board(binary: &Path, dir: &Path, home: &Path) -> Result<Vec<Figure>> {
    let data_dir = dir.join("full");
    let board = Board::start(binary, &data_dir, home)?;
    std::thread::sleep(SETTLES);
    let idle = board.resident_kb()? / 1024.0;
    let first_load = first_load(&board).await? / 1024.0;
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

/// Bytes on the wire for the page and every file that it names.
async fn first_load(board: &Board) -> Result<f64> {
    let opened = board.request(Method::GET, &format!("/?token={}", board.token)).send().await?;
    let cookie = opened.headers().get(header::SET_COOKIE).ok_or("opening the link set no cookie")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let fetch = |path: String, coding: &'static str| {
        let request = board.request(Method::GET, &path).header(header::COOKIE, &cookie);
        async move {
            Ok::<_, Box<dyn Error>>(
                request.header(header::ACCEPT_ENCODING, coding).send().await?.error_for_status()?.bytes().await?,
            )
        }
    };
    let page = fetch("/".to_owned(), "identity").await?;
    let mut bytes = fetch("/".to_owned(), "br").await?.len();
    let page = String::from_utf8_lossy(&page);
    let ends = ['"', '\'', '#', '?', ')', '>', ' ', '\\', '&'];
    let mut files: Vec<&str> =
        page.match_indices("/pkg/").filter_map(|(at, _)| page[at..].split(ends).next()).collect();
    files.sort_unstable();
    files.dedup();
    for kind in [".wasm", ".js", ".css"] {
        if !files.iter().any(|file| file.ends_with(kind)) {
            return Err(format!("the page names no {kind} file; was the binary built with SLIPWAY_SITE=skip?").into());
        }
    }
    for file in files {
        bytes += fetch(file.to_owned(), "br").await?.len();
    }
    Ok(bytes as f64)
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

async fn whole_way(binary: &Path, dir: &Path, home: &Path) -> Result<Figure> {
    let data_dir = dir.join("way");
    let repositories = dir.join("repositories");
    fs::create_dir(&repositories)?;
    let board = Board::start(binary, &data_dir, home)?;
    let rounds = whole_way::rounds(&board, &data_dir, &repositories, ROUNDS).await?;
    board.stop()?;
    let (ours, theirs): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    let (ours, theirs) = (median(ours), median(theirs));
    let name = format!("Plan to Ship, 1,000 files ({ours:.0} ms), against git's command line ({theirs:.0} ms)");
    Ok(Figure::new(&name, "×", ours / theirs, 2.0))
}

impl Figure {
    fn new(name: &str, unit: &'static str, measured: f64, reach: f64) -> Figure {
        Figure { name: name.to_owned(), unit, measured, reach }
    }

    fn json(&self) -> Value {
        json!({
            "figure": self.name, "unit": self.unit, "measured": self.measured, "reach": self.reach,
            "reached": self.measured <= self.reach,
        })
    }
}

fn print_table(figures: &[Figure]) {
    println!("| figure | measured | reach | |\n| --- | ---: | ---: | --- |");
    for Figure { name, unit, measured, reach } in figures {
        let reached = if measured <= reach { "reached" } else { "not reached" };
        println!("| {name} | {measured:.1} {unit} | {reach:.1} {unit} | {reached} |");
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

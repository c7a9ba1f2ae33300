//! The figures of README.md's benchmark table, measured on this machine. Started by `tests/bench`.
//!
//! Everything is on the loopback interface and in temporary directories below `target/`, so that the disk is
//! the one that the build is on; what is started here is ended here.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

mod board;
mod full_board;
mod thousand;
mod visitor;
mod whole_way;

use board::Board;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: tests/bench [--only PART[,PART…]] [--events NUMBER] [BINARY]
parts: start, full (500 cards), way (Plan to Ship), page (1,000 cards), drag, windows, memory";
const PARTS: [&str; 7] = ["start", "full", "way", "page", "drag", "windows", "memory"];

/// Starts of each kind; medians of nine are steady enough to compare.
const STARTS: usize = 9;
/// Rounds of a card's whole way.
const ROUNDS: usize = 7;
/// A plan with nothing to do takes milliseconds; this is for a machine that is busy.
const PLANNED_WITHIN: Duration = Duration::from_secs(30);

/// One row of the table.
struct Figure {
    name: String,
    unit: &'static str,
    measured: f64,
    reach: f64,
}

/// What was asked for on the command line.
struct Options {
    parts: Vec<String>,
    events: usize,
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options { parts: PARTS.map(str::to_owned).into(), events: thousand::HOUR, binary: None };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--only" => {
                    let named = arguments.next().ok_or(USAGE)?;
                    options.parts = named.split(',').map(str::to_owned).collect();
                    if options.parts.iter().any(|part| !PARTS.contains(&part.as_str())) {
                        return Err(USAGE.into());
                    }
                }
                "--events" => options.events = arguments.next().ok_or(USAGE)?.parse()?,
                other if other.starts_with('-') => return Err(USAGE.into()),
                path => options.binary = Some(PathBuf::from(path).canonicalize()?),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.iter().any(|named| named == part)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let binary = options.binary.clone().unwrap_or_else(|| target.join("release/slipway"));
    let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
    // A plain directory below the project's own repository would be taken for part of it.
    let home = tempfile::tempdir()?;
    let mut figures = Vec::new();
    if options.wants("start") {
        figures.extend(starts(&binary, dir.path(), home.path())?);
    }
    if options.wants("full") {
        figures.extend(full_board::figures(&binary, dir.path(), home.path()).await?);
    }
    if options.wants("way") {
        figures.push(whole_way(&binary, dir.path(), home.path()).await?);
    }
    let wanted = thousand::Wanted {
        page: options.wants("page"),
        drag: options.wants("drag"),
        memory: options.wants("memory").then_some(options.events),
        windows: options.wants("windows"),
    };
    if wanted.page || wanted.drag || wanted.memory.is_some() || wanted.windows {
        figures.extend(thousand::figures(&binary, dir.path(), home.path(), wanted).await?);
    }
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

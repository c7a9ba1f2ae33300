//! The planner: searches the repository for what the card names, tries every block, and writes a plan.

use std::path::PathBuf;

use serde_json::json;

use super::{
    blocking, blocks,
    blocks::{Action, Found},
    cancel::Cancel,
    dry_run::{self, Outcome},
    effect::{count, listed},
    open,
    paths::RepoPath,
    planned::Planned,
    risks, search,
    terms::{Term, TermKind, terms},
};
use crate::{
    artifact::{
        Change, ENTRIES_LIMIT, Plan, PlannedFile, Step,
        markdown::{clip, code},
    },
    engine::{Context, EngineError, EngineEvent, Job, Reporter},
};

/// Files that the context quotes: what a person reads before the plan itself.
const SHOWN: usize = 12;
/// Of these, how many are listed among the plan's files to be read.
const READ: usize = 5;
/// Characters of a title that an example or a sentence quotes.
const QUOTED: usize = 100;
/// Most files that a plan lists; the rest a card's blocks name themselves.
const FILES_LISTED: usize = ENTRIES_LIMIT - READ;

pub async fn run(job: Job, reporter: Reporter) -> Result<Plan, EngineError> {
    let cancel = Cancel::default();
    let _guard = cancel.on_drop();
    let progress = async |percent, step, doing: &str| {
        reporter.report(EngineEvent::Progress { percent, step, steps: 3, doing: doing.to_owned() }).await;
    };

    progress(5, 1, "Trying the card's blocks").await;
    let found = blocks::find(&job.context.body);
    let tried = try_blocks(job.workspace.clone(), found, cancel.clone()).await?;
    for (block, outcome) in &tried {
        let input = json!({ "block": block.title, "line": block.line });
        reporter.report(EngineEvent::ToolCall { tool: "dry_run".to_owned(), input }).await;
        let (ok, output) = (outcome.is_ok(), outcome.detail());
        reporter.report(EngineEvent::ToolResult { tool: "dry_run".to_owned(), ok, output }).await;
    }

    progress(40, 2, "Searching the repository").await;
    let mut wanted = terms(&job.context.title, &blocks::prose(&job.context.body));
    wanted.extend(gone(&tried));
    let names: Vec<&str> = wanted.iter().map(|term| term.text.as_str()).collect();
    reporter.report(EngineEvent::ToolCall { tool: "search".to_owned(), input: json!({ "terms": names }) }).await;
    let (root, all) = (job.workspace.clone(), wanted.clone());
    let searched = blocking("searching the repository", move || {
        search::search(&root, &all, &cancel).map_err(|error| EngineError::Refused(error.to_string()))
    })
    .await?;
    let output = format!("{} of {} match", count(searched.hits.len(), "file"), searched.files);
    reporter.report(EngineEvent::ToolResult { tool: "search".to_owned(), ok: true, output }).await;

    progress(80, 3, "Writing the plan").await;
    let workspace = job.workspace.clone();
    let context = job.context.clone();
    let plan = blocking("writing the plan", move || {
        let draft = Draft { context: &context, tried: &tried, terms: &wanted, searched: &searched };
        let overlay = open(&workspace)?;
        Ok(draft.plan(&overlay))
    })
    .await?;
    progress(100, 3, "The plan is written").await;
    Ok(plan)
}

type Tried = Vec<(Found, Outcome)>;

async fn try_blocks(workspace: PathBuf, found: Vec<Found>, cancel: Cancel) -> Result<Tried, EngineError> {
    blocking("trying the card's blocks", move || {
        let mut overlay = open(&workspace)?;
        let outcomes = dry_run::dry_run(&found, &mut overlay, &cancel)?;
        Ok(found.into_iter().zip(outcomes).collect())
    })
    .await
}

/// File names that the card takes away, to be searched for: what still names them may break.
fn gone(tried: &Tried) -> Vec<Term> {
    /// Names shorter than this ("a", "lib") stand everywhere.
    const SHORTEST: usize = 5;
    /// Enough to warn; a card that deletes a directory should not search for each of its files.
    const MOST: usize = 8;
    let touched = tried.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Applies(effect) => Some(&effect.touched),
        _ => None,
    });
    touched
        .flatten()
        .filter(|touched| matches!(touched.change, Change::Delete | Change::Move { .. }))
        .map(|touched| touched.path.file_name().to_owned())
        .filter(|name| name.chars().count() >= SHORTEST)
        .take(MOST)
        .map(|text| Term { text, kind: TermKind::Gone })
        .collect()
}

/// What the plan is written from.
pub struct Draft<'a> {
    pub context: &'a Context,
    pub tried: &'a [(Found, Outcome)],
    pub terms: &'a [Term],
    pub searched: &'a search::Found,
}

impl Draft<'_> {
    fn plan(&self, overlay: &super::Overlay) -> Plan {
        let files = self.files();
        let mut notes = self.comments();
        if self.tried.is_empty() {
            notes.push(self.what_is_missing());
        }
        if files.len() > FILES_LISTED {
            notes.push(format!("Of {} only the first {FILES_LISTED} are listed.", count(files.len(), "file")));
        }
        Plan {
            context: self.found(),
            steps: self.tried.iter().map(|(block, outcome)| self.step(block, outcome)).collect(),
            verify: self.verify(),
            risks: risks::risks(self, &files, overlay),
            blocks: self.tried.iter().map(|(block, outcome)| outcome.plan(block)).collect(),
            notes: notes.join("\n\n"),
            files: files.into_iter().take(FILES_LISTED).chain(self.to_read()).collect(),
        }
    }

    fn found(&self) -> String {
        let applying = self.tried.iter().filter(|(_, outcome)| outcome.is_ok()).count();
        let blocks = match self.tried.len() {
            0 => "The card holds no block.".to_owned(),
            all if applying == all => format!("The card holds {}; nothing stands in the way.", count(all, "block")),
            all => format!("The card holds {}, of which {} can't be applied.", count(all, "block"), all - applying),
        };
        let names: Vec<&str> = self.terms.iter().map(|term| term.text.as_str()).collect();
        if names.is_empty() {
            return format!("{blocks}\n\nThe card names nothing that could be searched for.");
        }
        let quoted = names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
        let searched = &self.searched;
        let mut text = format!("{blocks}\n\nSearched {} for {quoted}: ", count(searched.files, "file"));
        text.push_str(&match (searched.hits.len(), searched.cut) {
            (0, _) => "nothing was found.".to_owned(),
            (hits, true) => format!("more than {hits} match, ranked by how exactly."),
            (hits, false) if hits > SHOWN => format!("{hits} match; the {SHOWN} that fit best are these."),
            (hits, false) => format!("{} match.", count(hits, "file")),
        });
        if searched.large > 0 {
            text.push_str(&format!(
                " {} above {} bytes passed over.",
                count(searched.large, "file"),
                search::SEARCH_FILE_LIMIT
            ));
        }
        text.push_str("\n\n");
        for hit in searched.hits.iter().take(SHOWN) {
            if hit.lines.is_empty() {
                text.push_str(&format!("- {}: by its name\n", code(&hit.path)));
            }
            for (number, line) in &hit.lines {
                text.push_str(&format!("- {}: {}\n", code(&format!("{}:{number}", hit.path)), code(line)));
            }
        }
        text
    }

    /// The net effect of all blocks, file by file.
    fn files(&self) -> Vec<PlannedFile> {
        let mut planned = Planned::default();
        for (block, outcome) in self.tried {
            if let Outcome::Applies(effect) = outcome {
                let why = format!("by the block at line {}", block.line);
                effect.touched.iter().for_each(|touched| planned.add(touched, &why));
            }
        }
        planned.into_files()
    }

    /// The best files that no block touches.
    fn to_read(&self) -> impl Iterator<Item = PlannedFile> {
        let touched: Vec<String> = self.files().into_iter().map(|file| file.path).collect();
        self.searched
            .hits
            .iter()
            .filter(move |hit| !touched.contains(&hit.path) && RepoPath::parse(&hit.path).is_ok())
            .take(READ)
            .map(|hit| {
                let terms: Vec<&str> = hit.terms.iter().map(|at| self.terms[*at].text.as_str()).collect();
                let lines = hit.lines.first().zip(hit.lines.last()).map(|(first, last)| (first.0, last.0));
                PlannedFile {
                    path: hit.path.clone(),
                    lines,
                    change: Change::Read,
                    why: format!("mentions {}", listed(&terms)),
                }
            })
    }

    fn step(&self, block: &Found, outcome: &Outcome) -> Step {
        let mut what = format!("{}: {}", code(&block.label()), outcome.detail());
        if let (Ok(Action::Diff(_) | Action::Replace(_)), Outcome::Applies(effect)) = (&block.action, outcome) {
            let paths: Vec<&RepoPath> = effect.touched.iter().map(|touched| &touched.path).collect();
            what.push_str(&format!(" ({})", listed(&paths)));
        }
        let own = match &block.action {
            Err(_) => "the block can be read",
            Ok(Action::Edit(_)) => "each SEARCH matches exactly once, and an empty one creates the file",
            Ok(Action::Diff(_)) => "every hunk's context and removed lines are in the file",
            Ok(Action::Replace(_)) => "every rule matches somewhere",
            Ok(Action::Delete(_)) => "the path is gone",
            Ok(Action::Move { .. }) => "the old path is gone and the new one holds its contents",
            Ok(Action::Command(_)) => "the command exits with 0",
        };
        let check = self.context.check_command.as_deref().map(|command| format!("; then {} passes", code(command)));
        Step { what, verify: format!("{own}{}", check.unwrap_or_default()) }
    }

    fn verify(&self) -> Vec<String> {
        let check = match &self.context.check_command {
            Some(command) => format!("The project's check command passes: {}", code(command)),
            None => "The project sets no check command; set one so that Build and Review can run the tests.".to_owned(),
        };
        vec![check, "The diff changes what the steps name and nothing else.".to_owned()]
    }

    /// What people said when they sent the card back. Blocks are all this engine acts on, so it says so.
    fn comments(&self) -> Vec<String> {
        let all = &self.context.comments;
        let quoted = all.iter().map(|comment| format!("- “{}”", clip(comment, 500))).collect::<Vec<_>>().join("\n");
        if all.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "The card was sent back with these comments. The playbook does what the blocks say: to act on them, edit the blocks.\n\n{quoted}"
        )]
    }

    fn what_is_missing(&self) -> String {
        let best = self.searched.hits.first().map_or("path/to/file", |hit| hit.path.as_str());
        let wide = "`".repeat(4);
        format!(
            "What is missing: the card says what is wanted (“{}”), but not how. This engine has no model to work that \
             out; it does what a card's blocks spell out. Add at least one block to the card, such as this one, and \
             plan again, or give the project an engine with a model:\n\n{wide}markdown\n```edit {best}\n<<<<<<< SEARCH\n\
             the lines as they are\n=======\nthe lines as they should be\n>>>>>>> REPLACE\n```\n{wide}\n\nThe other \
             blocks are `diff` (a unified diff), `replace GLOB` (lines `/regex/replacement/flags`), `delete PATH`, \
             `move FROM -> TO` and `sh` (a command).",
            clip(&self.context.title, QUOTED),
        )
    }
}

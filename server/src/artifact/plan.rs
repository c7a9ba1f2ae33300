//! The plan: what was found, which files change, in which steps, how it is verified, what may go wrong.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::form::{Form, ParseError, text_after_colon};
use super::markdown::{code, indent, list, read_code, tidy};

static FORM: LazyLock<Form> = LazyLock::new(|| Form::embedded(include_str!("../../../prompts/artifacts/plan.md")));

pub(super) fn form() -> &'static Form {
    &FORM
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What was found, as Markdown.
    pub context: String,
    pub files: Vec<PlannedFile>,
    pub steps: Vec<Step>,
    /// How the whole is verified, one way each.
    pub verify: Vec<String>,
    pub risks: Vec<String>,
    /// What the dry run of each playbook block said; empty for other engines.
    pub blocks: Vec<BlockPlan>,
    /// Anything else, as Markdown.
    pub notes: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    /// First and last line that matter, counted from 1, in the file as it is now.
    pub lines: Option<(u32, u32)>,
    pub change: Change,
    pub why: String,
}

/// What happens to a planned file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create,
    Edit,
    Delete,
    Move {
        to: String,
    },
    /// Looked at, not changed.
    Read,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub what: String,
    /// How it is checked that the step is done.
    pub verify: String,
}

/// What the dry run said about one block of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockPlan {
    /// The block's first line and where it stands in the card.
    pub block: String,
    pub applies: bool,
    pub detail: String,
}

impl Plan {
    /// The plan as Markdown.
    pub fn render(&self) -> String {
        let form = form();
        let texts = |texts: &[String]| form.list(texts.iter().map(|text| form.guard(&tidy(text))));
        let steps: Vec<String> = self.steps.iter().map(render_step).collect();
        form.fill(&[
            ("Context", form.prose(&self.context)),
            ("Files", form.list(self.files.iter().map(render_file))),
            ("Steps", list(&steps, true)),
            ("Verify", texts(&self.verify)),
            ("Risks", texts(&self.risks)),
            ("Blocks", form.list(self.blocks.iter().map(render_block))),
            ("Notes", form.prose(&self.notes)),
        ])
    }

    /// Reads a plan back.
    ///
    /// # Errors
    /// [`ParseError`] when a section is missing or an entry can't be read; it says what to write instead.
    pub fn parse(text: &str) -> Result<Plan, ParseError> {
        let form = form();
        let sections = form.read(text)?;
        let text_entry = |entry: &str| Some(form.unguard(entry));
        Ok(Plan {
            context: sections.prose("Context"),
            files: sections.entries("Files", read_file)?,
            steps: sections.entries("Steps", |entry| Some(read_step(entry)))?,
            verify: sections.entries("Verify", text_entry)?,
            risks: sections.entries("Risks", text_entry)?,
            blocks: sections.entries("Blocks", read_block)?,
            notes: sections.prose("Notes"),
        })
    }

    /// Every path that the plan says will change: both ends of a move, and nothing that is only read.
    pub fn changed_paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.change != Change::Read).flat_map(|file| {
            let target = match &file.change {
                Change::Move { to } => Some(to.as_str()),
                _ => None,
            };
            [Some(file.path.as_str()), target].into_iter().flatten()
        })
    }
}

fn render_file(file: &PlannedFile) -> String {
    let path = code(&file.path);
    let head = match &file.change {
        Change::Create => format!("Create {path}"),
        Change::Edit => format!("Edit {path}"),
        Change::Delete => format!("Delete {path}"),
        Change::Read => format!("Read {path}"),
        Change::Move { to } => format!("Move {path} to {}", code(to)),
    };
    let lines = match file.lines {
        Some((first, last)) if first == last => format!(" (line {first})"),
        Some((first, last)) => format!(" (lines {first}-{last})"),
        None => String::new(),
    };
    with_text(format!("{head}{lines}"), &file.why)
}

fn with_text(head: String, text: &str) -> String {
    let text = tidy(text);
    if text.is_empty() { head } else { format!("{head}: {}", form().guard(&text)) }
}

fn read_file(entry: &str) -> Option<PlannedFile> {
    let (verb, rest) = entry.split_once(' ')?;
    let (path, mut rest) = read_code(rest.trim_start())?;
    let change = match verb.to_lowercase().as_str() {
        "create" | "add" | "new" => Change::Create,
        "edit" | "change" | "modify" | "update" => Change::Edit,
        "delete" | "remove" => Change::Delete,
        "read" | "see" => Change::Read,
        "move" | "rename" => {
            let (to, after) = read_code(rest.trim_start().strip_prefix("to")?.trim_start())?;
            rest = after;
            Change::Move { to }
        }
        _ => return None,
    };
    let (lines, rest) = read_lines(rest)?;
    Some(PlannedFile { path, lines, change, why: form().unguard(text_after_colon(rest)?) })
}

/// Lines as read, and what follows them.
type Lines<'a> = (Option<(u32, u32)>, &'a str);

/// Reads ` (line 3)` or ` (lines 3-9)` where it stands; `None` when it is begun but makes no sense.
fn read_lines(rest: &str) -> Option<Lines<'_>> {
    let Some(inner) = rest.trim_start().strip_prefix("(line") else {
        return Some((None, rest));
    };
    let (numbers, after) = inner.split_once(')')?;
    let numbers = numbers.trim_start_matches('s').trim();
    let (first, last) = numbers.split_once(['-', '–']).unwrap_or((numbers, numbers));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some((Some((first, last)), after))
}

const VERIFY: &str = "- Verify:";

fn render_step(step: &Step) -> String {
    let what = form().guard_also(&tidy(&step.what), is_verify);
    let verify = form().guard(&tidy(&step.verify));
    if verify.is_empty() { what } else { format!("{what}\n{VERIFY} {}", indent(&verify, 2)) }
}

/// Whether a line of a step would be read as its check.
fn is_verify(line: &str) -> bool {
    verify_text(line).is_some()
}

fn verify_text(line: &str) -> Option<&str> {
    let line = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).unwrap_or(line);
    let line = line.strip_prefix("**").unwrap_or(line);
    line.strip_prefix("Verify:").map(|text| text.strip_prefix("**").unwrap_or(text))
}

fn unindented(line: &str) -> &str {
    line.trim_start_matches([' ', '\t'])
}

fn read_step(entry: &str) -> Step {
    let lines: Vec<&str> = entry.split('\n').collect();
    let at = (0..lines.len()).find(|at| *at > 0 && verify_text(unindented(lines[*at])).is_some());
    let (what, verify) = match at {
        None => (entry.to_owned(), String::new()),
        Some(at) => {
            let first = verify_text(unindented(lines[at])).unwrap_or_default().trim_start();
            let margin = lines[at].len() - unindented(lines[at]).len() + 2;
            let rest = lines[at + 1..].iter().map(|line| {
                let space = line.bytes().take_while(|byte| *byte == b' ').count().min(margin);
                &line[space..]
            });
            (lines[..at].join("\n"), std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n"))
        }
    };
    Step { what: form().unguard_also(what.trim(), is_verify), verify: form().unguard(verify.trim()) }
}

fn render_block(block: &BlockPlan) -> String {
    let verdict = if block.applies { "Applies" } else { "Does not apply" };
    with_text(format!("{verdict}: {}", code(&block.block)), &block.detail)
}

fn read_block(entry: &str) -> Option<BlockPlan> {
    let (verdict, rest) = entry.split_once(':')?;
    let applies = match verdict.to_lowercase().as_str() {
        "applies" => true,
        "does not apply" => false,
        _ => return None,
    };
    let (block, rest) = read_code(rest.trim_start())?;
    Some(BlockPlan { block, applies, detail: form().unguard(text_after_colon(rest)?) })
}

#[cfg(test)]
mod tests {
    use super::super::markdown::hostile::{path, text};
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(Change::Create),
            Just(Change::Edit),
            Just(Change::Delete),
            Just(Change::Read),
            path().prop_map(|to| Change::Move { to }),
        ]
    }

    fn file() -> impl Strategy<Value = PlannedFile> {
        (path(), any::<Option<(u32, u32)>>(), change(), text()).prop_map(|(path, lines, change, why)| PlannedFile {
            path,
            lines,
            change,
            why,
        })
    }

    fn plan() -> impl Strategy<Value = Plan> {
        let some =
            |range| prop::collection::vec(text().prop_filter("an entry says something", |t| !t.is_empty()), range);
        (
            text(),
            prop::collection::vec(file(), 0..4),
            prop::collection::vec(
                (text(), text())
                    .prop_filter("not empty", |(what, _)| !what.is_empty())
                    .prop_map(|(what, verify)| Step { what, verify }),
                0..12,
            ),
            some(0..3),
            some(0..3),
            prop::collection::vec(
                (path(), any::<bool>(), text()).prop_map(|(block, applies, detail)| BlockPlan {
                    block,
                    applies,
                    detail,
                }),
                0..3,
            ),
            text(),
        )
            .prop_map(|(context, files, steps, verify, risks, blocks, notes)| Plan {
                context,
                files,
                steps,
                verify,
                risks,
                blocks,
                notes,
            })
    }

    proptest! {
        #[test]
        fn reads_back(plan in plan()) {
            let rendered = plan.render();
            prop_assert_eq!(Plan::parse(&rendered), Ok(plan), "{}", rendered);
        }

        #[test]
        fn never_panics(text in text(), any: String) {
            let _ = Plan::parse(&text);
            let _ = Plan::parse(&any);
        }
    }

    #[test]
    fn reads_what_a_model_writes() {
        let text = "Here is the plan:\n```markdown\n# Plan\n## Context\nThe parser is in `src/a.rs:3`.\n### More\nx\n\n\
            ## Files\n- Modify `src/a.rs` (lines 3–9): holds the parser\n* rename `b` to `c`\n\n\
            ## Steps\n1) Change it.\n   - **Verify:** `cargo test`\n2) Move it.\n   Verify: it compiles\n\n\
            ## Verify\n- tests\n\n## Risks\nNone.\n```\n";
        let plan = Plan::parse(text.split_once('\n').unwrap().1).unwrap();
        assert_eq!(plan.context, "The parser is in `src/a.rs:3`.\n### More\nx");
        assert_eq!(plan.files[0].lines, Some((3, 9)));
        assert_eq!(plan.files[1].change, Change::Move { to: "c".to_owned() });
        assert_eq!(plan.steps[0], Step { what: "Change it.".to_owned(), verify: "`cargo test`".to_owned() });
        assert_eq!(plan.steps[1].verify, "it compiles");
        assert!(plan.risks.is_empty());
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let text = Plan::default().render().replace("## Files\n\n_None._", "## Files\n\n- Frobnicate `x`");
        let error = Plan::parse(&text).unwrap_err().to_string();
        assert!(error.contains("Frobnicate") && error.contains("`Create`"), "{error}");
    }
}

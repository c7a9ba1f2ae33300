//! What may go wrong with a plan, as far as files show it.

use super::{
    blocks::Action,
    dry_run::Outcome,
    effect::{count, listed},
    overlay::Overlay,
    paths::RepoPath,
    planner::Draft,
    search::looks_like_test,
    terms::TermKind,
};
use crate::artifact::{Change, PlannedFile, markdown::code};

/// Files from which on one `replace` is worth a warning.
const MANY_FILES: usize = 25;
/// Changed files that are looked at for tests: beyond that a person looks at the whole anyway.
const LOOKED_AT: usize = 50;
/// Extensions of files that tests are expected for.
const SOURCES: &[&str] = &[
    "c", "cc", "cpp", "cs", "ex", "go", "h", "hpp", "java", "js", "jsx", "kt", "lua", "m", "php", "py", "rb", "rs",
    "scala", "swift", "ts", "tsx", "zig",
];
/// What a file with tests inside holds.
const INLINE_TESTS: &[&str] = &["#[cfg(test)]", "#[test]", "def test_", "@Test", "describe(", "func Test"];

pub fn risks(draft: &Draft<'_>, files: &[PlannedFile], overlay: &Overlay) -> Vec<String> {
    let mut risks = blocks(draft);
    risks.extend(still_named(draft, files));
    let untested: Vec<&str> = files
        .iter()
        .filter(|file| matches!(file.change, Change::Edit))
        .take(LOOKED_AT)
        .filter(|file| !has_test(&file.path, &draft.searched.tests, overlay))
        .map(|file| file.path.as_str())
        .collect();
    if !untested.is_empty() {
        risks.push(format!(
            "No test was found near {}; the check command may not notice a mistake there.",
            listed(&untested)
        ));
    }
    if draft.context.check_command.is_none() && !files.is_empty() {
        risks.push("The project sets no check command, so nothing but the blocks' own checks is run.".to_owned());
    }
    risks
}

fn blocks(draft: &Draft<'_>) -> Vec<String> {
    let mut risks = Vec::new();
    for (block, outcome) in draft.tried {
        let label = code(&block.label());
        match (&block.action, outcome) {
            (Ok(Action::Command(_)), _) => {
                risks.push(format!("{label} runs a command: what it changes is known only at Build."));
            }
            (_, Outcome::Fails(_)) => risks.push(format!("{label} does not apply; nothing is built until it does.")),
            (_, Outcome::Deferred(_)) => risks.push(format!("{label} depends on the command before it.")),
            (Ok(Action::Replace(_)), Outcome::Applies(effect)) if effect.touched.len() >= MANY_FILES => {
                let files = count(effect.touched.len(), "file");
                risks.push(format!("{label} changes {files}; look for matches that were not meant."));
            }
            _ => {}
        }
    }
    risks
}

/// Files that still name what the card deletes or moves.
fn still_named(draft: &Draft<'_>, files: &[PlannedFile]) -> Vec<String> {
    let gone = draft.terms.iter().enumerate().filter(|(_, term)| term.kind == TermKind::Gone);
    gone.filter_map(|(at, term)| {
        let naming: Vec<String> = draft
            .searched
            .hits
            .iter()
            .filter(|hit| hit.terms.contains(&at) && !hit.lines.is_empty())
            .filter(|hit| !files.iter().any(|file| file.path == hit.path))
            .map(|hit| format!("{}:{}", hit.path, hit.lines[0].0))
            .collect();
        let name = code(&term.text);
        (!naming.is_empty()).then(|| format!("{name} goes, but is still named in {}.", listed(&naming)))
    })
    .collect()
}

fn has_test(path: &str, tests: &[String], overlay: &Overlay) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if !SOURCES.contains(&extension) || looks_like_test(path) {
        return true;
    }
    let stem = stem.to_lowercase();
    let named =
        tests.iter().any(|test| test.to_lowercase().rsplit('/').next().is_some_and(|name| name.contains(&stem)));
    named
        || RepoPath::parse(path)
            .ok()
            .and_then(|path| overlay.read(&path).ok())
            .is_some_and(|text| INLINE_TESTS.iter().any(|mark| text.text.contains(mark)))
}

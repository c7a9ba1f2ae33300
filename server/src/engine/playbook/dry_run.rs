//! Tries every block of a card without writing anything.
//!
//! Blocks see what earlier ones did. A command can't be tried: after one, a block that does not apply as the
//! files are now may well apply at Build, so it does not fail here, and its entry says so. Malformed blocks
//! always fail.

use super::{blocks::Found, cancel::Cancel, effect::Effect, overlay::Overlay, refusal::Refusal};
use crate::artifact::BlockPlan;

/// What trying one block said.
#[derive(Debug)]
pub enum Outcome {
    Applies(Effect),
    /// Stands after a command and does not apply without it.
    Deferred(String),
    Command,
    Fails(String),
}

impl Outcome {
    pub fn is_ok(&self) -> bool {
        !matches!(self, Outcome::Fails(_))
    }

    pub fn detail(&self) -> String {
        match self {
            Outcome::Applies(effect) => effect.detail(),
            Outcome::Deferred(why) => format!("runs after a command; checked at Build (without the command: {why})"),
            Outcome::Command => "a command, run in the sandbox at Build; nothing is tried before".to_owned(),
            Outcome::Fails(why) => why.clone(),
        }
    }

    pub fn plan(&self, block: &Found) -> BlockPlan {
        BlockPlan { block: block.label(), applies: self.is_ok(), detail: self.detail() }
    }
}

/// Tries `blocks` in order on `overlay`, which is left as they would leave the files.
///
/// # Errors
/// Only [`Refusal::Cancelled`]: a block that does not apply is an [`Outcome`].
pub fn dry_run(blocks: &[Found], overlay: &mut Overlay, cancel: &Cancel) -> Result<Vec<Outcome>, Refusal> {
    let mut after_command = false;
    let mut outcomes = Vec::new();
    for block in blocks {
        let outcome = match &block.action {
            Err(why) => Outcome::Fails(why.clone()),
            Ok(_) if block.command().is_some() => {
                after_command = true;
                Outcome::Command
            }
            Ok(action) => match action.apply(overlay, cancel) {
                Ok(effect) => Outcome::Applies(effect),
                Err(Refusal::Cancelled) => return Err(Refusal::Cancelled),
                Err(refusal) if after_command && may_change(&refusal) => Outcome::Deferred(refusal.to_string()),
                Err(refusal) => Outcome::Fails(refusal.to_string()),
            },
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Whether a command that runs before could make a refused block apply: what its path is, it can't.
fn may_change(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::Path(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::playbook::blocks::find;
    use proptest::prelude::*;
    use std::{collections::BTreeMap, fs, path::Path};

    fn write(root: &Path, files: &BTreeMap<String, String>) {
        for (name, content) in files {
            let at = root.join(name);
            // Names may clash as file and directory; the first one wins.
            if fs::create_dir_all(at.parent().unwrap()).is_ok() {
                let _ = fs::write(at, content);
            }
        }
    }

    fn contents(overlay: &Overlay) -> BTreeMap<String, String> {
        let files = overlay.files(&Cancel::default()).unwrap();
        files.into_iter().map(|path| (path.to_string(), overlay.read(&path).unwrap().text)).collect()
    }

    fn check(files: &[(&str, &str)], body: &str) -> Vec<(bool, String)> {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect());
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let outcomes = dry_run(&find(body), &mut overlay, &Cancel::default()).unwrap();
        assert_eq!(contents(&Overlay::open(dir.path()).unwrap()).len(), files.len(), "a dry run writes nothing");
        outcomes.iter().map(|outcome| (outcome.is_ok(), outcome.detail())).collect()
    }

    #[test]
    fn later_blocks_see_earlier_ones() {
        let body = "```move a -> b\n```\n```replace b\n/x/y/\n```\n```edit a\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n```\n```delete c\n```\n";
        let said = check(&[("a", "x\n")], body);
        assert_eq!(said.iter().map(|(ok, _)| *ok).collect::<Vec<_>>(), [true, true, true, false]);
    }

    #[test]
    fn blocks_after_a_command_wait_for_build() {
        let body = "```sh\ntouch c\n```\n```delete c\n```\n```delete a\n```\n```edit\n```\n";
        let said = check(&[("a", "x\n")], body);
        assert!(said[1].0 && said[1].1.starts_with("runs after a command; checked at Build"), "{said:?}");
        assert!(said[2].0 && said[2].1.starts_with("deletes"));
        assert!(!said[3].0);
    }

    const PATHS: &[&str] = &["a", "b", "a/b", "a/c", "d/e", "d"];

    fn block() -> impl Strategy<Value = String> {
        let path = || prop::sample::select(PATHS);
        let text = || prop::sample::select(&["x", "y", "x\ny", ""][..]);
        prop_oneof![
            (path(), text(), text()).prop_map(|(path, old, new)| {
                let lines = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
                format!("```edit {path}\n<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n```\n", lines(old), lines(new))
            }),
            path().prop_map(|path| format!("```delete {path}\n```\n")),
            (path(), path()).prop_map(|(from, to)| format!("```move {from} -> {to}\n```\n")),
            (prop::sample::select(&["*", "**", "a/*", "d"][..]), text())
                .prop_map(|(glob, text)| format!("```replace {glob}\n/x/{}/\n```\n", text.replace('\n', ""))),
            path().prop_map(|path| format!("```diff\n--- a/{path}\n+++ b/{path}\n@@ -1 +1,2 @@\n x\n+z\n```\n")),
            path().prop_map(|path| format!("```diff\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n```\n")),
            path().prop_map(|path| format!("```diff\n--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n```\n")),
        ]
    }

    proptest! {
        /// A dry run says that a block applies exactly when writing it to disk, block by block, succeeds, and
        /// what it foresees is what then stands there.
        #[test]
        fn foresees_what_a_build_does(
            files in prop::collection::btree_map(prop::sample::select(PATHS).prop_map(str::to_owned),
                prop::sample::select(&["x\n", "y\n", "x\ny\n", "x\r\ny"][..]).prop_map(str::to_owned), 0..5),
            body in prop::collection::vec(block(), 1..6),
        ) {
            let body = body.concat();
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), &files);
            let cancel = Cancel::default();
            let blocks = find(&body);
            let mut foreseen = Overlay::open(dir.path()).unwrap();
            let outcomes = dry_run(&blocks, &mut foreseen, &cancel).unwrap();
            let foreseen = contents(&foreseen);
            for (block, outcome) in blocks.iter().zip(&outcomes) {
                // Nothing is carried over in memory here: every block starts from the disk.
                let mut overlay = Overlay::open(dir.path()).unwrap();
                let applied = block.action.as_ref().unwrap().apply(&mut overlay, &cancel).and_then(|_| overlay.flush(&Cancel::default()));
                prop_assert_eq!(applied.is_ok(), outcome.is_ok(), "{}: {:?} but {:?}", block.label(), outcome.detail(), applied);
            }
            prop_assert_eq!(contents(&Overlay::open(dir.path()).unwrap()), foreseen);
        }
    }
}

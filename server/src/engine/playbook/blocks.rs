//! Finds the blocks of a card. A block is a fenced code block, wherever CommonMark finds one (in lists and
//! quotations too), whose info string starts with a block's name. Other code is only code.

use std::{collections::BTreeMap, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::{
    cancel::Cancel,
    edit::{self, Edit},
    effect::{Effect, Touched, count},
    overlay::{Kind, Overlay},
    paths::RepoPath,
    refusal::Refusal,
    replace::{self, Replace},
    unified,
};
use crate::artifact::{
    Change,
    diff::{self, FilePatch},
};

/// Most blocks of one card: above what a person writes by hand.
pub const BLOCKS_LIMIT: usize = 500;

/// A block as it was found, sound or not.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where its fence opens in the card, counted from 1.
    pub line: usize,
    /// Its info string: `edit src/lib.rs`.
    pub title: String,
    /// What it does, or why it can't be read, with the line in the card.
    pub action: Result<Action, String>,
}

/// What a block does.
#[derive(Clone, Debug)]
pub enum Action {
    Edit(Edit),
    Diff(Vec<FilePatch>),
    Replace(Replace),
    Delete(RepoPath),
    Move {
        from: RepoPath,
        to: RepoPath,
    },
    /// A shell line (or several), run at Build only.
    Command(String),
}

impl Found {
    /// As reports name it: its info string and its line.
    pub fn label(&self) -> String {
        format!("{} (line {})", self.title, self.line)
    }

    pub fn command(&self) -> Option<&str> {
        match &self.action {
            Ok(Action::Command(line)) => Some(line),
            _ => None,
        }
    }
}

/// Every block of a card's body, in order.
pub fn find(body: &str) -> Vec<Found> {
    let body = normalised(body);
    let mut blocks: Vec<Found> =
        fenced(&body).into_iter().filter_map(|code| read(&body, code)).take(BLOCKS_LIMIT + 1).collect();
    if let Some(beyond) = blocks.get_mut(BLOCKS_LIMIT) {
        beyond.action = Err(format!("a card holds at most {BLOCKS_LIMIT} blocks; split it"));
    }
    blocks
}

/// The card's body without its blocks: what people say about the work.
pub fn prose(body: &str) -> String {
    let body = normalised(body);
    let mut out = String::new();
    let mut from = 0;
    for code in fenced(&body) {
        if name_of(&code.info).is_some() && code.range.start >= from {
            out.push_str(&body[from..code.range.start]);
            from = code.range.end;
        }
    }
    out.push_str(&body[from..]);
    out
}

fn normalised(body: &str) -> String {
    body.replace("\r\n", "\n").replace('\r', "\n")
}

struct Code {
    info: String,
    content: String,
    range: Range<usize>,
}

fn fenced(body: &str) -> Vec<Code> {
    let mut found = Vec::new();
    let mut open: Option<Code> = None;
    for (event, range) in Parser::new(body).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                open = Some(Code { info: info.trim().to_owned(), content: String::new(), range });
            }
            Event::Text(text) => {
                if let Some(code) = &mut open {
                    code.content.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

const NAMES: &[&str] = &["edit", "diff", "replace", "delete", "move", "sh"];

fn name_of(info: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = info.split_once(char::is_whitespace).unwrap_or((info, ""));
    NAMES.iter().find(|known| **known == name).map(|known| (*known, rest.trim()))
}

fn read(body: &str, code: Code) -> Option<Found> {
    let (name, rest) = name_of(&code.info)?;
    let line = body[..code.range.start].matches('\n').count() + 1;
    let action = if is_closed(&body[code.range.clone()]) {
        action(name, rest, &code.content).map_err(|(at, why)| format!("line {} of the card: {why}", line + at))
    } else {
        Err(format!("line {line} of the card: the fence that opens here is never closed"))
    };
    Some(Found { line, title: code.info, action })
}

/// Whether a code block ends in a fence; one that nothing closes runs to the end of the card, prose and all.
fn is_closed(source: &str) -> bool {
    let source = source.trim_end();
    let opener = source.trim_start();
    let character = opener.chars().next().unwrap_or('`');
    let width = opener.chars().take_while(|next| *next == character).count();
    let last = source.rsplit_once('\n').map_or("", |(_, last)| last);
    // In a list or a quotation the container's own marks stand before the fence.
    let fence = last.trim_start_matches([' ', '\t', '>']).trim_end();
    fence.chars().count() >= width && fence.chars().all(|next| next == character)
}

/// The error is the line counted from the fence (0) and what is wrong.
fn action(name: &str, rest: &str, content: &str) -> Result<Action, (usize, String)> {
    let path = |text: &str| RepoPath::parse(text).map_err(|error| (0, error.to_string()));
    let bare = |wanted: &str| match rest {
        "" => Ok(()),
        _ => Err((0, format!("nothing follows `{wanted}` on its line"))),
    };
    let blank = |wanted: &str| match content.lines().position(|line| !line.trim().is_empty()) {
        None => Ok(()),
        Some(at) => Err((at + 1, format!("a `{wanted}` block is empty: it says all on its first line"))),
    };
    match name {
        "edit" => Ok(Action::Edit(Edit { path: path(rest)?, passages: edit::read(content)? })),
        "replace" => Ok(Action::Replace(replace::read(rest, content)?)),
        "delete" => {
            blank("delete")?;
            Ok(Action::Delete(path(rest)?))
        }
        "move" => {
            blank("move")?;
            let mut ends = rest.split(" -> ");
            let (Some(from), Some(to), None) = (ends.next(), ends.next(), ends.next()) else {
                return Err((0, "write `move FROM -> TO`".to_owned()));
            };
            Ok(Action::Move { from: path(from)?, to: path(to)? })
        }
        "diff" => {
            bare("diff")?;
            let patches = diff::parse(content).map_err(|error| (error.line, error.what))?;
            if patches.is_empty() {
                let why = "there is no file in the diff; it needs `--- a/PATH` and `+++ b/PATH` above its hunks";
                return Err((1, why.to_owned()));
            }
            Ok(Action::Diff(patches))
        }
        _ => {
            bare("sh")?;
            if content.trim().is_empty() {
                return Err((1, "the command is missing".to_owned()));
            }
            Ok(Action::Command(content.trim_end().to_owned()))
        }
    }
}

impl Action {
    /// Applies a block to the overlay, wholly or not at all. A command does nothing here: it is run, not applied.
    pub fn apply(&self, overlay: &mut Overlay, cancel: &Cancel) -> Result<Effect, Refusal> {
        cancel.check()?;
        overlay.all_or_nothing(|overlay| match self {
            Action::Edit(edit) => edit.apply(overlay),
            Action::Diff(patches) => unified::apply(patches, overlay),
            Action::Replace(replace) => replace.apply(overlay, cancel),
            Action::Delete(path) => delete(path, overlay, cancel),
            Action::Move { from, to } => transfer(from, to, overlay, cancel),
            Action::Command(_) => Ok(Effect { summary: "runs at Build".to_owned(), ..Effect::default() }),
        })
    }
}

/// Files at or below a path that blocks may delete or move.
fn files_at(path: &RepoPath, overlay: &Overlay, cancel: &Cancel) -> Result<Vec<RepoPath>, Refusal> {
    match overlay.kind(path)? {
        Kind::Missing => Err(Refusal::Missing(path.clone())),
        Kind::File | Kind::Link => Ok(vec![path.clone()]),
        Kind::Directory => {
            let files: Vec<RepoPath> =
                overlay.files(cancel)?.into_iter().filter(|file| file.below(path).is_some()).collect();
            if files.is_empty() {
                return Refusal::rule(format!("`{path}` is a directory that holds no file but ignored ones"));
            }
            Ok(files)
        }
    }
}

fn delete(path: &RepoPath, overlay: &mut Overlay, cancel: &Cancel) -> Result<Effect, Refusal> {
    let files = files_at(path, overlay, cancel)?;
    for file in &files {
        overlay.remove(file)?;
    }
    let summary = match files.len() {
        1 => format!("deletes `{}`", files[0]),
        number => format!("deletes {} below `{path}`", count(number, "file")),
    };
    let touched = files.into_iter().map(|path| Touched { path, change: Change::Delete, lines: None }).collect();
    Ok(Effect { touched, summary, notes: Vec::new() })
}

fn transfer(from: &RepoPath, to: &RepoPath, overlay: &mut Overlay, cancel: &Cancel) -> Result<Effect, Refusal> {
    if to.below(from).is_some() || to == from {
        return Refusal::rule(format!("`{from}` can't be moved onto or into itself"));
    }
    if overlay.kind(to)? != Kind::Missing {
        return Err(Refusal::Exists(to.clone()));
    }
    let mut moved = BTreeMap::new();
    for file in files_at(from, overlay, cancel)? {
        let target = file.below(from).map_or_else(|| to.clone(), |tail| to.join(tail));
        overlay.rename(&file, &target)?;
        moved.insert(file, target);
    }
    let summary = match moved.len() {
        1 => format!("moves `{from}` to `{to}`"),
        number => format!("moves {} from `{from}` to `{to}`", count(number, "file")),
    };
    let touched = moved.into_iter().map(|(path, target)| {
        let change = Change::Move { to: target.to_string() };
        Touched { path, change, lines: None }
    });
    Ok(Effect { touched: touched.collect(), summary, notes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(body: &str) -> Vec<(usize, String, bool)> {
        find(body).into_iter().map(|found| (found.line, found.title, found.action.is_ok())).collect()
    }

    fn refused(body: &str) -> String {
        find(body).remove(0).action.unwrap_err()
    }

    #[test]
    fn every_block_that_the_editor_offers_is_one() {
        for offered in slipway_app::editor::blocks::BLOCKS {
            let found = find(offered.text);
            assert_eq!(found.len(), 1, "{}", offered.name);
            assert!(found[0].action.is_ok(), "{}: {:?}", offered.name, found[0].action);
        }
    }

    #[test]
    fn finds_blocks_as_commonmark_does() {
        let body = "Words\r\n\r\n```rust\nedit me\n```\n\n````delete a b.txt\n````\n\n- item\n\n  ~~~ move a -> b c\n  ~~~\n\n\
            > ```sh\n> ls\n> ```\n\n~~~~markdown\n```delete x\n```\n~~~~\n\n    ```delete y\n    ```\n";
        let wanted = [
            (7, "delete a b.txt".to_owned(), true),
            (12, "move a -> b c".to_owned(), true),
            (15, "sh".to_owned(), true),
        ];
        assert_eq!(titles(body), wanted);
        assert_eq!(find(body)[2].command(), Some("ls"));
        assert!(!prose(body).contains("a b.txt") && prose(body).contains("edit me") && prose(body).contains("Words"));
    }

    #[test]
    fn longer_fences_nest() {
        let body = "`````edit doc.md\n<<<<<<< SEARCH\n=======\n```sh\nrm -rf x\n```\n>>>>>>> REPLACE\n`````\n";
        let found = find(body);
        assert_eq!(found.len(), 1);
        let Ok(Action::Edit(edit)) = &found[0].action else { panic!("{found:?}") };
        assert_eq!(edit.passages[0].replace, ["```sh", "rm -rf x", "```"]);
    }

    #[test]
    fn malformed_blocks_name_the_line_in_the_card() {
        assert!(refused("x\n\n```edit\n```\n").starts_with("line 3 of the card: the path is missing"));
        assert!(refused("```edit a\n\nwords\n```\n").starts_with("line 3 of the card: a passage"));
        assert!(refused("```replace *.rs\n/a/b/\n/c/\n```\n").starts_with("line 3 of the card: a rule is"));
        assert!(refused("```move a b\n```\n").contains("move FROM -> TO"));
        assert!(refused("```delete ../x\n```\n").contains("leads out"));
        assert!(refused("```diff\n-a\n+b\n```\n").contains("--- a/PATH"));
        assert!(refused("```sh\n\n```\n").contains("command is missing"));
        assert!(refused("```sh\nls\n\nProse that must not run.\n").contains("never closed"));
        assert!(refused("```delete .git/config\n```\n").contains("git's own"));
    }

    #[test]
    fn directories_are_deleted_and_moved_file_by_file() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/x", "a/y/z", "b/w"] {
            std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let body = "```move a -> c/d\n```\n```delete b\n```\n```move c -> c/e\n```\n";
        let actions: Vec<Action> = find(body).into_iter().map(|found| found.action.unwrap()).collect();
        let cancel = Cancel::default();
        assert_eq!(actions[0].apply(&mut overlay, &cancel).unwrap().summary, "moves 2 files from `a` to `c/d`");
        actions[1].apply(&mut overlay, &cancel).unwrap();
        assert!(actions[2].apply(&mut overlay, &cancel).unwrap_err().to_string().contains("itself"));
        overlay.flush(&Cancel::default()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("c/d/y/z")).unwrap(), "a/y/z");
        assert!(!dir.path().join("a").exists() && !dir.path().join("b").exists());
    }
}

//! The cards are applied by hand here, without the engine that will apply them, in every order.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
};

use super::*;

struct CommandLineGit;

fn git(directory: &Path, args: &[&str]) -> io::Result<String> {
    let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    let out = Command::new("git").current_dir(directory).args(who).args(args).stdin(Stdio::null()).output()?;
    if out.status.success() {
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&out.stderr).into_owned()))
    }
}

impl SampleGit for CommandLineGit {
    fn init(&self, directory: &Path, branch: &str) -> io::Result<()> {
        git(directory, &["init", "-q", "-b", branch]).map(drop)
    }

    fn commit_all(&self, directory: &Path, message: &str) -> io::Result<()> {
        git(directory, &["add", "-A"])?;
        git(directory, &["commit", "-q", "-m", message]).map(drop)
    }
}

/// The fenced blocks of a body: info string and content.
fn blocks(body: &str) -> Vec<(String, String)> {
    use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for event in Parser::new(body) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                inside = true;
                found.push((info.into_string(), String::new()));
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => found.last_mut().unwrap().1.push_str(&text),
            _ => {}
        }
    }
    found
}

/// Applies a card; panics where a block does not apply.
fn apply(root: &Path, card: &CardText) {
    for (info, text) in blocks(&card.body) {
        let (word, rest) = info.split_once(' ').unwrap_or((&info, ""));
        match word {
            "edit" => edit(&root.join(rest), &text),
            "replace" => replace(root, rest, &text),
            "delete" => fs::remove_file(root.join(rest)).unwrap(),
            "move" => {
                let (from, to) = rest.split_once(" -> ").unwrap();
                assert!(!root.join(to).exists());
                fs::rename(root.join(from), root.join(to)).unwrap();
            }
            "diff" => {
                let patch = root.join("p.tmp");
                fs::write(&patch, &text).unwrap();
                git(root, &["apply", "p.tmp"]).unwrap();
                fs::remove_file(patch).unwrap();
            }
            "sh" => assert!(Command::new("sh").current_dir(root).args(["-c", &text]).status().unwrap().success()),
            other => panic!("unknown block {other}"),
        }
    }
}

fn edit(path: &Path, text: &str) {
    let (search, replacement) = parts(text);
    if search.is_empty() {
        assert!(!path.exists());
        return fs::write(path, replacement).unwrap();
    }
    let before = fs::read_to_string(path).unwrap();
    assert_eq!(before.matches(search).count(), 1, "{}", path.display());
    fs::write(path, before.replacen(search, replacement, 1)).unwrap();
}

fn parts(text: &str) -> (&str, &str) {
    let rest = text.strip_prefix("<<<<<<< SEARCH\n").unwrap();
    let (search, rest) = rest.split_at(rest.find("=======\n").unwrap());
    (search, rest.strip_prefix("=======\n").unwrap().strip_suffix(">>>>>>> REPLACE\n").unwrap())
}

fn replace(root: &Path, glob: &str, text: &str) {
    let words: Vec<&str> = text.trim().split('/').collect();
    let [_, pattern, replacement, _] = words[..] else { panic!("{text}") };
    let pattern = regex::Regex::new(pattern).unwrap();
    let glob = globset::Glob::new(glob).unwrap().compile_matcher();
    let mut count = 0;
    for path in
        git(root, &["ls-files", "-co", "--exclude-standard"]).unwrap().lines().filter(|path| glob.is_match(path))
    {
        let before = fs::read_to_string(root.join(path)).unwrap();
        count += pattern.find_iter(&before).count();
        fs::write(root.join(path), pattern.replace_all(&before, replacement).as_bytes()).unwrap();
    }
    assert!(count > 0, "{text} matches nothing");
}

fn sample() -> (tempfile::TempDir, SampleProject) {
    let data = tempfile::tempdir().unwrap();
    let sample = make_sample(data.path(), &CommandLineGit).unwrap();
    (data, sample)
}

fn tests_pass(root: &Path) -> bool {
    Command::new("sh").current_dir(root).args(["-c", CHECK_COMMAND]).stdout(Stdio::null()).status().unwrap().success()
}

/// Paths a card changes, with what becomes of them.
fn changes(root: &Path) -> BTreeMap<String, String> {
    git(root, &["add", "-A"]).unwrap();
    git(root, &["diff", "--cached", "--no-renames", "--name-status"])
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once('\t').map(|(kind, path)| (path.to_owned(), kind.to_owned())))
        .collect()
}

fn reset(root: &Path) {
    git(root, &["reset", "-q", "--hard"]).unwrap();
    git(root, &["clean", "-qfdx"]).unwrap();
}

#[test]
fn it_is_a_real_repository_made_once() {
    let (data, sample) = sample();
    assert!(sample.fresh && tests_pass(&sample.path));
    assert_eq!(git(&sample.path, &["status", "--porcelain"]).unwrap(), "");
    assert_eq!(git(&sample.path, &["symbolic-ref", "--short", "HEAD"]).unwrap(), "main\n");
    assert!(sample.path.join(".gitignore").exists() && !sample.path.join("gitignore").exists());
    assert_eq!(sample.cards.len(), 5);
    let head = git(&sample.path, &["rev-parse", "HEAD"]).unwrap();
    let again = make_sample(data.path(), &CommandLineGit).unwrap();
    assert!(!again.fresh);
    assert_eq!(git(&again.path, &["rev-parse", "HEAD"]).unwrap(), head);
}

#[test]
fn what_was_half_made_is_made_again() {
    let data = tempfile::tempdir().unwrap();
    let half = data.path().join("sample/.half-made");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("litter"), "").unwrap();
    let sample = make_sample(data.path(), &CommandLineGit).unwrap();
    assert!(!sample.path.join("litter").exists() && !half.exists());
}

#[test]
fn four_cards_ship_alone_and_in_any_order() {
    let (_data, sample) = sample();
    let ships = &sample.cards[..4];
    let mut kinds = BTreeSet::new();
    let mut touched: BTreeMap<String, usize> = BTreeMap::new();
    for (at, card) in ships.iter().enumerate() {
        kinds.extend(blocks(&card.body).into_iter().map(|(info, _)| info.split(' ').next().unwrap().to_owned()));
        apply(&sample.path, card);
        assert!(tests_pass(&sample.path), "{}", card.title);
        let changed = changes(&sample.path);
        assert!(!changed.is_empty());
        for path in changed.into_keys() {
            // Cards that share no file merge cleanly, whichever lands first.
            assert_eq!(touched.insert(path.clone(), at), None, "{path} is changed by two cards");
        }
        reset(&sample.path);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["delete", "diff", "edit", "move", "replace", "sh"]);

    let mut results = BTreeSet::new();
    for order in orders() {
        order.iter().for_each(|&at| apply(&sample.path, &ships[at]));
        assert!(tests_pass(&sample.path), "{order:?}");
        git(&sample.path, &["add", "-A"]).unwrap();
        results.insert(git(&sample.path, &["write-tree"]).unwrap());
        reset(&sample.path);
    }
    assert_eq!(results.len(), 1, "every order ends in the same tree");
}

/// All orders of four.
fn orders() -> Vec<[usize; 4]> {
    (0..256)
        .map(|n| [n / 64, n / 16 % 4, n / 4 % 4, n % 4])
        .filter(|order| (0..4).all(|card| order.contains(&card)))
        .collect()
}

#[test]
fn the_fifth_holds_and_says_how_to_go_on() {
    let (_data, sample) = sample();
    let card = &sample.cards[4];
    let (info, text) = blocks(&card.body).remove(0);
    let path = sample.path.join(info.strip_prefix("edit ").unwrap());
    let (search, _) = parts(&text);
    assert_eq!(fs::read_to_string(&path).unwrap().matches(search).count(), 0);
    assert!(card.body.contains("write 18 instead of 12"));
    // What the card tells a person to do makes it ship.
    let fixed = CardText { title: card.title.clone(), body: card.body.replace("LAMP_RANGE=12", "LAMP_RANGE=18") };
    apply(&sample.path, &fixed);
    assert!(tests_pass(&sample.path));
    assert_eq!(changes(&sample.path).into_keys().collect::<Vec<_>>(), ["lib/lamp.sh"]);
}

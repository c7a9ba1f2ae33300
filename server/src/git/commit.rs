//! Ship's commit: who makes it, the commit itself, and how a second try finds the first.

use std::{env, path::Path};

use git2::{Config, ErrorCode, Oid, Repository, Signature, Sort, Time};

use super::{Doing, GitError, is_missing, open, ref_lock};

/// Commits between a branch's tip and the base that are searched. A card's branch holds a handful; a branch
/// with more than this isn't one of ours.
const COMMITS_SEARCHED: usize = 10_000;

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

/// Why a commit wasn't made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error(
        "Git doesn't know who you are. Run `git config --global user.name \"Your Name\"` and \
         `git config --global user.email you@example.com`, then retry."
    )]
    NoIdentity,
    #[error(
        "Branch `{branch}` moved while the card was shipping: it is at {now}, not at {expected}. \
         Retry to ship again, or look at what was committed there."
    )]
    BranchMoved { branch: String, expected: Oid, now: Oid },
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Who writes in a repository: `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL`, then `author.*` and `user.*` of the
/// configuration as git reads it there (system, global, includes, local, worktree), then `EMAIL`. A name is
/// never made up from the machine's accounts.
pub fn identity(repository: &Path) -> Result<Identity, CommitError> {
    identity_as(&open(repository)?, "author")
}

/// The identity in one of git's two parts, `author` or `committer`.
fn identity_as(repo: &Repository, part: &str) -> Result<Identity, CommitError> {
    let config = repo.config().and_then(|mut config| config.snapshot());
    let config = config.doing("read git's configuration")?;
    identity_from(&config, part, |name| env::var(name).ok())
}

fn identity_from(
    config: &Config,
    part: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Identity, CommitError> {
    let find = |what: &str, otherwise: Option<String>| {
        let candidates = [
            variable(&format!("GIT_{}_{}", part.to_uppercase(), what.to_uppercase())),
            config.get_string(&format!("{part}.{what}")).ok(),
            config.get_string(&format!("user.{what}")).ok(),
            otherwise,
        ];
        candidates.into_iter().flatten().map(|text| without_crud(&text)).find(|text| !text.is_empty())
    };
    match (find("name", None), find("email", variable("EMAIL"))) {
        (Some(name), Some(email)) => Ok(Identity { name, email }),
        _ => Err(CommitError::NoIdentity),
    }
}

/// Drops what git drops from a name or address (`strbuf_addstr_without_crud` in its `ident.c`): punctuation
/// at the ends, and what would break the commit's header inside.
fn without_crud(text: &str) -> String {
    let crud = |c: char| c <= ' ' || ".,:;<>\"\\'".contains(c);
    text.trim_matches(crud).chars().filter(|c| !['\n', '<', '>', '\0'].contains(c)).collect()
}

/// Commits `tree` on top of `parent`, and moves `refs/heads/<branch>` from `parent` to the new commit. Author
/// and committer are who git would take them for. A branch that is gone is made again.
pub fn commit(repository: &Path, branch: &str, tree: Oid, parent: Oid, message: &str) -> Result<Oid, CommitError> {
    let repo = open(repository)?;
    let now = Time::new(chrono::Utc::now().timestamp(), chrono::Local::now().offset().local_minus_utc() / 60);
    let id = write_commit(&repo, now, tree, &[parent], message)?;
    let reference = format!("refs/heads/{branch}");
    let log = format!("commit: {}", message.lines().next().unwrap_or_default());
    let doing = || format!("move branch `{branch}` to {id}");
    let now = match repo.refname_to_id(&reference) {
        Err(error) if is_missing(&error) => {
            ref_lock::through(&repo, &reference, || repo.reference(&reference, id, false, &log)).doing(doing())?;
            return Ok(id);
        }
        now => now.doing(doing())?,
    };
    match ref_lock::through(&repo, &reference, || repo.reference_matching(&reference, id, true, parent, &log)) {
        Ok(_) => Ok(id),
        Err(error) if error.code() == ErrorCode::Modified => {
            Err(CommitError::BranchMoved { branch: branch.to_owned(), expected: parent, now })
        }
        Err(error) => Err(error).doing(doing())?,
    }
}

/// Writes a commit object that no ref names yet. The same arguments and identity give the same id.
pub(super) fn write_commit(
    repo: &Repository,
    at: Time,
    tree: Oid,
    parents: &[Oid],
    message: &str,
) -> Result<Oid, CommitError> {
    let (author, committer) = (identity_as(repo, "author")?, identity_as(repo, "committer")?);
    let write = || -> Result<Oid, git2::Error> {
        let author = Signature::new(&author.name, &author.email, &at)?;
        let committer = Signature::new(&committer.name, &committer.email, &at)?;
        let tree = repo.find_tree(tree)?;
        let parents = parents.iter().map(|id| repo.find_commit(*id)).collect::<Result<Vec<_>, _>>()?;
        let parents: Vec<_> = parents.iter().collect();
        let end = if message.ends_with('\n') { "" } else { "\n" };
        repo.commit(None, &author, &committer, &format!("{message}{end}"), &tree, &parents)
    };
    Ok(write().doing("write the commit")?)
}

/// A commit's message and tree.
pub fn read(repository: &Path, commit: Oid) -> Result<(String, Oid), GitError> {
    let repo = open(repository)?;
    let commit = repo.find_commit(commit).doing(format!("read commit {commit}"))?;
    Ok((super::lossy(commit.message_bytes()), commit.tree_id()))
}

/// The newest commit of `branch`, not reachable from `stop_at`, whose trailers `Slipway-Card` and
/// `Slipway-Agent` are these, with its message. A branch that doesn't exist holds none.
pub fn find_by_trailers(
    repository: &Path,
    branch: &str,
    stop_at: Oid,
    card: &str,
    agent: &str,
) -> Result<Option<(Oid, String)>, GitError> {
    let repo = open(repository)?;
    let find = || -> Result<Option<(Oid, String)>, git2::Error> {
        let tip = match repo.refname_to_id(&format!("refs/heads/{branch}")) {
            Err(error) if is_missing(&error) => return Ok(None),
            tip => tip?,
        };
        let mut walk = repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        walk.push(tip)?;
        walk.hide(stop_at)?;
        for id in walk.take(COMMITS_SEARCHED) {
            let commit = repo.find_commit(id?)?;
            let message = super::lossy(commit.message_bytes());
            if has_trailer(&message, "Slipway-Card", card)? && has_trailer(&message, "Slipway-Agent", agent)? {
                return Ok(Some((commit.id(), message)));
            }
        }
        Ok(None)
    };
    find().doing(format!("look for the card's commit on `{branch}`"))
}

fn has_trailer(message: &str, key: &str, value: &str) -> Result<bool, git2::Error> {
    let trailers = git2::message_trailers_strs(message)?;
    Ok(trailers.iter().any(|(found, text)| found.eq_ignore_ascii_case(key) && text == value))
}

#[cfg(test)]
mod tests {
    use super::{
        super::fixture::{Fixture, identity as ada, write},
        *,
    };

    fn who(config: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<(String, String)> {
        let directory = tempfile::TempDir::new().unwrap();
        let mut written = Config::open(&directory.path().join("config")).unwrap();
        for (key, value) in config {
            written.set_str(key, value).unwrap();
        }
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        match identity_from(&written.snapshot().unwrap(), "author", variable) {
            Ok(Identity { name, email }) => Some((name, email)),
            Err(CommitError::NoIdentity) => None,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_identity_is_found_where_git_finds_it() {
        let pair = |name: &str, email: &str| Some((name.to_owned(), email.to_owned()));
        let user = [("user.name", "Ada"), ("user.email", "ada@example.com")];
        assert_eq!(who(&user, &[]), pair("Ada", "ada@example.com"));
        assert_eq!(who(&user, &[("GIT_AUTHOR_NAME", "Env")]), pair("Env", "ada@example.com"));
        let author = [user[0], user[1], ("author.email", "author@example.com")];
        assert_eq!(who(&author, &[]), pair("Ada", "author@example.com"));
        assert_eq!(who(&user[..1], &[("EMAIL", "env@example.com")]), pair("Ada", "env@example.com"));
        assert_eq!(who(&user[..1], &[]), None);
        assert_eq!(who(&[("user.name", " <> "), user[1]], &[]), None);
        assert_eq!(who(&[("user.name", "A <b> C."), user[1]], &[]), pair("A b C", "ada@example.com"));
    }

    #[test]
    fn no_identity_says_what_to_run() {
        let text = CommitError::NoIdentity.to_string();
        assert!(text.contains("git config --global user.name") && text.contains("git config --global user.email"));
    }

    #[test]
    fn the_repositorys_own_identity_counts() {
        let fixture = Fixture::new();
        assert_eq!(identity(&fixture.repository).unwrap(), ada());
    }

    #[test]
    fn a_commit_is_one_to_git() {
        let fixture = Fixture::new();
        let at = fixture.worktree();
        write(&at, "b.txt", "b\n");
        let (tree, base) = (fixture.freeze(&at), fixture.tip());
        let id = commit(&fixture.repository, "slipway/1-card", tree, base, "Add b\n\nBody.").unwrap();
        let log = fixture.git(&["log", "-1", "--format=%H|%P|%T|%an <%ae>|%cn|%B", "slipway/1-card"]);
        assert_eq!(log, format!("{id}|{base}|{tree}|Ada <ada@example.com>|Ada|Add b\n\nBody.\n\n"));
        fixture.assert_sound();

        let expected = ("Add b\n\nBody.\n".to_owned(), tree);
        assert_eq!(read(&fixture.repository, id).unwrap(), expected);

        fixture.git(&["config", "committer.name", "Grace"]);
        let other = commit(&fixture.repository, "slipway/3-other", tree, base, "Other").unwrap();
        assert_eq!(
            fixture.git(&["log", "-1", "--format=%an|%cn|%ce", &other.to_string()]),
            "Ada|Grace|ada@example.com\n"
        );

        let error = commit(&fixture.repository, "slipway/1-card", tree, base, "Again").unwrap_err();
        assert!(matches!(error, CommitError::BranchMoved { now, .. } if now == id), "{error}");
        let made = commit(&fixture.repository, "slipway/2-gone", tree, base, "New branch").unwrap();
        assert_eq!(fixture.git(&["rev-parse", "slipway/2-gone"]).trim(), made.to_string());
    }

    #[test]
    fn a_commit_is_found_by_both_its_trailers() {
        let fixture = Fixture::new();
        let (base, tree) = (fixture.tip(), fixture.tree(fixture.tip()));
        let find = |card: &str, agent: &str| {
            find_by_trailers(&fixture.repository, "slipway/1-card", base, card, agent).unwrap().map(|(id, _)| id)
        };
        assert_eq!(find("c1", "a1"), None);
        let commit =
            |parent, message: &str| commit(&fixture.repository, "slipway/1-card", tree, parent, message).unwrap();
        let first = commit(base, "One\n\nSlipway-Card: c1\nSlipway-Agent: a1\n");
        let second = commit(first, "Two\n\nBody that says Slipway-Agent: a3\n\nSlipway-Card: c1\nSlipway-Agent: a2\n");
        assert_eq!(find("c1", "a1"), Some(first));
        assert_eq!(find("c1", "a2"), Some(second));
        assert_eq!(find("c1", "a3"), None);
        assert_eq!(find("c2", "a1"), None);
        let (_, message) = find_by_trailers(&fixture.repository, "slipway/1-card", base, "c1", "a1").unwrap().unwrap();
        assert!(message.starts_with("One\n"));
        let hidden = find_by_trailers(&fixture.repository, "slipway/1-card", first, "c1", "a1").unwrap();
        assert_eq!(hidden, None);
    }
}

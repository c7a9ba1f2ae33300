//! The playbook engine: deterministic agents that do what a card spells out in blocks, with no model and no
//! network.
//!
//! A card's body may hold fenced blocks (`edit`, `diff`, `replace`, `delete`, `move`, `sh`; see [`blocks`]).
//! The planner searches the repository and tries every block, the builder applies them, the reviewer reads
//! the diff against the plan, the shipper writes the message. The prompt of a job is kept on record by the
//! caller and not read here.

use std::path::Path;

use async_trait::async_trait;
use slipway_app::model::Role;

use super::{Engine, EngineError, Job, Report, Reporter};
use crate::artifact::BlockPlan;
use cancel::Cancel;
use overlay::Overlay;
use refusal::Refusal;

pub mod blocks;
mod builder;
mod cancel;
mod dry_run;
mod edit;
mod effect;
mod flush;
mod overlay;
mod paths;
mod planned;
mod planner;
mod refusal;
mod replace;
mod reviewer;
mod risks;
mod search;
mod shipper;
mod terms;
mod unified;

/// See the module's documentation.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaybookEngine;

#[async_trait]
impl Engine for PlaybookEngine {
    async fn run(&self, job: Job, reporter: Reporter) -> Result<Report, EngineError> {
        match job.role {
            Role::Planner => planner::run(job, reporter).await.map(Report::Plan),
            Role::Builder => builder::run(job, reporter).await.map(Report::Build),
            Role::Reviewer => reviewer::run(job, reporter).await.map(Report::Review),
            Role::Shipper => shipper::run(job, reporter).await.map(Report::Commit),
            Role::Scout | Role::Orchestrator => {
                Err(EngineError::Refused(format!("The playbook engine has no {}.", job.role.as_str())))
            }
        }
    }
}

/// Tries every block of `body` on the files below `workspace` and writes nothing.
///
/// # Errors
/// [`EngineError::Failed`] when the workspace can't be opened. A block that does not apply is no error.
pub async fn dry_run(workspace: &Path, body: &str) -> Result<Vec<BlockPlan>, EngineError> {
    let (workspace, body) = (workspace.to_owned(), body.to_owned());
    let cancel = Cancel::default();
    let _guard = cancel.on_drop();
    let working = cancel.clone();
    blocking("trying the card's blocks", move || {
        let blocks = blocks::find(&body);
        let mut overlay = open(&workspace)?;
        let outcomes = dry_run::dry_run(&blocks, &mut overlay, &working).map_err(EngineError::from)?;
        Ok(blocks.iter().zip(&outcomes).map(|(block, outcome)| outcome.plan(block)).collect())
    })
    .await
}

fn open(workspace: &Path) -> Result<Overlay, EngineError> {
    Overlay::open(workspace).map_err(|source| EngineError::Failed { doing: "opening the workspace".to_owned(), source })
}

/// Runs file work off the async threads. What it must not outlive it checks by its own [`Cancel`].
async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| {
        Err(EngineError::Failed { doing: doing.to_owned(), source: std::io::Error::other(error) })
    })
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Cancelled => EngineError::Cancelled,
            Refusal::Read { path, source } => EngineError::Failed { doing: format!("reading {path}"), source },
            Refusal::Write { path, source } => EngineError::Failed { doing: format!("writing {path}"), source },
            other => EngineError::Refused(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

    use slipway_app::model::EngineName;

    use super::*;
    use crate::{
        artifact::{BuildNotes, CheckReport, CommitMessage, Plan, Review, Severity, Verdict},
        engine::{CommandResult, Context, EngineEvent, RunCommand},
        gate::checks::{BuildFacts, PlanFacts, build_checks, plan_checks},
    };

    /// Runs commands unconfined: what confines them is another module's.
    struct Shell(PathBuf);

    #[async_trait]
    impl RunCommand for Shell {
        async fn run(&self, shell_line: &str) -> Result<CommandResult, EngineError> {
            let out = Command::new("sh").arg("-c").arg(shell_line).current_dir(&self.0).output().unwrap();
            let output = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
            Ok(CommandResult { succeeded: out.status.success(), ended: out.status.to_string(), output, millis: 1 })
        }
    }

    struct Repo(tempfile::TempDir);

    impl Repo {
        fn new(files: &[(&str, &str)]) -> Repo {
            let dir = tempfile::tempdir().unwrap();
            let repo = git2::Repository::init(dir.path()).unwrap();
            for (name, content) in files {
                let at = dir.path().join(name);
                fs::create_dir_all(at.parent().unwrap()).unwrap();
                fs::write(at, content).unwrap();
            }
            let mut index = repo.index().unwrap();
            index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
            let tree = repo.find_tree(index.write_tree().unwrap()).unwrap();
            index.write().unwrap();
            let who = git2::Signature::now("a", "a@example.com").unwrap();
            repo.commit(Some("HEAD"), &who, &who, "base", &tree, &[]).unwrap();
            Repo(dir)
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.0.path().join(name)).ok()
        }

        /// The diff from the base to the files as they are, as the builder's caller makes it.
        fn diff(&self) -> String {
            let repo = git2::Repository::open(self.0.path()).unwrap();
            let base = repo.head().unwrap().peel_to_tree().unwrap();
            let mut options = git2::DiffOptions::new();
            options.include_untracked(true).recurse_untracked_dirs(true).show_untracked_content(true);
            let mut diff = repo.diff_tree_to_workdir(Some(&base), Some(&mut options)).unwrap();
            diff.find_similar(Some(git2::DiffFindOptions::new().renames(true).for_untracked(true))).unwrap();
            let mut text = Vec::new();
            diff.print(git2::DiffFormat::Patch, |_, _, line| {
                if matches!(line.origin(), ' ' | '+' | '-') {
                    text.push(line.origin() as u8);
                }
                text.extend_from_slice(line.content());
                true
            })
            .unwrap();
            String::from_utf8(text).unwrap()
        }

        async fn run(&self, role: Role, context: &Context) -> Result<(Report, Vec<EngineEvent>), EngineError> {
            let workspace = self.0.path().to_owned();
            let commands = Arc::new(Shell(workspace.clone()));
            let job = Job { role, context: context.clone(), model: None, prompt: String::new(), workspace, commands };
            let (reporter, mut events) = Reporter::new();
            let collected = tokio::spawn(async move {
                let mut all = Vec::new();
                while let Some(event) = events.recv().await {
                    all.push(event);
                }
                all
            });
            let report = PlaybookEngine.run(job, reporter).await?;
            Ok((report, collected.await.unwrap()))
        }

        async fn plan(&self, context: &Context) -> Plan {
            match self.run(Role::Planner, context).await.unwrap().0 {
                Report::Plan(plan) => plan,
                other => panic!("{other:?}"),
            }
        }

        async fn build(&self, context: &Context) -> Result<(BuildNotes, Vec<EngineEvent>), EngineError> {
            match self.run(Role::Builder, context).await? {
                (Report::Build(notes), events) => Ok((notes, events)),
                other => panic!("{other:?}"),
            }
        }

        async fn review(&self, context: &Context) -> Review {
            match self.run(Role::Reviewer, context).await.unwrap().0 {
                Report::Review(review) => review,
                other => panic!("{other:?}"),
            }
        }

        async fn ship(&self, context: &Context) -> CommitMessage {
            match self.run(Role::Shipper, context).await.unwrap().0 {
                Report::Commit(message) => message,
                other => panic!("{other:?}"),
            }
        }
    }

    const FILES: &[(&str, &str)] = &[
        ("src/a.rs", "fn greet() {\n    print(\"hello\");\n}\n"),
        ("src/b.rs", "use crate::a::greet;\r\nfn main() { greet(); }\r\n"),
        ("docs/old name.md", "# Old\n\nSome words that are long enough to be found again.\n"),
        ("gone.txt", "gone.txt\n"),
        ("LIST", "a gone.txt here\n"),
    ];

    const BODY: &str = "`greet` should be `welcome`.\n\n```replace src/**/*.rs\n/\\bgreet\\b/welcome/\n```\n\n\
        ```edit src/a.rs\n<<<<<<< SEARCH\n    print(\"hello\");\n=======\n    print(\"welcome\");\n>>>>>>> REPLACE\n```\n\n\
        ```move docs/old name.md -> docs/new.md\n```\n\n```delete gone.txt\n```\n\n```sh\necho made > made.txt\n```\n\n\
        ```edit made.txt\n<<<<<<< SEARCH\nmade\n=======\nmade twice\n>>>>>>> REPLACE\n```\n";

    fn card(body: &str) -> Context {
        let check_command = Some("true".to_owned());
        Context {
            card_number: 3,
            title: "Rename `greet`".to_owned(),
            body: body.to_owned(),
            check_command,
            ..Context::default()
        }
    }

    fn reds(checks: Vec<slipway_app::model::Check>) -> Vec<String> {
        checks
            .into_iter()
            .filter(|check| !check.passed)
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect()
    }

    #[tokio::test]
    async fn a_card_goes_from_plan_to_message() {
        let repo = Repo::new(FILES);
        let mut context = card(BODY);
        let plan = repo.plan(&context).await;
        assert_eq!(Plan::parse(&plan.render()).unwrap(), plan_as_read(&plan));
        assert_eq!(plan.steps.len(), 6);
        assert!(plan.blocks.iter().all(|block| block.applies), "{:?}", plan.blocks);
        assert!(
            plan.risks.iter().any(|risk| risk.contains("`gone.txt` goes, but is still named in `LIST:1`")),
            "{:?}",
            plan.risks
        );
        assert!(plan.context.contains("src/a.rs:1"), "{}", plan.context);
        let exists = |path: &str| repo.0.path().join(path).exists();
        let facts = PlanFacts { plan: &plan, exists: &exists, dry_run: &plan.blocks, engine: EngineName::Playbook };
        assert_eq!(reds(plan_checks(&facts)), [""; 0]);
        assert_eq!(repo.diff(), "", "a plan changes nothing");

        context.plan = Some(plan);
        let (notes, events) = repo.build(&context).await.unwrap();
        assert_eq!(repo.read("src/b.rs").unwrap(), "use crate::a::welcome;\r\nfn main() { welcome(); }\r\n");
        assert_eq!(repo.read("made.txt").unwrap(), "made twice\n");
        assert!(repo.read("gone.txt").is_none() && repo.read("docs/old name.md").is_none());
        assert_eq!(notes.changed_by_commands, ["echo made > made.txt"]);
        assert_eq!(notes.extra_files[0].path, "made.txt");
        let calls = events.iter().filter(|event| matches!(event, EngineEvent::ToolCall { .. })).count();
        let steps: Vec<u16> = events
            .iter()
            .filter_map(|event| if let EngineEvent::Progress { step, .. } = event { Some(*step) } else { None })
            .collect();
        assert_eq!((calls, steps), (6, vec![1, 2, 3, 4, 5, 6, 6]));

        let diff = repo.diff();
        let report = CheckReport { command: context.check_command.clone(), passed: true, ..CheckReport::default() };
        let facts = BuildFacts {
            diff: &diff,
            plan: context.plan.as_ref(),
            notes: &notes,
            applies: Ok(()),
            check_report: Some(&report),
        };
        assert_eq!(reds(build_checks(&facts)), [""; 0]);

        (context.diff, context.check_report) = (Some(diff), Some(report));
        let review = repo.review(&context).await;
        assert_eq!(review.verdict, Verdict::Approve, "{}", review.render());
        assert_eq!(Review::parse(&review.render()).unwrap(), review);

        context.review = Some(review);
        let message = repo.ship(&context).await;
        assert_eq!(message.subject, "Rename greet");
        assert!(message.body.starts_with("greet should be welcome."), "{}", message.body);
        assert!(message.body.contains("- move docs/old name.md -> docs/new.md (+0 -0)"), "{}", message.body);
    }

    /// Texts lose blank edges on their way through a form.
    fn plan_as_read(plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        plan.context = plan.context.trim().to_owned();
        plan.notes = plan.notes.trim().to_owned();
        plan
    }

    #[tokio::test]
    async fn a_card_without_blocks_is_told_what_is_missing() {
        let repo = Repo::new(FILES);
        let context = card("`greet` should be `welcome`.");
        let plan = repo.plan(&context).await;
        assert!(plan.notes.contains("```edit src/a.rs") || plan.notes.contains("```edit src/b.rs"), "{}", plan.notes);
        let exists = |_: &str| true;
        let facts = PlanFacts { plan: &plan, exists: &exists, dry_run: &[], engine: EngineName::Playbook };
        assert_eq!(reds(plan_checks(&facts)).len(), 2);
        assert!(matches!(repo.build(&context).await, Err(EngineError::Refused(_))));
    }

    #[tokio::test]
    async fn nothing_is_touched_when_a_block_does_not_apply() {
        let repo = Repo::new(FILES);
        let context = card("```sh\ntouch made\n```\n```delete gone.txt\n```\n```delete ../x\n```\n");
        let error = repo.build(&context).await.unwrap_err().to_string();
        assert!(error.contains("Nothing was changed") && error.contains("leads out"), "{error}");
        assert!(repo.read("gone.txt").is_some() && repo.read("made").is_none());
    }

    #[tokio::test]
    async fn a_command_that_fails_fails_the_build() {
        let repo = Repo::new(FILES);
        let error = repo.build(&card("```sh\necho reason; exit 3\n```\n")).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("reason"), "{error}");
    }

    #[tokio::test]
    async fn a_block_that_a_command_should_have_prepared_fails_at_build() {
        let repo = Repo::new(FILES);
        let context = card("```sh\ntrue\n```\n```delete nowhere\n```\n");
        assert!(repo.plan(&context).await.blocks.iter().all(|block| block.applies));
        let error = repo.build(&context).await.unwrap_err().to_string();
        assert!(error.contains("delete nowhere (line 4)") && error.contains("does not exist"), "{error}");
    }

    #[tokio::test]
    async fn a_review_of_other_work_asks_for_changes() {
        let repo = Repo::new(FILES);
        let mut context = card(BODY);
        context.plan = Some(repo.plan(&context).await);
        fs::write(repo.0.path().join("LIST"), "other\n").unwrap();
        context.diff = Some(repo.diff());
        let review = repo.review(&context).await;
        assert_eq!(review.verdict, Verdict::RequestChanges);
        assert_eq!(review.coverage.iter().filter(|step| step.covered).count(), 2, "{}", review.render());
        assert!(review.findings.iter().any(|finding| finding.severity == Severity::Medium));
    }

    /// Never returns: a command that hangs.
    struct Hangs;

    #[async_trait]
    impl RunCommand for Hangs {
        async fn run(&self, _: &str) -> Result<CommandResult, EngineError> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn dropping_a_run_leaves_whole_files() {
        let repo = Repo::new(FILES);
        let workspace = repo.0.path().to_owned();
        let body = "```delete gone.txt\n```\n```sh\nsleep\n```\n```delete LIST\n```\n".to_owned();
        let context = Context { body, ..Context::default() };
        let job = Job {
            role: Role::Builder,
            context,
            model: None,
            prompt: String::new(),
            workspace,
            commands: Arc::new(Hangs),
        };
        let (reporter, _events) = Reporter::new();
        let run = PlaybookEngine.run(job, reporter);
        assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err());
        let left: BTreeMap<String, bool> = fs::read_dir(repo.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| (name.clone(), name.starts_with(".slipway-")))
            .collect();
        assert!(
            left.contains_key("LIST") && !left.contains_key("gone.txt") && !left.values().any(|temporary| *temporary)
        );
    }
}

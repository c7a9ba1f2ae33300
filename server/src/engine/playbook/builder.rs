//! The builder: applies the card's blocks to the workspace and runs its commands there.
//!
//! Everything is tried first, so a card that does not apply changes nothing and runs nothing. Changes are
//! laid over the files in memory and written before each command and at the end.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    blocking, blocks,
    blocks::{Action, Found},
    cancel::Cancel,
    dry_run,
    effect::Effect,
    open,
    overlay::Overlay,
    refusal::Refusal,
};
use crate::{
    artifact::{BuildNotes, Change, ExtraFile, markdown},
    engine::{EngineError, EngineEvent, Job, Reporter},
};

/// Bytes of a failed command's output that the refusal quotes: its end, where the error stands.
const OUTPUT_QUOTED: usize = 2_000;

pub async fn run(job: Job, reporter: Reporter) -> Result<BuildNotes, EngineError> {
    let cancel = Cancel::default();
    let _guard = cancel.on_drop();
    let found = blocks::find(&job.context.body);
    if found.is_empty() {
        let why =
            "The card holds no block, so there is nothing to build. Add one, such as `edit PATH`, and plan again.";
        return Err(EngineError::Refused(why.to_owned()));
    }
    let mut build = Build { job, reporter, cancel, overlay: None, notes: BuildNotes::default(), done: Vec::new() };
    build.expect_to_apply(&found).await?;
    let steps = u16::try_from(found.len()).unwrap_or(u16::MAX);
    for (index, block) in found.iter().enumerate() {
        let step = u16::try_from(index + 1).unwrap_or(u16::MAX);
        build.progress(index, found.len(), step, steps, &block.title).await;
        build.block(block).await?;
    }
    build.on_overlay("writing the changes", |overlay, cancel| overlay.flush(cancel)).await?;
    build.progress(found.len(), found.len(), steps, steps, "All blocks are applied").await;
    Ok(build.finish())
}

struct Build {
    job: Job,
    reporter: Reporter,
    cancel: Cancel,
    /// `None` before the first use, and while another thread works on it.
    overlay: Option<Overlay>,
    notes: BuildNotes,
    done: Vec<String>,
}

impl Build {
    async fn progress(&self, done: usize, of: usize, step: u16, steps: u16, doing: &str) {
        let percent = u8::try_from(done * 100 / of.max(1)).unwrap_or(100);
        let doing = markdown::one_line(doing);
        self.reporter.report(EngineEvent::Progress { percent, step, steps, doing }).await;
    }

    /// Runs `work` on the overlay, off the async threads.
    async fn on_overlay<T: Send + 'static>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&mut Overlay, &Cancel) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (overlay, workspace, cancel) = (self.overlay.take(), self.job.workspace.clone(), self.cancel.clone());
        let (overlay, result) = blocking(doing, move || {
            let mut overlay = match overlay {
                Some(overlay) => overlay,
                None => open(&workspace)?,
            };
            let result = work(&mut overlay, &cancel);
            Ok((overlay, result))
        })
        .await?;
        self.overlay = Some(overlay);
        Ok(result?)
    }

    /// Refuses a card whose blocks don't all apply, before anything is changed or run.
    async fn expect_to_apply(&mut self, found: &[Found]) -> Result<(), EngineError> {
        let blocks = found.to_vec();
        let outcomes = self
            .on_overlay("trying the blocks", move |overlay, cancel| dry_run::dry_run(&blocks, overlay, cancel))
            .await?;
        // What was tried is not what is built: the build starts from the files as they are.
        self.overlay = None;
        let failed: Vec<String> = found
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| !outcome.is_ok())
            .map(|(block, outcome)| format!("`{}`: {}", block.label(), outcome.detail()))
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(EngineError::Refused(format!("Nothing was changed, since not every block applies. {}", failed.join("; "))))
    }

    async fn block(&mut self, block: &Found) -> Result<(), EngineError> {
        let tool = block.title.split_whitespace().next().unwrap_or("block").to_owned();
        let input = json!({ "block": block.title, "line": block.line, "command": block.command() });
        self.reporter.report(EngineEvent::ToolCall { tool: tool.clone(), input }).await;
        let result = match &block.action {
            Ok(Action::Command(line)) => self.command(line).await,
            Ok(action) => self.apply(action.clone()).await,
            Err(why) => Err(EngineError::Refused(why.clone())),
        };
        let (ok, output) = match &result {
            Ok(said) => (true, said.clone()),
            Err(error) => (false, error.to_string()),
        };
        self.reporter.report(EngineEvent::ToolResult { tool, ok, output }).await;
        match result {
            Ok(said) => {
                self.done.push(format!("{}: {}", markdown::code(&block.label()), markdown::clip(&said, 200)));
                Ok(())
            }
            Err(EngineError::Refused(why)) => Err(EngineError::Refused(format!("`{}`: {why}", block.label()))),
            Err(other) => Err(other),
        }
    }

    async fn apply(&mut self, action: Action) -> Result<String, EngineError> {
        let effect: Effect =
            self.on_overlay("applying a block", move |overlay, cancel| action.apply(overlay, cancel)).await?;
        for touched in &effect.touched {
            self.notes.files.push(touched.path.to_string());
            if let Change::Move { to } = &touched.change {
                self.notes.files.push(to.clone());
            }
        }
        Ok(effect.detail())
    }

    /// Runs a command on what earlier blocks have written.
    async fn command(&mut self, line: &str) -> Result<String, EngineError> {
        self.on_overlay("writing the changes", |overlay, cancel| overlay.flush(cancel)).await?;
        let result = self.job.commands.run(line).await?;
        if !result.succeeded {
            let from = (result.output.len().saturating_sub(OUTPUT_QUOTED)..=result.output.len())
                .find(|at| result.output.is_char_boundary(*at))
                .unwrap_or(0);
            let output = result.output[from..].trim();
            let said = if output.is_empty() { " and said nothing".to_owned() } else { format!(": {output}") };
            return Err(EngineError::Refused(format!("the command ended with {}{said}", result.ended)));
        }
        self.notes.changed_by_commands.push(line.to_owned());
        Ok(format!("{} after {} ms\n{}", result.ended, result.millis, result.output))
    }

    fn finish(mut self) -> BuildNotes {
        let files: BTreeSet<String> = self.notes.files.drain(..).collect();
        if let Some(plan) = &self.job.context.plan {
            let planned: BTreeSet<&str> = plan.changed_paths().collect();
            self.notes.extra_files = files
                .iter()
                .filter(|path| !planned.contains(path.as_str()))
                .map(|path| ExtraFile { path: path.clone(), why: "a block of the card touches it".to_owned() })
                .collect();
        }
        self.notes.files = files.into_iter().collect();
        self.notes.summary = markdown::list(&self.done, true);
        self.notes
    }
}

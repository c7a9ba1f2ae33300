//! What a builder says about its work; the work itself is in the workspace.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::form::{Form, ParseError, text_after_colon};
use super::markdown::{code, read_code, tidy};

static FORM: LazyLock<Form> =
    LazyLock::new(|| Form::embedded(include_str!("../../../prompts/artifacts/build_notes.md")));

pub(super) fn form() -> &'static Form {
    &FORM
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildNotes {
    pub summary: String,
    /// Every path that the builder's own edits touched: both ends of a move. What commands changed is not
    /// in here; git knows.
    pub files: Vec<String>,
    /// Files that were changed although the plan does not name them, and why.
    pub extra_files: Vec<ExtraFile>,
    /// Commands that ran and may have changed files: what they changed counts as named.
    pub changed_by_commands: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtraFile {
    pub path: String,
    pub why: String,
}

impl BuildNotes {
    /// The notes as Markdown.
    pub fn render(&self) -> String {
        let form = form();
        form.fill(&[
            ("Summary", form.prose(&self.summary)),
            ("Files", form.list(self.files.iter().map(|path| code(path)))),
            ("Extra files", form.list(self.extra_files.iter().map(render_extra))),
            ("Commands", form.list(self.changed_by_commands.iter().map(|command| code(command)))),
        ])
    }

    /// Reads notes back.
    ///
    /// # Errors
    /// [`ParseError`] when a section is missing or an entry can't be read; it says what to write instead.
    pub fn parse(text: &str) -> Result<BuildNotes, ParseError> {
        let sections = form().read(text)?;
        let span = |entry: &str| read_code(entry).map(|(text, _)| text);
        Ok(BuildNotes {
            summary: sections.prose("Summary"),
            files: sections.entries("Files", span)?,
            extra_files: sections.entries("Extra files", read_extra)?,
            changed_by_commands: sections.entries("Commands", span)?,
        })
    }
}

fn render_extra(extra: &ExtraFile) -> String {
    format!("{}: {}", code(&extra.path), form().guard(&tidy(&extra.why)))
}

fn read_extra(entry: &str) -> Option<ExtraFile> {
    let (path, rest) = read_code(entry)?;
    Some(ExtraFile { path, why: form().unguard(text_after_colon(rest)?) })
}

#[cfg(test)]
mod tests {
    use super::super::markdown::hostile::{path, text};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back(
            summary in text(),
            files in prop::collection::vec(path(), 0..4),
            extra in prop::collection::vec((path(), text()), 0..4),
            changed_by_commands in prop::collection::vec(path(), 0..3),
        ) {
            let extra_files = extra.into_iter().map(|(path, why)| ExtraFile { path, why }).collect();
            let notes = BuildNotes { summary, files, extra_files, changed_by_commands };
            let rendered = notes.render();
            prop_assert_eq!(BuildNotes::parse(&rendered), Ok(notes), "{}", rendered);
        }
    }
}

//! The commit message.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::form::{Form, ParseError};
use super::markdown::{fence, one_line, tidy};

static FORM: LazyLock<Form> = LazyLock::new(|| Form::embedded(include_str!("../../../prompts/artifacts/commit.md")));

pub(super) fn form() -> &'static Form {
    &FORM
}

/// Longest subject in characters: what `git log` shows on one line of 80 columns (gitcommit convention).
pub const SUBJECT_LIMIT: usize = 72;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommitMessage {
    /// One line.
    pub subject: String,
    pub body: String,
    /// Keys and values, in order. The board adds its own and takes none from an agent.
    pub trailers: Vec<(String, String)>,
}

impl CommitMessage {
    /// The message as a Markdown report.
    pub fn render(&self) -> String {
        let form = form();
        let body = match tidy(&self.body) {
            body if body.is_empty() => form.prose(""),
            body => fence(&form.guard(&body), "text"),
        };
        let trailers = self.trailers.iter().map(|(key, value)| format!("{}: {}", one_line(key), one_line(value)));
        form.fill(&[
            ("Subject", form.prose(&one_line(&self.subject))),
            ("Body", body),
            ("Trailers", form.list(trailers)),
        ])
    }

    /// Reads a message back.
    ///
    /// # Errors
    /// [`ParseError`] when a section is missing or a trailer is not `Key: value`.
    pub fn parse(text: &str) -> Result<CommitMessage, ParseError> {
        let sections = form().read(text)?;
        Ok(CommitMessage {
            subject: one_line(&sections.prose("Subject")),
            body: sections.fenced("Body").trim().to_owned(),
            trailers: sections.entries("Trailers", |entry| {
                let (key, value) = entry.split_once(':')?;
                Some((key.trim().to_owned(), one_line(value)))
            })?,
        })
    }

    /// The message as git keeps it: subject, blank line, body, blank line, trailers.
    pub fn to_git(&self) -> String {
        let mut message = one_line(&self.subject);
        let body = tidy(&self.body);
        if !body.is_empty() {
            message.push_str(&format!("\n\n{body}"));
        }
        if !self.trailers.is_empty() {
            let lines = self.trailers.iter().map(|(key, value)| format!("{}: {}", one_line(key), one_line(value)));
            message.push_str(&format!("\n\n{}", lines.collect::<Vec<_>>().join("\n")));
        }
        message.push('\n');
        message
    }
}

#[cfg(test)]
mod tests {
    use super::super::markdown::hostile::{line, text};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back(subject in line(), body in text(), trailers in prop::collection::vec(("[A-Z][a-z-]{0,9}", line()), 0..3)) {
            let message = CommitMessage { subject, body, trailers };
            let rendered = message.render();
            prop_assert_eq!(CommitMessage::parse(&rendered), Ok(message), "{}", rendered);
        }
    }

    #[test]
    fn git_gets_subject_body_and_trailers() {
        let message = CommitMessage {
            subject: "Rename\nit".to_owned(),
            body: "Because.\r\n".to_owned(),
            trailers: vec![("Slipway-Card".to_owned(), "1".to_owned()), ("Slipway-Agent".to_owned(), "2".to_owned())],
        };
        assert_eq!(message.to_git(), "Rename it\n\nBecause.\n\nSlipway-Card: 1\nSlipway-Agent: 2\n");
        assert_eq!(CommitMessage { subject: "x".to_owned(), ..Default::default() }.to_git(), "x\n");
    }
}

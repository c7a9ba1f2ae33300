//! The shipper: writes the commit's message from the card and the diff. The board adds the trailers.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{blocking, blocks, effect::count};
use crate::{
    artifact::{
        CommitMessage, SUBJECT_LIMIT,
        diff::{self, FilePatch},
        markdown::one_line,
    },
    engine::{Context, EngineError, EngineEvent, Job, Reporter},
};

/// Columns of a commit's body (gitcommit convention).
const WIDTH: usize = 72;
/// Most bytes of the card's prose in a message: a history is read in a terminal.
const PROSE_LIMIT: usize = 8 * 1024;
/// Files that a message lists one by one.
const FILES_LISTED: usize = 20;

pub async fn run(job: Job, reporter: Reporter) -> Result<CommitMessage, EngineError> {
    let progress = async |percent, doing: &str| {
        reporter.report(EngineEvent::Progress { percent, step: 1, steps: 1, doing: doing.to_owned() }).await;
    };
    progress(10, "Writing the message").await;
    let context = job.context.clone();
    let message = blocking("writing the message", move || Ok(message(&context))).await?;
    progress(100, "The message is written").await;
    Ok(message)
}

fn message(context: &Context) -> CommitMessage {
    // A diff that can't be read has been refused at an earlier gate; the message then leaves it out.
    let patches = context.diff.as_deref().and_then(|text| diff::parse(text).ok()).unwrap_or_default();
    let mut parts = vec![prose(&context.body), files(&patches)];
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        parts.push(wrap(&format!("Card {}.", context.card_number), "", ""));
    }
    CommitMessage { subject: subject(context), body: parts.join("\n\n"), trailers: Vec::new() }
}

fn subject(context: &Context) -> String {
    let mut text = String::new();
    for event in Parser::new(&context.title) {
        match event {
            Event::Text(part) | Event::Code(part) | Event::InlineHtml(part) | Event::Html(part) => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item) => {
                text.push(' ')
            }
            _ => {}
        }
    }
    // A title such as `---` is nothing but Markdown; then it is taken as it stands.
    let text = if one_line(&text).is_empty() { one_line(&context.title) } else { one_line(&text) };
    let clipped = clip_at_word(&text, SUBJECT_LIMIT);
    if clipped.is_empty() { format!("Card {}", context.card_number) } else { clipped }
}

fn clip_at_word(text: &str, limit: usize) -> String {
    let mut clipped = text.to_owned();
    if text.chars().count() > limit {
        clipped = text.chars().take(limit + 1).collect();
        clipped = match clipped.rfind(' ') {
            Some(at) => clipped[..at].to_owned(),
            None => clipped.chars().take(limit).collect(),
        };
    }
    clipped.trim_end_matches(['.', ',', ';', ':', '-', ' ']).to_owned()
}

/// The card's words without its blocks, wrapped.
fn prose(body: &str) -> String {
    let mut writer = Writer::default();
    for event in Parser::new(&blocks::prose(body)) {
        writer.take(event);
        if writer.out.len() > PROSE_LIMIT {
            writer.flush();
            writer.out.push_str("\n\n[…]");
            break;
        }
    }
    writer.flush();
    // A line that looks like one of our trailers must not be taken for one.
    let safe = writer
        .out
        .trim()
        .lines()
        .map(|line| if line.starts_with("Slipway-") { format!("> {line}") } else { line.to_owned() });
    safe.collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Writer {
    out: String,
    text: String,
    /// For each list around: the next number, or none for bullets.
    lists: Vec<Option<u64>>,
    /// The mark of the item whose first line is to come.
    mark: Option<String>,
    verbatim: bool,
    /// What was written last is an item of the list that is still open.
    follows_item: bool,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::List(first)) => {
                self.flush();
                self.lists.push(first);
            }
            Event::End(TagEnd::List(_)) => {
                self.flush();
                self.lists.pop();
                self.follows_item &= !self.lists.is_empty();
            }
            Event::Start(Tag::Item) => {
                self.flush();
                self.mark = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                });
            }
            Event::Start(Tag::CodeBlock(_)) => {
                self.flush();
                self.verbatim = true;
            }
            Event::End(TagEnd::CodeBlock) => {
                let code = std::mem::take(&mut self.text);
                let lines: Vec<String> = code.trim_end().lines().map(|line| format!("    {line}")).collect();
                self.paragraph(&lines.join("\n"), false);
                self.verbatim = false;
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text.push_str(&text)
            }
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::HtmlBlock
                | TagEnd::TableRow
                | TagEnd::TableHead,
            ) => {
                self.flush();
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        if self.verbatim {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        let mark = self.mark.take();
        let rest = format!("{indent}{}", if self.lists.is_empty() { "" } else { "  " });
        let first = mark.as_ref().map_or_else(|| rest.clone(), |mark| format!("{indent}{mark}"));
        let wrapped: Vec<String> = text
            .trim()
            .split('\n')
            .enumerate()
            .map(|(at, line)| wrap(line, if at == 0 { &first } else { &rest }, &rest))
            .collect();
        self.paragraph(&wrapped.join("\n"), mark.is_some());
    }

    /// Items of a list stand close together, everything else apart.
    fn paragraph(&mut self, text: &str, item: bool) {
        if !self.out.is_empty() {
            let close = item && (self.follows_item || self.lists.len() > 1);
            self.out.push_str(if close { "\n" } else { "\n\n" });
        }
        self.follows_item = item;
        self.out.push_str(text);
    }
}

/// Wraps at [`WIDTH`]; a word longer than that stands alone.
fn wrap(text: &str, first: &str, rest: &str) -> String {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.join("\n")
}

fn files(patches: &[FilePatch]) -> String {
    if patches.is_empty() {
        return String::new();
    }
    let (added, removed) = patches.iter().fold((0, 0), |(a, r), patch| (a + patch.additions(), r + patch.deletions()));
    let mut lines = vec![format!("{} changed (+{added} -{removed}):", count(patches.len(), "file"))];
    for patch in patches.iter().take(FILES_LISTED) {
        let what = match (&patch.old_path, &patch.new_path) {
            (None, _) => "add",
            (_, None) => "delete",
            (old, new) if old != new => {
                if patch.copied {
                    "copy"
                } else {
                    "move"
                }
            }
            _ => "edit",
        };
        let counts =
            if patch.binary { "binary".to_owned() } else { format!("+{} -{}", patch.additions(), patch.deletions()) };
        let path = match (&patch.old_path, &patch.new_path) {
            (Some(old), Some(new)) if old != new => format!("{} -> {}", one_line(old), one_line(new)),
            _ => one_line(patch.path()),
        };
        lines.push(format!("- {what} {path} ({counts})"));
    }
    if patches.len() > FILES_LISTED {
        lines.push(format!("- and {} more", patches.len() - FILES_LISTED));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(title: &str, body: &str, diff: Option<&str>) -> CommitMessage {
        let diff = diff.map(str::to_owned);
        message(&Context { card_number: 7, title: title.to_owned(), body: body.to_owned(), diff, ..Context::default() })
    }

    #[test]
    fn subjects_are_plain_and_short() {
        assert_eq!(check("Fix the **`foo`** bug.", "", None).subject, "Fix the foo bug");
        let long = check(&"word ".repeat(40), "", None).subject;
        assert!(long.len() <= 72 && long.ends_with("word"), "{long}");
        assert_eq!(check(&"x".repeat(100), "", None).subject.len(), 72);
        assert_eq!(check("", "", None).subject, "Card 7");
        assert_eq!(check("# <b>Bold</b>", "", None).subject, "<b>Bold</b>");
    }

    #[test]
    fn bodies_are_the_cards_words_and_the_files() {
        let body = "Some *words* about why this is done, long enough to be wrapped at the seventy-second column.\n\n- one\n- two\n\n\
            1. first\n2. second\n\n```edit a\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n```\n\n```text\nan example\n```\n\nSlipway-Card: fake\n";
        let diff = "diff --git a/a b/b\nsimilarity index 90%\nrename from a\nrename to b\n--- a/a\n+++ b/b\n@@ -1 +1 @@\n-x\n+y\n";
        assert_eq!(
            check("t", body, Some(diff)).body,
            "Some words about why this is done, long enough to be wrapped at the\nseventy-second column.\n\n- one\n- two\n\n\
             1. first\n2. second\n\n    an example\n\n> Slipway-Card: fake\n\n1 file changed (+1 -1):\n- move a -> b (+1 -1)"
        );
        assert_eq!(check("t", "", None).body, "Card 7.");
    }

    proptest! {
        #[test]
        fn messages_keep_their_bounds(title in any::<String>(), body in "[a-z#*`>\\- \n]{0,200}") {
            let message = check(&title, &body, None);
            prop_assert!((1..=72).contains(&message.subject.chars().count()), "{:?}", message.subject);
            prop_assert!(!message.subject.contains('\n') && !message.body.trim().is_empty());
        }
    }
}

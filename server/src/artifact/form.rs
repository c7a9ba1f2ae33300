//! Report forms: Markdown templates with front matter, embedded in the binary.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Deserialize;

use super::markdown::{self, Item, NONE};
use crate::front_matter;

/// Longest report that is read, in bytes: thousands of files or findings fit, a dumped log does not.
pub const FORM_LIMIT: usize = 4 * 1024 * 1024;
/// Most entries of one list: above what a person reads, below what makes a page unusable.
pub const ENTRIES_LIMIT: usize = 5_000;
/// Characters of an entry that an error quotes: enough to recognise it.
const QUOTE_LIMIT: usize = 80;

/// Why a report could not be read. The text is meant for whoever wrote the report, so it says what to write.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    #[error("The {form} is {bytes} bytes; at most {FORM_LIMIT} are read. Shorten it.")]
    TooLong { form: String, bytes: usize },
    #[error("The {form} has no section `## {section}`. {shape}")]
    MissingSection { form: String, section: String, shape: String },
    #[error("The {form} has the section `## {section}` more than once. Write it once.")]
    RepeatedSection { form: String, section: String },
    #[error("The {form} has more than {ENTRIES_LIMIT} entries under `## {section}`. Name fewer.")]
    TooManyEntries { form: String, section: String },
    #[error("The {form} has an entry under `## {section}` (its line {line}) that can't be read: “{text}”. {shape}")]
    Entry { form: String, section: String, line: usize, text: String, shape: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[allow(dead_code, reason = "for people who read the form")]
    description: String,
    kind: String,
    #[allow(dead_code, reason = "for people who read the form")]
    media_type: String,
    sections: Vec<SectionHead>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionHead {
    name: String,
    /// What belongs there, as a sentence or two: shown to a model before, and in errors after.
    shape: String,
    /// May be left out; then it is empty.
    #[serde(default)]
    optional: bool,
}

/// One report form.
pub struct Form {
    head: Head,
    template: &'static str,
    #[cfg_attr(not(test), allow(dead_code, reason = "a test looks for it"))]
    defect: Option<String>,
}

impl Form {
    /// A form out of this binary. A defect is kept for the test that looks for one, since a report must be
    /// written either way.
    pub(super) fn embedded(text: &'static str) -> Form {
        match front_matter::split(text) {
            Ok((head, template)) => Form { head, template, defect: None },
            Err(error) => Form { head: Head::default(), template: "", defect: Some(error.to_string()) },
        }
    }

    pub fn kind(&self) -> &str {
        &self.head.kind
    }

    /// How to fill the form, for the prompt of an agent that must hand it in.
    pub fn instructions(&self) -> String {
        let mut text = format!("{}\n", self.head.description);
        for section in &self.head.sections {
            let optional = if section.optional { " (optional)" } else { "" };
            text.push_str(&format!("\n## {}{optional}\n{}\n", section.name, section.shape));
        }
        text
    }

    /// Fills the form. `values` holds each section's name and its Markdown.
    pub(super) fn fill(&self, values: &[(&str, String)]) -> String {
        let slots = minijinja::Value::from_pairs(values.iter().map(|(name, value)| (slot(name), value.as_str())));
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // A template that can't be filled is a defect that the tests look for. The report is what an agent
        // worked for, so it is written all the same, in the plainest form that reads back.
        let mut filled = environment.render_str(self.template, slots).unwrap_or_else(|_| {
            let sections = values.iter().map(|(name, value)| format!("## {name}\n\n{value}\n"));
            sections.collect::<Vec<_>>().join("\n")
        });
        filled.push('\n');
        filled
    }

    /// Finds the sections of a filled form. What stands before the first one is passed over, and so is a
    /// fence around the whole, as models like to add.
    pub(super) fn read(&'static self, text: &str) -> Result<Sections, ParseError> {
        if text.len() > FORM_LIMIT {
            return Err(ParseError::TooLong { form: self.name(), bytes: text.len() });
        }
        let text = markdown::tidy(text);
        let texts = self.split(&markdown::unfence(&text).unwrap_or(text))?;
        for section in &self.head.sections {
            if !section.optional && !texts.contains_key(section.name.as_str()) {
                return Err(ParseError::MissingSection {
                    form: self.name(),
                    section: section.name.clone(),
                    shape: section.shape.clone(),
                });
            }
        }
        Ok(Sections { form: self, texts })
    }

    fn split(&'static self, text: &str) -> Result<BTreeMap<&'static str, String>, ParseError> {
        let mut texts: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
        let mut current = None;
        for line in text.split('\n') {
            if let Some(name) = self.heading(line) {
                if texts.insert(name, Vec::new()).is_some() {
                    return Err(ParseError::RepeatedSection { form: self.name(), section: name.to_owned() });
                }
                current = Some(name);
            } else if let Some(lines) = current.and_then(|name| texts.get_mut(name)) {
                lines.push(line);
            }
        }
        Ok(texts.into_iter().map(|(name, lines)| (name, lines.join("\n").trim().to_owned())).collect())
    }

    /// The section that a line is the heading of.
    fn heading(&self, line: &str) -> Option<&str> {
        let title = line.strip_prefix("## ")?.trim().trim_end_matches([':', '#']).trim_end();
        self.head.sections.iter().map(|section| section.name.as_str()).find(|name| name.eq_ignore_ascii_case(title))
    }

    fn name(&self) -> String {
        self.head.kind.replace('_', " ")
    }

    /// Free text as it stands in a section.
    pub(super) fn prose(&self, text: &str) -> String {
        let text = markdown::tidy(text);
        if text.is_empty() { NONE.to_owned() } else { self.guard(&text) }
    }

    /// A list as it stands in a section, each entry already in its own grammar.
    pub(super) fn list(&self, entries: impl IntoIterator<Item = String>) -> String {
        markdown::list(&entries.into_iter().collect::<Vec<_>>(), false)
    }

    pub(super) fn guard(&self, text: &str) -> String {
        self.guard_also(text, |_| false)
    }

    pub(super) fn unguard(&self, text: &str) -> String {
        self.unguard_also(text, |_| false)
    }

    /// As [`Form::guard`], for an entry in which more lines than headings have a meaning.
    pub(super) fn guard_also(&self, text: &str, is_special: impl Fn(&str) -> bool) -> String {
        markdown::guard(text, |line| self.heading(line).is_some() || is_special(line))
    }

    pub(super) fn unguard_also(&self, text: &str, is_special: impl Fn(&str) -> bool) -> String {
        markdown::unguard(text, |line| self.heading(line).is_some() || is_special(line))
    }
}

fn slot(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

/// The sections of one filled form.
pub(super) struct Sections {
    form: &'static Form,
    texts: BTreeMap<&'static str, String>,
}

impl Sections {
    /// As written, guards and all; empty when the section says that there is nothing.
    pub fn raw(&self, name: &str) -> &str {
        let text = self.texts.get(name).map_or("", String::as_str);
        if text == NONE { "" } else { text }
    }

    pub fn prose(&self, name: &str) -> String {
        self.form.unguard(self.raw(name)).trim().to_owned()
    }

    /// What the section's fence holds, or its text where there is none.
    pub fn fenced(&self, name: &str) -> String {
        let raw = self.raw(name);
        self.form.unguard(&markdown::unfence(raw).unwrap_or_else(|| raw.to_owned()))
    }

    /// Each entry of a list, read by `read`; `None` from it is an error that quotes the entry.
    pub fn entries<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ParseError> {
        let items = markdown::read_list(self.raw(name));
        if items.len() > ENTRIES_LIMIT {
            return Err(ParseError::TooManyEntries { form: self.form.name(), section: name.to_owned() });
        }
        if items.is_empty() && !matches!(self.raw(name).trim_end_matches('.').to_lowercase().as_str(), "" | "none") {
            return Err(self.refuse(name, &Item { line: 1, text: self.raw(name).to_owned() }));
        }
        items.iter().map(|item| read(&item.text).ok_or_else(|| self.refuse(name, item))).collect()
    }

    fn refuse(&self, name: &str, item: &Item) -> ParseError {
        let shape = self.form.head.sections.iter().find(|section| section.name == name);
        ParseError::Entry {
            form: self.form.name(),
            section: name.to_owned(),
            line: item.line,
            text: markdown::clip(&item.text, QUOTE_LIMIT),
            shape: shape.map(|section| section.shape.clone()).unwrap_or_default(),
        }
    }

    /// The error for a section whose one value can't be read.
    pub fn unreadable(&self, name: &str) -> ParseError {
        self.refuse(name, &Item { line: 1, text: self.raw(name).to_owned() })
    }
}

/// Splits `head: text`, where the head ends at the first colon outside code spans; a head without a colon
/// has no text.
pub(super) fn text_after_colon(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches([' ', '\t']);
    match rest.strip_prefix(':') {
        Some(text) => Some(text.trim_start()),
        None => rest.is_empty().then_some(""),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn embedded_forms_are_sound() {
        for form in super::super::forms() {
            assert_eq!(form.defect, None);
            assert!(!form.head.description.is_empty());
            assert_eq!(form.head.media_type, "text/markdown");
            let values: Vec<(&str, String)> = form
                .head
                .sections
                .iter()
                .map(|section| (section.name.as_str(), format!("<{}>", section.name)))
                .collect();
            let filled = form.fill(&values);
            assert!(filled.starts_with("# "), "{} was not filled from its template: {filled}", form.kind());
            for section in &form.head.sections {
                assert!(filled.contains(&format!("## {}\n\n<{}>\n", section.name, section.name)), "{filled}");
                assert!(form.instructions().contains(&section.shape));
            }
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        let error = super::super::Plan::parse("# Plan\n\n## Context\n\nx\n").unwrap_err().to_string();
        assert!(error.contains("no section `## Files`"), "{error}");
        assert!(error.contains("Edit `src/lib.rs`"), "{error}");
    }
}

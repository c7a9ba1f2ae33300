//! What agents hand in: typed reports, each written as Markdown after a form in `prompts/artifacts/`.
//!
//! Every engine fills the same forms, so each result has a known structure: the playbook engine builds the
//! structs, a language model hands in the Markdown, and `parse` is the one door for both. For each report
//! `parse(render(x)) == x`, whatever the texts hold (tidied: LF line ends, no blank edges).

mod build_notes;
mod check_report;
mod commit;
pub mod diff;
mod form;
pub mod markdown;
mod plan;
mod review;
pub mod stored;

pub use build_notes::{BuildNotes, ExtraFile};
pub use check_report::{CheckReport, cut_middle};
pub use commit::{CommitMessage, SUBJECT_LIMIT};
pub use form::{ENTRIES_LIMIT, Form, ParseError};
pub use plan::{BlockPlan, Change, Plan, PlannedFile, Step};
pub use review::{Finding, Review, Severity, StepCoverage, Verdict};

/// The forms that a language model may be asked to fill, for the prompts that show them.
pub fn forms() -> [&'static Form; 5] {
    [plan::form(), build_notes::form(), check_report::form(), review::form(), commit::form()]
}

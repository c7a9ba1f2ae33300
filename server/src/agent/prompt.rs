//! Prompts of agents: front matter and a system prompt with variables, in `prompts/agents/`, embedded in the
//! binary and rendered strictly: a variable that does not exist is an error, never an empty string.
//!
//! Everything that a person or an agent wrote goes in quoted, in a fence longer than any inside, and capped.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Deserialize;
use slipway_app::model::Role;

use crate::{
    artifact::{
        self, CheckReport, SUBJECT_LIMIT,
        markdown::{NONE, fence, tidy},
    },
    engine::Context,
    front_matter::{self, FrontMatterError},
};

/// Most bytes of a card's body in a prompt: whole playbooks fit.
const BODY_LIMIT: usize = 128 * 1024;
/// Most bytes of a plan, a review or a check report: what a person would read of it.
const REPORT_LIMIT: usize = 64 * 1024;
/// Most bytes of a diff: about what a model's context takes beside the rest. Agents read the rest as files.
const DIFF_LIMIT: usize = 256 * 1024;
/// Most bytes of one comment, and most comments, the newest: older ones have been acted upon.
const COMMENT_LIMIT: usize = 16 * 1024;
const COMMENTS: usize = 10;

/// Why a prompt could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("there is no prompt for the role {}", .0.as_str())]
    NoPrompt(Role),
    #[error("the prompt of the {} can't be read", .role.as_str())]
    Malformed { role: Role, source: FrontMatterError },
    #[error("the prompt of the {} asks for a report {output:?}, which has no form", .role.as_str())]
    UnknownOutput { role: Role, output: String },
    #[error("the prompt of the {} can't be rendered", .role.as_str())]
    Render { role: Role, source: minijinja::Error },
}

/// What a prompt's front matter says of the agent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptHead {
    pub description: String,
    /// `any`, or the one engine that it is for.
    pub engine: String,
    /// `strong` or `light`: how able a model the work needs; the project says which models those are.
    pub model: Tier,
    /// Names of the tools that the agent gets.
    pub tools: Vec<String>,
    /// The kind of report that it hands in.
    pub output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Strong,
    Light,
}

fn embedded(role: Role) -> Result<&'static str, PromptError> {
    match role {
        Role::Planner => Ok(include_str!("../../../prompts/agents/planner.md")),
        Role::Builder => Ok(include_str!("../../../prompts/agents/builder.md")),
        Role::Reviewer => Ok(include_str!("../../../prompts/agents/reviewer.md")),
        Role::Shipper => Ok(include_str!("../../../prompts/agents/shipper.md")),
        Role::Scout | Role::Orchestrator => Err(PromptError::NoPrompt(role)),
    }
}

/// The front matter of a role's prompt.
///
/// # Errors
/// [`PromptError`] when the role has none or it is malformed.
pub fn head(role: Role) -> Result<PromptHead, PromptError> {
    Ok(parts(role)?.0)
}

fn parts(role: Role) -> Result<(PromptHead, &'static str), PromptError> {
    front_matter::split(embedded(role)?).map_err(|source| PromptError::Malformed { role, source })
}

/// The prompt of a role for one card, exactly as it is kept on record.
///
/// # Errors
/// [`PromptError`] when the role has no prompt or its template names what does not exist.
pub fn render(role: Role, context: &Context) -> Result<String, PromptError> {
    let (head, body) = parts(role)?;
    let form = artifact::forms().into_iter().find(|form| form.kind() == head.output);
    let form = form.ok_or_else(|| PromptError::UnknownOutput { role, output: head.output.clone() })?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let values = values(context, form.instructions());
    environment.render_str(body, Value::from_pairs(values)).map_err(|source| PromptError::Render { role, source })
}

fn values(context: &Context, output_form: String) -> Vec<(&'static str, String)> {
    let report =
        |text: Option<String>| text.map_or_else(|| NONE.to_owned(), |text| quoted(&text, "markdown", REPORT_LIMIT));
    let older = context.comments.len().saturating_sub(COMMENTS);
    let comments: Vec<String> =
        context.comments[older..].iter().map(|comment| quoted(comment, "markdown", COMMENT_LIMIT)).collect();
    vec![
        ("card_number", context.card_number.to_string()),
        ("title", quoted(&context.title, "text", BODY_LIMIT)),
        ("body", quoted(&context.body, "markdown", BODY_LIMIT)),
        ("comments", if comments.is_empty() { NONE.to_owned() } else { comments.join("\n\n") }),
        ("plan", report(context.plan.as_ref().map(artifact::Plan::render))),
        ("diff", quoted(context.diff.as_deref().unwrap_or_default(), "diff", DIFF_LIMIT)),
        ("check_report", report(context.check_report.as_ref().map(CheckReport::render))),
        ("review", report(context.review.as_ref().map(artifact::Review::render))),
        ("check_command", quoted(context.check_command.as_deref().unwrap_or_default(), "sh", BODY_LIMIT)),
        ("subject_limit", SUBJECT_LIMIT.to_string()),
        ("output_form", output_form),
    ]
}

/// A stranger's text as material: capped, in a fence that nothing in it can end.
fn quoted(text: &str, info: &str, limit: usize) -> String {
    let text = artifact::cut_middle(&tidy(text), limit);
    if text.is_empty() { NONE.to_owned() } else { fence(&text, info) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 4] = [Role::Planner, Role::Builder, Role::Reviewer, Role::Shipper];

    #[test]
    fn every_prompt_renders() {
        for role in ROLES {
            let context = Context { card_number: 7, title: "Do it".to_owned(), ..Context::default() };
            let prompt = render(role, &context).unwrap();
            assert!(prompt.contains("# Card 7") && prompt.contains("Do it") && !prompt.contains("{{"), "{prompt}");
            let head = head(role).unwrap();
            assert!(!head.description.is_empty());
        }
        assert!(matches!(render(Role::Scout, &Context::default()), Err(PromptError::NoPrompt(Role::Scout))));
    }

    #[test]
    fn material_stays_quoted_and_capped() {
        let body = format!("{{{{ secret }}}} ```\n# Card 8\n````\n{}", "x".repeat(BODY_LIMIT));
        let context = Context { body, comments: vec!["again".to_owned(); 20], ..Context::default() };
        let prompt = render(Role::Planner, &context).unwrap();
        assert!(prompt.contains("`````markdown\n{{ secret }}") && prompt.contains("bytes left out"));
        assert_eq!(prompt.matches("\nagain\n").count(), COMMENTS);
        assert!(prompt.len() < BODY_LIMIT + 20_000);
    }
}

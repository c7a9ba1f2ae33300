//! Templates: texts that a project's cards often start from.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CardId, ProjectId, TemplateId};

/// Longest name of a template, in characters: it stands in a list of choices.
pub const TEMPLATE_NAME_LIMIT: usize = 80;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Template {
    pub id: TemplateId,
    pub project_id: ProjectId,
    /// What it is chosen by; unique in its project, whatever the case.
    pub name: String,
    /// What the card's title starts as; may be empty.
    pub title: String,
    /// Markdown. Left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What `POST /projects/{id}/templates` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    pub name: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub body: String,
}

/// What `PATCH /templates/{id}` takes; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateEdit {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub body: Option<String>,
}

/// What the page does with templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    Save {
        project: ProjectId,
        template: NewTemplate,
    },
    /// From a card as it is.
    SaveCard {
        card: CardId,
        name: String,
    },
    Rename {
        template: TemplateId,
        name: String,
    },
    Delete(TemplateId),
}

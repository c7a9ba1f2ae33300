//! Plain types that the server and the page share: what the API speaks, without behaviour that needs a database.

mod agent;
mod artifact;
mod card;
mod event;
mod fleet;
mod gate;
mod id;
mod money;
mod project;
mod question;
mod repository;
mod stage;
mod template;
mod transition;

pub(crate) use agent::text_enum as agent_text_enum;
pub use agent::{Agent, AgentBrief, AgentStatus, EngineName, Role, Tokens};
pub use artifact::{Artifact, ArtifactKind};
pub use card::{ArtifactChip, BODY_LIMIT, Card, CardEdit, CardStatus, NewCard, StatusFacts, TITLE_LIMIT};
pub use event::{Batch, Event, Pulse};
pub use fleet::{Fleet, FleetTotals, Slowest, Wait, WaitFor};
pub use gate::{Check, Decision, Gate, GatePolicy, GateState, NewDecision};
pub use id::{AgentId, ArtifactId, CardId, GateId, ProjectId, QuestionId, TemplateId, TransitionId};
pub use money::{Money, ParseMoneyError};
pub use project::{
    Bring, BringMode, Budget, DEFAULT_PROJECT_WIP, GatePolicies, Land, NewProject, Project, ProjectEdit,
    ProjectSettings, StageName,
};
pub use question::{NewAnswer, Question, QuestionOption, QuestionState};
pub use repository::{Folder, FolderList, Guess, Removal, RepositoryLook};
pub use stage::Stage;
pub use template::{NewTemplate, TEMPLATE_NAME_LIMIT, Template, TemplateChange, TemplateEdit};
pub use transition::{Actor, NewMove, Outcome, Transition};

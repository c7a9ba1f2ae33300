//! One id type per entity, so that a card's id cannot be handed to something that wants an agent's.
//! Every id is a UUIDv7 (RFC 9562): sortable by creation time, written in lower-case hyphenated form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        #[cfg(feature = "ssr")]
        impl $name {
            /// A new id, later than every id made before it in this process.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }
    )+};
}

ids! {
    /// A registered repository.
    ProjectId,
    /// One piece of work.
    CardId,
    /// A recorded move.
    TransitionId,
    /// A disposable worker.
    AgentId,
    /// A typed output of an agent.
    ArtifactId,
    /// The exit of a stage.
    GateId,
    /// Something an agent asks a person.
    QuestionId,
    /// A text that a project's cards often start from.
    TemplateId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_json_and_text() {
        let id = CardId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"01900000-0000-7000-8000-000000000001\"");
        assert_eq!(serde_json::from_str::<CardId>(&json).unwrap(), id);
        assert_eq!(id.to_string().parse::<CardId>().unwrap(), id);
        assert!("7".parse::<CardId>().is_err());
    }
}

//! What a page knows before its first view: the board as the server rendered it. The server provides it
//! by context and writes it into the document, where the browser finds it again, so that both draw the
//! same first view and neither has to wait.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{error::Problem, port::BoardSnapshot};

/// The id of the script element that holds it as JSON.
pub const OPENING_ELEMENT: &str = "slipway-opening";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// Address of the icon sprite.
    pub icons: String,
    /// The server's clock when it rendered the page.
    pub now: DateTime<Utc>,
    /// Whether `board` holds cards; pages other than the board go without.
    pub with_cards: bool,
    pub board: Result<BoardSnapshot, Problem>,
}

impl Opening {
    /// As JSON that is safe inside a script element: no `<`, so nothing in it can end the element or
    /// start another (HTML Standard, 4.12.1.3).
    pub fn to_script(&self) -> String {
        serde_json::to_string(self).unwrap_or_default().replace('<', "\\u003c")
    }

    /// The opening of the page being rendered.
    #[cfg(not(feature = "hydrate"))]
    pub fn read() -> Option<Self> {
        leptos::prelude::use_context()
    }

    /// The opening of the page being taken over.
    #[cfg(feature = "hydrate")]
    pub fn read() -> Option<Self> {
        let element = leptos::prelude::document().get_element_by_id(OPENING_ELEMENT)?;
        // From bytes, as the server functions read theirs: a second kind of reader would double the code of
        // every type that is read, which is a tenth of the module.
        serde_json::from_slice(element.text_content()?.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pulse;

    #[test]
    fn markup_in_a_title_cannot_end_the_script() {
        let opening = Opening {
            icons: "</script><script>alert(1)</script><!--".into(),
            now: DateTime::UNIX_EPOCH,
            with_cards: true,
            board: Ok(BoardSnapshot { seq: 1, projects: vec![], cards: vec![], pulse: Pulse::default(), totals: None }),
        };
        let script = opening.to_script();
        assert!(!script.contains('<'));
        assert_eq!(serde_json::from_str::<Opening>(&script).unwrap(), opening);
    }
}

//! What is typed and not saved yet, kept in the browser: a reload, a closed dialog or a lost server loses
//! none of it.

use serde::{Deserialize, Serialize};

use crate::{
    error::{ErrorCode, Problem},
    model::{BODY_LIMIT, Card, CardEdit, CardId, ProjectId, TITLE_LIMIT},
    ui::storage,
};

/// A card that is being made: one draft per project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewDraft {
    pub title: String,
    pub body: String,
}

impl NewDraft {
    pub fn is_empty(&self) -> bool {
        self.title.trim().is_empty() && self.body.trim().is_empty()
    }

    pub fn read(project: ProjectId) -> Option<Self> {
        let text = storage::read(&Self::key(project))?;
        Some(Self::from_text(&text)).filter(|draft| !draft.is_empty())
    }

    /// Keeps it, or forgets it when nothing is left of it.
    pub fn keep(&self, project: ProjectId) {
        if self.is_empty() {
            Self::forget(project);
        } else {
            storage::write(&Self::key(project), &format!("{}\n{}", self.title, self.body));
        }
    }

    pub fn forget(project: ProjectId) {
        storage::forget(&Self::key(project));
    }

    /// This draft with another text after it.
    pub fn and(self, other: NewDraft) -> Self {
        let title = if self.title.trim().is_empty() { other.title } else { self.title };
        let body = match (self.body.trim_end(), other.body) {
            ("", body) => body,
            (_, body) if body.trim().is_empty() => self.body,
            (own, body) => format!("{own}\n\n{body}"),
        };
        NewDraft { title, body }
    }

    /// A title, a line break, a description: the server writes templates and dropped texts the same way.
    pub fn from_text(text: &str) -> Self {
        let (title, body) = text.split_once('\n').unwrap_or((text, ""));
        NewDraft { title: title.to_owned(), body: body.to_owned() }
    }

    fn key(project: ProjectId) -> String {
        format!("slipway.draft.new-card.{project}")
    }
}

/// A card that is being edited: what is typed, and what it started from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EditDraft {
    pub title: String,
    pub body: String,
    pub base_title: String,
    pub base_body: String,
    /// The card's version that it started from.
    pub version: i64,
}

/// How somebody else's text of the card stands to a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// The text is what the draft started from; at most the card has moved.
    Same,
    /// Another text, but nothing was typed here that it could clash with.
    New,
    /// Another text, and something else was typed here.
    Clash,
}

impl EditDraft {
    pub fn of(card: &Card) -> Self {
        let body = card.body.clone().unwrap_or_default();
        EditDraft {
            title: card.title.clone(),
            body: body.clone(),
            base_title: card.title.clone(),
            base_body: body,
            version: card.version,
        }
    }

    /// The draft that was left behind, if it says something that the card does not.
    pub fn left_behind(card: &Card) -> Option<Self> {
        let draft: EditDraft = serde_json::from_slice(storage::read(&Self::key(card.id))?.as_bytes()).ok()?;
        (draft.is_changed() && !draft.says(card)).then_some(draft)
    }

    pub fn keep(&self, card: CardId) {
        if self.is_changed() {
            storage::write(&Self::key(card), &serde_json::to_string(self).unwrap_or_default());
        } else {
            Self::forget(card);
        }
    }

    pub fn forget(card: CardId) {
        storage::forget(&Self::key(card));
    }

    fn key(card: CardId) -> String {
        format!("slipway.edit.{card}")
    }

    pub fn is_changed(&self) -> bool {
        self.title != self.base_title || self.body != self.base_body
    }

    /// Whether the card says what is typed here.
    fn says(&self, card: &Card) -> bool {
        card.title == self.title.trim() && card.body.as_deref().unwrap_or_default() == self.body
    }

    pub fn compare(&self, card: &Card) -> Theirs {
        let body = card.body.as_deref().unwrap_or_default();
        if card.title == self.base_title && body == self.base_body {
            Theirs::Same
        } else if !self.is_changed() || self.says(card) {
            Theirs::New
        } else {
            Theirs::Clash
        }
    }

    /// Takes somebody else's text as what this draft started from; what is typed stays.
    pub fn rebase(&mut self, card: &Card) {
        self.base_title = card.title.clone();
        self.base_body = card.body.clone().unwrap_or_default();
        self.version = card.version;
    }

    /// Why it cannot be saved, if so.
    pub fn fault(&self) -> Option<Problem> {
        let refuse = |detail: String| Some(Problem::new(ErrorCode::InvalidRequest, detail));
        if self.title.trim().is_empty() {
            return refuse("Give the card a title.".to_owned());
        }
        if self.title.chars().count() > TITLE_LIMIT {
            return refuse(format!(
                "The title is longer than {TITLE_LIMIT} characters. Put the rest into the description."
            ));
        }
        if self.body.len() > BODY_LIMIT {
            return refuse("The description is longer than 1 MiB.".to_owned());
        }
        None
    }

    pub fn edit(&self) -> CardEdit {
        CardEdit {
            title: Some(self.title.trim().to_owned()),
            body: Some(self.body.clone()),
            version: Some(self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::moves::tests::card, model::Stage};

    fn base() -> Card {
        Card { body: Some("Do it.".to_owned()), ..card(1, Stage::Plan) }
    }

    #[test]
    fn a_move_is_no_clash_and_another_text_is() {
        let card = base();
        let untouched = EditDraft::of(&card);
        let mine = EditDraft { title: "Mine".to_owned(), ..untouched.clone() };
        let moved = Card { version: 7, stage: Stage::Build, ..card.clone() };
        let edited = Card { version: 7, body: Some("Do that.".to_owned()), ..card.clone() };
        assert_eq!(mine.compare(&moved), Theirs::Same);
        assert_eq!(mine.compare(&edited), Theirs::Clash);
        assert_eq!(untouched.compare(&edited), Theirs::New);
        let saved = Card { version: 2, title: "Mine".to_owned(), ..card };
        assert_eq!(mine.compare(&saved), Theirs::New, "one's own save is no clash");
    }

    #[test]
    fn what_was_typed_outlives_the_other_text() {
        let mut draft = EditDraft { body: "Mine.".to_owned(), ..EditDraft::of(&base()) };
        let theirs = Card { version: 9, body: Some("Theirs.".to_owned()), ..base() };
        draft.rebase(&theirs);
        assert_eq!((draft.body.as_str(), draft.base_body.as_str(), draft.version), ("Mine.", "Theirs.", 9));
        assert_eq!(draft.compare(&theirs), Theirs::Same);
    }

    #[test]
    fn a_draft_that_cannot_be_saved_says_why() {
        let good = EditDraft::of(&base());
        assert_eq!(good.fault(), None);
        for bad in [
            EditDraft { title: " ".to_owned(), ..good.clone() },
            EditDraft { title: "ä".repeat(TITLE_LIMIT + 1), ..good.clone() },
            EditDraft { body: "a".repeat(BODY_LIMIT + 1), ..good },
        ] {
            assert_eq!(bad.fault().map(|problem| problem.code), Some(ErrorCode::InvalidRequest));
        }
    }

    #[test]
    fn a_template_takes_no_text_away() {
        let draft = |title: &str, body: &str| NewDraft { title: title.to_owned(), body: body.to_owned() };
        assert_eq!(draft("", "").and(draft("T", "t")), draft("T", "t"));
        assert_eq!(draft("Mine", "m\n").and(draft("T", "t")), draft("Mine", "m\n\nt"));
        assert_eq!(draft("Mine", "m").and(draft("T", " ")), draft("Mine", "m"));
    }

    #[test]
    fn a_text_is_a_title_and_what_follows() {
        let check = |text, title: &str, body: &str| {
            assert_eq!(NewDraft::from_text(text), NewDraft { title: title.to_owned(), body: body.to_owned() });
        };
        check("", "", "");
        check("Title", "Title", "");
        check("Title\nbody\nmore\n", "Title", "body\nmore\n");
    }
}

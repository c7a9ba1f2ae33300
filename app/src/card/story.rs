//! The story of the card on screen, kept up to date: events are appended as they come, and what they
//! change in the rest of the story is asked for again, once at a time.

use std::{collections::HashMap, time::Duration};

use leptos::{prelude::*, task::spawn_local};

use super::{
    api::{CardOpening, load_activity, load_artifact, load_story},
    topic::changes_story,
};
use crate::{
    error::Problem,
    model::{ArtifactId, Card, Event},
    port::{ACTIVITY_LIMIT, ArtifactView, CardStory},
};

/// Events that a page keeps: a day of watching must not fill the browser's memory.
const KEPT_EVENTS: usize = 5 * ACTIVITY_LIMIT as usize;

/// Events that a page keeps once somebody has asked for older ones.
const MOST_EVENTS: usize = 50 * ACTIVITY_LIMIT as usize;

/// One decision is half a dozen events within a moment: they are waited for, and the story is asked for once.
const SETTLE: Duration = Duration::from_millis(120);

/// What is read of an artifact: itself, or what changed in it since an older version.
pub type ReadKey = (ArtifactId, Option<ArtifactId>);

/// The story on screen. From context.
#[derive(Clone, Copy)]
pub struct Story {
    story: RwSignal<CardStory>,
    views: RwSignal<HashMap<ReadKey, Result<ArtifactView, Problem>>>,
    reload: StoredValue<Reload>,
    /// Events that are kept, more after older ones were asked for.
    kept: StoredValue<usize>,
    older: RwSignal<Older>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reload {
    Idle,
    /// Due once what happens now has settled.
    Waiting,
    UnderWay,
    /// Something changed while one was under way: one more is due.
    Again,
}

/// Whether there are events from before those that are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Older {
    There,
    Coming,
    /// Asking failed; it can be tried again.
    Refused,
    AllShown,
}

impl Story {
    /// Makes it from the page's first answer and puts it into context.
    pub fn provide(opening: CardOpening) -> Self {
        let since = opening.since;
        let views = opening.shown.into_iter().map(|view| ((view.artifact.id, None), Ok(view)));
        let compared = opening.compared.into_iter().map(|view| ((view.artifact.id, since), Ok(view)));
        let full = opening.story.activity.len() >= ACTIVITY_LIMIT as usize;
        let story = Story {
            views: RwSignal::new(views.chain(compared).collect()),
            story: RwSignal::new(opening.story),
            reload: StoredValue::new(Reload::Idle),
            kept: StoredValue::new(KEPT_EVENTS),
            older: RwSignal::new(if full { Older::There } else { Older::AllShown }),
        };
        provide_context(story);
        story
    }

    pub fn signal(self) -> Signal<CardStory> {
        self.story.into()
    }

    /// A part of the story that changes only when it does.
    pub fn part<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&CardStory) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| self.story.with(&part))
    }

    pub fn now<T>(self, read: impl FnOnce(&CardStory) -> T) -> T {
        self.story.with_untracked(read)
    }

    /// What is known of an artifact's content.
    pub fn view(self, key: ReadKey) -> Option<Result<ArtifactView, Problem>> {
        self.views.with(|views| views.get(&key).cloned())
    }

    /// Whether an artifact's content, or why it cannot be had, is here, without following it.
    pub fn knows(self, key: ReadKey) -> bool {
        self.views.with_untracked(|views| views.contains_key(&key))
    }

    /// Fetches an artifact's content unless it is here, or was refused and is not asked for again.
    pub fn fetch(self, key: ReadKey) {
        if self.views.with_untracked(|views| matches!(views.get(&key), Some(Ok(_)))) {
            return;
        }
        spawn_local(async move {
            let view = load_artifact(key.0, key.1).await;
            self.views.try_update(|views| views.insert(key, view));
        });
    }

    pub fn older(self) -> RwSignal<Older> {
        self.older
    }

    /// Fetches events from before those that are shown.
    pub fn fetch_older(self) {
        if matches!(self.older.get_untracked(), Older::Coming | Older::AllShown) {
            return;
        }
        self.older.set(Older::Coming);
        let (card, first) =
            self.now(|story| (story.card.id, story.activity.first().map_or(i64::MAX, |event| event.seq)));
        spawn_local(async move {
            let Ok(events) = load_activity(card, first).await else {
                self.older.try_set(Older::Refused);
                return;
            };
            let full = events.len() >= ACTIVITY_LIMIT as usize;
            self.kept.try_update_value(|kept| *kept = (*kept + events.len()).min(MOST_EVENTS));
            let Some(kept) = self.kept.try_get_value() else { return };
            self.story.try_update(|story| {
                story.activity.splice(0..0, events);
            });
            self.older.try_set(if full && kept < MOST_EVENTS { Older::There } else { Older::AllShown });
        });
    }

    /// Takes in events of this card as they come, and the card as it stands after them.
    pub fn absorb(self, events: &[Event], card: Option<&Card>) {
        let (changed, due) = self.story.with_untracked(|story| {
            let fresh = events.iter().any(|event| is_new(story, event));
            (fresh || card.is_some(), events.iter().any(|event| is_new(story, event) && changes_story(&event.kind)))
        });
        if changed {
            let kept = self.kept.get_value();
            self.story.update(|story| take_in(story, events, card, kept));
        }
        if due {
            self.reload();
        }
    }

    /// Asks for the story again, once what happens now has settled. At most one call is under way, and calls
    /// meanwhile become one more; a call after the page has gone does nothing.
    pub fn reload(self) {
        let Some(state) = self.reload.try_get_value() else { return };
        match state {
            Reload::Idle => self.reload_later(),
            Reload::UnderWay => self.reload.set_value(Reload::Again),
            Reload::Waiting | Reload::Again => {}
        }
    }

    fn reload_later(self) {
        self.reload.set_value(Reload::Waiting);
        set_timeout(move || self.reload_now(), SETTLE);
    }

    fn reload_now(self) {
        let Some(card) = self.story.try_with_untracked(|story| story.card.id) else { return };
        self.reload.set_value(Reload::UnderWay);
        spawn_local(async move {
            // A story that cannot be had now is had with the next event; the page's banner tells of a lost server.
            if let Ok(fresh) = load_story(card).await {
                let Some(kept) = self.kept.try_get_value() else { return };
                self.story.try_update(|story| replace(story, fresh, kept));
            }
            match self.reload.try_get_value() {
                Some(Reload::Again) => self.reload_later(),
                Some(_) => self.reload.set_value(Reload::Idle),
                None => {}
            }
        });
    }
}

fn is_new(story: &CardStory, event: &Event) -> bool {
    event.card_id == Some(story.card.id) && story.activity.last().is_none_or(|last| event.seq > last.seq)
}

fn take_in(story: &mut CardStory, events: &[Event], card: Option<&Card>, kept: usize) {
    for event in events {
        if is_new(story, event) {
            story.activity.push(event.clone());
        }
    }
    let surplus = story.activity.len().saturating_sub(kept);
    story.activity.drain(..surplus);
    // Batches leave bodies out; a new body comes with the story that the edit's event asks for.
    if let Some(card) = card.filter(|card| card.id == story.card.id) {
        let body = story.card.body.take();
        story.card = Card { body, ..card.clone() };
    }
}

/// Puts a fresh story in place of the one on screen, keeping events on both of its sides.
fn replace(story: &mut CardStory, fresh: CardStory, kept: usize) {
    let old = std::mem::replace(story, fresh);
    // The stream may have overtaken the answer: what a card was before must not show again.
    if old.card.version > story.card.version {
        let body = story.card.body.take();
        story.card = Card { body, ..old.card };
    }
    let first = story.activity.first().map_or(i64::MAX, |event| event.seq);
    let last = story.activity.last().map_or(i64::MIN, |event| event.seq);
    let mut activity: Vec<Event> = old.activity.iter().filter(|event| event.seq < first).cloned().collect();
    activity.append(&mut story.activity);
    activity.extend(old.activity.into_iter().filter(|event| event.seq > last && event.seq >= first));
    let surplus = activity.len().saturating_sub(kept);
    activity.drain(..surplus);
    story.activity = activity;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        card::fixture::{self, at},
        model::{CardStatus, Stage},
    };

    fn event(story: &CardStory, seq: i64) -> Event {
        Event {
            seq,
            at: at(seq),
            kind: "agent.message".to_owned(),
            project_id: None,
            card_id: Some(story.card.id),
            agent_id: None,
            data: json!({}),
        }
    }

    fn seqs(story: &CardStory) -> Vec<i64> {
        story.activity.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn events_are_taken_in_once_and_in_order() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        let events: Vec<Event> = [3, 4].map(|seq| event(&story, seq)).into();
        take_in(&mut story, &events, None, KEPT_EVENTS);
        take_in(&mut story, &events, None, KEPT_EVENTS);
        let foreign = Event { card_id: None, ..event(&story, 9) };
        take_in(&mut story, &[foreign], None, KEPT_EVENTS);
        assert_eq!(seqs(&story), [3, 4]);
        let many: Vec<Event> = (5..5 + 2 * KEPT_EVENTS as i64).map(|seq| event(&story, seq)).collect();
        take_in(&mut story, &many, None, KEPT_EVENTS);
        assert_eq!(
            (story.activity.len(), story.activity.last().unwrap().seq),
            (KEPT_EVENTS, 4 + 2 * KEPT_EVENTS as i64)
        );
    }

    #[test]
    fn a_card_without_its_body_keeps_the_one_on_screen() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        let card = Card { body: None, status: CardStatus::Failed, ..story.card.clone() };
        take_in(&mut story, &[], Some(&card), KEPT_EVENTS);
        assert_eq!((story.card.status, story.card.body.as_deref()), (CardStatus::Failed, Some("Make it work.")));
    }

    #[test]
    fn an_overtaken_answer_does_not_take_the_card_back() {
        let mut story = fixture::story(Stage::Build, CardStatus::Queued);
        story.card.version = 9;
        let mut fresh = fixture::story(Stage::Plan, CardStatus::NeedsApproval);
        fresh.card.body = Some("Edited.".to_owned());
        replace(&mut story, fresh, KEPT_EVENTS);
        assert_eq!((story.card.stage, story.card.body.as_deref()), (Stage::Build, Some("Edited.")));
    }

    #[test]
    fn a_fresh_story_keeps_events_on_both_sides() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        story.activity = [1, 2, 3, 4, 7].map(|seq| event(&story, seq)).into();
        let mut fresh = fixture::story(Stage::Build, CardStatus::Queued);
        fresh.activity = [3, 4, 5].map(|seq| event(&fresh, seq)).into();
        replace(&mut story, fresh, KEPT_EVENTS);
        assert_eq!((story.card.stage, seqs(&story)), (Stage::Build, vec![1, 2, 3, 4, 5, 7]));
        let fresh = fixture::story(Stage::Build, CardStatus::Queued);
        replace(&mut story, fresh, KEPT_EVENTS);
        assert_eq!(seqs(&story), [1, 2, 3, 4, 5, 7]);
    }
}

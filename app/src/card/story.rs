//! The story of the card on screen, kept up to date: events are appended as they come, and what they
//! change in the rest of the story is asked for again, once at a time.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};

use super::{
    api::{CardOpening, load_artifact, load_story},
    words::Topic,
};
use crate::{
    error::Problem,
    model::{ArtifactId, Card, Event},
    port::{ACTIVITY_LIMIT, ArtifactView, CardStory},
};

/// Events that a page keeps: a day of watching must not fill the browser's memory.
const KEPT_EVENTS: usize = 5 * ACTIVITY_LIMIT as usize;

/// The story on screen. From context.
#[derive(Clone, Copy)]
pub struct Story {
    story: RwSignal<CardStory>,
    views: RwSignal<HashMap<ArtifactId, Result<ArtifactView, Problem>>>,
    reload: StoredValue<Reload>,
}

#[derive(Clone, Copy, PartialEq)]
enum Reload {
    Idle,
    UnderWay,
    /// Something changed while one was under way: one more is due.
    Again,
}

impl Story {
    /// Makes it from the page's first answer and puts it into context.
    pub fn provide(opening: CardOpening) -> Self {
        let views = opening.shown.into_iter().map(|view| (view.artifact.id, Ok(view))).collect();
        let story = Story {
            story: RwSignal::new(opening.story),
            views: RwSignal::new(views),
            reload: StoredValue::new(Reload::Idle),
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
    pub fn view(self, artifact: ArtifactId) -> Option<Result<ArtifactView, Problem>> {
        self.views.with(|views| views.get(&artifact).cloned())
    }

    /// Whether an artifact's content, or why it cannot be had, is here, without following it.
    pub fn knows(self, artifact: ArtifactId) -> bool {
        self.views.with_untracked(|views| views.contains_key(&artifact))
    }

    /// Fetches an artifact's content unless it is here, or was refused and is not asked for again.
    pub fn fetch(self, artifact: ArtifactId) {
        if self.views.with_untracked(|views| matches!(views.get(&artifact), Some(Ok(_)))) {
            return;
        }
        spawn_local(async move {
            let view = load_artifact(artifact).await;
            self.views.try_update(|views| views.insert(artifact, view));
        });
    }

    /// Takes in events of this card as they come, and the card as it stands after them.
    pub fn absorb(self, events: &[Event], card: Option<&Card>) {
        let (changed, due) = self.story.with_untracked(|story| {
            let fresh = events.iter().any(|event| is_new(story, event));
            (fresh || card.is_some(), events.iter().any(|event| is_new(story, event) && needs_story(&event.kind)))
        });
        if changed {
            self.story.update(|story| take_in(story, events, card));
        }
        if due {
            self.reload();
        }
    }

    /// Asks for the story again. Calls while one is under way become one more; a call after the page has
    /// gone does nothing.
    pub fn reload(self) {
        let (Some(state), Some(card)) =
            (self.reload.try_get_value(), self.story.try_with_untracked(|story| story.card.id))
        else {
            return;
        };
        if state != Reload::Idle {
            self.reload.set_value(Reload::Again);
            return;
        }
        self.reload.set_value(Reload::UnderWay);
        spawn_local(async move {
            loop {
                // A story that cannot be had now is had with the next event; the page's banner tells of a lost server.
                if let Ok(fresh) = load_story(card).await {
                    self.story.try_update(|story| replace(story, fresh));
                }
                match self.reload.try_get_value() {
                    Some(Reload::Again) => self.reload.set_value(Reload::UnderWay),
                    Some(_) => return self.reload.set_value(Reload::Idle),
                    None => return,
                }
            }
        });
    }
}

/// Whether an event changes more of a story than its log.
fn needs_story(kind: &str) -> bool {
    matches!(Topic::of(kind), Topic::Card | Topic::Agents) && kind != "agent.progress"
}

fn is_new(story: &CardStory, event: &Event) -> bool {
    event.card_id == Some(story.card.id) && story.activity.last().is_none_or(|last| event.seq > last.seq)
}

fn take_in(story: &mut CardStory, events: &[Event], card: Option<&Card>) {
    for event in events {
        if is_new(story, event) {
            story.activity.push(event.clone());
        }
    }
    let surplus = story.activity.len().saturating_sub(KEPT_EVENTS);
    story.activity.drain(..surplus);
    // Batches leave bodies out; a new body comes with the story that the edit's event asks for.
    if let Some(card) = card.filter(|card| card.id == story.card.id) {
        let body = story.card.body.take();
        story.card = Card { body, ..card.clone() };
    }
}

/// Puts a fresh story in place of the one on screen, keeping events on both of its sides.
fn replace(story: &mut CardStory, fresh: CardStory) {
    let old = std::mem::replace(story, fresh);
    let first = story.activity.first().map_or(i64::MAX, |event| event.seq);
    let last = story.activity.last().map_or(i64::MIN, |event| event.seq);
    let mut activity: Vec<Event> = old.activity.iter().filter(|event| event.seq < first).cloned().collect();
    activity.append(&mut story.activity);
    activity.extend(old.activity.into_iter().filter(|event| event.seq > last && event.seq >= first));
    let surplus = activity.len().saturating_sub(KEPT_EVENTS);
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
        take_in(&mut story, &events, None);
        take_in(&mut story, &events, None);
        let foreign = Event { card_id: None, ..event(&story, 9) };
        take_in(&mut story, &[foreign], None);
        assert_eq!(seqs(&story), [3, 4]);
        let many: Vec<Event> = (5..5 + 2 * KEPT_EVENTS as i64).map(|seq| event(&story, seq)).collect();
        take_in(&mut story, &many, None);
        assert_eq!(
            (story.activity.len(), story.activity.last().unwrap().seq),
            (KEPT_EVENTS, 4 + 2 * KEPT_EVENTS as i64)
        );
    }

    #[test]
    fn a_card_without_its_body_keeps_the_one_on_screen() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        let card = Card { body: None, status: CardStatus::Failed, ..story.card.clone() };
        take_in(&mut story, &[], Some(&card));
        assert_eq!((story.card.status, story.card.body.as_deref()), (CardStatus::Failed, Some("Make it work.")));
    }

    #[test]
    fn a_fresh_story_keeps_events_on_both_sides() {
        let mut story = fixture::story(Stage::Plan, CardStatus::Working);
        story.activity = [1, 2, 3, 4, 7].map(|seq| event(&story, seq)).into();
        let mut fresh = fixture::story(Stage::Build, CardStatus::Queued);
        fresh.activity = [3, 4, 5].map(|seq| event(&fresh, seq)).into();
        replace(&mut story, fresh);
        assert_eq!((story.card.stage, seqs(&story)), (Stage::Build, vec![1, 2, 3, 4, 5, 7]));
        let fresh = fixture::story(Stage::Build, CardStatus::Queued);
        replace(&mut story, fresh);
        assert_eq!(seqs(&story), [1, 2, 3, 4, 5, 7]);
    }

    #[test]
    fn only_what_changes_the_story_asks_for_it() {
        for (kind, want) in [
            ("card.moved", true),
            ("gate.opened", true),
            ("agent.deleted", true),
            ("artifact.attached", true),
            ("agent.progress", false),
            ("agent.message", false),
            ("agent.usage", false),
            ("agent.tool_call", false),
        ] {
            assert_eq!(needs_story(kind), want, "{kind}");
        }
    }
}

//! The card's log: every event of every agent in words, live, with filter and pause.

use chrono::{DateTime, Utc};
use leptos::{html, prelude::*};

use super::{
    story::{Older, Story},
    topic::Topic,
    words::{Sentence, role_of, sentence},
};
use crate::{
    model::{Event, Role},
    port::CardStory,
    ui::{settled::settled, time::exact},
};

/// How close to its end the log is, in pixels, to be kept at its end when a line comes.
const AT_END: i32 = 40;

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    seq: i64,
    at: DateTime<Utc>,
    kind: String,
    topic: Topic,
    /// Whose line it is, where its words do not say so.
    role: Option<Role>,
    said: Sentence,
    /// How often in a row it was said.
    times: u32,
}

/// The log's lines up to `until`. Of an agent's steps in a row, the last one says it all; what is said again
/// and again is counted; a comment that was told with its gate is not told again with the move.
fn lines(story: &CardStory, topics: &[Topic], until: Option<i64>) -> Vec<Line> {
    let shown =
        |event: &&Event| topics.contains(&Topic::of(&event.kind)) && until.is_none_or(|until| event.seq <= until);
    let mut lines: Vec<Line> = Vec::new();
    let mut last: Option<&Event> = None;
    for event in story.activity.iter().filter(shown) {
        let overtakes =
            |last: &Event| event.kind == "agent.progress" && last.kind == event.kind && last.agent_id == event.agent_id;
        if last.is_some_and(overtakes) {
            lines.pop();
        }
        let mut line = match last.filter(|last| tells_again(last, event)) {
            Some(_) => line(story, &without_reason(event)),
            None => line(story, event),
        };
        let repeated =
            lines.last().filter(|last| last.said == line.said && last.kind == line.kind && last.role == line.role);
        if let Some(times) = repeated.map(|last| last.times) {
            line.times = times + 1;
            lines.pop();
        }
        lines.push(line);
        last = Some(event);
    }
    lines
}

/// Whether a move gives the reason that its gate's decision has just given.
fn tells_again(last: &Event, event: &Event) -> bool {
    let reason = |event: &Event| event.data.get("reason").and_then(|reason| reason.as_str().map(str::to_owned));
    last.kind == "gate.decided" && event.kind == "card.moved" && reason(last) == reason(event)
}

fn without_reason(event: &Event) -> Event {
    let mut event = event.clone();
    if let Some(data) = event.data.as_object_mut() {
        data.remove("reason");
    }
    event
}

fn line(story: &CardStory, event: &Event) -> Line {
    let role = role_of(&story.agents, event.agent_id);
    let said = sentence(event, role);
    Line {
        seq: event.seq,
        at: event.at,
        kind: event.kind.clone(),
        topic: Topic::of(&event.kind),
        role: role.filter(|role| !said.text.starts_with(role.label())),
        said,
        times: 1,
    }
}

#[component]
pub fn Activity() -> impl IntoView {
    let story = expect_context::<Story>();
    let topics = RwSignal::new(Topic::ALL.to_vec());
    let paused = RwSignal::new(None::<i64>);
    let shown = story.signal();
    let visible = Memo::new(move |_| shown.with(|story| topics.with(|topics| lines(story, topics, paused.get()))));
    let newer = Memo::new(move |_| {
        paused.get().map(|until| shown.with(|story| story.activity.iter().filter(|event| event.seq > until).count()))
    });
    let pause = move |_| match paused.get_untracked() {
        Some(_) => paused.set(None),
        None => paused.set(Some(story.now(|story| story.activity.last().map_or(0, |event| event.seq)))),
    };
    let log = NodeRef::<html::Div>::new();
    keep_at_end(log, visible);
    let all = format!("/api/v1/events?card_id={}", story.now(|story| story.card.id));
    settled(view! {
        <section class="card-section" aria-labelledby="activity">
            <div class="section-head">
                <h2 id="activity">"Activity"</h2>
                <div class="log-tools" role="group" aria-label="Show">
                    {Topic::ALL.iter().map(|topic| view! { <TopicToggle topic=*topic topics /> }).collect_view()}
                </div>
                <button type="button" class="button log-pause" aria-pressed=move || paused.get().is_some().to_string() on:click=pause>
                    {move || match newer.get() {
                        None => "Pause".to_owned(),
                        Some(0) => "Resume".to_owned(),
                        Some(count) => format!("Resume, {count} new"),
                    }}
                </button>
            </div>
            <Show when=move || story.older().get() != Older::AllShown>
                <p class="log-older">
                    <button type="button" class="button" disabled=move || story.older().get() == Older::Coming on:click=move |_| older(story, log)>
                        {move || match story.older().get() {
                            Older::Coming => "Loading…",
                            Older::Refused => "Older events did not come: try again",
                            _ => "Load older events",
                        }}
                    </button>
                    <a rel="external" href=all.clone()>"All of them, as JSON"</a>
                </p>
            </Show>
            <div class="log" role="log" aria-labelledby="activity" tabindex="0" node_ref=log>
                <For each=move || visible.get() key=|line| (line.seq, line.role, line.times) let:line>{line_view(line)}</For>
                <Show when=move || visible.with(Vec::is_empty)>
                    <p class="empty">{move || match topics.with(|topics| topics.len() < Topic::ALL.len()) {
                        true => "Nothing of what is chosen above has happened yet.",
                        false => "Nothing has happened yet. Events show here as they come.",
                    }}</p>
                </Show>
            </div>
        </section>
    })
}

/// The log follows its newest line, unless somebody has scrolled up to read.
fn keep_at_end(log: NodeRef<html::Div>, visible: Memo<Vec<Line>>) {
    Effect::new(move |before: Option<i64>| {
        let newest = visible.with(|lines| lines.last().map_or(0, |line| line.seq));
        let Some(log) = log.get() else { return newest };
        if before == Some(newest) {
            return newest;
        }
        let distance = log.scroll_height() - log.scroll_top() - log.client_height();
        if before.is_none() || distance <= AT_END + log.client_height() / 4 {
            request_animation_frame(move || log.set_scroll_top(log.scroll_height()));
        }
        newest
    });
}

/// Shows older lines above those that are read, which stay where they are.
fn older(story: Story, log: NodeRef<html::Div>) {
    story.fetch_older();
    let Some(log) = log.get_untracked() else { return };
    let (height, top) = (log.scroll_height(), log.scroll_top());
    Effect::new(move |done: Option<bool>| {
        let came = story.older().get() != Older::Coming;
        if came && done != Some(true) {
            let log = log.clone();
            request_animation_frame(move || log.set_scroll_top(top + log.scroll_height() - height));
        }
        came || done == Some(true)
    });
}

#[component]
fn TopicToggle(topic: Topic, topics: RwSignal<Vec<Topic>>) -> impl IntoView {
    let on = move || topics.with(|topics| topics.contains(&topic));
    let toggle = move |_| {
        topics.update(|topics| match topics.iter().position(|other| *other == topic) {
            Some(at) => drop(topics.remove(at)),
            None => topics.push(topic),
        });
    };
    settled(view! {
        <button type="button" class="toggle" aria-pressed=move || on().to_string() on:click=toggle>{topic.label()}</button>
    })
}

fn line_view(line: Line) -> impl IntoView {
    let role = line.role.map(|role| view! { <span class="log-role">{role.label()}</span> });
    let times = (line.times > 1).then(|| view! { <span class="log-times">{format!(" × {}", line.times)}</span> });
    let text = line.said.text;
    let body = match line.said.detail {
        Some(detail) => settled(view! {
            <details class="log-more">
                <summary dir="auto">{text}{times}</summary>
                <pre dir="auto" tabindex="0">{detail}</pre>
            </details>
        }),
        None => settled(view! { <span class="log-text" dir="auto">{text}{times}</span> }),
    };
    settled(view! {
        <div class="log-line" data-topic=line.topic.as_str() data-kind=line.kind>
            <time class="log-time" datetime=exact(line.at) title=exact(line.at)>{line.at.format("%H:%M:%S").to_string()}</time>
            {role}
            {body}
        </div>
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        card::fixture::{self, at},
        model::{AgentId, CardStatus, Stage},
    };

    fn story(kinds: &[(&str, u128)]) -> CardStory {
        let mut story = fixture::story(Stage::Build, CardStatus::Working);
        let event = |(at_, (kind, agent)): (usize, &(&str, u128))| Event {
            seq: at_ as i64 + 1,
            at: at(0),
            kind: (*kind).to_owned(),
            project_id: None,
            card_id: Some(story.card.id),
            agent_id: Some(AgentId(Uuid::from_u128(*agent))),
            data: json!({"percent": 10 * at_}),
        };
        story.activity = kinds.iter().enumerate().map(event).collect();
        story
    }

    #[test]
    fn what_is_said_again_is_counted() {
        let mut story = story(&[("agent.tool_call", 1), ("agent.tool_call", 1), ("agent.tool_call", 1)]);
        story.activity.iter_mut().for_each(|event| event.data = json!({"tool": "read_file"}));
        story.activity[2].data = json!({"tool": "grep"});
        let lines = lines(&story, Topic::ALL, None);
        let said: Vec<(&str, u32)> = lines.iter().map(|line| (line.said.text.as_str(), line.times)).collect();
        assert_eq!(said, [("read_file", 2), ("grep", 1)]);
    }

    #[test]
    fn a_comment_is_told_once() {
        let mut story = story(&[("gate.decided", 1), ("card.moved", 1)]);
        let reason = "first\nsecond";
        story.activity[0].data = json!({"stage": "plan", "state": "sent_back", "reason": reason});
        story.activity[1].data = json!({"from": "plan", "to": "plan", "reason": reason});
        let lines = lines(&story, Topic::ALL, None);
        assert!(lines[0].said.detail.is_some());
        assert_eq!(lines[1].said.text, "Plan started again.");
    }

    fn check(kinds: &[(&str, u128)], topics: &[Topic], until: Option<i64>, want: &[i64]) {
        let seqs: Vec<i64> = lines(&story(kinds), topics, until).iter().map(|line| line.seq).collect();
        assert_eq!(seqs, want);
    }

    #[test]
    fn steps_in_a_row_become_the_last_one() {
        let kinds = [
            ("agent.progress", 1),
            ("agent.progress", 1),
            ("agent.message", 1),
            ("agent.progress", 1),
            ("agent.progress", 2),
        ];
        check(&kinds, Topic::ALL, None, &[2, 3, 4, 5]);
        check(&kinds, &[Topic::Agents], None, &[4, 5]);
    }

    #[test]
    fn a_pause_holds_what_comes_after_it() {
        let kinds = [("card.created", 1), ("card.moved", 1), ("agent.usage", 1)];
        check(&kinds, Topic::ALL, Some(2), &[1, 2]);
        check(&kinds, &[Topic::Usage], None, &[3]);
        check(&kinds, &[], None, &[]);
    }
}

//! What agents ask a person about this card: options with a default, or an answer in one's own words.

use leptos::prelude::*;

use super::{
    api::answer_question,
    ask::{Ask, Refusal},
    focus_heading,
    story::Story,
};
use crate::{
    error::{ErrorCode, Problem},
    model::{NewAnswer, Question, QuestionId, QuestionState},
    shell::Hydrated,
    ui::{
        announcer::Announcer,
        settled::settled,
        storage,
        time::{Ago, exact},
    },
};

/// Every open question, oldest first.
#[component]
pub fn OpenQuestions() -> impl IntoView {
    let story = expect_context::<Story>();
    let open = story.part(|story| {
        story.questions.iter().filter(|question| question.state == QuestionState::Open).cloned().collect::<Vec<_>>()
    });
    settled(
        view! { <For each=move || open.get() key=|question| question.id let:question><OpenQuestion question /></For> },
    )
}

fn draft_key(question: QuestionId) -> String {
    format!("slipway.answer.{question}")
}

#[component]
fn OpenQuestion(question: Question) -> impl IntoView {
    let story = expect_context::<Story>();
    let announcer = expect_context::<Announcer>();
    let ask = Ask::new();
    let id = question.id;
    let text = RwSignal::new(String::new());
    Effect::new(move |_| {
        if let Some(draft) = storage::read(&draft_key(id)) {
            text.set(draft);
        }
    });
    let send = move |answer: NewAnswer| {
        ask.send(answer_question(id, answer), move |_| {
            storage::forget(&draft_key(id));
            announcer.say("Answered. The card goes on.");
            story.reload();
            focus_heading();
        });
    };
    let answer_text = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let text = text.get_untracked().trim().to_owned();
        if text.is_empty() {
            return ask
                .refuse(Problem::new(ErrorCode::InvalidRequest, "Write an answer, or choose one of the options."));
        }
        send(NewAnswer { option: None, text: Some(text) });
    };
    let heading = format!("question-{id}");
    let named_by = heading.clone();
    let options = question.options.iter().map(|option| {
        let (choice, default) = (option.id.clone(), question.default_option.as_ref() == Some(&option.id));
        let class = if default { "button button-primary" } else { "button" };
        let answer = move |_| send(NewAnswer { option: Some(choice.clone()), text: None });
        view! {
            <button type="button" class=class disabled=move || ask.busy() on:click=answer>
                {option.label.clone()}
                {default.then(|| view! { <span class="default-mark">"default"</span> })}
            </button>
        }
    });
    let deadline = question.deadline.map(|deadline| {
        view! { <p class="hint">"Without an answer the default is taken at "<time datetime=exact(deadline)>{exact(deadline)}</time>"."</p> }
    });
    let awaited = Hydrated::is_awaited();
    settled(view! {
        <section class="panel question" aria-labelledby=named_by>
            <header class="panel-head">
                <h2 id=heading>"Question"</h2>
                <span class="panel-note">"asked "<Ago at=question.asked_at /></span>
            </header>
            <p class="question-prompt" dir="auto">{question.prompt.clone()}</p>
            <div class="question-options">{options.collect_view()}</div>
            <form class="question-own" on:submit=answer_text>
                <label class="field">
                    <span>"Answer in your own words"</span>
                    <textarea
                        rows="2"
                        readonly=move || awaited.get()
                        prop:value=move || text.get()
                        on:input=move |event| {
                            let typed = event_target_value(&event);
                            storage::write(&draft_key(id), &typed);
                            text.set(typed);
                        }
                    ></textarea>
                </label>
                <button type="submit" class="button" disabled=move || ask.busy()>"Answer"</button>
            </form>
            {deadline}
            <Refusal ask />
        </section>
    })
}

/// Questions that were asked and answered, for the record.
#[component]
pub fn AnsweredQuestions() -> impl IntoView {
    let story = expect_context::<Story>();
    let asked = story.part(|story| {
        story.questions.iter().filter(|question| question.state != QuestionState::Open).cloned().collect::<Vec<_>>()
    });
    let list = move || {
        let asked = asked.get();
        (!asked.is_empty()).then(|| {
            view! {
                <h3>"Questions"</h3>
                <dl class="answered">{asked.into_iter().map(answered_view).collect_view()}</dl>
            }
        })
    };
    settled(view! { {list} })
}

fn answered_view(question: Question) -> impl IntoView {
    let answer = match question.state {
        QuestionState::Withdrawn => "No longer of interest".to_owned(),
        _ => answer_label(&question),
    };
    settled(view! {
        <dt dir="auto">{question.prompt.clone()}</dt>
        <dd dir="auto">{answer}" "{question.answered_at.map(|at| view! { <Ago at=at /> })}</dd>
    })
}

/// The answer as people read it: an option's label, or the text that was given.
fn answer_label(question: &Question) -> String {
    let answer = question.answer.clone().unwrap_or_default();
    question.options.iter().find(|option| option.id == answer).map_or(answer, |option| option.label.clone())
}

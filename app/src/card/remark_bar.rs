//! Comments on lines that wait to be sent: how many, which, and the button that sends them back.

use leptos::prelude::*;

use super::{
    deciding::Deciding,
    remarks::{Remark, Remarks, counted},
    story::Story,
};
use crate::ui::settled::settled;

#[component]
pub fn RemarkBar() -> impl IntoView {
    let story = expect_context::<Story>();
    let (remarks, deciding) = (expect_context::<Remarks>(), expect_context::<Deciding>());
    let count = Memo::new(move |_| remarks.count());
    let is_open = story.part(|story| story.card.gate.is_some());
    settled(view! {
        <Show when=move || { count.get() > 0 }>
            <section class="remark-bar" aria-label="Comments on lines">
                <details>
                    <summary>{move || counted(count.get())}</summary>
                    <ul>{move || remarks.all().get().into_iter().map(|remark| entry(remark, remarks)).collect_view()}</ul>
                </details>
                <button
                    type="button"
                    class="button button-primary"
                    disabled=move || deciding.ask.busy() || !is_open.get()
                    on:click=move |_| deciding.send_back()
                >
                    {move || match count.get() {
                        1 => "Send back 1 comment".to_owned(),
                        count => format!("Send back {count} comments"),
                    }}
                </button>
                <Show when=move || !is_open.get()>
                    <p class="hint">"They are kept, and can be sent back once the card waits at a gate."</p>
                </Show>
            </section>
        </Show>
    })
}

fn entry(remark: Remark, remarks: Remarks) -> impl IntoView {
    let place = format!("{} · {}", remark.on, remark.place());
    let name = format!("Remove the comment on {}", remark.place());
    let text = remark.text.clone();
    let remove = move |_| remarks.remove(&remark.subject, &remark.path, &remark.line);
    settled(view! {
        <li>
            <code>{place}</code>
            <span dir="auto">{text}</span>
            <button type="button" class="link" aria-label=name on:click=remove>"Remove"</button>
        </li>
    })
}

//! What follows the pointer, and the line that marks the place.

use leptos::prelude::*;

use super::Drag;
use crate::board::Desk;

#[component]
pub(in crate::board) fn Preview() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let held = Memo::new(move |_| {
        desk.drag.with(|drag| drag.as_ref().map(|drag| (drag.number, drag.title.clone(), drag.others.len() + 1)))
    });
    let of = move |read: fn(&Drag) -> f64| move || desk.drag.with(|drag| drag.as_ref().map_or(0.0, read));
    let px = |value: f64| format!("{value}px");
    let (left, top, width) = (of(|drag| drag.left), of(|drag| drag.top), of(|drag| drag.width));
    let line = Memo::new(move |_| desk.drag.with(|drag| drag.as_ref().and_then(|drag| drag.line)));
    view! {
        {move || held.get().map(|(number, title, count)| view! {
            <div
                class="tile drag-preview" aria-hidden="true"
                style:width=move || px(width())
                style:transform=move || format!("translate({}px, {}px)", left(), top())
            >
                <span class="tile-number">{format!("#{number}")}</span>
                <span class="tile-title" dir="auto">{title}</span>
                {(count > 1).then(|| view! { <span class="drag-count">{format!("{count} cards")}</span> })}
            </div>
        })}
        {move || line.get().map(|(left, top, width)| view! {
            <div class="place-line" style:left=px(left) style:top=px(top) style:width=px(width)></div>
        })}
    }
}

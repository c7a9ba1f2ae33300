//! Parts of the page whose code is loaded when it is needed, so that the first page is small.
//!
//! The build cuts the module at every function that [`later!`](crate::later) makes: what only such a function
//! reaches goes into a chunk of its own (`server/build/split.rs`). On the server a part is drawn like
//! anything else.
//!
//! - A page: [`page`]. The server draws it whole; the browser loads its code before it takes the page over
//!   ([`crate::shell::code_of`] says which), or when a person comes from another page.
//! - A dialog or anything that is not there at first: [`on_demand`].
//!
//! Code that cannot be had (the connection is lost, or the server has been replaced by another version) is
//! told where it is missing, with a way to try again and one to load the page anew.

use std::{future::Future, pin::Pin};

use futures::FutureExt;
use leptos::prelude::*;
pub use leptos::wasm_split::SplitLoaderError;

use super::settled::settled;

/// A load under way.
pub type Load = Pin<Box<dyn Future<Output = Result<(), SplitLoaderError>>>>;

/// A part of the page whose code comes later. Made by [`later!`](crate::later).
#[derive(Clone, Copy)]
pub struct Later {
    /// The chunk that holds its code.
    pub chunk: &'static str,
    /// Loads its code; at once when that is here.
    pub load: fn() -> Load,
    /// Draws it, if its code is here.
    pub draw: fn() -> Option<AnyView>,
}

/// Makes a function that names a part:
/// `later! { pub fn card_page() in card { view! { <Card /> } } }`. Parts
/// with the same chunk are loaded together. The body takes nothing but contexts.
#[macro_export]
macro_rules! later {
    ($(#[$note:meta])* $vis:vis fn $name:ident() in $chunk:ident $body:block) => {
        $(#[$note])*
        $vis fn $name() -> $crate::ui::later::Later {
            #[leptos::wasm_split::wasm_split($chunk, wasm_split_path = ::leptos::wasm_split, fallible, preload(load))]
            fn $name() -> Result<leptos::prelude::AnyView, $crate::ui::later::SplitLoaderError> {
                let view = $body;
                Ok(leptos::prelude::IntoAny::into_any(view))
            }
            $crate::ui::later::Later {
                chunk: stringify!($chunk),
                load: || Box::pin(load()),
                draw: || futures::FutureExt::now_or_never($name())?.ok(),
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Loading,
    Here,
    Failed,
}

fn is_here(part: Later) -> bool {
    (part.load)().now_or_never().is_some_and(|loaded| loaded.is_ok())
}

/// Loads a part's code and says how that went.
fn load(part: Later, state: RwSignal<State>) {
    state.set(State::Loading);
    leptos::task::spawn_local(async move {
        let loaded = (part.load)().await;
        // A page that has been left meanwhile needs no answer.
        let _ = state.try_set(if loaded.is_ok() { State::Here } else { State::Failed });
    });
}

/// A page of its own, drawn by the server too.
pub fn page(part: Later) -> AnyView {
    let state = RwSignal::new(if is_here(part) { State::Here } else { State::Idle });
    if state.get_untracked() == State::Idle {
        load(part, state);
    }
    let view = move || match state.get() {
        State::Here => (part.draw)(),
        State::Idle | State::Loading => {
            Some(settled(view! { <p class="page-loading" aria-busy="true">"Loading…"</p> }))
        }
        State::Failed => Some(failed(part, state)),
    };
    // Not settled: a page may wait for its data on the server.
    view.into_any()
}

fn failed(part: Later, state: RwSignal<State>) -> AnyView {
    settled(view! {
        <section class="empty-page" role="alert">
            <h1>"This page could not be loaded"</h1>
            <p>"The server may be gone, or newer than what is open here. Nothing you typed is lost."</p>
            <div class="empty-page-actions">
                <button type="button" class="button" on:click=move |_| load(part, state)>"Try again"</button>
                <button type="button" class="button button-primary" on:click=move |_| reload()>"Load the page anew"</button>
            </div>
        </section>
    })
}

/// Loads the document anew.
pub fn reload() {
    // A browser that refuses shows its own reason.
    let _ = window().location().reload();
}

/// A part that is drawn from the first time that `wanted` holds. The server never draws it. `failed` is
/// called when its code cannot be had; the next time that `wanted` changes and holds, it is asked for again.
pub fn on_demand(
    part: Later,
    wanted: impl Fn() -> bool + Send + Sync + 'static,
    failed: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let state = RwSignal::new(State::Idle);
    Effect::new(move |_| {
        if wanted() && matches!(state.get_untracked(), State::Idle | State::Failed) {
            load(part, state);
        }
    });
    Effect::new(move |_| {
        if state.get() == State::Failed {
            failed();
        }
    });
    settled(move || (state.get() == State::Here).then(part.draw).flatten())
}

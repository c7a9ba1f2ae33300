//! The header of every page: product, project switcher, figures, theme.

use leptos::prelude::*;

use super::switcher::{LastProject, ProjectSwitcher};
use crate::{
    live::Live,
    ui::{icon::Icon, settled::settled, storage},
};

const THEME_STORAGE_KEY: &str = "slipway.theme";

#[component]
pub fn Header() -> impl IntoView {
    let last = LastProject::provide();
    settled(view! {
        <header class="header">
            <a class="brand" href=move || last.board()>
                <Icon name="slipway" />
                <span>"Slipway"</span>
            </a>
            <ProjectSwitcher />
            <Pills />
            <ThemeSwitch />
        </header>
    })
}

#[component]
fn Pills() -> impl IntoView {
    let pulse = expect_context::<Live>().pulse();
    let agents = Memo::new(move |_| pulse.with(|pulse| pulse.agents_at_work));
    let needs_you = Memo::new(move |_| pulse.with(|pulse| pulse.needs_you));
    settled(view! {
        <div class="pills">
            <span class="pill" data-busy=move || (agents.get() > 0).then_some("")>
                <Icon name="working" />
                <span>
                    {move || match agents.get() {
                        0 => "No agents".to_owned(),
                        1 => "1 agent".to_owned(),
                        n => format!("{n} agents"),
                    }}
                    <span class="pill-more">" at work"</span>
                </span>
            </span>
            <span class="pill pill-figure" title="Tokens today, since midnight UTC">
                {move || pulse.with(|pulse| format!("{} tokens", short_count(pulse.tokens_today)))}
            </span>
            <span class="pill pill-figure" title="Money today, since midnight UTC">
                <span>
                    {move || pulse.with(|pulse| pulse.cost_today_usd.to_cents())} <span class="pill-more">" today"</span>
                </span>
            </span>
            <a class="pill pill-needs" href="/inbox" data-waiting=move || (needs_you.get() > 0).then_some("")>
                {move || format!("Needs you ({})", needs_you.get())}
            </a>
        </div>
    })
}

/// `999`, `12.4k`, `3.1M`.
pub fn short_count(count: i64) -> String {
    match count {
        ..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// Light, dark or as the system has it. Kept in the browser; the document's head applies it before painting.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new("system".to_owned());
    let kept = || storage::read(THEME_STORAGE_KEY).unwrap_or_else(|| "system".to_owned());
    Effect::new(move |_| {
        theme.set(kept());
        // Another window has chosen: every one of them follows.
        let handle = window_event_listener_untyped("storage", move |_| {
            theme.set(kept());
            apply(&theme.get_untracked());
        });
        on_cleanup(move || handle.remove());
    });
    let choose = move |chosen: String| {
        match chosen.as_str() {
            "light" | "dark" => storage::write(THEME_STORAGE_KEY, &chosen),
            _ => storage::forget(THEME_STORAGE_KEY),
        }
        apply(&chosen);
        theme.set(chosen);
    };
    settled(view! {
        <label class="theme-switch">
            <span class="visually-hidden">"Theme"</span>
            <select prop:value=theme on:change=move |event| choose(event_target_value(&event))>
                <option value="system">"System"</option>
                <option value="light">"Light"</option>
                <option value="dark">"Dark"</option>
            </select>
        </label>
    })
}

/// `light` or `dark` for the whole document; anything else leaves it to the system.
fn apply(theme: &str) {
    let Some(root) = document().document_element() else { return };
    let _ = match theme {
        "light" | "dark" => root.set_attribute("data-theme", theme),
        _ => root.remove_attribute("data-theme"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        let check = |count, want| assert_eq!(short_count(count), want);
        check(0, "0");
        check(999, "999");
        check(12_449, "12.4k");
        check(3_100_000, "3.1M");
    }
}

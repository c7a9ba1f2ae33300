//! The header of every page: product, project switcher, figures, theme.

use leptos::prelude::*;

use crate::{
    live::Live,
    ui::{icon::Icon, settled::settled, storage},
};

const THEME_STORAGE_KEY: &str = "slipway.theme";

#[component]
pub fn Header() -> impl IntoView {
    settled(view! {
        <header class="header">
            <a class="brand" href="/">
                <Icon name="slipway" />
                <span>"Slipway"</span>
            </a>
            <ProjectSwitcher />
            <Pills />
            <ThemeSwitch />
        </header>
    })
}

/// A menu of links, so that it works with JavaScript off too: each leads to the board of one project.
#[component]
fn ProjectSwitcher() -> impl IntoView {
    let live = expect_context::<Live>();
    let query = leptos_router::hooks::use_query_map();
    let chosen = Memo::new(move |_| query.with(|query| query.get("project")));
    let name = move || {
        live.projects().with(|projects| {
            projects
                .iter()
                .find(|project| chosen.get().is_some_and(|id| project.id.to_string() == id))
                .or_else(|| projects.first().filter(|_| projects.len() == 1))
                .map_or_else(|| "All projects".to_owned(), |project| project.name.clone())
        })
    };
    let close = move |_| {
        if let Some(open) = document().query_selector(".switcher[open]").ok().flatten() {
            let _ = open.remove_attribute("open");
        }
    };
    settled(view! {
        <details class="switcher">
            <summary aria-label=move || format!("Project: {}", name())>
                <span class="switcher-name">{name}</span>
                <Icon name="chevron" />
            </summary>
            <ul class="switcher-list">
                <li>
                    <a href="/" aria-current=move || chosen.get().is_none().then_some("page") on:click=close>"All projects"</a>
                </li>
                <For each=move || live.projects().get() key=|project| project.id let:project>
                    <li>
                        <a
                            href=format!("/?project={}", project.id)
                            title=project.path.clone()
                            aria-current=move || (chosen.get() == Some(project.id.to_string())).then_some("page")
                            on:click=close
                        >
                            {project.name.clone()}
                        </a>
                    </li>
                </For>
            </ul>
        </details>
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
    Effect::new(move |_| {
        if let Some(kept) = storage::read(THEME_STORAGE_KEY) {
            theme.set(kept);
        }
    });
    let choose = move |chosen: String| {
        let root = document().document_element();
        if chosen == "light" || chosen == "dark" {
            storage::write(THEME_STORAGE_KEY, &chosen);
            root.map(|root| root.set_attribute("data-theme", &chosen));
        } else {
            storage::forget(THEME_STORAGE_KEY);
            root.map(|root| root.remove_attribute("data-theme"));
        }
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

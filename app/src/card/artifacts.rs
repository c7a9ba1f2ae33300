//! What the card's agents made: every kind in the order of the stages, its newest version open, every
//! other version one click away; who made it from what; copy and download.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    diff_view::DiffView,
    story::Story,
    words::{artifact_name, bytes_text},
};
use crate::{
    model::{Artifact, ArtifactId, ArtifactKind},
    port::{ArtifactContent, ArtifactView, CardStory},
    ui::{announcer::Announcer, icon::Icon, settled::settled, time::Ago},
};

/// Kinds in the order in which a reader follows the work.
const ORDER: [ArtifactKind; 8] = [
    ArtifactKind::ScoutReport,
    ArtifactKind::Plan,
    ArtifactKind::Diff,
    ArtifactKind::CheckReport,
    ArtifactKind::Review,
    ArtifactKind::Commit,
    ArtifactKind::File,
    ArtifactKind::Transcript,
];

/// Kinds whose content waits until somebody asks: long, and read by few.
fn is_folded(kind: ArtifactKind) -> bool {
    matches!(kind, ArtifactKind::Transcript | ArtifactKind::File)
}

/// Artifacts whose content the page's first view shows: the newest of each kind, or the one asked for.
#[cfg(feature = "ssr")]
pub(super) fn shown(artifacts: &[Artifact], asked: Option<ArtifactId>) -> Vec<ArtifactId> {
    let chosen = ORDER.into_iter().filter_map(|kind| chosen(artifacts, kind, asked));
    chosen
        .filter(|artifact| !is_folded(artifact.kind) || Some(artifact.id) == asked)
        .map(|artifact| artifact.id)
        .collect()
}

/// The version of a kind that is read: the one asked for, else the newest.
fn chosen(artifacts: &[Artifact], kind: ArtifactKind, asked: Option<ArtifactId>) -> Option<&Artifact> {
    let mut of_kind = artifacts.iter().filter(|artifact| artifact.kind == kind);
    let asked = of_kind.clone().find(|artifact| Some(artifact.id) == asked);
    asked.or_else(|| of_kind.clone().max_by_key(|artifact| artifact.version)).or_else(|| of_kind.next())
}

/// Who made an artifact, from what.
fn provenance(story: &CardStory, artifact: &Artifact) -> String {
    let Some(agent) = story.agents.iter().find(|agent| agent.id == artifact.agent_id) else {
        return "Made by an agent of this card".to_owned();
    };
    let engine = agent.model.as_deref().unwrap_or(agent.engine.as_str());
    let sources: Vec<String> = agent
        .consumed
        .iter()
        .filter_map(|id| story.artifacts.iter().find(|artifact| artifact.id == *id))
        .map(artifact_name)
        .collect();
    let from = if sources.is_empty() { "the card".to_owned() } else { format!("the card, {}", sources.join(", ")) };
    format!("Made by the {} ({engine}) from {from}", agent.role.label().to_lowercase())
}

fn content_address(artifact: ArtifactId) -> String {
    format!("/api/v1/artifacts/{artifact}/content")
}

fn anchor(kind: ArtifactKind) -> String {
    format!("artifact-{}", kind.as_str())
}

#[component]
pub fn Artifacts() -> impl IntoView {
    let story = expect_context::<Story>();
    let kinds = story.part(|story| {
        let has = |kind: &ArtifactKind| story.artifacts.iter().any(|artifact| artifact.kind == *kind);
        ORDER.into_iter().filter(has).collect::<Vec<_>>()
    });
    settled(view! {
        <section class="card-section" aria-labelledby="artifacts">
            <div class="section-head">
                <h2 id="artifacts">"Artifacts"</h2>
                <Show when=move || kinds.with(|kinds| kinds.len() > 1)>
                    <nav class="jumps" aria-label="Artifacts">
                        <For each=move || kinds.get() key=|kind| *kind let:kind>
                            <a rel="external" href=format!("#{}", anchor(kind))>{kind.label()}</a>
                        </For>
                    </nav>
                </Show>
            </div>
            <Show
                when=move || kinds.with(|kinds| !kinds.is_empty())
                fallback=|| view! { <p class="empty">"None yet. Each stage’s agent attaches what it made here: a plan, a diff with its checks, a review, a commit."</p> }
            >
                <For each=move || kinds.get() key=|kind| *kind let:kind><OfKind kind /></For>
            </Show>
        </section>
    })
}

/// Every version of one kind, one of them open.
#[component]
fn OfKind(kind: ArtifactKind) -> impl IntoView {
    let story = expect_context::<Story>();
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get("artifact")?.parse::<ArtifactId>().ok()));
    let all = story.part(move |story| {
        let mut all: Vec<Artifact> = story.artifacts.iter().filter(|artifact| artifact.kind == kind).cloned().collect();
        all.sort_by_key(|artifact| std::cmp::Reverse(artifact.version));
        all
    });
    let open = Memo::new(move |_| all.with(|all| chosen(all, kind, asked.get()).cloned()));
    settled(view! {
        <article class="artifact" id=anchor(kind) aria-labelledby=format!("{}-name", anchor(kind))>
            {move || open.get().map(|artifact| view! { <OneVersion artifact all /> })}
        </article>
    })
}

#[component]
fn OneVersion(artifact: Artifact, all: Memo<Vec<Artifact>>) -> impl IntoView {
    let story = expect_context::<Story>();
    let (id, kind) = (artifact.id, artifact.kind);
    let wanted = RwSignal::new(!is_folded(kind) || story.knows(id));
    Effect::new(move |_| {
        if wanted.get() {
            story.fetch(id);
        }
    });
    let made = {
        let artifact = artifact.clone();
        story.part(move |story| provenance(story, &artifact))
    };
    let content = Memo::new(move |_| story.view(id));
    let body = move || match (content.get(), wanted.get()) {
        (Some(Ok(view)), _) => content_view(view),
        (Some(Err(problem)), _) => settled(view! {
            <div class="refusal" role="alert">
                <Icon name="failed" />
                <div><strong>{problem.title}</strong><p>{problem.detail}</p></div>
                <button type="button" class="button" on:click=move |_| story.fetch(id)>"Try again"</button>
            </div>
        }),
        (None, true) => settled(view! { <p class="empty" aria-busy="true">"Loading…"</p> }),
        (None, false) => settled(view! {
            <p class="empty"><button type="button" class="button" on:click=move |_| wanted.set(true)>"Show"</button></p>
        }),
    };
    settled(view! {
        <header class="artifact-head">
            <h3 id=format!("{}-name", anchor(kind))>{kind.label()}<span class="artifact-version">{format!(" v{}", artifact.version)}</span></h3>
            <Versions all current=id />
            <div class="artifact-tools">
                <CopyButton id name=artifact_name(&artifact) />
                <a class="button" rel="external" href=content_address(id) download=artifact.name.clone()>
                    <Icon name="download" />"Download"<span class="visually-hidden">{format!(" {}", artifact_name(&artifact))}</span>
                </a>
            </div>
            <p class="artifact-made">
                {move || made.get()}" · "<Ago at=artifact.created_at />" · "{bytes_text(artifact.bytes)}" · "
                <code title=format!("SHA-256 {}", artifact.sha256)>{artifact.sha256.get(..10).unwrap_or_default().to_owned()}</code>
            </p>
        </header>
        <div class="artifact-body">{body}</div>
    })
}

/// The versions of one kind as links, so that they work without JavaScript too.
#[component]
fn Versions(all: Memo<Vec<Artifact>>, current: ArtifactId) -> impl IntoView {
    settled(view! {
        <Show when=move || all.with(|all| all.len() > 1)>
            <nav class="versions" aria-label="Versions">
                <For each=move || all.get() key=|artifact| artifact.id let:artifact>
                    <a
                        href=format!("/cards/{}?artifact={}", artifact.card_id, artifact.id)
                        aria-current=(artifact.id == current).then_some("true")
                    >
                        {format!("v{}", artifact.version)}
                    </a>
                </For>
            </nav>
        </Show>
    })
}

fn content_view(view: ArtifactView) -> AnyView {
    let ArtifactView { artifact, content } = view;
    match content {
        ArtifactContent::Html(html) => settled(view! { <div class="prose" dir="auto" inner_html=html></div> }),
        ArtifactContent::Diff(files) => {
            settled(view! { <DiffView files anchor=format!("diff-{}", artifact.version) /> })
        }
        ArtifactContent::Text(text) => settled(view! { <pre class="plain" tabindex="0">{text}</pre> }),
        ArtifactContent::Opaque => settled(
            view! { <p class="empty">"Not shown here: it is no text, or too long. Download it to read it."</p> },
        ),
    }
}

/// Puts an artifact's source, as the agent wrote it, on the clipboard.
#[component]
fn CopyButton(id: ArtifactId, name: String) -> impl IntoView {
    let announcer = expect_context::<Announcer>();
    let said = RwSignal::new("Copy");
    let named = name.clone();
    let copy = move |_| {
        let name = name.clone();
        leptos::task::spawn_local(async move {
            let copied = copy_content(&content_address(id)).await.is_some();
            said.try_set(if copied { "Copied" } else { "Copy failed" });
            let sentence = if copied {
                format!("{name} copied.")
            } else {
                format!("{name} could not be copied. Download it instead.")
            };
            announcer.say(sentence);
        });
    };
    settled(view! {
        <button type="button" class="button" on:click=copy>
            <Icon name="copy" />
            {move || said.get()}
            <span class="visually-hidden">{format!(" {named}")}</span>
        </button>
    })
}

/// `None` when the content could not be had or the browser keeps the clipboard to itself.
async fn copy_content(address: &str) -> Option<()> {
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;

    let response = JsFuture::from(window().fetch_with_str(address)).await.ok()?;
    let response: web_sys::Response = response.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    JsFuture::from(window().navigator().clipboard().write_text(&text)).await.ok()?;
    Some(())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        card::fixture::{self, at},
        model::{CardStatus, Outcome, Stage},
    };

    fn artifact(story: &CardStory, number: u128, kind: ArtifactKind, version: i32) -> Artifact {
        Artifact {
            id: ArtifactId(Uuid::from_u128(number)),
            card_id: story.card.id,
            agent_id: story.agents[0].id,
            stage: Stage::Plan,
            kind,
            name: "plan.md".to_owned(),
            version,
            media_type: "text/markdown".to_owned(),
            bytes: 12,
            sha256: "0".repeat(64),
            created_at: at(0),
        }
    }

    fn story() -> CardStory {
        let mut story = fixture::story(Stage::Build, CardStatus::Working);
        fixture::visit(&mut story, Stage::Backlog, Stage::Plan, Outcome::Approved);
        story.artifacts = vec![
            artifact(&story, 4, ArtifactKind::Transcript, 1),
            artifact(&story, 3, ArtifactKind::Diff, 1),
            artifact(&story, 2, ArtifactKind::Plan, 2),
            artifact(&story, 1, ArtifactKind::Plan, 1),
        ];
        story
    }

    #[test]
    fn the_newest_of_each_kind_is_shown_unless_another_is_asked_for() {
        let artifacts = story().artifacts;
        let check = |asked: Option<u128>, want: &[u128]| {
            let ids: Vec<u128> = shown(&artifacts, asked.map(|id| ArtifactId(Uuid::from_u128(id))))
                .iter()
                .map(|id| id.0.as_u128())
                .collect();
            assert_eq!(ids, want);
        };
        check(None, &[2, 3]);
        check(Some(1), &[1, 3]);
        check(Some(4), &[2, 3, 4]);
        check(Some(99), &[2, 3]);
    }

    #[test]
    fn an_artifact_says_who_made_it_from_what() {
        let mut story = story();
        assert_eq!(provenance(&story, &story.artifacts[1]), "Made by the planner (playbook) from the card");
        story.agents[0].consumed = vec![ArtifactId(Uuid::from_u128(1))];
        assert_eq!(provenance(&story, &story.artifacts[1]), "Made by the planner (playbook) from the card, Plan v1");
        story.agents.clear();
        assert_eq!(provenance(&story, &story.artifacts[1]), "Made by an agent of this card");
    }
}

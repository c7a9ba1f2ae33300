//! What the card's agents made: every kind in the order of the stages, its newest version open, every other
//! version and the difference to it one click away; who made it from what; copy and download.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    copy::{CopyButton, Source},
    diff::DiffView,
    remark_bar::RemarkBar,
    story::{ReadKey, Story},
    words::figures::{artifact_name, bytes_text},
};
use crate::{
    model::{Artifact, ArtifactId, ArtifactKind},
    port::{ArtifactContent, ArtifactView, CardStory},
    ui::{icon::Icon, settled::settled, time::Ago},
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
            <RemarkBar />
        </section>
    })
}

/// Every version of one kind, one of them open.
#[component]
fn OfKind(kind: ArtifactKind) -> impl IntoView {
    let story = expect_context::<Story>();
    let query = use_query_map();
    let asked =
        move |name: &'static str| Memo::new(move |_| query.with(|query| query.get(name)?.parse::<ArtifactId>().ok()));
    let (artifact, since) = (asked("artifact"), asked("since"));
    let all = story.part(move |story| {
        let mut all: Vec<Artifact> = story.artifacts.iter().filter(|artifact| artifact.kind == kind).cloned().collect();
        all.sort_by_key(|artifact| std::cmp::Reverse(artifact.version));
        all
    });
    let open = Memo::new(move |_| all.with(|all| chosen(all, kind, artifact.get()).cloned()));
    let older = Memo::new(move |_| {
        let (open, since) = (open.get()?, since.get()?);
        all.with(|all| all.iter().find(|artifact| artifact.id == since && artifact.version < open.version).cloned())
    });
    settled(view! {
        <article class="artifact" id=anchor(kind) aria-labelledby=format!("{}-name", anchor(kind))>
            {move || open.get().map(|artifact| view! { <OneVersion artifact older=older.get() all /> })}
        </article>
    })
}

#[component]
fn OneVersion(artifact: Artifact, older: Option<Artifact>, all: Memo<Vec<Artifact>>) -> impl IntoView {
    let story = expect_context::<Story>();
    let (id, kind) = (artifact.id, artifact.kind);
    let key: ReadKey = (id, older.as_ref().map(|older| older.id));
    let wanted = RwSignal::new(!is_folded(kind) || story.knows(key));
    Effect::new(move |_| {
        if wanted.get() {
            story.fetch(key);
        }
    });
    let made = {
        let artifact = artifact.clone();
        story.part(move |story| provenance(story, &artifact))
    };
    let content = Memo::new(move |_| story.view(key));
    let body = move || match (content.get(), wanted.get()) {
        (Some(Ok(view)), _) => content_view(view, key),
        (Some(Err(problem)), _) => settled(view! {
            <div class="refusal" role="alert">
                <Icon name="failed" />
                <div><strong>{problem.title}</strong><p>{problem.detail}</p></div>
                <button type="button" class="button" on:click=move |_| story.fetch(key)>"Try again"</button>
            </div>
        }),
        (None, true) => settled(view! { <p class="empty" aria-busy="true">"Loading…"</p> }),
        (None, false) => settled(view! {
            <p class="empty"><button type="button" class="button" on:click=move |_| wanted.set(true)>"Show"</button></p>
        }),
    };
    let commit = (kind == ArtifactKind::Commit).then(|| view! { <CommitPlace /> });
    let compared = older.as_ref().map(|older| {
        let sentence = format!("What changed from v{} to v{}. ", older.version, artifact.version);
        view! { <p class="hint">{sentence}<a href=address(&artifact)>{format!("Read v{} itself", artifact.version)}</a></p> }
    });
    settled(view! {
        <header class="artifact-head">
            <h3 id=format!("{}-name", anchor(kind))>{kind.label()}<span class="artifact-version">{format!(" v{}", artifact.version)}</span></h3>
            <Versions all current=artifact.clone() since=key.1 />
            <div class="artifact-tools">
                <CopyButton source=Source::Address(content_address(id)) name=artifact_name(&artifact) />
                <a class="button" rel="external" href=content_address(id) download=artifact.name.clone()>
                    <Icon name="download" />"Download"<span class="visually-hidden">{format!(" {}", artifact_name(&artifact))}</span>
                </a>
            </div>
            <p class="artifact-made">
                {move || made.get()}" · "<Ago at=artifact.created_at />" · "{bytes_text(artifact.bytes)}" · "
                <code title=format!("SHA-256 {}", artifact.sha256)>{artifact.sha256.get(..10).unwrap_or_default().to_owned()}</code>
            </p>
        </header>
        <div class="artifact-body">{commit}{compared}{body}</div>
    })
}

/// Where an artifact is read: an address that works without JavaScript too.
fn address(artifact: &Artifact) -> String {
    format!("/cards/{}?artifact={}#{}", artifact.card_id, artifact.id, anchor(artifact.kind))
}

fn compare_address(artifact: &Artifact, since: &Artifact) -> String {
    format!("/cards/{}?artifact={}&since={}#{}", artifact.card_id, artifact.id, since.id, anchor(artifact.kind))
}

/// The versions of one kind as links, and those that the open one can be compared with.
#[component]
fn Versions(all: Memo<Vec<Artifact>>, current: Artifact, since: Option<ArtifactId>) -> impl IntoView {
    let id = current.id;
    let older = move || {
        let current = current.clone();
        let older = all.get().into_iter().filter(|artifact| artifact.version < current.version);
        let links = older.map(|artifact| {
            let chosen = (since == Some(artifact.id)).then_some("true");
            view! {
                <a href=compare_address(&current, &artifact) aria-current=chosen>{format!("since v{}", artifact.version)}</a>
            }
        });
        let links = links.collect_view();
        (!links.is_empty()).then(|| view! { <nav class="versions" aria-label="Changes">{links}</nav> })
    };
    settled(view! {
        <Show when=move || all.with(|all| all.len() > 1)>
            <nav class="versions" aria-label="Versions">
                <For each=move || all.get() key=|artifact| artifact.id let:artifact>
                    <a href=address(&artifact) aria-current=(artifact.id == id && since.is_none()).then_some("true")>
                        {format!("v{}", artifact.version)}
                    </a>
                </For>
            </nav>
        </Show>
        {older}
    })
}

/// The commit's hash and branch, to be copied.
#[component]
fn CommitPlace() -> impl IntoView {
    let story = expect_context::<Story>();
    let place = story.part(|story| (story.card.commit.clone(), story.card.branch.clone()));
    let named = |label: &'static str, text: String| {
        view! {
            <dt>{label}</dt>
            <dd><code>{text.clone()}</code><CopyButton source=Source::Text(text) name=label.to_lowercase() small=true /></dd>
        }
    };
    let facts = move || {
        let (commit, branch) = place.get();
        view! { <dl class="facts commit-place">{commit.map(|hash| named("Hash", hash))}{branch.map(|branch| named("Branch", branch))}</dl> }
    };
    settled(view! { {facts} })
}

fn content_view(view: ArtifactView, key: ReadKey) -> AnyView {
    let ArtifactView { artifact, content } = view;
    match content {
        ArtifactContent::Html(html) => settled(view! { <div class="prose" dir="auto" inner_html=html></div> }),
        ArtifactContent::Diff(html) => settled(view! { <DiffView html artifact key /> }),
        ArtifactContent::Text(text) => settled(view! { <pre class="plain" tabindex="0" dir="auto">{text}</pre> }),
        ArtifactContent::Opaque => settled(
            view! { <p class="empty">"Not shown here: it is no text, or too long. Download it to read it."</p> },
        ),
    }
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

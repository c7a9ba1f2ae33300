//! What a look at a repository means for whoever wants to add it: said before anything is saved.

use leptos::prelude::*;

use crate::{
    error::Problem,
    model::RepositoryLook,
    ui::{icon::Icon, settled::settled},
};

/// How much a sentence matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Good,
    Note,
    /// It cannot be added like this.
    Stop,
}

impl Weight {
    fn as_str(self) -> &'static str {
        match self {
            Weight::Good => "good",
            Weight::Note => "note",
            Weight::Stop => "stop",
        }
    }

    fn icon(self) -> &'static str {
        match self {
            Weight::Good => "check",
            Weight::Note => "waiting",
            Weight::Stop => "failed",
        }
    }
}

/// The verdict in sentences, the most important first.
pub(super) fn sentences(look: &RepositoryLook) -> Vec<(Weight, String)> {
    let mut said = Vec::new();
    if look.registered.is_some() {
        said.push((Weight::Stop, "This repository is a project already.".to_owned()));
    }
    let kind = if look.bare { "A bare git repository" } else { "A git repository" };
    said.push((
        Weight::Good,
        match &look.current_branch {
            Some(branch) => format!("{kind} on branch {branch}, at {}.", look.path),
            None => format!("{kind} with a detached HEAD, at {}.", look.path),
        },
    ));
    if look.base_branch.is_none() {
        said.push((Weight::Note, "It has no current branch: say below which branch cards land on.".to_owned()));
    }
    match look.changes {
        Some(0) => {}
        Some(count) => {
            let files = if count == 1 { "1 file has".to_owned() } else { format!("{count} files have") };
            said.push((
                Weight::Note,
                format!("{files} uncommitted changes. They stay as they are; a card starts from the last commit, and landing waits where they are in the way."),
            ));
        }
        None => said.push((Weight::Note, "It is large: uncommitted changes were not counted.".to_owned())),
    }
    if look.wants_signing {
        let text = "It is set to sign commits (commit.gpgSign). Slipway's commits are not signed.";
        said.push((Weight::Note, text.to_owned()));
    }
    said
}

/// Says it; polite, because the person is typing.
#[component]
pub(super) fn Verdict(look: RwSignal<Option<Result<RepositoryLook, Problem>>>) -> impl IntoView {
    let lines = move || {
        look.with(|look| match look {
            None => Vec::new(),
            Some(Ok(look)) => sentences(look),
            Some(Err(problem)) => vec![(Weight::Stop, problem.detail.clone())],
        })
    };
    let existing = move || look.with(|look| look.as_ref().and_then(|look| look.as_ref().ok()?.registered));
    settled(view! {
        <div class="verdict" role="status" aria-label="Repository">
            <ul>
                {move || lines().into_iter().map(|(weight, text)| view! {
                    <li data-weight=weight.as_str()>
                        <Icon name=weight.icon() />
                        <span>{text}</span>
                    </li>
                }).collect_view()}
            </ul>
            {move || existing().map(|id| view! {
                <p><a href=format!("/?project={id}")>"Open its board"</a> " · " <a href=format!("/projects/{id}")>"Settings"</a></p>
            })}
        </div>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> RepositoryLook {
        RepositoryLook {
            path: "/srv/harbour".into(),
            name: "harbour".into(),
            bare: false,
            current_branch: Some("main".into()),
            base_branch: Some("main".into()),
            branches: vec!["main".into()],
            wants_signing: false,
            changes: Some(0),
            setup: None,
            check: None,
            registered: None,
        }
    }

    #[track_caller]
    fn check(look: RepositoryLook, want: &[(Weight, &str)]) {
        let said = sentences(&look);
        assert_eq!(said.len(), want.len(), "{said:?}");
        for ((weight, text), (wanted, part)) in said.iter().zip(want) {
            assert!(weight == wanted && text.contains(part), "{said:?} has no {part:?}");
        }
    }

    #[test]
    fn the_verdict_names_what_matters() {
        use Weight::*;
        check(look(), &[(Good, "on branch main")]);
        check(RepositoryLook { changes: Some(1), ..look() }, &[(Good, ""), (Note, "1 file has")]);
        check(RepositoryLook { changes: None, ..look() }, &[(Good, ""), (Note, "not counted")]);
        check(RepositoryLook { wants_signing: true, ..look() }, &[(Good, ""), (Note, "not signed")]);
        check(RepositoryLook { bare: true, ..look() }, &[(Good, "bare")]);
        let detached = RepositoryLook { current_branch: None, base_branch: None, ..look() };
        check(detached, &[(Good, "detached"), (Note, "which branch")]);
        let known =
            RepositoryLook { registered: Some("01936a00-0000-7000-8000-000000000001".parse().unwrap()), ..look() };
        check(known, &[(Stop, "already"), (Good, "")]);
    }
}

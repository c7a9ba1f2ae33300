//! Artifacts ready to be read: rendered, compared with an older version, or a diff's lines alone. Rendering
//! takes a processor for a while, so it happens beside the tasks that serve requests.

use slipway_app::{
    error::{ErrorCode, Problem},
    model::{Artifact, ArtifactId, ArtifactKind},
    port::{ArtifactContent, ArtifactView, DiffLines},
};

use super::refusal::Refuse;
use crate::{
    artifact::{diff::FilePatch, stored},
    render::{content, diff, versions},
    store::Store,
};

/// An artifact with its bytes.
struct Source {
    artifact: Artifact,
    bytes: Vec<u8>,
}

impl Source {
    async fn find(store: &Store, id: ArtifactId) -> Result<Source, Problem> {
        let reader = store.reader();
        let row = stored::find(reader, id).await.map_err(Refuse::refuse)?;
        let bytes = stored::content_of(reader, &row).await.map_err(Refuse::refuse)?;
        Ok(Source { artifact: row.into_artifact().map_err(Refuse::refuse)?, bytes })
    }

    fn patches(&self) -> Option<Vec<FilePatch>> {
        content::patches(self.artifact.kind, &self.artifact.media_type, &self.bytes)
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| text.len() <= versions::TEXT_LIMIT && !text.contains('\0'))
    }
}

/// What a person reads: an artifact, and the older version it is compared with, where it is.
struct Reading {
    now: Source,
    since: Option<Source>,
}

impl Reading {
    async fn find(store: &Store, id: ArtifactId, since: Option<ArtifactId>) -> Result<Reading, Problem> {
        let now = Source::find(store, id).await?;
        let since = match since {
            Some(since) => Some(Source::find(store, since).await?),
            None => None,
        };
        Reading::new(now, since)
    }

    fn new(now: Source, since: Option<Source>) -> Result<Reading, Problem> {
        let alike =
            |old: &Source| old.artifact.card_id == now.artifact.card_id && old.artifact.kind == now.artifact.kind;
        if since.as_ref().is_some_and(|old| !alike(old)) {
            let detail = "Two artifacts are compared only when they are versions of the same thing of the same card.";
            return Err(Problem::new(ErrorCode::InvalidRequest, detail));
        }
        Ok(Reading { now, since })
    }

    /// The patches that the page shows: the artifact's own, or those between its versions.
    fn patches(&self) -> Option<Vec<FilePatch>> {
        let Some(since) = &self.since else { return self.now.patches() };
        match (since.patches(), self.now.patches()) {
            (Some(old), Some(new)) => Some(versions::of_diffs(&old, &new)),
            _ => Some(versions::of_texts(&self.now.artifact.name, since.text()?, self.now.text()?)),
        }
    }

    fn content(&self) -> ArtifactContent {
        let Artifact { kind, version, media_type, .. } = &self.now.artifact;
        let anchor = anchor(*kind, *version);
        match &self.since {
            None => content::artifact_content(*kind, media_type, &self.now.bytes, &anchor),
            Some(_) => match self.patches() {
                Some(patches) => ArtifactContent::Diff(diff::page(&patches, &anchor)),
                None => ArtifactContent::Opaque,
            },
        }
    }
}

/// What a diff's ids begin with.
fn anchor(kind: ArtifactKind, version: i32) -> String {
    format!("{}-{version}", kind.as_str())
}

pub async fn artifact(store: &Store, id: ArtifactId, since: Option<ArtifactId>) -> Result<ArtifactView, Problem> {
    let reading = Reading::find(store, id, since).await?;
    aside(move || ArtifactView { content: reading.content(), artifact: reading.now.artifact }).await
}

pub async fn diff_lines(store: &Store, asked: DiffLines) -> Result<Vec<String>, Problem> {
    if asked.files.len() > diff::ASKED_LIMIT {
        let detail = format!("At most {} files can be asked for at once.", diff::ASKED_LIMIT);
        return Err(Problem::new(ErrorCode::InvalidRequest, detail));
    }
    let reading = Reading::find(store, asked.artifact, asked.since).await?;
    let bodies = aside(move || Some(diff::bodies(&reading.patches()?, asked.layout, &asked.files))).await?;
    bodies.ok_or_else(|| Problem::new(ErrorCode::InvalidRequest, "This artifact is no diff."))
}

async fn aside<T: Send + 'static>(render: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let rendered = tokio::task::spawn_blocking(render).await;
    rendered.map_err(|_| Problem::new(ErrorCode::Internal, "Rendering the artifact ended unexpectedly."))
}

#[cfg(test)]
mod tests {
    use slipway_app::model::{AgentId, CardId, Stage};
    use uuid::Uuid;

    use super::*;

    fn source(kind: ArtifactKind, version: i32, bytes: &[u8]) -> Source {
        let artifact = Artifact {
            id: ArtifactId(Uuid::from_u128(version as u128)),
            card_id: CardId(Uuid::from_u128(1)),
            agent_id: AgentId(Uuid::from_u128(1)),
            stage: Stage::Plan,
            kind,
            name: "plan.md".to_owned(),
            version,
            media_type: "text/markdown".to_owned(),
            bytes: bytes.len() as i64,
            sha256: String::new(),
            created_at: Default::default(),
        };
        Source { artifact, bytes: bytes.to_vec() }
    }

    fn compared(kind: ArtifactKind, old: &[u8], new: &[u8]) -> ArtifactContent {
        Reading::new(source(kind, 2, new), Some(source(kind, 1, old))).unwrap().content()
    }

    #[test]
    fn a_version_is_compared_by_its_lines() {
        let ArtifactContent::Diff(html) = compared(ArtifactKind::Plan, b"one\ntwo\n", b"one\n2\n") else { panic!() };
        assert!(html.contains("id=\"plan-2-0\"") && html.contains("1 file, 1 line added, 1 removed"), "{html}");
        let ArtifactContent::Diff(same) = compared(ArtifactKind::Plan, b"one\n", b"one\n") else { panic!() };
        assert!(same.contains("nothing differs"));
    }

    #[test]
    fn diffs_are_compared_by_what_they_change() {
        let diff = |at: u32| format!("--- a/x\n+++ b/x\n@@ -{at} +{at} @@\n-a\n+b\n");
        let (old, new) = (diff(1), diff(9));
        let ArtifactContent::Diff(moved) = compared(ArtifactKind::Diff, old.as_bytes(), new.as_bytes()) else {
            panic!()
        };
        assert!(moved.contains("nothing differs"), "{moved}");
    }

    #[test]
    fn what_is_no_text_is_not_compared() {
        assert_eq!(compared(ArtifactKind::File, b"a\0", b"b"), ArtifactContent::Opaque);
        assert_eq!(compared(ArtifactKind::File, b"\xff", b"b"), ArtifactContent::Opaque);
    }

    #[test]
    fn only_versions_of_one_thing_are_compared() {
        let other = source(ArtifactKind::Review, 1, b"x");
        let refused = Reading::new(source(ArtifactKind::Plan, 2, b"x"), Some(other)).err().unwrap();
        assert_eq!(refused.code, ErrorCode::InvalidRequest);
    }
}

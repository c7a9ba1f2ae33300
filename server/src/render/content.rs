//! The form in which an artifact is read: rendered, as a diff, as text, or only as a download.

use slipway_app::{model::ArtifactKind, port::ArtifactContent};

use super::{
    diff,
    markdown::{self, Under},
};
use crate::artifact::diff as unified;

/// Longest text that is shown on a page, in bytes; a reader downloads what is longer. It is twice a card's
/// longest body, so that a plan which quotes its whole card is still shown.
pub const TEXT_LIMIT: usize = 2 * 1024 * 1024;

/// Longest diff that is taken apart, in bytes: past it, even the list of files stops being readable.
pub const DIFF_LIMIT: usize = 8 * 1024 * 1024;

/// The patches of an artifact that is a diff; `None` of any other, and of one that is too long to be taken
/// apart or is no unified diff after all.
pub fn patches(kind: ArtifactKind, media_type: &str, bytes: &[u8]) -> Option<Vec<unified::FilePatch>> {
    let is_diff = kind == ArtifactKind::Diff || matches!(essence(media_type), "text/x-diff" | "text/x-patch");
    if !is_diff || bytes.len() > DIFF_LIMIT {
        return None;
    }
    // A diff quotes files of any encoding; a few replaced characters beat showing nothing.
    unified::parse(&String::from_utf8_lossy(bytes)).ok()
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// How an artifact is shown. `media_type` is the one on record (RFC 9110, parameters are ignored); bytes
/// that are no UTF-8 or hold a NUL are never shown as text, whatever their type says. `anchor` makes a diff's
/// ids unique on its page.
pub fn artifact_content(kind: ArtifactKind, media_type: &str, bytes: &[u8], anchor: &str) -> ArtifactContent {
    if let Some(patches) = patches(kind, media_type, bytes) {
        return ArtifactContent::Diff(diff::page(&patches, anchor));
    }
    if bytes.len() > TEXT_LIMIT || bytes.contains(&0) {
        return ArtifactContent::Opaque;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return ArtifactContent::Opaque;
    };
    match essence(media_type) {
        "text/markdown" => ArtifactContent::Html(markdown::html(text, Under::Artifact)),
        "application/json" => ArtifactContent::Text(text.to_owned()),
        other if other.starts_with("text/") => ArtifactContent::Text(text.to_owned()),
        _ => ArtifactContent::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ArtifactKind, media_type: &str, bytes: &[u8], want: &str) {
        let form = match artifact_content(kind, media_type, bytes, "a") {
            ArtifactContent::Html(_) => "html",
            ArtifactContent::Diff(_) => "diff",
            ArtifactContent::Text(_) => "text",
            ArtifactContent::Opaque => "opaque",
        };
        assert_eq!(form, want, "{kind:?} {media_type}");
    }

    #[test]
    fn the_form_follows_kind_type_and_bytes() {
        check(ArtifactKind::Plan, "text/markdown; charset=utf-8", b"# Plan", "html");
        check(ArtifactKind::Diff, "text/plain", b"", "diff");
        check(ArtifactKind::Diff, "text/x-diff", b"\xff\xfe", "diff");
        check(ArtifactKind::File, "text/x-patch", b"--- a/x\n+++ b/x\n@@ broken\n", "text");
        check(ArtifactKind::Commit, "text/plain", b"Fix it\n", "text");
        check(ArtifactKind::Transcript, "application/json", b"{}", "text");
        check(ArtifactKind::File, "image/png", b"\x89PNG", "opaque");
        check(ArtifactKind::File, "text/plain", b"a\0b", "opaque");
        check(ArtifactKind::File, "text/plain", b"\xff\xfe", "opaque");
        check(ArtifactKind::File, "text/html", b"<script>", "text");
        check(ArtifactKind::Plan, "text/markdown", &vec![b'a'; TEXT_LIMIT + 1], "opaque");
    }
}

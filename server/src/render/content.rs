//! The form in which an artifact is read: rendered, as a diff, as text, or only as a download.

use slipway_app::{model::ArtifactKind, port::ArtifactContent};

use super::{
    diff,
    markdown::{self, Under},
};

/// Longest text that is shown on a page, in bytes; a reader downloads what is longer. It is twice a card's
/// longest body, so that a plan which quotes its whole card is still shown.
pub const TEXT_LIMIT: usize = 2 * 1024 * 1024;

/// Longest diff that is taken apart, in bytes: past it, even the list of files stops being readable.
pub const DIFF_LIMIT: usize = 8 * 1024 * 1024;

/// How an artifact is shown. `media_type` is the one on record (RFC 9110, parameters are ignored); bytes
/// that are no UTF-8 or hold a NUL are never shown as text, whatever their type says.
pub fn artifact_content(kind: ArtifactKind, media_type: &str, bytes: &[u8]) -> ArtifactContent {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if kind == ArtifactKind::Diff || matches!(media_type, "text/x-diff" | "text/x-patch") {
        if bytes.len() > DIFF_LIMIT {
            return ArtifactContent::Opaque;
        }
        // A diff quotes files of any encoding; a few replaced characters beat showing nothing.
        return ArtifactContent::Diff(diff::parse(&String::from_utf8_lossy(bytes)));
    }
    if bytes.len() > TEXT_LIMIT || bytes.contains(&0) {
        return ArtifactContent::Opaque;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return ArtifactContent::Opaque;
    };
    match media_type {
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
        let form = match artifact_content(kind, media_type, bytes) {
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
        check(ArtifactKind::Commit, "text/plain", b"Fix it\n", "text");
        check(ArtifactKind::Transcript, "application/json", b"{}", "text");
        check(ArtifactKind::File, "image/png", b"\x89PNG", "opaque");
        check(ArtifactKind::File, "text/plain", b"a\0b", "opaque");
        check(ArtifactKind::File, "text/plain", b"\xff\xfe", "opaque");
        check(ArtifactKind::File, "text/html", b"<script>", "text");
        check(ArtifactKind::Plan, "text/markdown", &vec![b'a'; TEXT_LIMIT + 1], "opaque");
    }
}

//! The list of a diff's files by folder, and what is told of a file beside its lines.

use std::fmt::Write;

use super::super::escape::escape;
use crate::artifact::diff::FilePatch;

/// Git's mode of a file that may be run.
const EXECUTABLE: u32 = 0o100_755;
/// Git's mode of a plain file.
const PLAIN: u32 = 0o100_644;

/// Files under the folders that they are in.
pub(super) fn list(out: &mut String, patches: &[FilePatch], anchor: &str) {
    out.push_str("<ul class=\"diff-files\" aria-label=\"Changed files\">");
    let mut folder = "";
    for (nth, patch) in patches.iter().enumerate() {
        let (of_file, name) = patch.path().rsplit_once('/').unwrap_or(("", patch.path()));
        if of_file != folder && !of_file.is_empty() {
            let _ = write!(out, "<li class=\"diff-folder\" data-folder><bdi>{}/</bdi></li>", escape(of_file));
        }
        folder = of_file;
        let (path, name) = (escape(patch.path()), escape(name));
        let inside = if of_file.is_empty() { "" } else { " class=\"inside\"" };
        let _ = write!(
            out,
            "<li{inside} data-lists=\"{path}\"><a rel=\"external\" href=\"#{anchor}-{nth}\" title=\"{path}\">\
             <span class=\"diff-path\"><bdi>{name}</bdi></span>"
        );
        counts(out, patch);
        out.push_str("</a></li>");
    }
    out.push_str("</ul>");
}

/// `+12 −4`, said in words too.
pub(super) fn counts(out: &mut String, patch: &FilePatch) {
    if patch.binary {
        out.push_str("<span class=\"diff-counts\">binary</span>");
        return;
    }
    let (additions, deletions) = (patch.additions(), patch.deletions());
    let _ = write!(
        out,
        "<span class=\"diff-counts\"><span class=\"added\"><span aria-hidden=\"true\">+{additions}</span>\
         <span class=\"visually-hidden\"> {additions} added, </span></span><span class=\"removed\">\
         <span aria-hidden=\"true\">−{deletions}</span><span class=\"visually-hidden\">{deletions} removed</span></span></span>"
    );
}

/// What a reader needs to know of a file beside its lines.
pub(super) fn notes(patch: &FilePatch) -> Vec<String> {
    let mut notes = Vec::new();
    match (&patch.old_path, &patch.new_path) {
        (None, _) => notes.push("new".to_owned()),
        (_, None) => notes.push("deleted".to_owned()),
        (Some(old), Some(new)) if old != new => {
            let how = if patch.copied { "copied" } else { "renamed" };
            notes.push(format!("{how} from {old}"));
        }
        _ => {}
    }
    match (patch.old_mode, patch.mode) {
        (Some(PLAIN) | None, Some(EXECUTABLE)) => notes.push("executable now".to_owned()),
        (Some(EXECUTABLE), Some(PLAIN)) => notes.push("no longer executable".to_owned()),
        (Some(old), Some(new)) => notes.push(format!("mode {old:o} → {new:o}")),
        _ => {}
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::diff::parse;

    #[test]
    fn notes_tell_names_and_modes() {
        let check = |header: &str, want: &[&str]| {
            assert_eq!(notes(&parse(&format!("diff --git a/x b/x\n{header}")).unwrap()[0]), want, "{header}");
        };
        check("index 1..2 100644\n", &[]);
        check("new file mode 100644\n", &["new"]);
        check("new file mode 100755\n", &["new", "executable now"]);
        check("deleted file mode 100644\n", &["deleted"]);
        check("copy from a\ncopy to b\n", &["copied from a"]);
        check(
            "old mode 100755\nnew mode 100644\nrename from a\nrename to b\n",
            &["renamed from a", "no longer executable"],
        );
        check("old mode 100644\nnew mode 120000\n", &["mode 100644 → 120000"]);
    }

    #[test]
    fn files_stand_under_their_folders() {
        let diff = ["a.rs", "src/b.rs", "src/c.rs", "z/<d>.rs"]
            .map(|path| format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-x\n+y\n"));
        let mut out = String::new();
        list(&mut out, &parse(&diff.concat()).unwrap(), "d");
        assert_eq!(out.matches("data-folder").count(), 2);
        assert!(out.contains("<bdi>c.rs</bdi>") && out.contains("href=\"#d-3\"") && out.contains("&lt;d&gt;"), "{out}");
    }
}

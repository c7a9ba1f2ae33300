//! Fenced code: a playbook block shows what it does as its caption, and its lines as removed and added.

use pulldown_cmark::CodeBlockKind;

use super::escape::escape;

/// A code block; a playbook block shows what it does as its caption.
pub(super) struct Fence {
    info: String,
    code: String,
}

/// First words of an info string that make a fence a playbook block.
const PLAYBOOK_WORDS: [&str; 6] = ["edit", "diff", "replace", "delete", "move", "sh"];

impl Fence {
    pub(super) fn new(kind: &CodeBlockKind<'_>) -> Self {
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.trim().to_owned(),
            CodeBlockKind::Indented => String::new(),
        };
        Fence { info, code: String::new() }
    }

    pub(super) fn push(&mut self, code: &str) {
        self.code.push_str(code);
    }

    /// HTML that the page's sanitiser lets through as it is.
    pub(super) fn html(&self) -> String {
        let word = self.info.split_whitespace().next().unwrap_or_default();
        let code = match word {
            "edit" => self.edit_lines(),
            "diff" | "patch" => self.diff_lines(),
            _ => escape(&self.code).into_owned(),
        };
        let code = match self.code.is_empty() {
            true => String::new(),
            false => format!("<pre tabindex=\"0\"><code>{code}</code></pre>"),
        };
        if PLAYBOOK_WORDS.contains(&word) {
            format!("<figure class=\"fence\"><figcaption>{}</figcaption>{code}</figure>\n", escape(&self.info))
        } else {
            format!("{code}\n")
        }
    }

    /// Search text reads as removed, its replacement as added.
    fn edit_lines(&self) -> String {
        let mut mark = "";
        let mut out = String::new();
        for line in self.code.split_inclusive('\n') {
            match line.trim_end() {
                "<<<<<<< SEARCH" => mark = "del",
                "=======" if mark == "del" => mark = "ins",
                ">>>>>>> REPLACE" => mark = "",
                _ => {
                    push_line(&mut out, mark, line);
                    continue;
                }
            }
            push_line(&mut out, "mark", line);
        }
        out
    }

    fn diff_lines(&self) -> String {
        let mut out = String::new();
        for line in self.code.split_inclusive('\n') {
            let mark = match line.as_bytes() {
                [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@', b'@', ..] => "mark",
                [b'+', ..] => "ins",
                [b'-', ..] => "del",
                _ => "",
            };
            push_line(&mut out, mark, line);
        }
        out
    }
}

fn push_line(out: &mut String, mark: &str, line: &str) {
    let line = escape(line);
    if mark.is_empty() {
        out.push_str(&line);
    } else {
        out.push_str(&format!("<span class=\"{mark}\">{line}</span>"));
    }
}

#[cfg(test)]
mod tests {
    use crate::render::markdown::{Under, html};

    fn check(markdown: &str, want: &str) {
        assert_eq!(html(markdown, Under::Overview).trim_end(), want);
    }

    #[test]
    fn playbook_fences_have_captions() {
        check(
            "```edit src/a b.rs\n<<<<<<< SEARCH\na<\n=======\nb\n>>>>>>> REPLACE\n```",
            "<figure class=\"fence\"><figcaption>edit src/a b.rs</figcaption><pre tabindex=\"0\"><code>\
             <span class=\"mark\">&lt;&lt;&lt;&lt;&lt;&lt;&lt; SEARCH\n</span><span class=\"del\">a&lt;\n</span>\
             <span class=\"mark\">=======\n</span><span class=\"ins\">b\n</span>\
             <span class=\"mark\">&gt;&gt;&gt;&gt;&gt;&gt;&gt; REPLACE\n</span></code></pre></figure>",
        );
        check("```delete old.rs\n```", "<figure class=\"fence\"><figcaption>delete old.rs</figcaption></figure>");
        check("```rust\nlet x = 1;\n```", "<pre tabindex=\"0\"><code>let x = 1;\n</code></pre>");
    }

    #[test]
    fn a_fence_cannot_close_its_own_tags() {
        check(
            "```sh </figcaption><script>\n</code><script>\n```",
            "<figure class=\"fence\"><figcaption>sh &lt;/figcaption&gt;&lt;script&gt;</figcaption>\
             <pre tabindex=\"0\"><code>&lt;/code&gt;&lt;script&gt;\n</code></pre></figure>",
        );
        check(
            "```diff\n@@ -1 +1 @@\n-a\n+b\n c\n```",
            "<figure class=\"fence\"><figcaption>diff</figcaption><pre tabindex=\"0\"><code>\
             <span class=\"mark\">@@ -1 +1 @@\n</span><span class=\"del\">-a\n</span>\
             <span class=\"ins\">+b\n</span> c\n</code></pre></figure>",
        );
    }
}

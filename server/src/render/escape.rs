//! Text on its way into HTML.

use std::borrow::Cow;

/// Text that is safe between tags and in quoted attributes.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"))
}

/// Whether a character turns the writing direction of what follows without being seen, so that code reads
/// otherwise than it runs (CVE-2021-42574).
fn is_hidden_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As [`escape`], for code: what would turn its direction unseen is shown by its name.
pub fn escape_code(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden_direction) {
        return escape(text);
    }
    let mut out = String::new();
    for letter in text.chars() {
        if is_hidden_direction(letter) {
            out.push_str(&format!("<span class=\"unseen\">U+{:04X}</span>", u32::from(letter)));
        } else {
            out.push_str(&escape(letter.encode_utf8(&mut [0; 4])));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("a < b && \"c\""), "a &lt; b &amp;&amp; &quot;c&quot;");
        assert!(matches!(escape("plain é"), Cow::Borrowed(_)));
    }

    #[test]
    fn hidden_directions_are_seen() {
        assert_eq!(escape_code("a\u{202e}<"), "a<span class=\"unseen\">U+202E</span>&lt;");
        assert_eq!(escape_code("שלום"), "שלום");
    }
}

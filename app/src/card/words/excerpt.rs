//! Long texts in one line, with the rest for those who ask.

use serde_json::Value;

use super::Sentence;

/// Characters of a text that is shown before one has to ask for the rest.
const EXCERPT: usize = 240;
/// Characters of a text that is shown at all; the transcript holds the whole.
const DETAIL: usize = 8_000;

/// The first line of a text, and the rest for those who ask.
pub(super) fn excerpt(lead: &str, text: &str) -> Sentence {
    let first = one_line(text);
    let whole = text.trim();
    Sentence { text: format!("{lead}{first}"), detail: (first != whole).then(|| detail(whole)) }
}

pub(super) fn one_line(text: &str) -> String {
    clip(text.trim().lines().next().unwrap_or_default(), EXCERPT)
}

/// As much of a text as is shown at all.
pub(super) fn detail(text: &str) -> String {
    clip(text, DETAIL)
}

pub(super) fn pretty(value: &Value) -> String {
    detail(&serde_json::to_string_pretty(value).unwrap_or_default())
}

fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_rest() {
        let long = excerpt("Says: ", "first\nsecond");
        assert_eq!((long.text.as_str(), long.detail.as_deref()), ("Says: first", Some("first\nsecond")));
        assert_eq!(excerpt("", "short").detail, None);
        let huge = excerpt("", &"ä".repeat(DETAIL * 2));
        assert!(huge.text.chars().count() <= EXCERPT + 1);
        assert!(huge.detail.is_some_and(|detail| detail.chars().count() <= DETAIL + 1));
    }
}

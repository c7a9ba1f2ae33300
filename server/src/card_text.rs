//! A card as people write it down: a Markdown file whose first heading is the title.

use slipway_app::model::TITLE_LIMIT;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardText {
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A card from a Markdown file: the first heading is the title, all else the body.
pub fn card_text(text: &str) -> Option<CardText> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let ticks = &trimmed[..trimmed.len() - trimmed.trim_start_matches('`').len()];
        match fence {
            Some(open) if ticks.len() >= open.len() && ticks.len() == trimmed.len() => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                let words = trimmed.trim_start_matches('#');
                let level = trimmed.len() - words.len();
                let title = words.trim().trim_end_matches('#').trim();
                if (1..=6).contains(&level) && words.starts_with([' ', '\t']) && !title.is_empty() {
                    let body = format!("{}{}", &text[..at], &text[at + line.len()..]);
                    return Some(CardText { title: title.to_owned(), body: body.trim().to_owned() });
                }
            }
            Some(_) => {}
        }
        at += line.len();
    }
    None
}

/// A card from any text: its first heading is the title, else its first line that says something. The
/// title of an empty text is empty.
pub fn any_text(text: &str) -> CardText {
    if let Some(CardText { title, body }) = card_text(text) {
        return cut_title(title, body);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    cut_title(first.trim().to_owned(), rest.trim().to_owned())
}

/// A title that is too long ends at a word, and stands whole at the top of the body. Control characters,
/// which no title holds, become blanks.
fn cut_title(title: String, body: String) -> CardText {
    let title: String = title.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let Some((end, _)) = title.char_indices().nth(TITLE_LIMIT - 1) else { return CardText { title, body } };
    if title.chars().count() <= TITLE_LIMIT {
        return CardText { title, body };
    }
    let cut = title[..end].rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
    let short = format!("{}…", title[..cut].trim_end());
    CardText { title: short, body: format!("{title}\n\n{body}").trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_is_the_title() {
        let check = |text: &str, want: Option<(&str, &str)>| {
            let card = card_text(text);
            assert_eq!(card.as_ref().map(|card| (card.title.as_str(), card.body.as_str())), want, "{text}");
        };
        check("# A\nb", Some(("A", "b")));
        check("\u{feff}# A #\r\nb\r\n", Some(("A", "b")));
        check("intro\n\n## A\n\nb\n# C\n", Some(("A", "intro\n\n\nb\n# C")));
        check("```sh\n# no\n```\n# yes\n", Some(("yes", "```sh\n# no\n```")));
        check("````md\n```\n# no\n```\n````\n# yes\n", Some(("yes", "````md\n```\n# no\n```\n````")));
        check("#no\n####### no\n#\n", None);
        check("", None);
    }

    #[test]
    fn any_text_makes_a_card() {
        let check = |text: &str, title: &str, body: &str| {
            assert_eq!(any_text(text), CardText { title: title.to_owned(), body: body.to_owned() }, "{text:?}");
        };
        check("\n\n  Fix login\nIt fails.\n", "Fix login", "It fails.");
        check("intro\n# Title\n", "Title", "intro");
        check("a\tb", "a b", "");
        check(" \n", "", "");
        let long = any_text(&"word ".repeat(TITLE_LIMIT));
        assert!(long.title.chars().count() <= TITLE_LIMIT && long.title.ends_with("word…"), "{}", long.title);
        assert!(long.body.starts_with("word word") && long.body.len() >= TITLE_LIMIT);
    }
}

//! A card as people write it down: a Markdown file whose first heading is the title.

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
}

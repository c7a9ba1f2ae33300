//! How well a name answers what was typed. Only the server uses it.

/// How well `text` fits `name`, or that it does not: every word of the text must be found in it, as a piece
/// or at least as letters in order. Greater is better; zero is for no text at all.
pub fn score(text: &str, name: &str) -> Option<u32> {
    let name: Vec<char> = folded(name);
    let mut sum = 0;
    for word in text.split_whitespace() {
        sum += word_score(&folded(word), &name)?;
    }
    Some(sum)
}

/// One letter for each, so that places in it are places in the name.
fn folded(text: &str) -> Vec<char> {
    text.chars().map(|letter| letter.to_lowercase().next().unwrap_or(letter)).collect()
}

fn word_score(word: &[char], name: &[char]) -> Option<u32> {
    let starts = |at: usize| at == 0 || !name[at - 1].is_alphanumeric();
    let places = || (0..name.len().saturating_sub(word.len() - 1)).filter(|at| name[*at..].starts_with(word));
    let best = places().map(|at| match (at, starts(at)) {
        (0, _) => 100,
        (_, true) => 80,
        _ => 50,
    });
    best.max().map(|best| best + 2 * word.len() as u32).or_else(|| scattered(word, name))
}

/// Letters in order with gaps between: `fxlg` in `Fix login`. Every letter at a word's start counts.
fn scattered(word: &[char], name: &[char]) -> Option<u32> {
    let mut at = 0;
    let mut sum = 1;
    for letter in word {
        let found = at + name[at..].iter().position(|other| other == letter)?;
        if found == 0 || !name[found - 1].is_alphanumeric() {
            sum += 6;
        }
        at = found + 1;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order_and_letters_in_theirs() {
        for (text, name) in [("login fix", "Fix the Login page"), ("fxlg", "Fix login"), ("", "x"), ("ÜBER", "über")]
        {
            assert!(score(text, name).is_some(), "{text} in {name}");
        }
        for (text, name) in [("logout", "Fix login"), ("login page", "Fix login"), ("x", "")] {
            assert_eq!(score(text, name), None, "{text} in {name}");
        }
    }

    #[test]
    fn what_one_means_comes_first() {
        let order = |text: &str, names: &[&str]| {
            let scores: Vec<u32> = names.iter().filter_map(|name| score(text, name)).collect();
            assert_eq!(scores.len(), names.len(), "{text}");
            assert!(scores.windows(2).all(|pair| pair[0] > pair[1]), "{text}: {scores:?}");
        };
        order("log", &["Login page", "Fix login", "Catalogue", "Large old gate"]);
        order("fl", &["Flags", "Fix login", "a forceful"]);
    }
}

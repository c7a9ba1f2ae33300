//! Which words of a replaced line changed.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Longest line whose words are compared, in bytes.
const LINE_BYTES: usize = 600;

/// Least part of both lines, in percent, that must be the same for marks to help: past it, everything would
/// be marked.
const ALIKE_PERCENT: usize = 40;

/// Stretches of the old and the new line that are not in the other one. None where the lines are not alike.
pub(super) fn changed(old: &str, new: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    if old.len() > LINE_BYTES || new.len() > LINE_BYTES {
        return Default::default();
    }
    let (old_words, new_words) = (words(old), words(new));
    let mut marks: (Vec<Range<usize>>, Vec<Range<usize>>) = Default::default();
    let mut same = 0;
    for op in capture_diff_slices(Algorithm::Myers, &texts(old, &old_words), &texts(new, &new_words)) {
        let (tag, of_old, of_new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            same += old_words[of_old]
                .iter()
                .filter(|word| !old[(*word).clone()].trim().is_empty())
                .map(Range::len)
                .sum::<usize>();
            continue;
        }
        push(&mut marks.0, &old_words, of_old);
        push(&mut marks.1, &new_words, of_new);
    }
    let letters = |text: &str| text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
    if 2 * same * 100 < ALIKE_PERCENT * (letters(old) + letters(new)) {
        return Default::default();
    }
    marks
}

fn texts<'a>(line: &'a str, words: &[Range<usize>]) -> Vec<&'a str> {
    words.iter().map(|word| &line[word.clone()]).collect()
}

fn push(marks: &mut Vec<Range<usize>>, words: &[Range<usize>], changed: Range<usize>) {
    let Some(words) = words.get(changed).filter(|words| !words.is_empty()) else { return };
    let range = words[0].start..words[words.len() - 1].end;
    match marks.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => marks.push(range),
    }
}

/// A line taken apart: words, blanks, and every other character by itself.
fn words(line: &str) -> Vec<Range<usize>> {
    #[derive(PartialEq)]
    enum Sort {
        Word,
        Blank,
        Other,
    }
    let sort = |letter: char| match letter {
        _ if letter.is_alphanumeric() || letter == '_' => Sort::Word,
        _ if letter.is_whitespace() => Sort::Blank,
        _ => Sort::Other,
    };
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut last = Sort::Other;
    for (at, letter) in line.char_indices() {
        let (sort, end) = (sort(letter), at + letter.len_utf8());
        match words.last_mut() {
            Some(word) if sort == last && sort != Sort::Other => word.end = end,
            _ => words.push(at..end),
        }
        last = sort;
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(old: &str, new: &str, want_old: &[&str], want_new: &[&str]) {
        let (of_old, of_new) = changed(old, new);
        assert_eq!(texts(old, &of_old), want_old);
        assert_eq!(texts(new, &of_new), want_new);
    }

    #[test]
    fn changed_words_are_marked() {
        check("let width = 40;", "let width = 42;", &["40"], &["42"]);
        check("fn a(x: u8)", "fn a(x: u8, y: u8)", &[], &[", y: u8"]);
        check("same", "same", &[], &[]);
    }

    #[test]
    fn lines_that_are_not_alike_are_not_marked() {
        check("let a = 1;", "return Err(Refused);", &[], &[]);
        check("", "new", &[], &[]);
        check(&"x ".repeat(LINE_BYTES), "x", &[], &[]);
    }

    proptest! {
        #[test]
        fn marks_are_in_order_and_on_letters(old in "[a-c é+]{0,24}", new in "[a-c é+]{0,24}") {
            let (of_old, of_new) = changed(&old, &new);
            for (line, marks) in [(&old, of_old), (&new, of_new)] {
                let mut end = 0;
                for mark in marks {
                    prop_assert!(mark.start >= end && line.get(mark.clone()).is_some());
                    end = mark.end;
                }
            }
        }
    }
}

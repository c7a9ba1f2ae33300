//! What a command wrote, in bounded memory: the beginning and the end are kept, and a note in the middle
//! says how much is missing. Gigabytes cost no more than the cap.

use std::collections::VecDeque;

/// Keeps the first and the last half of `cap` bytes.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    seen: u64,
}

impl Capture {
    /// `cap`: bytes kept at most, head and tail together.
    pub fn new(cap: usize) -> Capture {
        Capture { head: Vec::new(), tail: VecDeque::new(), half: cap.div_ceil(2), seen: 0 }
    }

    /// Takes the next bytes in the order they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        // Only the last `half` bytes of one push can survive it.
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    /// Bytes written by the command, kept or not.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The text, with bytes that are no UTF-8 replaced (U+FFFD), and one line in the middle when something
    /// was cut.
    pub fn into_text(mut self) -> String {
        let kept = (self.head.len() + self.tail.len()) as u64;
        let cut = self.seen - kept;
        if cut == 0 {
            // Head and tail may meet inside one character.
            self.head.extend(self.tail);
            return String::from_utf8_lossy(&self.head).into_owned();
        }
        let head = String::from_utf8_lossy(whole_characters_at_end(&self.head));
        let tail = self.tail.make_contiguous();
        let tail = String::from_utf8_lossy(whole_characters_at_start(tail));
        format!("{head}\n[… {cut} bytes cut …]\n{tail}")
    }
}

/// Drops the start of a character that the cut split, so that it does not show as garbage.
fn whole_characters_at_end(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// Drops what is left of a character that the cut split: at most three continuation bytes.
fn whole_characters_at_start(bytes: &[u8]) -> &[u8] {
    let split = bytes.iter().take(3).take_while(|byte| (**byte & 0b1100_0000) == 0b1000_0000).count();
    &bytes[split..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cap: usize, pushes: &[&[u8]], expected: &str) {
        let mut capture = Capture::new(cap);
        for bytes in pushes {
            capture.push(bytes);
        }
        assert_eq!(capture.into_text(), expected);
    }

    #[test]
    fn keeps_head_and_tail() {
        check(10, &[b""], "");
        check(10, &[b"hello"], "hello");
        check(10, &[b"hello", b"world"], "helloworld");
        check(10, &[b"hello", b"-", b"world"], "hello\n[… 1 bytes cut …]\nworld");
        check(4, &[b"abcdefghij"], "ab\n[… 6 bytes cut …]\nij");
    }

    #[test]
    fn never_shows_half_a_character() {
        check(4, &["aéé".as_bytes()], "a\n[… 1 bytes cut …]\né");
        check(4, &["éaé".as_bytes()], "é\n[… 1 bytes cut …]\né");
        check(6, &["éé".as_bytes(), b"\xff"], "éé\u{fffd}");
    }

    proptest::proptest! {
        #[test]
        fn bounded_and_honest(cap in 1usize..64, pushes in proptest::collection::vec(proptest::collection::vec(b'a'..=b'z', 0..40), 0..20)) {
            let all: Vec<u8> = pushes.concat();
            let mut capture = Capture::new(cap);
            for bytes in &pushes {
                capture.push(bytes);
                assert!(capture.head.len() + capture.tail.len() <= cap + 1);
            }
            assert_eq!(capture.seen(), all.len() as u64);
            let (head, tail) = (capture.head.clone(), capture.tail.clone().into_iter().collect::<Vec<_>>());
            assert!(all.starts_with(&head) && all.ends_with(&tail));
            if all.len() <= cap {
                assert_eq!(capture.into_text().into_bytes(), all);
            }
        }
    }
}

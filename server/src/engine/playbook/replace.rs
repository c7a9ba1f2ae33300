//! `replace GLOB`: regular expressions over every file that a glob names.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Captures, Regex, RegexBuilder};

use super::{
    cancel::Cancel,
    effect::{Effect, Touched, count, listed, widen},
    overlay::Overlay,
    refusal::Refusal,
};
use crate::artifact::Change;

/// Most bytes of a compiled expression and of its cache: what ordinary codemods need many times over.
const REGEX_LIMIT: usize = 4 * 1024 * 1024;
/// Most bytes that a file may grow to: an expression that matches everywhere must not fill memory.
const RESULT_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Replace {
    glob: String,
    matcher: GlobMatcher,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// As written in the card.
    text: String,
    regex: Regex,
    /// The same, for files that end lines with CRLF: `^` and `$` see the whole line end.
    regex_crlf: Regex,
    replacement: String,
}

/// Reads a `replace` block. The error is the line within the content (0: the opening line) and what is wrong.
pub fn read(glob: &str, content: &str) -> Result<Replace, (usize, String)> {
    let glob = glob.trim().trim_start_matches("./").to_owned();
    if glob.is_empty() {
        return Err((0, "name the files, such as `replace src/**/*.rs`".to_owned()));
    }
    if glob.starts_with('/') || glob.split('/').any(|part| part == "..") {
        return Err((0, format!("`{glob}` leads out of the repository; name files below its root")));
    }
    let matcher = GlobBuilder::new(&glob).literal_separator(true).build().map_err(|error| (0, error.to_string()))?;
    let mut rules = Vec::new();
    for (at, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        rules.push(read_rule(line).map_err(|why| (at + 1, why))?);
    }
    if rules.is_empty() {
        return Err((1, "there is no rule; write a line `/regex/replacement/`".to_owned()));
    }
    Ok(Replace { glob, matcher: matcher.compile_matcher(), rules })
}

fn read_rule(line: &str) -> Result<Rule, String> {
    const SHAPE: &str = "a rule is `/regex/replacement/flags`, with `\\/` for a slash";
    let text = line.trim();
    let rest = text.strip_prefix('/').ok_or(SHAPE)?;
    let (pattern, rest) = until_slash(rest, Part::Pattern).ok_or(SHAPE)?;
    let (replacement, flags) = until_slash(rest, Part::Replacement).ok_or(SHAPE)?;
    if pattern.is_empty() {
        return Err("the regex is empty".to_owned());
    }
    if let Some(flag) = flags.chars().find(|flag| !"imsx".contains(*flag)) {
        return Err(format!("`{flag}` is not a flag; the flags are i, m, s and x"));
    }
    let build = |crlf: bool| {
        RegexBuilder::new(&pattern)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .ignore_whitespace(flags.contains('x'))
            .crlf(crlf)
            .size_limit(REGEX_LIMIT)
            .dfa_size_limit(REGEX_LIMIT)
            .build()
            .map_err(|error| format!("the regex is not valid: {error}"))
    };
    let (regex, regex_crlf) = (build(false)?, build(true)?);
    unknown_group(&regex, &replacement)?;
    Ok(Rule { text: text.to_owned(), regex, regex_crlf, replacement })
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Pattern,
    Replacement,
}

/// Splits at the first slash that no backslash precedes. `\/` becomes `/`; in a replacement `\\` becomes `\`
/// too, so that one can end with it; every other backslash stays.
fn until_slash(text: &str, part: Part) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '/' => return Some((out, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, '/')) => out.push('/'),
                Some((_, '\\')) if part == Part::Replacement => out.push('\\'),
                Some((_, other)) => out.extend(['\\', other]),
                None => return None,
            },
            other => out.push(other),
        }
    }
    None
}

/// Refuses `$1a` where only `$1` exists: it would silently be replaced with nothing.
fn unknown_group(regex: &Regex, replacement: &str) -> Result<(), String> {
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(escaped) = rest.strip_prefix('$') {
            rest = escaped;
            continue;
        }
        let name: String = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').map(|(name, _)| name.to_owned()).unwrap_or_default(),
            None => rest.chars().take_while(|next| next.is_ascii_alphanumeric() || *next == '_').collect(),
        };
        let known = match name.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            Err(_) => name.is_empty() || regex.capture_names().flatten().any(|known| known == name),
        };
        if !known {
            return Err(format!(
                "there is no group `{name}`; write `${{1}}` before letters and `$$` for a dollar sign"
            ));
        }
    }
    Ok(())
}

impl Replace {
    pub fn apply(&self, overlay: &mut Overlay, cancel: &Cancel) -> Result<Effect, Refusal> {
        let mut effect = Effect::default();
        let mut matches = vec![0_usize; self.rules.len()];
        let (mut named, mut skipped) = (0, Vec::new());
        for path in overlay.files(cancel)? {
            if !self.matcher.is_match(&path) {
                continue;
            }
            cancel.check()?;
            named += 1;
            let mut text = match overlay.read(&path) {
                Ok(text) => text,
                Err(Refusal::Binary(_) | Refusal::NotUtf8(_) | Refusal::TooLarge { .. } | Refusal::Link(_)) => {
                    skipped.push(path);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let mut span = None;
            let before = text.text.clone();
            for (rule, total) in self.rules.iter().zip(&mut matches) {
                let (found, after) = rule
                    .replace_all(&text.text, &mut span)
                    .map_err(|why| Refusal::Rule(format!("`{}` in `{path}`: {why}", rule.text)))?;
                *total += found;
                text.text = after;
            }
            if text.text != before {
                overlay.write(&path, &text)?;
                effect.touched.push(Touched { path, change: Change::Edit, lines: span });
            }
        }
        self.expect_matches(named, &matches)?;
        let total = count(matches.iter().sum(), "match");
        effect.summary = format!("replaces {total} in {} of `{}`", count(effect.touched.len(), "file"), self.glob);
        if effect.touched.is_empty() {
            effect.notes.push("What is put in is what was there, so nothing changes".to_owned());
        }
        if !skipped.is_empty() {
            effect.notes.push(format!("Passed over, since they are not UTF-8 text or too large: {}", listed(&skipped)));
        }
        Ok(effect)
    }

    fn expect_matches(&self, named: usize, matches: &[usize]) -> Result<(), Refusal> {
        if named == 0 {
            let hint =
                if self.glob.contains('/') { String::new() } else { format!("; `**/{}` reaches below", self.glob) };
            return Refusal::rule(format!("`{}` names no file (ignored files don't count){hint}", self.glob));
        }
        match self.rules.iter().zip(matches).find(|(_, found)| **found == 0) {
            Some((rule, _)) => Refusal::rule(format!(
                "`{}` matches nowhere in the {} of `{}`",
                rule.text,
                count(named, "file"),
                self.glob
            )),
            None => Ok(()),
        }
    }
}

impl Rule {
    /// Replaces all matches; returns how many there were and the text after.
    fn replace_all(&self, text: &str, span: &mut Option<(u32, u32)>) -> Result<(usize, String), String> {
        let regex = if text.contains("\r\n") { &self.regex_crlf } else { &self.regex };
        let mut out = String::new();
        let (mut copied, mut counted, mut line, mut found) = (0, 0, 1, 0);
        for captures in regex.captures_iter(text) {
            let Some(matched) = captures.get(0) else { continue };
            found += 1;
            out.push_str(&text[copied..matched.start()]);
            self.expand(&captures, &mut out);
            copied = matched.end();
            if out.len() > RESULT_LIMIT {
                return Err(format!("the file would grow beyond {RESULT_LIMIT} bytes"));
            }
            line += newlines(&text[counted..matched.start()]);
            let last = line + newlines(matched.as_str());
            counted = matched.start();
            *span = widen(*span, line, last);
        }
        out.push_str(&text[copied..]);
        Ok((found, out))
    }

    fn expand(&self, captures: &Captures<'_>, out: &mut String) {
        captures.expand(&self.replacement, out);
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], glob: &str, rules: &str) -> Result<(Vec<String>, Effect), String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let at = dir.path().join(name);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, content).unwrap();
        }
        let replace = read(glob, rules).map_err(|(line, why)| format!("{line}: {why}"))?;
        let mut overlay = Overlay::open(dir.path()).unwrap();
        let effect = replace.apply(&mut overlay, &Cancel::default()).map_err(|error| error.to_string())?;
        overlay.flush(&Cancel::default()).unwrap();
        let after = files.iter().map(|(name, _)| std::fs::read_to_string(dir.path().join(name)).unwrap()).collect();
        Ok((after, effect))
    }

    #[test]
    fn replaces_all_matches() {
        let after = |text: &str, rules: &str| check(&[("f", text)], "f", rules).unwrap().0.remove(0);
        assert_eq!(after("foo(1) foo(2)\n", r"/foo\((\d)\)/bar[$1]/"), "bar[1] bar[2]\n");
        assert_eq!(after("a/b\n", r"/a\/b/x\/y/"), "x/y\n");
        assert_eq!(after("Ab\n", "/a/x/i"), "xb\n");
        assert_eq!(after("a\r\nb\r\n", "/^(.)$/<$1>/m"), "<a>\r\n<b>\r\n");
        assert_eq!(after("a\nb\n", "/a.b/x/s"), "x\n");
        assert_eq!(after("ab\n", "/a b # words/x/x"), "x\n");
        assert_eq!(after("a\n", "/a/b/\n/b/c/\n"), "c\n");
        assert_eq!(after("a\n", r"/a/C:\\d\\/"), "C:\\d\\\n");
        assert_eq!(after("a\n", r"/(?<n>a)/${n}1$$/"), "a1$\n");
    }

    #[test]
    fn names_files_by_glob() {
        let files = [("a.rs", "x"), ("src/b.rs", "x\n\nx"), ("src/c.txt", "x"), ("src/bin", "x\0")];
        let (after, effect) = check(&files, "src/**", "/x/y/").unwrap();
        assert_eq!(after, ["x", "y\n\ny", "y", "x\0"]);
        assert_eq!(effect.summary, "replaces 3 matches in 2 files of `src/**`");
        assert_eq!(effect.touched[0].lines, Some((1, 3)));
        assert!(effect.notes[0].contains("`src/bin`"));
        assert_eq!(check(&files, "**/*.{rs,txt}", "/x/y/").unwrap().1.touched.len(), 3);
    }

    #[test]
    fn no_match_fails() {
        let refused = |glob: &str, rules: &str| check(&[("d/f", "a")], glob, rules).unwrap_err();
        assert!(refused("*.rs", "/a/b/").contains("names no file"));
        assert!(refused("f", "/a/b/").contains("`**/f` reaches below"));
        assert!(refused("d/f", "/a/b/\n/z/y/").contains("`/z/y/` matches nowhere in the 1 file of `d/f`"));
    }

    #[test]
    fn malformed_rules_name_the_line() {
        for (rules, wanted) in [
            ("", "1: there is no rule"),
            ("\nwords", "2: a rule is"),
            ("/a/b", "1: a rule is"),
            ("/a(/b/", "1: the regex is not valid"),
            ("/a/b/g", "1: `g` is not a flag"),
            ("/(a)/$1b/", "1: there is no group `1b`"),
            ("//b/", "1: the regex is empty"),
            (r"/(\w{100}){100}{100}/x/", "1: the regex is not valid"),
        ] {
            let error = check(&[("f", "a")], "f", rules).unwrap_err();
            assert!(error.starts_with(wanted), "{rules}: {error}");
        }
        assert!(read("../x", "/a/b/").is_err() && read("", "/a/b/").is_err() && read("[", "/a/b/").is_err());
    }
}

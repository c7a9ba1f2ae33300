//! Counts, sizes, hashes and names as people read them.

use crate::model::Artifact;

/// A commit's hash as git abbreviates it.
pub fn short_hash(hash: &str) -> &str {
    hash.get(..9).unwrap_or(hash)
}

/// A count of tokens: `940`, `12.4k`, `3.1M`.
pub fn tokens_text(count: i64) -> String {
    match count {
        ..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.1}k", (count / 100) as f64 / 10.0),
        _ => format!("{:.1}M", (count / 100_000) as f64 / 10.0),
    }
}

/// A size in bytes, by thousands as file managers count.
pub fn bytes_text(count: i64) -> String {
    match count {
        ..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// `check_command_passes` → `Check command passes`.
pub fn plain_name(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// An artifact as one names it in a sentence: `Plan v2`.
pub fn artifact_name(artifact: &Artifact) -> String {
    format!("{} v{}", artifact.kind.label(), artifact.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (count, want) in [(0, "0"), (999, "999"), (12_449, "12.4k"), (999_999, "999.9k"), (3_100_000, "3.1M")] {
            assert_eq!(tokens_text(count), want);
        }
        for (count, want) in [(12, "12 B"), (1_500, "1.5 kB"), (2_000_000, "2.0 MB")] {
            assert_eq!(bytes_text(count), want);
        }
        assert_eq!(plain_name("diff_not_empty"), "Diff not empty");
        assert_eq!(plain_name(""), "");
    }
}

//! The net effect of several blocks on files, as a plan lists it: what was there before the card, and what
//! becomes of it.

use std::collections::BTreeMap;

use super::effect::Touched;
use crate::artifact::{Change, PlannedFile};

/// Files by the path that they have before the card (or get from it, when they are new).
#[derive(Default)]
pub struct Planned {
    files: BTreeMap<String, PlannedFile>,
    /// Where a file that has moved stands now, to the path it is listed under.
    moved: BTreeMap<String, String>,
}

impl Planned {
    /// Adds what one block does. `why` names the block.
    pub fn add(&mut self, touched: &Touched, why: &str) {
        let now = touched.path.as_str();
        let listed = self.moved.get(now).cloned().unwrap_or_else(|| now.to_owned());
        let before = self.files.get(&listed).map(|file| file.change.clone());
        let change = match (before, touched.change.clone()) {
            (Some(Change::Create), Change::Edit) => Change::Create,
            (Some(Change::Create), Change::Delete) => {
                self.files.remove(&listed);
                return;
            }
            (Some(Change::Create), Change::Move { to }) => {
                if let Some(mut file) = self.files.remove(&listed) {
                    file.path.clone_from(&to);
                    self.files.insert(to, file);
                }
                return;
            }
            (Some(Change::Delete), Change::Create) => Change::Edit,
            (Some(Change::Move { to }), Change::Edit) => Change::Move { to },
            (_, change) => change,
        };
        if let Change::Move { to } = &change {
            self.moved.remove(now);
            self.moved.insert(to.clone(), listed.clone());
        }
        let lines = touched.lines;
        self.files
            .entry(listed.clone())
            .and_modify(|file| {
                file.lines = match (file.lines, lines) {
                    (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                    (one, other) => one.or(other),
                };
                file.change = change.clone();
                file.why = format!("{}, {why}", file.why);
            })
            .or_insert_with(|| PlannedFile { path: listed, lines, change, why: why.to_owned() });
    }

    pub fn into_files(self) -> Vec<PlannedFile> {
        self.files.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::paths::RepoPath;
    use super::*;

    fn check(steps: &[(&str, Change)]) -> Vec<(String, Change)> {
        let mut planned = Planned::default();
        for (path, change) in steps {
            let path = RepoPath::parse(path).unwrap();
            planned.add(&Touched { path, change: change.clone(), lines: None }, "block");
        }
        planned.into_files().into_iter().map(|file| (file.path, file.change)).collect()
    }

    fn to(path: &str) -> Change {
        Change::Move { to: path.to_owned() }
    }

    #[test]
    fn tells_the_net_effect() {
        let one = |path: &str, change: Change| vec![(path.to_owned(), change)];
        assert_eq!(check(&[("a", Change::Create), ("a", Change::Edit)]), one("a", Change::Create));
        assert_eq!(check(&[("a", Change::Create), ("a", Change::Delete)]), []);
        assert_eq!(check(&[("a", Change::Create), ("a", to("b"))]), one("b", Change::Create));
        assert_eq!(check(&[("a", Change::Delete), ("a", Change::Create)]), one("a", Change::Edit));
        assert_eq!(check(&[("a", to("b")), ("b", Change::Edit)]), one("a", to("b")));
        assert_eq!(check(&[("a", to("b")), ("b", to("c"))]), one("a", to("c")));
        assert_eq!(check(&[("a", to("b")), ("b", Change::Delete)]), one("a", Change::Delete));
        assert_eq!(check(&[("a", Change::Edit), ("a", to("b"))]), one("a", to("b")));
    }
}

//! Confinement with Landlock, where bubblewrap does not work: the kernel refuses reads of what is hidden,
//! writes outside the workspace and, from ABI 4, TCP. It cannot hide a name, give a private network, or
//! refuse UDP and Unix sockets; [`super::Mode::describe`] says so.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use serde::{Deserialize, Serialize};

use super::Confinement;

/// The rights asked for; on an older kernel those it knows.
const ASKED: ABI = ABI::V6;

/// Devices that ordinary programs write to.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];

/// What a command may do, as plain paths: built by the server, applied by the launcher.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Rules {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    network: bool,
}

/// The kernel's Landlock ABI, when it is built in and enabled. Asked in a thread of its own, which the
/// asking confines.
pub(super) fn abi() -> Option<u32> {
    let asking = std::thread::spawn(|| {
        let everything = [PathBuf::from("/")];
        let rules = Rules { read: everything.to_vec(), write: everything.to_vec(), network: true };
        restrict(&rules).ok().map(|status| status.landlock)
    });
    match asking.join() {
        Ok(Some(LandlockStatus::Available { effective_abi, .. })) => Some(effective_abi as u32),
        _ => None,
    }
}

/// Reads everywhere but in `hidden` and `secrets`; writes to the workspace and `temporary`. Landlock only
/// grants, so what is around a hidden place is granted instead of the whole.
pub(super) fn rules(confinement: &Confinement, secrets: &[PathBuf], temporary: &Path) -> Rules {
    let hidden: BTreeSet<&Path> = secrets.iter().chain(&confinement.hidden).map(PathBuf::as_path).collect();
    let mut read = Vec::new();
    grant_around(Path::new("/"), &hidden, &mut read);
    // These may lie inside a hidden place.
    read.extend(confinement.read_only.iter().cloned());
    read.extend(confinement.shares.iter().map(|(source, _)| source.clone()));
    let write = [confinement.workspace.clone(), temporary.to_owned()];
    let devices = DEVICES.iter().map(PathBuf::from).filter(|path| path.exists());
    Rules { read, write: write.into_iter().chain(devices).collect(), network: confinement.network }
}

/// Grants `place`, or, when something in it is hidden, what stands beside that.
fn grant_around(place: &Path, hidden: &BTreeSet<&Path>, granted: &mut Vec<PathBuf>) {
    if hidden.contains(place) {
        return;
    }
    if !hidden.iter().any(|path| path.starts_with(place)) {
        granted.push(place.to_owned());
        return;
    }
    let Ok(entries) = place.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        // A link grants nothing by itself: where it leads is granted, or hidden, as its own place.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            grant_around(&entry.path(), hidden, granted);
        }
    }
}

/// Confines the calling thread and what it starts.
///
/// Errors: a sentence that says what the kernel refused.
pub(super) fn restrict_thread(rules: &Rules) -> Result<(), String> {
    let status = restrict(rules).map_err(|error| format!("Landlock: {error}"))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("Landlock: the kernel does not enforce it".to_owned());
    }
    drop_capabilities().map_err(|error| format!("dropping capabilities: {error}"))
}

/// A server run by root has capabilities that go around Landlock (CAP_PERFMON reads any process's
/// environment). no_new_privs is in force, so that no program gets them back.
fn drop_capabilities() -> rustix::io::Result<()> {
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none)
}

fn restrict(rules: &Rules) -> Result<RestrictionStatus, landlock::RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ASKED))?
        .scope(Scope::from_all(ASKED))?;
    if !rules.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(ASKED))?;
    }
    let created = add(ruleset.create()?, &rules.read, AccessFs::from_read(ASKED))?;
    let created = add(created, &rules.write, AccessFs::from_all(ASKED))?;
    created.no_new_privs(true).restrict_self()
}

fn add(
    mut created: RulesetCreated,
    places: &[PathBuf],
    access: landlock::BitFlags<AccessFs>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    for place in places {
        // What went away meanwhile, or what this user cannot open, needs no grant.
        let Ok(handle) = PathFd::new(place) else {
            continue;
        };
        let access = if place.is_dir() { access } else { access & AccessFs::from_file(ASKED) };
        created = created.add_rule(PathBeneath::new(handle, access))?;
    }
    Ok(created)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_what_stands_beside_the_hidden() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for place in ["a/b", "a/secret/deep", "c"] {
            std::fs::create_dir_all(root.join(place)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/secret"), root.join("a/link")).unwrap();
        let secret = root.join("a/secret");
        let mut granted = Vec::new();
        grant_around(root, &BTreeSet::from([secret.as_path()]), &mut granted);
        granted.sort();
        assert_eq!(granted, [root.join("a/b"), root.join("c")]);
    }
}

//! Processes as `/proc` shows them (proc(5)).

use std::fs;

/// The variable that marks every process of an agent.
const MARKER: &str = "SLIPWAY_AGENT=";

/// Processes that carry an agent's marker and whose marker or working directory names `within`; a path of
/// the test's own, so that other tests' agents do not count.
pub fn marked_processes(within: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is there").flatten() {
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        let environment = String::from_utf8_lossy(&environment);
        if environment.split('\0').any(|variable| variable.starts_with(MARKER)) && environment.contains(within) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(format!("{}: {}", entry.path().display(), String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    found
}

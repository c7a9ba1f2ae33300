//! Finding and ending processes: by group and start time, by descent, and by the agent they are marked
//! with. Reads `/proc`; where there is none, nothing is found and only process groups can be ended.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::environment::MARKER;

/// Rounds of looking and killing before giving up. A process that forks as fast as it is killed loses after
/// a few; what is still there after this many sleeps in the kernel and dies when it wakes.
const ROUNDS: u32 = 100;

/// Pause between rounds: a killed process needs a moment to be gone.
const ROUND_PAUSE: Duration = Duration::from_millis(5);

/// What `/proc/PID/stat` says of a process (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug)]
struct Stat {
    pid: i64,
    alive: bool,
    parent: i64,
    group: i64,
    session: i64,
    /// Clock ticks after boot.
    start: i64,
}

fn stat(pid: i64) -> Option<Stat> {
    parse_stat(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command's name may hold spaces and parentheses, so fields count from the last one.
fn parse_stat(pid: i64, text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Stat {
        pid,
        alive: !matches!(*fields.first()?, "Z" | "X"),
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        start: number(19)?,
    })
}

fn pids() -> Vec<i64> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn living() -> Vec<Stat> {
    pids().into_iter().filter_map(stat).filter(|stat| stat.alive).collect()
}

fn signal(pid: i64, signal: Signal) {
    // One that is already gone is what we wanted. Process 1 and groups (0, negative) are never meant.
    if let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

fn signal_group(pgid: i64, signal: Signal) {
    if let Some(pgid) = i32::try_from(pgid).ok().filter(|pgid| *pgid > 1).and_then(Pid::from_raw) {
        let _ = kill_process_group(pgid, signal);
    }
}

/// When a living process started, in clock ticks after boot. With the pid it names a process for as long
/// as the machine runs: a pid alone is used again.
pub fn start_ticks(pid: i64) -> Option<i64> {
    stat(pid).filter(|stat| stat.alive).map(|stat| stat.start)
}

/// Everything below `root`, with how far below (children are 1), without `root` itself.
fn descendants(root: i64, all: &[Stat]) -> Vec<(i64, u32)> {
    let mut children: HashMap<i64, Vec<i64>> = HashMap::new();
    for stat in all {
        children.entry(stat.parent).or_default().push(stat.pid);
    }
    let (mut found, mut seen) = (Vec::new(), HashSet::from([root]));
    let mut open = vec![(root, 0)];
    while let Some((pid, depth)) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if seen.insert(*child) {
                found.push((*child, depth + 1));
                open.push((*child, depth + 1));
            }
        }
    }
    found
}

/// Asks everything more than `skip` levels below `root` to end (SIGTERM).
pub(super) fn ask_descendants_to_end(root: i64, skip: u32) {
    for (pid, depth) in descendants(root, &living()) {
        if depth > skip {
            signal(pid, Signal::TERM);
        }
    }
}

/// Kills everything below `root` until nothing is left. `reap` is called each round, for a caller whose
/// own children they are.
pub(super) fn end_descendants(root: i64, mut reap: impl FnMut()) {
    for _ in 0..ROUNDS {
        let below = descendants(root, &living());
        if below.is_empty() {
            reap();
            return;
        }
        for (pid, _) in below {
            signal(pid, Signal::KILL);
        }
        reap();
        std::thread::sleep(ROUND_PAUSE);
    }
}

/// Ends the process group `pgid` whose leader started at `start_ticks`, and everything its leader is the
/// ancestor of, whatever group or session it moved to. A group that only has the same number is left
/// alone. True when there was something to end.
pub fn end_group(pgid: i64, start_ticks: i64) -> bool {
    match stat(pgid) {
        // The leader adopts its orphans, so it is ended last: until then nothing escapes from below it.
        Some(leader) if leader.start == start_ticks && leader.group == pgid => {
            end_descendants(pgid, || ());
            signal_group(pgid, Signal::KILL);
            wait_until_gone(pgid, start_ticks);
            leader.alive
        }
        Some(_) => false,
        None => end_leaderless(pgid, start_ticks),
    }
}

/// The leader is gone: its members are those of its session that started after it and carry our mark.
fn end_leaderless(pgid: i64, start_ticks: i64) -> bool {
    let mut found = false;
    for _ in 0..ROUNDS {
        let left: Vec<Stat> = living()
            .into_iter()
            .filter(|stat| (stat.group == pgid || stat.session == pgid) && stat.start >= start_ticks)
            .filter(|stat| marker_of(stat.pid).is_some())
            .collect();
        if left.is_empty() {
            break;
        }
        found = true;
        left.iter().for_each(|stat| signal(stat.pid, Signal::KILL));
        std::thread::sleep(ROUND_PAUSE);
    }
    found
}

fn wait_until_gone(pid: i64, started: i64) {
    for _ in 0..ROUNDS {
        if start_ticks(pid) != Some(started) {
            return;
        }
        std::thread::sleep(ROUND_PAUSE);
    }
}

/// The agent that a process is marked with, if any. Only readable for one's own processes.
fn marker_of(pid: i64) -> Option<Vec<u8>> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="))
        .map(<[u8]>::to_vec)
}

fn marked(marker: &str) -> Vec<i64> {
    if marker.is_empty() {
        return Vec::new();
    }
    let own = i64::from(std::process::id());
    pids()
        .into_iter()
        .filter(|pid| *pid != own && marker_of(*pid).is_some_and(|found| found == marker.as_bytes()))
        .collect()
}

/// Kills every process marked with this agent, until none is left. Says how many there were. An empty
/// marker names nobody.
pub fn sweep(marker: &str) -> usize {
    let mut ended = HashSet::new();
    for _ in 0..ROUNDS {
        let left = marked(marker);
        if left.is_empty() {
            break;
        }
        for pid in left {
            signal(pid, Signal::KILL);
            ended.insert(pid);
        }
        std::thread::sleep(ROUND_PAUSE);
    }
    ended.len()
}

/// How many living processes are marked with this agent.
#[cfg(test)]
pub fn count_marked(marker: &str) -> usize {
    marked(marker).len()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn stat_survives_odd_names() {
        let text = "42 (a ) b) S 7 8 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let stat = parse_stat(42, text).unwrap();
        assert_eq!((stat.parent, stat.group, stat.session, stat.start, stat.alive), (7, 8, 9, 12345, true));
        assert!(parse_stat(1, "").is_none());
        assert!(!parse_stat(42, &text.replace(" S ", " Z ")).unwrap().alive);
    }

    #[test]
    fn own_start_is_known_and_a_reused_number_is_spared() {
        let own = i64::from(std::process::id());
        let ticks = start_ticks(own).unwrap();
        assert!(!end_group(own, ticks + 1));
        assert!(start_ticks(-1).is_none());
        assert_eq!(sweep(""), 0);
    }

    #[test]
    fn ends_a_group_and_what_left_it() {
        use std::os::unix::process::CommandExt;
        let marker = format!("processes-test-{}", std::process::id());
        let mut child = Command::new("/bin/sh")
            .args(["-c", "setsid sleep 300 & sleep 300 & echo ready; wait"])
            .env(MARKER, &marker)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        assert!(count_marked(&marker) >= 3);
        let pid = i64::from(child.id());
        assert!(end_group(pid, start_ticks(pid).unwrap()));
        child.wait().unwrap();
        assert_eq!(count_marked(&marker), 0);
        assert_eq!(sweep(&marker), 0);
    }

    #[test]
    fn sweeps_by_marker() {
        let marker = format!("sweep-test-{}", std::process::id());
        let mut child = Command::new("sleep").arg("300").env(MARKER, &marker).spawn().unwrap();
        // A process shows its environment a moment after its program has begun to load.
        while count_marked(&marker) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(sweep(&marker), 1);
        assert_eq!(count_marked(&marker), 0);
        child.wait().unwrap();
    }
}

//! How a command ended, in types and in words.

use std::time::Duration;

/// How a command went.
#[derive(Clone, Debug)]
pub struct Ended {
    pub how: How,
    /// Standard output and error as they came, capped, with a note of what was cut.
    pub output: String,
    /// Bytes the command wrote in all.
    pub bytes_seen: u64,
    pub elapsed: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Exited(i32),
    /// The signal's number. Under bubblewrap a signal shows as the exit code 128 + number instead, as in
    /// a shell.
    Signalled(i32),
    /// Its wall-time limit.
    TimedOut(Duration),
}

impl How {
    pub fn succeeded(self) -> bool {
        self == How::Exited(0)
    }

    /// "exit code 1", "ended by SIGSEGV", "stopped after 600 s".
    pub fn describe(self) -> String {
        match self {
            How::Exited(code) => match code.checked_sub(128).and_then(signal_name) {
                Some(name) => format!("exit code {code} ({name})"),
                None => format!("exit code {code}"),
            },
            How::Signalled(number) => match signal_name(number) {
                Some(name) => format!("ended by {name}"),
                None => format!("ended by signal {number}"),
            },
            How::TimedOut(wall) => format!("stopped after {} s, its limit", wall.as_secs_f64()),
        }
    }
}

/// Those that end a program in practice (signal(7)); their numbers are the same on all common systems.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_read_well() {
        assert_eq!(How::Exited(1).describe(), "exit code 1");
        assert_eq!(How::Exited(139).describe(), "exit code 139 (SIGSEGV)");
        assert_eq!(How::Signalled(9).describe(), "ended by SIGKILL");
        assert_eq!(How::TimedOut(Duration::from_secs(600)).describe(), "stopped after 600 s, its limit");
    }
}

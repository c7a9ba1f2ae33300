//! What a person sees while a card is taken through: one calm line for each thing that changed.

use std::{io::Write, time::Instant};

use slipway_app::model::{Card, CardStatus, Project};

use super::{Account, Outcome, Server};

/// Characters of one line of agents' words; more would wrap.
const LINE_LENGTH: usize = 160;

pub struct Progress {
    to: Box<dyn Write + Send>,
    began: Instant,
    /// The last line without its time.
    last: String,
}

impl Progress {
    pub fn to_stderr() -> Progress {
        Progress::to(Box::new(std::io::stderr()))
    }

    pub fn to(to: Box<dyn Write + Send>) -> Progress {
        Progress { to, began: Instant::now(), last: String::new() }
    }

    pub fn begin(&mut self, card: &Card, project: &Project) {
        self.say(&format!("Card {} in {}: {}", card.number, plain(&project.name), plain(&card.title)));
    }

    /// Tells how the card stands, if that is news; says whether it was.
    pub fn show(&mut self, card: &Card) -> bool {
        let line = format!("{:8}{}", card.stage.label(), plain(&standing(card)));
        if line == self.last {
            return false;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        self.say(&format!("{seconds:6.1} s  {line}"));
        self.last = line;
        true
    }

    pub fn say(&mut self, line: &str) {
        // A terminal that is gone does not stop the work.
        let _ = writeln!(self.to, "{line}");
    }

    /// How it came out, and how to go on.
    pub fn end(&mut self, account: &Account, server: &Server) {
        let card = &account.card;
        let why = account.reason.as_deref().unwrap_or("no reason is on record");
        let why: String = why.lines().map(|line| format!("  {}\n", plain(line))).collect();
        match account.outcome {
            Outcome::Shipped => {
                let commit = account.commit.as_deref().unwrap_or("an earlier commit");
                self.say(&format!("Shipped as {}.", plain(commit)));
            }
            Outcome::Failed => self.say(&format!("Failed at {}:\n{why}", card.stage.label())),
            Outcome::Waits => self.say(&format!("Waits for you at {}:\n{why}", card.stage.label())),
        }
        if account.outcome != Outcome::Shipped {
            let way = if server.stays {
                format!("Open {}/cards/{}", server.base_url, card.id)
            } else {
                format!("Start `slipway` and open card {}", card.number)
            };
            self.say(&format!("{way} to go on; nothing is lost."));
        }
    }
}

fn standing(card: &Card) -> String {
    match (card.status, &card.agent) {
        (CardStatus::Queued, Some(agent)) => match &agent.waits_for {
            Some(waits_for) => format!("queued, waits for {waits_for}"),
            None => "queued".to_owned(),
        },
        (CardStatus::Working, Some(agent)) if agent.steps > 0 => {
            format!("{} at step {} of {}: {}", agent.role.label(), agent.step, agent.steps, agent.doing)
        }
        (CardStatus::Working, Some(agent)) if !agent.doing.is_empty() => {
            format!("{}: {}", agent.role.label(), agent.doing)
        }
        (CardStatus::NeedsApproval, _) => match &card.gate {
            Some(gate) => {
                let red = gate.checks.iter().filter(|check| !check.passed).count();
                let all = gate.checks.len();
                if red == 0 { format!("gate green, {all} checks") } else { format!("gate red, {red} of {all} checks") }
            }
            None => "gate open".to_owned(),
        },
        (status, _) => status.label().to_lowercase(),
    }
}

/// One line without control characters: a stranger's text on somebody's terminal.
pub fn plain(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !character.is_control())
        .take(LINE_LENGTH + 1)
        .collect();
    if line.chars().count() > LINE_LENGTH {
        line = line.chars().take(LINE_LENGTH).chain(['…']).collect();
    }
    line
}

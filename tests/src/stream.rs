//! Server-sent events (WHATWG HTML, 9.2).

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;
use tokio::runtime::Runtime;

/// How long the next event may take.
const NEXT_LIMIT: Duration = Duration::from_secs(30);

/// An open stream; dropping it hangs up.
pub struct Stream<'r> {
    runtime: &'r Runtime,
    response: reqwest::Response,
    text: String,
    ready: VecDeque<Sent>,
}

/// One event as it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: i64,
    pub data: Value,
}

impl<'r> Stream<'r> {
    pub(crate) fn new(runtime: &'r Runtime, response: reqwest::Response) -> Stream<'r> {
        Stream { runtime, response, text: String::new(), ready: VecDeque::new() }
    }

    /// The next event, or nothing when none comes for `patience` or the server hangs up.
    pub fn next_within(&mut self, patience: Duration) -> Option<Sent> {
        loop {
            if let Some(sent) = self.ready.pop_front() {
                return Some(sent);
            }
            let response = &mut self.response;
            let chunk = self.runtime.block_on(async { tokio::time::timeout(patience, response.chunk()).await });
            let chunk = chunk.ok()?.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).expect("an event stream is UTF-8"));
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                self.ready.extend(parse(&block));
            }
        }
    }

    pub fn next_event(&mut self) -> Sent {
        self.next_within(NEXT_LIMIT).expect("the stream has a next event")
    }
}

/// A block with an id and data; comments and retry hints are not events.
fn parse(block: &str) -> Option<Sent> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let id = field("id:")?.parse().expect("an id is a sequence number");
    let data = serde_json::from_str(field("data:")?).expect("data is JSON");
    Some(Sent { id, data })
}

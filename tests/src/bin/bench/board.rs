//! One running board and how the benchmark talks to it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::Result;

/// How long a server may take to stop: what it promises.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How often something is looked at that has no way to say that it has changed.
pub const LOOK_AGAIN: Duration = Duration::from_millis(2);

pub struct Board {
    process: Child,
    /// From the start of the process to its ready line.
    pub ready_after: Duration,
    /// `http://127.0.0.1:PORT`
    pub origin: String,
    pub token: String,
    client: Client,
}

impl Board {
    /// Starts `binary` outside of any repository, so that a fresh data directory gets the sample project.
    pub fn start(binary: &Path, data_dir: &Path, home: &Path) -> Result<Board> {
        let began = Instant::now();
        let mut process = Command::new(binary)
            .args(["--port", "0", "--no-open", "--data-dir"])
            .arg(data_dir)
            .current_dir(home)
            .env_remove("SLIPWAY_TOKEN")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready_after = began.elapsed();
        let link = line.trim().strip_prefix("Slipway is ready at ").ok_or("the server did not become ready")?;
        let (origin, token) = link.split_once("/?token=").ok_or("the ready line has no token")?;
        let (origin, token) = (origin.to_owned(), token.to_owned());
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Board { process, ready_after, origin, token, client })
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.origin))
    }

    /// A call to the API; anything but success is an error with what the server said.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.request(method, &format!("/api/v1{path}")).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer: Response = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{path}: {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Waits until a card has `status`.
    pub async fn until(&self, card: &str, status: &str, within: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            let seen = self.get(&format!("/cards/{card}")).await?;
            if seen["status"] == status {
                return Ok(());
            }
            if seen["status"] == "failed" || began.elapsed() > within {
                return Err(format!("the card did not become {status}: {seen:#}").into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Resident memory, in kilobytes (`VmRSS` of proc(5)).
    pub fn resident_kb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Stops the server as a person would, with SIGTERM.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.process.id().to_string()).status()?;
        let began = Instant::now();
        while self.process.try_wait()?.is_none() {
            if began.elapsed() > STOPS_WITHIN {
                return Err("the server did not stop in time".into());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

/// A benchmark that fails half-way leaves nothing running.
impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

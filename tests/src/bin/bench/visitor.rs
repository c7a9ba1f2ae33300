//! A browser's side of the board without a browser: what it is sent, and when.

use std::time::{Duration, Instant};

use reqwest::{Method, header};

use crate::{Result, board::Board};

/// A page on the wire.
pub struct Page {
    /// From the request to the first byte of the answer's head.
    pub first_byte: Duration,
    /// Of the body, under Brotli.
    pub bytes: usize,
}

/// Someone with a session, as the link that the server printed gives it.
pub struct Visitor<'a> {
    board: &'a Board,
    cookie: String,
}

impl<'a> Visitor<'a> {
    pub async fn enter(board: &'a Board) -> Result<Self> {
        let opened = board.request(Method::GET, &format!("/?token={}", board.token)).send().await?;
        let cookie = opened.headers().get(header::SET_COOKIE).ok_or("opening the link set no cookie")?.to_str()?;
        Ok(Visitor { board, cookie: cookie.split(';').next().unwrap_or_default().to_owned() })
    }

    fn ask(&self, path: &str, coding: &'static str) -> reqwest::RequestBuilder {
        let request = self.board.request(Method::GET, path).header(header::COOKIE, &self.cookie);
        request.header(header::ACCEPT_ENCODING, coding)
    }

    /// The board's page.
    pub async fn page(&self) -> Result<Page> {
        let began = Instant::now();
        let answer = self.ask("/", "br").send().await?.error_for_status()?;
        let first_byte = began.elapsed();
        Ok(Page { first_byte, bytes: answer.bytes().await?.len() })
    }

    /// Every file that the board's page names.
    pub async fn files(&self) -> Result<Vec<String>> {
        let page = self.ask("/", "identity").send().await?.error_for_status()?.text().await?;
        let ends = ['"', '\'', '#', '?', ')', '>', ' ', '\\', '&'];
        let mut files: Vec<String> = page
            .match_indices("/pkg/")
            .filter_map(|(at, _)| page[at..].split(ends).next())
            .map(str::to_owned)
            .collect();
        files.sort_unstable();
        files.dedup();
        for kind in [".wasm", ".js", ".css"] {
            if !files.iter().any(|file| file.ends_with(kind)) {
                return Err(
                    format!("the page names no {kind} file; was the binary built with SLIPWAY_SITE=skip?").into()
                );
            }
        }
        Ok(files)
    }

    /// Bytes on the wire for the page and every file that it names.
    pub async fn first_load(&self) -> Result<usize> {
        let mut bytes = self.page().await?.bytes;
        for file in self.files().await? {
            bytes += self.ask(&file, "br").send().await?.error_for_status()?.bytes().await?.len();
        }
        Ok(bytes)
    }
}

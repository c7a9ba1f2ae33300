//! The second half of the page's port: what people write before it is a card.

use async_trait::async_trait;
use slipway_app::{error::Problem, port::Shelf};

use super::Slipway;
use crate::render::markdown::{self, Under};

#[async_trait]
impl Shelf for Slipway {
    async fn preview(&self, text: String) -> Result<String, Problem> {
        Ok(markdown::html(&text, Under::Overview))
    }
}

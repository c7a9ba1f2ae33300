//! What the page asks beside the board itself.

use async_trait::async_trait;

use crate::error::Problem;

/// The second half of the port: what people write before it is a card.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Markdown as sanitised HTML, as a card's page shows it.
    async fn preview(&self, markdown: String) -> Result<String, Problem>;
}

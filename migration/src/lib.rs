//! The schema, as migrations that run alike on SQLite and PostgreSQL.
//!
//! Rules: only portable types; times are UTC with a zone; JSON is text, because nobody queries inside it;
//! money is whole nano-dollars; git object ids are lower-case hex.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m20261121_000001_board;
mod m20261121_000002_template;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261121_000001_board::Migration), Box::new(m20261121_000002_template::Migration)]
    }
}

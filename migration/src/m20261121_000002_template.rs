//! Templates: texts that a project's cards often start from.

use sea_orm_migration::{
    prelude::*,
    schema::{pk_uuid, string, text, timestamp_with_time_zone, uuid},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut of_project = ForeignKey::create().from("template", "project_id").to("project", "id").take();
        let table = Table::create()
            .table("template")
            .col(pk_uuid("id"))
            .col(uuid("project_id"))
            .col(string("name"))
            .col(text("title"))
            .col(text("body"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("updated_at"))
            .foreign_key(&mut of_project)
            .take();
        manager.create_table(table).await?;
        let connection = manager.get_connection();
        connection
            .execute_unprepared("CREATE UNIQUE INDEX template_name ON template (project_id, lower(name))")
            .await?;
        Ok(())
    }
}

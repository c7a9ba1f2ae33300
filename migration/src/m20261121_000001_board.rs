//! Everything a card needs to go from Plan to a commit.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_pk_auto, boolean, double, integer, pk_uuid, string, string_null, text, text_null,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
    sea_query::TableCreateStatement,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All tables or none, and one wait for the disk instead of one a table.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        let connection = manager.get_connection();
        for index in INDEXES {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        project(),
        card(),
        card_text(),
        transition(),
        agent(),
        process(),
        blob(),
        artifact(),
        gate(),
        event(),
        question(),
        landing(),
        session(),
        idempotency(),
    ]
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).take()
}

/// A reference that the database holds: rows of `name.column` name a row of `target`.
fn references(name: &'static str, column: &'static str, target: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(name, column).to(target, "id").take()
}

fn project() -> TableCreateStatement {
    table("project")
        .col(pk_uuid("id"))
        .col(string("name"))
        .col(text("path"))
        .col(boolean("trusted"))
        .col(string("base_branch"))
        .col(text_null("setup_command"))
        .col(text_null("check_command"))
        .col(text("gate_policy"))
        .col(string("land"))
        .col(integer("wip"))
        .col(text("engines"))
        .col(text("budget"))
        .col(text("bring"))
        .col(boolean("network"))
        .col(string_null("push_remote"))
        .col(big_integer("next_card_number"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("removed_at"))
        .take()
}

fn card() -> TableCreateStatement {
    table("card")
        .col(pk_uuid("id"))
        .col(uuid("project_id"))
        .col(big_integer("number"))
        .col(text("title"))
        .col(string("stage"))
        .col(double("position"))
        // The latest transition, agent and gate of this visit to the stage.
        .col(uuid_null("transition_id"))
        .col(uuid_null("agent_id"))
        .col(uuid_null("gate_id"))
        .col(integer("auto_send_backs"))
        .col(string_null("land_override"))
        .col(string_null("branch"))
        .col(boolean("has_workspace"))
        .col(string_null("base_oid"))
        .col(string_null("snapshot_oid"))
        .col(integer("snapshots"))
        .col(string_null("verified_tree"))
        .col(string_null("commit_oid"))
        .col(text("chips"))
        .col(text_null("notice"))
        .col(big_integer("tokens"))
        .col(big_integer("cost_nanos"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("landed_at"))
        .col(timestamp_with_time_zone_null("archived_at"))
        .foreign_key(&mut references("card", "project_id", "project"))
        .take()
}

/// Bodies stand apart so that listing cards never reads them.
fn card_text() -> TableCreateStatement {
    table("card_text")
        .col(pk_uuid("card_id"))
        .col(text("body"))
        .foreign_key(&mut references("card_text", "card_id", "card"))
        .take()
}

fn transition() -> TableCreateStatement {
    table("transition")
        .col(pk_uuid("id"))
        .col(uuid("card_id"))
        .col(string("from_stage"))
        .col(string("to_stage"))
        .col(string("actor"))
        .col(text_null("reason"))
        .col(string("outcome"))
        .col(uuid_null("agent_id"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut references("transition", "card_id", "card"))
        .take()
}

fn agent() -> TableCreateStatement {
    table("agent")
        .col(pk_uuid("id"))
        .col(uuid("project_id"))
        .col(uuid("card_id"))
        .col(string("stage"))
        .col(string("role"))
        .col(string("engine"))
        .col(string_null("model"))
        .col(text_null("prompt"))
        .col(text("tools"))
        .col(text("consumed"))
        .col(text_null("comment"))
        .col(string("status"))
        .col(text_null("reason"))
        .col(integer("progress"))
        .col(integer("step"))
        .col(integer("steps"))
        .col(text("doing"))
        .col(big_integer("tokens_input"))
        .col(big_integer("tokens_output"))
        .col(big_integer("tokens_cached"))
        .col(big_integer("context_used"))
        .col(big_integer("context_size"))
        .col(big_integer("cost_nanos"))
        .col(big_integer("tool_calls"))
        .col(integer("attempt"))
        .col(uuid_null("lease_owner"))
        .col(big_integer("lease_token"))
        .col(timestamp_with_time_zone_null("heartbeat_at"))
        .col(uuid_null("parent_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("started_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(timestamp_with_time_zone_null("deleted_at"))
        .foreign_key(&mut references("agent", "card_id", "card"))
        .take()
}

/// Process groups that agents have running, written before the group may run its first instruction.
fn process() -> TableCreateStatement {
    table("process")
        .col(big_integer("pgid"))
        .col(big_integer("start_ticks"))
        .col(uuid("agent_id"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("pgid").col("start_ticks"))
        .take()
}

/// Contents of artifacts, once each, by their SHA-256.
fn blob() -> TableCreateStatement {
    table("blob")
        .col(ColumnDef::new("sha256").string().not_null().primary_key())
        .col(ColumnDef::new("content").blob().not_null())
        .take()
}

fn artifact() -> TableCreateStatement {
    table("artifact")
        .col(pk_uuid("id"))
        .col(uuid("card_id"))
        .col(uuid("agent_id"))
        .col(string("stage"))
        .col(string("kind"))
        .col(string("name"))
        .col(integer("version"))
        .col(string("media_type"))
        .col(big_integer("bytes"))
        .col(string("sha256"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut references("artifact", "card_id", "card"))
        .foreign_key(&mut references("artifact", "agent_id", "agent"))
        .take()
}

fn gate() -> TableCreateStatement {
    table("gate")
        .col(pk_uuid("id"))
        .col(uuid("card_id"))
        .col(uuid_null("agent_id"))
        .col(string("stage"))
        .col(text("checks"))
        .col(string("state"))
        .col(string_null("decided_by"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("opened_at"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .foreign_key(&mut references("gate", "card_id", "card"))
        .take()
}

fn event() -> TableCreateStatement {
    table("event")
        .col(big_pk_auto("seq"))
        .col(timestamp_with_time_zone("at"))
        .col(string("kind"))
        .col(uuid_null("project_id"))
        .col(uuid_null("card_id"))
        .col(uuid_null("agent_id"))
        .col(text("data"))
        .take()
}

fn question() -> TableCreateStatement {
    table("question")
        .col(pk_uuid("id"))
        .col(uuid("card_id"))
        .col(uuid_null("agent_id"))
        .col(string("topic"))
        .col(text("prompt"))
        .col(text("options"))
        .col(string_null("default_option"))
        .col(timestamp_with_time_zone_null("deadline"))
        .col(string("state"))
        .col(text_null("answer"))
        .col(timestamp_with_time_zone("asked_at"))
        .col(timestamp_with_time_zone_null("answered_at"))
        .foreign_key(&mut references("question", "card_id", "card"))
        .take()
}

/// What a landing is about to do, written before it does it, so that a kill in the middle is finished.
fn landing() -> TableCreateStatement {
    table("landing")
        .col(pk_uuid("id"))
        .col(uuid("card_id"))
        .col(string("base_branch"))
        .col(string("base_before"))
        .col(string("target"))
        .col(string("state"))
        .col(text_null("detail"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(&mut references("landing", "card_id", "card"))
        .take()
}

/// Browser sessions: only hashes, so that reading the database opens no door.
fn session() -> TableCreateStatement {
    table("session")
        .col(ColumnDef::new("id_hash").string().not_null().primary_key())
        .col(string("secret_hash"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .take()
}

fn idempotency() -> TableCreateStatement {
    table("idempotency")
        .col(ColumnDef::new("key").string().not_null().primary_key())
        .col(string("fingerprint"))
        .col(text("response"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

/// Partial indexes are not in the builder's vocabulary; this text is valid on SQLite and PostgreSQL alike.
const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX project_path ON project (path) WHERE removed_at IS NULL",
    "CREATE UNIQUE INDEX card_number ON card (project_id, number)",
    "CREATE INDEX card_shown ON card (position) WHERE archived_at IS NULL",
    "CREATE INDEX card_active ON card (stage) WHERE landed_at IS NULL AND archived_at IS NULL AND stage <> 'backlog'",
    "CREATE INDEX card_leaving ON card (id) WHERE has_workspace AND (landed_at IS NOT NULL OR archived_at IS NOT NULL)",
    "CREATE INDEX transition_card ON transition (card_id)",
    "CREATE INDEX agent_card ON agent (card_id)",
    "CREATE INDEX agent_live ON agent (created_at) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX artifact_version ON artifact (card_id, kind, version)",
    "CREATE INDEX gate_card ON gate (card_id)",
    "CREATE INDEX event_card ON event (card_id, seq)",
    "CREATE INDEX event_agent ON event (agent_id, seq)",
    "CREATE INDEX question_open ON question (asked_at) WHERE state = 'open'",
    "CREATE INDEX question_card ON question (card_id)",
    "CREATE UNIQUE INDEX landing_intended ON landing (card_id) WHERE state = 'intended'",
];

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub project_id: Uuid,
    pub card_id: Uuid,
    pub stage: String,
    pub role: String,
    pub engine: String,
    pub model: Option<String>,
    pub prompt: Option<String>,
    pub tools: String,
    pub consumed: String,
    pub comment: Option<String>,
    pub status: String,
    pub reason: Option<String>,
    pub progress: i32,
    pub step: i32,
    pub steps: i32,
    pub doing: String,
    pub tokens_input: i64,
    pub tokens_output: i64,
    pub tokens_cached: i64,
    pub context_used: i64,
    pub context_size: i64,
    pub cost_nanos: i64,
    pub tool_calls: i64,
    pub attempt: i32,
    pub lease_owner: Option<Uuid>,
    pub lease_token: i64,
    pub heartbeat_at: Option<DateTimeUtc>,
    pub parent_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
    pub deleted_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

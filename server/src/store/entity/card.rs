use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "card")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub project_id: Uuid,
    pub number: i64,
    pub title: String,
    pub stage: String,
    pub position: f64,
    pub transition_id: Option<Uuid>,
    pub agent_id: Option<Uuid>,
    pub gate_id: Option<Uuid>,
    pub auto_send_backs: i32,
    pub land_override: Option<String>,
    pub branch: Option<String>,
    pub has_workspace: bool,
    pub base_oid: Option<String>,
    pub snapshot_oid: Option<String>,
    pub snapshots: i32,
    pub verified_tree: Option<String>,
    pub commit_oid: Option<String>,
    pub chips: String,
    pub notice: Option<String>,
    pub tokens: i64,
    pub cost_nanos: i64,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub landed_at: Option<DateTimeUtc>,
    pub archived_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

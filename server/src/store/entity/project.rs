use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub path: String,
    pub trusted: bool,
    pub base_branch: String,
    pub setup_command: Option<String>,
    pub check_command: Option<String>,
    pub gate_policy: String,
    pub land: String,
    pub wip: i32,
    pub engines: String,
    pub budget: String,
    pub bring: String,
    pub network: bool,
    pub push_remote: Option<String>,
    pub next_card_number: i64,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub removed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

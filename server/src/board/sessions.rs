//! Browser sessions on record, by hashes alone.

use chrono::Utc;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    http::doors::SessionRecord,
    store::{Store, StoreError, entity},
};
use entity::session::{ActiveModel, Column, Entity};

/// Keeps a session, forgets the expired ones, and of the rest keeps the `keep` newest.
pub async fn put(store: &Store, session: SessionRecord, keep: usize) -> Result<(), StoreError> {
    let tx = store.begin().await?;
    Entity::delete_many().filter(Column::ExpiresAt.lt(Utc::now())).exec(&*tx).await?;
    let row = ActiveModel {
        id_hash: Set(hex::encode(session.id_hash)),
        secret_hash: Set(hex::encode(session.secret_hash)),
        created_at: Set(Utc::now()),
        expires_at: Set(session.expires_at),
    };
    Entity::insert(row).exec_without_returning(&*tx).await?;
    let surplus: Vec<String> = Entity::find()
        .select_only()
        .column(Column::IdHash)
        .order_by_desc(Column::CreatedAt)
        .offset(keep as u64)
        .limit(u64::from(u32::MAX))
        .into_tuple()
        .all(&*tx)
        .await?;
    if !surplus.is_empty() {
        Entity::delete_many().filter(Column::IdHash.is_in(surplus)).exec(&*tx).await?;
    }
    tx.commit().await
}

pub async fn find(store: &Store, id_hash: [u8; 32]) -> Result<Option<SessionRecord>, StoreError> {
    let Some(row) = Entity::find_by_id(hex::encode(id_hash)).one(store.reader()).await? else { return Ok(None) };
    let mut secret_hash = [0; 32];
    hex::decode_to_slice(&row.secret_hash, &mut secret_hash)
        .map_err(|_| StoreError::Corrupt { column: "session.secret_hash", value: "not 64 hex digits".to_owned() })?;
    Ok(Some(SessionRecord { id_hash, secret_hash, expires_at: row.expires_at }))
}

pub async fn revoke(store: &Store, id_hash: [u8; 32]) -> Result<(), StoreError> {
    let tx = store.begin().await?;
    Entity::delete_by_id(hex::encode(id_hash)).exec(&*tx).await?;
    tx.commit().await
}

pub async fn revoke_all(store: &Store) -> Result<u64, StoreError> {
    let tx = store.begin().await?;
    let revoked = Entity::delete_many().exec(&*tx).await?.rows_affected;
    tx.commit().await?;
    Ok(revoked)
}

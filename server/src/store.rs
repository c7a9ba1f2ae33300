//! The only user of SQL. State lives in one database; readers never wait for the writer.
//!
//! - [`Store::begin`] opens the one write transaction at a time; [`Tx::append`] adds facts to it; and
//!   [`Tx::commit`] makes rows and events durable together, then tells whoever watches. A [`Tx`] that is
//!   dropped leaves nothing behind.
//! - [`Store::reader`] is a small pool for queries.
//!
//! SQLite runs in WAL mode with full sync: a commit that was acknowledged is on disk (one fsync of the log).

use std::{
    ops::Deref,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};

use chrono::Utc;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use serde::{Serialize, de::DeserializeOwned};
use slipway_app::model::{Event, Pulse};
use slipway_migration::{Migrator, MigratorTrait};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    events::{Feed, NewEvent},
    idempotency,
};

pub mod entity;

/// Connections that read. Each costs a thread and its page cache; four keep two cores busy.
const READERS: u32 = 4;
/// SQLite's page cache per connection, in KiB (negative means KiB and not pages). The file system caches the rest.
const PAGE_CACHE_KIB: i32 = -512;
/// Rows that a query's thread may run ahead of who reads them: a whole page of a list, so that the two do not
/// take turns row by row.
const ROWS_AHEAD: usize = 1024;
/// How long an idempotency key is remembered: longer than any client retries.
const KEYS_KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);
/// How long a statement waits for another process that holds the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A query or a commit that failed, or a row that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database could not {doing}")]
    Query {
        doing: &'static str,
        #[source]
        source: DbErr,
    },
    #[error(
        "the database holds {value:?} as {column}, which this version does not know; was it written by a newer one?"
    )]
    Corrupt { column: &'static str, value: String },
    #[error("the idempotency key has been used for another request")]
    KeyReused,
}

impl From<DbErr> for StoreError {
    fn from(source: DbErr) -> Self {
        StoreError::Query { doing: "answer", source }
    }
}

/// Turns a stored text into a closed enum, or says which column holds what nobody knows.
pub fn known<T>(column: &'static str, value: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(value).ok_or_else(|| StoreError::Corrupt { column, value: value.to_owned() })
}

/// Reads a JSON column.
pub fn from_json<T: DeserializeOwned>(column: &'static str, value: &str) -> Result<T, StoreError> {
    serde_json::from_str(value).map_err(|_| StoreError::Corrupt { column, value: value.to_owned() })
}

/// Writes a JSON column. Our own types always serialise: they have no maps with odd keys.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The database.
pub struct Store {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    /// Held from the beginning of a write transaction until its events are published, so that events are
    /// seen in the order of their sequence numbers.
    turn: Arc<Mutex<()>>,
    feed: Feed,
    /// The header's figures as of a sequence number: asked for by every window after every commit.
    pulse: std::sync::Mutex<(i64, Pulse)>,
}

impl Store {
    /// Opens the database file, makes it if there is none, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        let failed = |doing| move |source| StoreError::Query { doing, source };
        let writer = connect(path, 1).await.map_err(failed("be opened"))?;
        Migrator::up(&writer, None).await.map_err(failed("be brought up to date"))?;
        let readers = connect(path, READERS).await.map_err(failed("be opened for reading"))?;
        let feed = Feed::open(&readers).await?;
        Ok(Store {
            writer,
            readers,
            turn: Arc::new(Mutex::new(())),
            feed,
            pulse: std::sync::Mutex::new((-1, Pulse::default())),
        })
    }

    /// For queries outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// The header's figures, made anew by `fresh` when something was committed since they were made last.
    pub async fn pulse<F>(&self, fresh: impl FnOnce() -> F) -> Result<Pulse, StoreError>
    where
        F: Future<Output = Result<Pulse, StoreError>>,
    {
        let seq = self.feed.last_seq();
        let known = self.pulse.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.0 == seq {
            return Ok(known.1);
        }
        let pulse = fresh().await?;
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = (seq, pulse.clone());
        Ok(pulse)
    }

    /// What has been committed, for those who watch.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Opens a write transaction; waits its turn.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        let turn = self.turn.clone().lock_owned().await;
        let inner =
            self.writer.begin().await.map_err(|source| StoreError::Query { doing: "begin a transaction", source })?;
        Ok(Tx { inner, store: self, appended: Vec::new(), _turn: turn })
    }

    /// Closes all connections; the write-ahead log is folded into the database file.
    pub async fn close(&self) {
        let _turn = self.turn.lock().await;
        for connection in [&self.readers, &self.writer] {
            if let Err(error) = connection.clone().close().await {
                tracing::warn!(%error, "the database was not closed cleanly; the next start recovers it");
            }
        }
    }
}

async fn connect(path: &Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let file = path.to_owned();
    options
        .min_connections(1)
        .max_connections(connections)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&file)
                .in_memory(false)
                .shared_cache(false)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT)
                .row_buffer_size(ROWS_AHEAD)
                .pragma("cache_size", PAGE_CACHE_KIB.to_string())
        });
    Database::connect(options).await
}

/// A write transaction. Queries go through its [`Deref`] to the connection.
pub struct Tx<'s> {
    inner: DatabaseTransaction,
    store: &'s Store,
    appended: Vec<Event>,
    _turn: OwnedMutexGuard<()>,
}

impl Deref for Tx<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

impl Tx<'_> {
    /// Appends a fact; it counts once the transaction commits.
    pub async fn append(&mut self, new: NewEvent) -> Result<(), StoreError> {
        let at = Utc::now();
        let row = entity::event::ActiveModel {
            at: Set(at),
            kind: Set(new.kind.as_str().to_owned()),
            project_id: Set(new.project_id.map(|id| id.0)),
            card_id: Set(new.card_id.map(|id| id.0)),
            agent_id: Set(new.agent_id.map(|id| id.0)),
            data: Set(to_json(&new.data)),
            ..Default::default()
        };
        let seq = entity::event::Entity::insert(row).exec(&self.inner).await?.last_insert_id;
        self.appended.push(Event {
            seq,
            at,
            kind: new.kind.as_str().to_owned(),
            project_id: new.project_id,
            card_id: new.card_id,
            agent_id: new.agent_id,
            data: new.data,
        });
        Ok(())
    }

    /// Makes everything durable, then publishes the appended events.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await.map_err(|source| StoreError::Query { doing: "commit", source })?;
        self.store.feed.publish(self.appended);
        Ok(())
    }

    /// The answer that the current request's idempotency key has already had, if any.
    pub async fn replayed<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        let Some(key) = idempotency::current() else { return Ok(None) };
        match entity::idempotency::Entity::find_by_id(key.key).one(&self.inner).await? {
            None => Ok(None),
            Some(row) if row.fingerprint == hex::encode(key.fingerprint) => {
                from_json("idempotency.response", &row.response).map(Some)
            }
            Some(_) => Err(StoreError::KeyReused),
        }
    }

    /// Commits, and remembers `answer` under the current request's idempotency key in the same transaction.
    pub async fn commit_with<T: Serialize>(self, answer: &T) -> Result<(), StoreError> {
        if let Some(key) = idempotency::current() {
            use entity::idempotency::{Column, Entity};
            let forgotten = Utc::now() - KEYS_KEPT;
            Entity::delete_many().filter(Column::CreatedAt.lt(forgotten)).exec(&self.inner).await?;
            let row = entity::idempotency::ActiveModel {
                key: Set(key.key),
                fingerprint: Set(hex::encode(key.fingerprint)),
                response: Set(to_json(answer)),
                created_at: Set(Utc::now()),
            };
            Entity::insert(row).exec_without_returning(&self.inner).await?;
        }
        self.commit().await
    }
}

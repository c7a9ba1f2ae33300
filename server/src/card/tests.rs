//! The order of a column, on a real database.

use slipway_app::model::NewProject;

use super::*;
use crate::{events::EventFilter, project, store::Store};

/// Times that halving takes the largest gap below [`TIGHT`], and some.
const ROUNDS: usize = 64;

#[tokio::test]
async fn cards_put_between_the_same_two_for_ever_keep_their_order_and_every_window_learns_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("t.db")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let found = project::Found { path: "/nowhere".to_owned(), base_branch: "main".to_owned() };
    let project = project::register(&mut tx, NewProject::default(), found, true).await.unwrap();
    let mut ids = Vec::new();
    for title in ["first", "a", "b", "last"] {
        let new = NewCard { project_id: project.id, title: title.to_owned(), body: String::new() };
        ids.push(create(&mut tx, new).await.unwrap().card_id());
    }
    tx.commit().await.unwrap();
    let began = store.feed().last_seq();
    for round in 0..ROUNDS {
        let mut tx = store.begin().await.unwrap();
        let (moved, before) = if round % 2 == 0 { (ids[2], ids[1]) } else { (ids[1], ids[2]) };
        order(&mut tx, moved, Some(before)).await.unwrap();
        tx.commit().await.unwrap();
        let rows = column(Stage::Backlog).order_by_asc(Column::Position).all(store.reader()).await.unwrap();
        let order: Vec<CardId> = rows.iter().map(Row::card_id).collect();
        assert_eq!(order, [ids[0], moved, before, ids[3]], "round {round}");
    }
    let events = store.feed().after(store.reader(), began, EventFilter::default(), 1_000).await.unwrap();
    let told = |id| events.iter().filter(|event| event.card_id == Some(id)).count();
    assert!(told(ids[0]) > 0 && told(ids[3]) > 0, "the first and the last card have new numbers");
}

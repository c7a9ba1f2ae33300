//! Questions to people. They live in the database, so a restart loses none.

use chrono::Utc;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::json;
use slipway_app::model::{AgentId, CardId, NewAnswer, Question, QuestionId, QuestionOption, QuestionState};

use crate::{
    card,
    events::EventKind,
    store::{StoreError, Tx, entity, from_json, known, to_json},
};

pub use entity::question::Model as Row;
use entity::question::{ActiveModel, Column, Entity};

/// Longest free-text answer, in bytes: it goes into a prompt.
const ANSWER_LIMIT: usize = 16 * 1024;

/// What a question is about: decides what its answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A landing that cannot go on by itself.
    Landing,
}

impl Topic {
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Landing => "landing",
        }
    }

    pub fn parse(text: &str) -> Option<Topic> {
        (text == Topic::Landing.as_str()).then_some(Topic::Landing)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("there is no question {0}")]
    NoSuchQuestion(QuestionId),
    #[error("the question is no longer open")]
    NotOpen,
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A question about to be asked.
pub struct NewQuestion {
    pub topic: Topic,
    pub agent: Option<AgentId>,
    /// Markdown.
    pub prompt: String,
    pub options: Vec<QuestionOption>,
    pub default_option: Option<String>,
}

impl Row {
    pub fn into_question(self) -> Result<Question, StoreError> {
        Ok(Question {
            id: QuestionId(self.id),
            card_id: CardId(self.card_id),
            agent_id: self.agent_id.map(AgentId),
            prompt: self.prompt,
            options: from_json("question.options", &self.options)?,
            default_option: self.default_option,
            deadline: self.deadline,
            state: known("question.state", &self.state, QuestionState::parse)?,
            answer: self.answer,
            asked_at: self.asked_at,
            answered_at: self.answered_at,
        })
    }
}

pub async fn ask(tx: &mut Tx<'_>, card: &card::Row, new: NewQuestion) -> Result<Question, StoreError> {
    let row = ActiveModel {
        id: Set(QuestionId::generate().0),
        card_id: Set(card.id),
        agent_id: Set(new.agent.map(|id| id.0)),
        topic: Set(new.topic.as_str().to_owned()),
        prompt: Set(new.prompt),
        options: Set(to_json(&new.options)),
        default_option: Set(new.default_option),
        deadline: Set(None),
        state: Set(QuestionState::Open.as_str().to_owned()),
        answer: Set(None),
        asked_at: Set(Utc::now()),
        answered_at: Set(None),
    };
    let question = row.insert(&**tx).await?.into_question()?;
    let data = json!({ "question_id": question.id, "prompt": question.prompt, "options": question.options });
    tx.append(card.event(EventKind::QuestionAsked, data)).await?;
    Ok(question)
}

/// The open questions of a card, oldest first.
pub async fn open_of_card(connection: &impl ConnectionTrait, card: CardId) -> Result<Vec<Row>, StoreError> {
    let query = Entity::find().filter(Column::CardId.eq(card.0)).filter(Column::State.eq(QuestionState::Open.as_str()));
    Ok(query.order_by_asc(Column::AskedAt).all(connection).await?)
}

/// Puts an answer on record; what it does is the caller's business, by topic.
pub async fn answer(tx: &mut Tx<'_>, id: QuestionId, given: NewAnswer) -> Result<(Question, Topic), AnswerError> {
    let row = Entity::find_by_id(id.0).one(&**tx).await.map_err(StoreError::from)?;
    let row = row.ok_or(AnswerError::NoSuchQuestion(id))?;
    let topic = known("question.topic", &row.topic, Topic::parse)?;
    let question = row.into_question()?;
    if question.state != QuestionState::Open {
        return Err(AnswerError::NotOpen);
    }
    let text = checked_answer(&question, given)?;
    let change = ActiveModel {
        id: Unchanged(id.0),
        state: Set(QuestionState::Answered.as_str().to_owned()),
        answer: Set(Some(text)),
        answered_at: Set(Some(Utc::now())),
        ..Default::default()
    };
    let question = change.update(&**tx).await.map_err(StoreError::from)?.into_question()?;
    let card = card_of(tx, question.card_id).await?;
    let data = json!({ "question_id": question.id, "answer": question.answer });
    tx.append(card.event(EventKind::QuestionAnswered, data)).await?;
    Ok((question, topic))
}

fn checked_answer(question: &Question, given: NewAnswer) -> Result<String, AnswerError> {
    let names = || question.options.iter().map(|option| option.id.as_str()).collect::<Vec<_>>().join(", ");
    match (given.option, given.text) {
        (Some(option), None) if question.options.iter().any(|known| known.id == option) => Ok(option),
        (Some(option), None) => {
            Err(AnswerError::Invalid(format!("{option:?} is none of the options. Choose one of: {}.", names())))
        }
        (None, Some(_)) if !question.options.is_empty() => {
            Err(AnswerError::Invalid(format!("This question takes one of its options: {}.", names())))
        }
        (None, Some(text)) if text.len() <= ANSWER_LIMIT && !text.trim().is_empty() => Ok(text),
        (None, Some(_)) => Err(AnswerError::Invalid(format!("An answer has 1 to {ANSWER_LIMIT} bytes."))),
        _ => Err(AnswerError::Invalid("Give either `option` or `text`.".to_owned())),
    }
}

/// Withdraws what is no longer of interest because the card moves on.
pub async fn withdraw_of_card(tx: &mut Tx<'_>, card: &card::Row) -> Result<(), StoreError> {
    for row in open_of_card(&**tx, card.card_id()).await? {
        let id = QuestionId(row.id);
        let change = ActiveModel {
            id: Unchanged(row.id),
            state: Set(QuestionState::Withdrawn.as_str().to_owned()),
            ..Default::default()
        };
        change.update(&**tx).await?;
        tx.append(card.event(EventKind::QuestionWithdrawn, json!({ "question_id": id }))).await?;
    }
    Ok(())
}

async fn card_of(tx: &Tx<'_>, id: CardId) -> Result<card::Row, AnswerError> {
    card::load(&**tx, id).await.map_err(|error| match error {
        card::LoadError::Store(error) => AnswerError::Store(error),
        card::LoadError::NoSuchCard(id) => {
            AnswerError::Store(StoreError::Corrupt { column: "question.card_id", value: id.to_string() })
        }
    })
}

//! Deletes what answers quote of an erased document: passages, the texts of citations, and sentences of extractive answers.
//!
//! A tombstone stays in place of each: a citation keeps its number and title, so that the answer above it can be read.

use std::collections::BTreeSet;

use domain::{Citation, DocumentId, FinishReason, Passage, TurnId};
use sqlx::AnyConnection;

use crate::decode;
use crate::error::DbError;

/// Stands for a deleted sentence.
const OMISSION: &str = "…";

/// Replaces what answers begun before `erased_at_ms` quote of `document` by tombstones; where it was renamed, they become
/// quotes of the new document instead.
pub(crate) async fn erase_quotes(
    connection: &mut AnyConnection,
    document: DocumentId,
    erased_at_ms: i64,
    moved_to: Option<DocumentId>,
) -> Result<(), DbError> {
    let passages = sqlx::query(
        "SELECT p.turn, p.position, p.passage FROM turn_passages p JOIN turns t ON t.id = p.turn \
         WHERE p.document = $1 AND t.created_at <= $2 ORDER BY p.turn, p.position",
    )
    .bind(document.to_string())
    .bind(erased_at_ms)
    .fetch_all(&mut *connection)
    .await?;
    let mut turns = BTreeSet::new();
    for row in &passages {
        let turn = decode::text(row, "turn")?;
        let mut passage: Passage = decode::json(row, "passage")?;
        match moved_to {
            Some(moved_to) => passage.chunk.document = moved_to,
            None => erase_passage(&mut passage),
        }
        sqlx::query("UPDATE turn_passages SET document = $3, passage = $4 WHERE turn = $1 AND position = $2")
            .bind(turn.as_str())
            .bind(decode::number::<i64>(row, "position")?)
            .bind(passage.chunk.document.to_string())
            .bind(serde_json::to_string(&passage)?)
            .execute(&mut *connection)
            .await?;
        turns.insert(turn);
    }
    for turn in turns {
        erase_turn(connection, &turn, document, moved_to).await?;
    }
    Ok(())
}

async fn erase_turn(
    connection: &mut AnyConnection,
    turn: &str,
    document: DocumentId,
    moved_to: Option<DocumentId>,
) -> Result<(), DbError> {
    let row = sqlx::query("SELECT content, citations, finish_reason FROM turns WHERE id = $1")
        .bind(turn)
        .fetch_one(&mut *connection)
        .await?;
    let mut citations: Vec<Citation> = decode::json(&row, "citations")?;
    let mut content = decode::text(&row, "content")?;
    let is_extractive = decode::optional_word(&row, "finish_reason")? == Some(FinishReason::Extractive);
    for citation in citations.iter_mut().filter(|citation| citation.document == document) {
        match moved_to {
            Some(moved_to) => citation.document = moved_to,
            None => {
                erase_citation(citation);
                if is_extractive {
                    content = without_sentences(&content, citation.number);
                }
            }
        }
    }
    sqlx::query("UPDATE turns SET content = $2, citations = $3 WHERE id = $1")
        .bind(turn)
        .bind(content)
        .bind(serde_json::to_string(&citations)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// What an answer that is about to be stored quotes.
pub(crate) struct Quotes<'a> {
    pub(crate) passages: &'a mut [Passage],
    pub(crate) citations: &'a mut [Citation],
    pub(crate) content: &'a mut String,
    pub(crate) finish_reason: FinishReason,
}

/// Deletes from an answer what it quotes of documents that were deleted after it was begun; quotes of one that was renamed
/// become quotes of the new document. Locks the documents, so that none is deleted before the transaction ends.
pub(crate) async fn erase_late_quotes(
    connection: &mut AnyConnection,
    turn: TurnId,
    mut quotes: Quotes<'_>,
) -> Result<(), DbError> {
    let quoted: BTreeSet<DocumentId> = quotes.passages.iter().map(|passage| passage.chunk.document).collect();
    for document in quoted {
        sqlx::query("UPDATE documents SET id = id WHERE id = $1")
            .bind(document.to_string())
            .execute(&mut *connection)
            .await?;
        let erased = sqlx::query(
            "SELECT e.moved_to FROM erasures e JOIN turns t ON t.id = $2 \
             WHERE e.document = $1 AND e.erased_at >= t.created_at",
        )
        .bind(document.to_string())
        .bind(turn.to_string())
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = erased {
            match decode::optional_id(&row, "moved_to")? {
                Some(moved_to) => quotes.move_to(document, moved_to),
                None => quotes.erase(document),
            }
        }
    }
    Ok(())
}

impl Quotes<'_> {
    fn move_to(&mut self, document: DocumentId, moved_to: DocumentId) {
        for passage in self.passages.iter_mut().filter(|passage| passage.chunk.document == document) {
            passage.chunk.document = moved_to;
        }
        for citation in self.citations.iter_mut().filter(|citation| citation.document == document) {
            citation.document = moved_to;
        }
    }

    fn erase(&mut self, document: DocumentId) {
        for passage in self.passages.iter_mut().filter(|passage| passage.chunk.document == document) {
            erase_passage(passage);
        }
        for citation in self.citations.iter_mut().filter(|citation| citation.document == document) {
            erase_citation(citation);
            if self.finish_reason == FinishReason::Extractive {
                *self.content = without_sentences(self.content, citation.number);
            }
        }
    }
}

fn erase_passage(passage: &mut Passage) {
    let chunk = &mut passage.chunk;
    chunk.text = String::new();
    chunk.heading_path = Vec::new();
    chunk.tags = Vec::new();
    chunk.page = None;
}

fn erase_citation(citation: &mut Citation) {
    citation.text = String::new();
    citation.heading_path = Vec::new();
    citation.page = None;
    citation.deleted = true;
}

/// An extractive answer without the sentences of the passage with this number; the number itself stays.
fn without_sentences(content: &str, number: u32) -> String {
    let mark = format!("[{number}]");
    let mut lines = Vec::new();
    for line in content.lines() {
        match line.strip_prefix("- ").filter(|quote| quote.trim_end().ends_with(&mark)) {
            Some(_) => lines.push(format!("- {OMISSION} {mark}")),
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extractive_answer_keeps_the_sentences_of_other_documents() {
        let content =
            "The documents' own sentences.\n\n- Leave is 15 days. [1]\n- Ask HR [1] first. [2]\n- Late. [11]";
        assert_eq!(
            without_sentences(content, 1),
            "The documents' own sentences.\n\n- … [1]\n- Ask HR [1] first. [2]\n- Late. [11]"
        );
    }
}

//! Finds what tables still hold of a document, for the proof that nothing does.

use domain::{Citation, DocumentId, Passage, WorkspaceId};

use crate::database::Database;
use crate::decode;
use crate::error::DbError;

/// Something of a document in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The table.
    pub table: &'static str,
    /// Number of rows.
    pub rows: u64,
    /// What the rows hold, for people.
    pub holds: &'static str,
}

/// Counts rows about the document `$2` of the workspace `$1`: the table, what its rows hold, and the statement.
const COUNTS: [(&str, &str, &str); 4] = [
    (
        "documents",
        "the document, which is not deleted",
        "SELECT COUNT(*) AS n FROM documents WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL",
    ),
    (
        "versions",
        "versions of the document",
        "SELECT COUNT(*) AS n FROM versions WHERE workspace = $1 AND document = $2",
    ),
    (
        "jobs",
        "messages of its jobs",
        "SELECT COUNT(*) AS n FROM jobs j JOIN documents d ON d.collection = j.collection AND d.source = j.source \
         JOIN erasures e ON e.document = d.id WHERE d.workspace = $1 AND d.id = $2 AND j.created_at <= e.erased_at \
         AND e.moved_to IS NULL AND j.error_message <> 'the document was deleted'",
    ),
    (
        "web_pages",
        "its links as a web page",
        "SELECT COUNT(*) AS n FROM web_pages p JOIN documents d ON d.collection = p.collection AND d.source = p.url \
         WHERE d.workspace = $1 AND d.id = $2",
    ),
];

impl Database {
    /// What the tables still hold of a document: nothing once its deletion is complete.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn traces(&self, workspace: WorkspaceId, document: DocumentId) -> Result<Vec<Trace>, DbError> {
        let mut traces = Vec::new();
        for (table, holds, count) in COUNTS {
            let row = sqlx::query(count)
                .bind(workspace.to_string())
                .bind(document.to_string())
                .fetch_one(&self.reads)
                .await?;
            traces.push(Trace { table, rows: decode::number(&row, "n")?, holds });
        }
        let rows = self.citing_turns(workspace, document).await?;
        traces.push(Trace { table: "turns", rows, holds: "citations with its text" });
        let rows = self.quoting_passages(workspace, document).await?;
        traces.push(Trace { table: "turn_passages", rows, holds: "passages with its text" });
        let rows = self.expected_answers(workspace, document).await?;
        traces.push(Trace { table: "eval_questions", rows, holds: "expected answers that may quote it" });
        traces.retain(|trace| trace.rows > 0);
        Ok(traces)
    }

    async fn citing_turns(&self, workspace: WorkspaceId, document: DocumentId) -> Result<u64, DbError> {
        let rows = sqlx::query(
            "SELECT citations FROM turns WHERE workspace = $1 AND citations LIKE '%' || $2 || '%'",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .fetch_all(&self.reads)
        .await?;
        let mut citing = 0;
        for row in &rows {
            let citations: Vec<Citation> = decode::json(row, "citations")?;
            let cites = |citation: &Citation| citation.document == document && !citation.text.is_empty();
            citing += u64::from(citations.iter().any(cites));
        }
        Ok(citing)
    }

    async fn quoting_passages(&self, workspace: WorkspaceId, document: DocumentId) -> Result<u64, DbError> {
        let rows = sqlx::query("SELECT passage FROM turn_passages WHERE workspace = $1 AND document = $2")
            .bind(workspace.to_string())
            .bind(document.to_string())
            .fetch_all(&self.reads)
            .await?;
        let mut quoting = 0;
        for row in &rows {
            let passage: Passage = decode::json(row, "passage")?;
            quoting += u64::from(!passage.chunk.text.is_empty());
        }
        Ok(quoting)
    }

    async fn expected_answers(&self, workspace: WorkspaceId, document: DocumentId) -> Result<u64, DbError> {
        let rows = sqlx::query(
            "SELECT q.expected, d.source FROM eval_questions q JOIN documents d ON d.collection = q.collection \
             WHERE d.workspace = $1 AND d.id = $2 AND q.answer IS NOT NULL",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .fetch_all(&self.reads)
        .await?;
        let mut expected = 0;
        for row in &rows {
            let sources: Vec<String> = decode::json(row, "expected")?;
            expected += u64::from(sources.contains(&decode::text(row, "source")?));
        }
        Ok(expected)
    }
}

//! Checks everything that an answer needs: database, vector store, embedder, generator, and the workers of jobs.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use domain::with_causes;

use crate::app::App;

/// Maximum time of a check: whoever asks takes silence for an answer as well.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// A part of the service that can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// SQL.
    Database,
    /// The vector store.
    Vectors,
    /// What embeds documents and questions.
    Embedder,
    /// What generates answers.
    Generator,
    /// What works on jobs.
    Workers,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Vectors => "vectors",
            Self::Embedder => "embedder",
            Self::Generator => "generator",
            Self::Workers => "workers",
        })
    }
}

/// A part is not ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct NotReady {
    /// The part.
    pub part: Part,
    /// Why, for the log.
    pub reason: String,
}

impl App {
    /// The parts that are not ready; none when the service can answer. What is opened on first use, and was not used, is
    /// not checked.
    pub async fn parts_not_ready(&self) -> Vec<NotReady> {
        let (vectors, embedder) = match self.opened_knowledge() {
            Some(knowledge) => {
                let index = knowledge.index.current();
                let embedder = index.embedder.check();
                (Some(index), embedder)
            }
            None => (None, Ok(())),
        };
        let ping_vectors = async {
            match &vectors {
                Some(index) => index.vectors.ping().await,
                None => Ok(()),
            }
        };
        let check_generator = async {
            match self.opened_chat() {
                Some(chat) => chat.generator().check().await,
                None => Ok(()),
            }
        };
        let (database, vectors, generator) = tokio::join!(
            checked(Part::Database, self.db.ping()),
            checked(Part::Vectors, ping_vectors),
            checked(Part::Generator, check_generator),
        );
        let embedder = embedder.err().map(|error| not_ready(Part::Embedder, &error));
        [database, vectors, embedder, generator, self.missing_workers()].into_iter().flatten().collect()
    }

    fn missing_workers(&self) -> Option<NotReady> {
        let missing = self.workers.missing();
        (missing > 0).then(|| NotReady {
            part: Part::Workers,
            reason: format!("{missing} of the workers have stopped"),
        })
    }
}

async fn checked<E: std::error::Error + 'static>(
    part: Part,
    check: impl Future<Output = Result<(), E>>,
) -> Option<NotReady> {
    match tokio::time::timeout(CHECK_TIMEOUT, check).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(not_ready(part, &error)),
        Err(_) => Some(NotReady { part, reason: format!("no answer within {} s", CHECK_TIMEOUT.as_secs()) }),
    }
}

fn not_ready(part: Part, error: &(dyn std::error::Error + 'static)) -> NotReady {
    NotReady { part, reason: with_causes(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_fails_names_its_part() {
        let fine = checked(Part::Database, async { Ok::<_, std::io::Error>(()) }).await;
        assert_eq!(fine, None);
        let failed = checked(Part::Generator, async { Err(std::io::Error::other("gone")) }).await;
        assert_eq!(failed, Some(NotReady { part: Part::Generator, reason: "gone".to_owned() }));
    }
}

//! Identifiers: one type per thing, so that a turn's id cannot be passed where a document's is meant.
//!
//! Ids of things that come from a source are *derived* (UUID version 5 of what identifies them),
//! so doing the same work twice writes the same rows and the same vectors. Ids of things that people start
//! (conversations, turns, jobs, indexes) are time-ordered (version 7).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

/// A time-ordered id of something that people start.
macro_rules! new_id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* $name);

        impl $name {
            /// A new id, ordered by time.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

id!(
    /// One tenant.
    WorkspaceId
);
id!(
    /// A set of documents within one workspace.
    CollectionId
);
id!(
    /// One source within one collection.
    DocumentId
);
id!(
    /// One numbered content of a document.
    VersionId
);
id!(
    /// One chunk of one version; also the id of its point in the vector store.
    ChunkId
);
new_id!(
    /// A conversation.
    ConversationId
);
new_id!(
    /// One question or one answer.
    TurnId
);
new_id!(
    /// A unit of background work.
    JobId
);
id!(
    /// A question of a collection's evaluation set.
    EvalQuestionId
);
new_id!(
    /// One run of a collection's evaluation set.
    EvalRunId
);
new_id!(
    /// A vector index; its folder or its Qdrant collection is named after it.
    IndexId
);

new_id!(
    /// A database with the data directory that belongs to it.
    InstallationId
);

impl WorkspaceId {
    /// The workspace that every installation has.
    pub const DEFAULT: Self = Self(Uuid::from_u128(0xdaeda9));
}

impl CollectionId {
    /// The id of the collection called `name`: the same name in the same workspace is the same collection.
    pub fn derive(workspace: WorkspaceId, name: &str) -> Self {
        Self(Uuid::new_v5(&workspace.0, name.as_bytes()))
    }
}

impl DocumentId {
    /// The id of the document at `source` (a path, a URL, a name given by an API caller).
    pub fn derive(collection: CollectionId, source: &str) -> Self {
        Self(Uuid::new_v5(&collection.0, source.as_bytes()))
    }
}

impl VersionId {
    /// The id of version `number` (from 1) of a document.
    pub fn derive(document: DocumentId, number: u32) -> Self {
        Self(Uuid::new_v5(&document.0, &number.to_be_bytes()))
    }
}

impl ChunkId {
    /// The id of the chunk at `position` (from 0) of a version.
    pub fn derive(version: VersionId, position: u32) -> Self {
        Self(Uuid::new_v5(&version.0, &position.to_be_bytes()))
    }
}

impl EvalQuestionId {
    /// The id of `question`, asked after `history`, in the set of a collection. Another wording has another id.
    pub fn derive(collection: CollectionId, history: &[String], question: &str) -> Self {
        // No stored text contains a NUL.
        let name = history.iter().map(String::as_str).chain([question]).collect::<Vec<_>>().join("\0");
        Self(Uuid::new_v5(&collection.0, name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_depend_on_every_part() {
        let handbook = CollectionId::derive(WorkspaceId::DEFAULT, "handbook");
        let manual = CollectionId::derive(WorkspaceId::DEFAULT, "manual");
        let in_handbook = DocumentId::derive(handbook, "leave.md");
        let in_manual = DocumentId::derive(manual, "leave.md");
        assert_ne!(in_handbook, in_manual);
        assert_eq!(in_handbook, DocumentId::derive(handbook, "leave.md"));
        assert_ne!(VersionId::derive(in_handbook, 1), VersionId::derive(in_handbook, 2));
    }
}

//! The vector store on a Qdrant server or cluster, over gRPC. The only place that knows qdrant-client.
//!
//! One Qdrant collection holds everything: tenants are told apart by a payload index made for that, as Qdrant
//! advises, not by a collection each. The embedding space is kept in the collection's metadata, which Qdrant has
//! since version 1.16; an older server is refused, because without the space a wrong model would go unnoticed.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    ChunkPoint, EmbeddingSpace, Scope, ScoredChunk, Selection, SparseVector, VectorStore, VectorStoreError,
};
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, Filter, KeywordIndexParamsBuilder, Modifier, NamedVectors,
    PointStruct, QueryPointsBuilder, SparseVectorParamsBuilder, SparseVectorsConfigBuilder,
    UpsertPointsBuilder, Value, Vector, VectorInput, VectorParamsBuilder, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};

use super::{DENSE, SPARSE, describe, in_order, payload};

/// Longest wait for any answer; a large removal waits until it is done.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of one upsert, about: gRPC servers refuse messages of more than some tens of megabytes.
const UPSERT_BYTES: usize = 4 << 20;

/// Key of the collection's metadata under which the space is kept, as JSON.
const SPACE_KEY: &str = "daedap_embedding_space";

/// Where the server is.
#[derive(Clone)]
pub struct QdrantOptions {
    /// Its gRPC address, such as `http://localhost:6334`.
    pub url: String,
    /// Its API key, where it wants one.
    pub api_key: Option<String>,
    /// Name of the Qdrant collection that holds all chunks; it is made when absent.
    pub collection: String,
}

/// A vector store on a Qdrant server.
pub struct QdrantStore {
    client: Qdrant,
    collection: String,
    dimensions: usize,
}

impl QdrantStore {
    /// Connects, and makes the collection with its indexes where it is absent.
    ///
    /// # Errors
    /// `Unavailable` where the server does not answer, `SpaceMismatch` where its vectors are of another space,
    /// `Failed` where the collection is not ours or the server is too old.
    pub async fn connect(options: QdrantOptions, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let client = client(&options)?;
        let store = Self { client, collection: options.collection, dimensions: space.dimensions };
        if !store.client.collection_exists(&store.collection).await.map_err(mapped)? {
            store.make(space).await?;
        }
        store.check_space(space).await?;
        store.index_fields().await?;
        Ok(store)
    }

    /// Whether the collection is there, whatever is in it.
    ///
    /// # Errors
    /// `Unavailable` where the server does not answer.
    pub async fn exists(options: &QdrantOptions) -> Result<bool, VectorStoreError> {
        client(options)?.collection_exists(&options.collection).await.map_err(mapped)
    }

    /// Removes the collection, whatever is in it. None there is no error.
    ///
    /// # Errors
    /// `Unavailable` where the server does not answer.
    pub async fn destroy(options: &QdrantOptions) -> Result<(), VectorStoreError> {
        client(options)?.delete_collection(&options.collection).await.map(drop).map_err(mapped)
    }

    async fn make(&self, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
        let mut dense = VectorsConfigBuilder::default();
        dense.add_named_vector_params(
            DENSE,
            VectorParamsBuilder::new(space.dimensions as u64, Distance::Cosine),
        );
        let mut sparse = SparseVectorsConfigBuilder::default();
        sparse.add_named_vector_params(SPARSE, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
        let label =
            serde_json::to_value(space).map_err(|error| VectorStoreError::Failed(error.to_string()))?;
        let made = self
            .client
            .create_collection(
                CreateCollectionBuilder::new(&self.collection)
                    .vectors_config(dense)
                    .sparse_vectors_config(sparse)
                    .metadata(HashMap::from([(SPACE_KEY.to_owned(), label)])),
            )
            .await;
        match made {
            // Another process was faster; its space is checked like any other.
            Err(error) if code(&error) == Some(Code::ALREADY_EXISTS) => Ok(()),
            other => other.map(drop).map_err(mapped),
        }
    }

    async fn check_space(&self, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
        let info = self.client.collection_info(&self.collection).await.map_err(mapped)?;
        let label =
            info.result.and_then(|info| info.config).and_then(|mut config| config.metadata.remove(SPACE_KEY));
        let Some(label) = label else {
            return Err(VectorStoreError::Failed(format!(
                "the Qdrant collection {:?} does not say which embedding space it holds: either it is not daedap's, \
                 or the server is older than 1.16",
                self.collection
            )));
        };
        let found: EmbeddingSpace = serde_json::from_value(label.into())
            .map_err(|error| VectorStoreError::Failed(format!("the collection's {SPACE_KEY}: {error}")))?;
        if found == *space {
            return Ok(());
        }
        Err(VectorStoreError::SpaceMismatch { expected: describe(space), found: describe(&found) })
    }

    /// Makes the payload indexes; the server ignores those it has.
    async fn index_fields(&self) -> Result<(), VectorStoreError> {
        for field in payload::INDEXED_FIELDS {
            let params = KeywordIndexParamsBuilder::default().is_tenant(field == payload::TENANT_FIELD);
            let request = CreateFieldIndexCollectionBuilder::new(&self.collection, field, FieldType::Keyword)
                .field_index_params(params)
                .wait(true);
            self.client.create_field_index(request).await.map_err(mapped)?;
        }
        Ok(())
    }

    async fn search(
        &self,
        scope: &Scope,
        (query, using): (VectorInput, &str),
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        if limit == 0 || scope.collections.is_empty() {
            return Ok(Vec::new());
        }
        let request = QueryPointsBuilder::new(&self.collection)
            .query(query)
            .using(using)
            .filter(filter(payload::of_scope(scope)))
            .limit(limit as u64)
            .with_payload(true);
        let response = self.client.query(request).await.map_err(mapped)?;
        let chunks = response.result.into_iter().map(|hit| {
            let payload = serde_json::Map::from(Payload::from(hit.payload));
            Ok(ScoredChunk { chunk: payload::to_chunk(payload)?, score: hit.score })
        });
        Ok(in_order(chunks.collect::<Result<_, VectorStoreError>>()?))
    }

    fn check_length(&self, vector: &[f32]) -> Result<(), VectorStoreError> {
        if vector.len() == self.dimensions {
            return Ok(());
        }
        Err(VectorStoreError::Failed(format!(
            "a vector of {} values in a space of {}",
            vector.len(),
            self.dimensions
        )))
    }

    fn stored(&self, point: ChunkPoint) -> Result<PointStruct, VectorStoreError> {
        let mut vectors = NamedVectors::default();
        if let Some(dense) = point.dense {
            self.check_length(&dense)?;
            vectors = vectors.add_vector(DENSE, dense);
        }
        if !point.sparse.is_empty() {
            vectors =
                vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices, point.sparse.values));
        }
        let payload: HashMap<String, Value> = Payload::from(payload::of_chunk(&point.chunk)?).into();
        Ok(PointStruct::new(point.chunk.id.to_string(), vectors, payload))
    }
}

#[async_trait]
impl VectorStore for QdrantStore {
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError> {
        let mut points = points.into_iter().peekable();
        while points.peek().is_some() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            while bytes < UPSERT_BYTES
                && let Some(point) = points.next()
            {
                bytes += size_bytes(&point);
                batch.push(self.stored(point)?);
            }
            // The server answers a waiting upsert once it is in its log and applied.
            let request = UpsertPointsBuilder::new(&self.collection, batch).wait(true);
            self.client.upsert_points(request).await.map_err(mapped)?;
        }
        Ok(())
    }

    async fn search_dense(
        &self,
        scope: &Scope,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        self.check_length(query)?;
        self.search(scope, (VectorInput::new_dense(query.to_vec()), DENSE), limit).await
    }

    async fn search_sparse(
        &self,
        scope: &Scope,
        query: &SparseVector,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let query = VectorInput::new_sparse(query.indices.clone(), query.values.clone());
        self.search(scope, (query, SPARSE), limit).await
    }

    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError> {
        let request = DeletePointsBuilder::new(&self.collection)
            .points(filter(payload::of_selection(selection)))
            .wait(true);
        self.client.delete_points(request).await.map(drop).map_err(mapped)
    }

    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError> {
        let request = CountPointsBuilder::new(&self.collection)
            .filter(filter(payload::of_selection(selection)))
            .exact(true);
        let response = self.client.count(request).await.map_err(mapped)?;
        Ok(response.result.map_or(0, |result| result.count))
    }
}

fn client(options: &QdrantOptions) -> Result<Qdrant, VectorStoreError> {
    Qdrant::from_url(&options.url)
        .api_key(options.api_key.clone())
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // It prints to standard output, which belongs to `--json`.
        .skip_compatibility_check()
        .build()
        .map_err(mapped)
}

/// Size of a point in a message, about.
fn size_bytes(point: &ChunkPoint) -> usize {
    let dense = point.dense.as_ref().map_or(0, |vector| vector.len() * 4);
    dense + point.sparse.indices.len() * 8 + point.chunk.text.len() + 1_000
}

fn filter(conditions: Vec<payload::Condition>) -> Filter {
    Filter::must(
        conditions.into_iter().map(|condition| Condition::matches(condition.field, condition.any_of)),
    )
}

/// The gRPC status codes that callers can do something about.
struct Code;

impl Code {
    const UNKNOWN: i32 = 2;
    const DEADLINE_EXCEEDED: i32 = 4;
    const ALREADY_EXISTS: i32 = 6;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const INTERNAL: i32 = 13;
    const UNAVAILABLE: i32 = 14;
}

fn code(error: &QdrantError) -> Option<i32> {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            Some(status.code() as i32)
        }
        _ => None,
    }
}

fn mapped(error: QdrantError) -> VectorStoreError {
    let is_temporary = match code(&error) {
        Some(Code::DEADLINE_EXCEEDED | Code::RESOURCE_EXHAUSTED | Code::UNAVAILABLE) => true,
        // The client reports a connection that cannot be made, or breaks, under these codes.
        Some(Code::UNKNOWN | Code::INTERNAL) => error.to_string().contains("transport"),
        Some(_) => false,
        None => matches!(error, QdrantError::Io(_)),
    };
    let message = match error {
        QdrantError::ResponseError { status } => status.message().to_owned(),
        other => other.to_string(),
    };
    if is_temporary { VectorStoreError::Unavailable(message) } else { VectorStoreError::Failed(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> EmbeddingSpace {
        EmbeddingSpace {
            model: "one".to_owned(),
            dimensions: 4,
            query_prefix: String::new(),
            passage_prefix: String::new(),
        }
    }

    async fn connect_error(url: &str) -> VectorStoreError {
        let options = QdrantOptions { url: url.to_owned(), api_key: None, collection: "daedap".to_owned() };
        QdrantStore::connect(options, &space()).await.err().expect("there is no server")
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        // A port that was free a moment ago, and that nobody listens on now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = connect_error(&format!("http://127.0.0.1:{port}")).await;
        assert!(matches!(error, VectorStoreError::Unavailable(_)), "{error}");
    }

    #[tokio::test]
    async fn an_address_that_is_none_fails() {
        let error = connect_error("not an address").await;
        assert!(matches!(error, VectorStoreError::Failed(_)), "{error}");
    }
}

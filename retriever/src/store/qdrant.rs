//! The vector store on a Qdrant server or cluster, over gRPC. The only place that knows qdrant-client.
//!
//! One Qdrant collection holds everything: tenants are told apart by a payload index made for that, as Qdrant
//! advises, not by a collection each. The embedding space is kept in the collection's metadata, which Qdrant has
//! since version 1.16; an older server is refused, because without the space a wrong model would go unnoticed. Beside
//! it is the format of the points: those of another format lack fields that searches are filtered by.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, EmbeddingSpace, Scope, ScoredChunk, Selection, SparseVector, VectorStore,
    VectorStoreError,
};
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, Filter, IntegerIndexParamsBuilder, KeywordIndexParamsBuilder,
    Modifier, NamedVectors, PointId, PointStruct, QuantizationType, QueryBatchPointsBuilder,
    QueryPointsBuilder, Range, RetrievedPoint, ScalarQuantizationBuilder, ScrollPointsBuilder,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Value, Vector, VectorInput,
    VectorParamsBuilder, VectorsConfigBuilder, VectorsSelector, vector_output,
};
use qdrant_client::{Payload, Qdrant, QdrantError};

use super::{DENSE, FORMAT, SPARSE, describe, following, in_order, other_format, payload, rarities};

/// Longest wait for any answer; a large removal waits until it is done.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of one upsert, about: gRPC servers refuse messages of more than some tens of megabytes.
const UPSERT_BYTES: usize = 4 << 20;

/// Key of the collection's metadata under which the space is kept, as JSON.
const SPACE_KEY: &str = "daedap_embedding_space";

/// Key under which the format of the points is kept. Format 1 had no number yet.
const FORMAT_KEY: &str = "daedap_format";

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
    /// `Failed` where the collection is not ours, its points have another format, or the server is too old.
    pub async fn connect(options: QdrantOptions, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let client = client(&options)?;
        let store = Self { client, collection: options.collection, dimensions: space.dimensions };
        if !store.client.collection_exists(&store.collection).await.map_err(mapped)? {
            store.make(space).await?;
        }
        store.check_label(space).await?;
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
            VectorParamsBuilder::new(space.dimensions as u64, Distance::Cosine).on_disk(true),
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
                    // A million chunks of 384 dimensions are 0.4 GB of bytes in memory instead of 1.5 GB of floats. The
                    // best by bytes are scored again by the floats on the disk, so scores stay exact.
                    .quantization_config(
                        ScalarQuantizationBuilder::default()
                            .r#type(QuantizationType::Int8.into())
                            .always_ram(true),
                    )
                    .on_disk_payload(true)
                    .sparse_vectors_config(sparse)
                    .metadata(HashMap::from([
                        (SPACE_KEY.to_owned(), label),
                        (FORMAT_KEY.to_owned(), FORMAT.into()),
                    ])),
            )
            .await;
        match made {
            // Another process was faster; its label is checked like any other.
            Err(error) if code(&error) == Some(Code::ALREADY_EXISTS) => Ok(()),
            other => other.map(drop).map_err(mapped),
        }
    }

    async fn check_label(&self, space: &EmbeddingSpace) -> Result<(), VectorStoreError> {
        let info = self.client.collection_info(&self.collection).await.map_err(mapped)?;
        let label = info.result.and_then(|info| info.config).map(|config| config.metadata);
        check_label(&self.collection, label.unwrap_or_default(), space)
    }

    /// Makes the payload indexes; the server ignores those it has.
    async fn index_fields(&self) -> Result<(), VectorStoreError> {
        for field in payload::INDEXED_WORDS {
            let params = KeywordIndexParamsBuilder::default().is_tenant(field == payload::TENANT_FIELD);
            let request = CreateFieldIndexCollectionBuilder::new(&self.collection, field, FieldType::Keyword)
                .field_index_params(params)
                .wait(true);
            self.client.create_field_index(request).await.map_err(mapped)?;
        }
        let (lookup, range) = (false, true);
        let request =
            CreateFieldIndexCollectionBuilder::new(&self.collection, payload::DATE_FIELD, FieldType::Integer)
                .field_index_params(IntegerIndexParamsBuilder::new(lookup, range))
                .wait(true);
        self.client.create_field_index(request).await.map(drop).map_err(mapped)
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

    async fn idf(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError> {
        let info = self.client.collection_info(&self.collection).await.map_err(mapped)?;
        let points = info.result.and_then(|info| info.points_count).unwrap_or_default();
        let queries = terms.iter().map(|term| {
            QueryPointsBuilder::new(&self.collection)
                .query(VectorInput::new_sparse(vec![*term], vec![1.0_f32]))
                .using(SPARSE)
                .limit(1_u64)
                .with_payload(false)
                .with_vectors(VectorsSelector { names: vec![SPARSE.to_owned()] })
                .build()
        });
        let request = QueryBatchPointsBuilder::new(&self.collection, queries.collect::<Vec<_>>());
        let response = self.client.query_batch(request).await.map_err(mapped)?;
        if response.result.len() != terms.len() {
            let answers = response.result.len();
            return Err(VectorStoreError::Failed(format!("{answers} answers to {} queries", terms.len())));
        }
        let found = response.result.into_iter().zip(terms).map(|(answer, term)| {
            let best = answer.result.into_iter().next()?;
            let vector_output::Vector::Sparse(weights) = best.vectors?.get_vector_by_name(SPARSE)? else {
                return None;
            };
            let at = weights.indices.iter().position(|index| index == term)?;
            Some((best.score, *weights.values.get(at)?))
        });
        Ok(rarities(found, points as usize))
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

    async fn points(
        &self,
        selection: Selection,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<ChunkPoint>, VectorStoreError> {
        let mut request = ScrollPointsBuilder::new(&self.collection)
            .filter(filter(payload::of_selection(selection)))
            // It begins with the one that is named.
            .limit(u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(u32::from(after.is_some())))
            .with_payload(true)
            .with_vectors(true);
        if let Some(after) = after {
            request = request.offset(PointId::from(after.to_string()));
        }
        let response = self.client.scroll(request).await.map_err(mapped)?;
        following(response.result.into_iter().map(read_back), after, limit)
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

fn read_back(point: RetrievedPoint) -> Result<ChunkPoint, VectorStoreError> {
    let chunk = payload::to_chunk(serde_json::Map::from(Payload::from(point.payload)))?;
    let vector = |name| point.vectors.as_ref().and_then(|vectors| vectors.get_vector_by_name(name));
    let dense = match vector(DENSE) {
        Some(vector_output::Vector::Dense(dense)) => Some(dense.data),
        _ => None,
    };
    let sparse = match vector(SPARSE) {
        Some(vector_output::Vector::Sparse(terms)) => {
            SparseVector { indices: terms.indices, values: terms.values }
        }
        _ => SparseVector::default(),
    };
    Ok(ChunkPoint { chunk, dense, sparse })
}

/// Size of a point in a message, about.
fn size_bytes(point: &ChunkPoint) -> usize {
    let dense = point.dense.as_ref().map_or(0, |vector| vector.len() * 4);
    dense + point.sparse.indices.len() * 8 + point.chunk.text.len() + 1_000
}

/// Whether a collection with this metadata holds points as this version writes them.
fn check_label(
    collection: &str,
    mut label: HashMap<String, Value>,
    space: &EmbeddingSpace,
) -> Result<(), VectorStoreError> {
    let Some(found) = label.remove(SPACE_KEY) else {
        return Err(VectorStoreError::Failed(format!(
            "the Qdrant collection {collection:?} does not say which embedding space it holds: either it is not \
             daedap's, or the server is older than 1.16"
        )));
    };
    let format = label.remove(FORMAT_KEY).and_then(|format| format.as_integer()).unwrap_or(1);
    if format != i64::from(FORMAT) {
        return Err(VectorStoreError::Failed(format!(
            "the Qdrant collection {collection:?} cannot be read ({}); run `daedap reindex` to build it again",
            other_format(format)
        )));
    }
    let found: EmbeddingSpace = serde_json::from_value(found.into())
        .map_err(|error| VectorStoreError::Failed(format!("the collection's {SPACE_KEY}: {error}")))?;
    if found == *space {
        return Ok(());
    }
    Err(VectorStoreError::SpaceMismatch { expected: describe(space), found: describe(&found) })
}

fn filter(conditions: Vec<payload::Condition>) -> Filter {
    Filter::must(conditions.into_iter().map(|condition| match condition {
        payload::Condition::AnyOf(field, values) => Condition::matches(field, values),
        payload::Condition::Between { field, from, until } => {
            Condition::range(field, Range { gte: from, lt: until, ..Range::default() })
        }
    }))
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

    #[test]
    fn only_a_collection_of_this_format_and_space_is_taken() {
        let check = |label: Vec<(&str, serde_json::Value)>| {
            let label = label.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
            check_label("daedap", label.collect(), &space())
        };
        let ours = || serde_json::to_value(space()).unwrap();
        assert!(check(vec![(SPACE_KEY, ours()), (FORMAT_KEY, FORMAT.into())]).is_ok());
        let of_format_1 = check(vec![(SPACE_KEY, ours())]).unwrap_err().to_string();
        assert!(
            of_format_1.contains("format is 1") && of_format_1.contains("daedap reindex"),
            "{of_format_1}"
        );
        let newer = check(vec![(SPACE_KEY, ours()), (FORMAT_KEY, 99.into())]).unwrap_err().to_string();
        assert!(newer.contains("format is 99"), "{newer}");
        let other = serde_json::to_value(EmbeddingSpace { dimensions: 8, ..space() }).unwrap();
        let other = check(vec![(SPACE_KEY, other), (FORMAT_KEY, FORMAT.into())]).unwrap_err();
        assert!(matches!(other, VectorStoreError::SpaceMismatch { .. }), "{other}");
        let nobody = check(Vec::new()).unwrap_err().to_string();
        assert!(nobody.contains("not daedap's"), "{nobody}");
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

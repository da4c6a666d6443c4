//! Implements the vector store port on a Qdrant collection.

use async_trait::async_trait;
use domain::{
    ChunkId, ChunkPoint, EmbeddingSpace, Scope, ScoredChunk, Selection, SparseVector, VectorStore,
    VectorStoreError,
};
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    CountPointsBuilder, DeletePointsBuilder, PointId, QueryBatchPointsBuilder, QueryPointsBuilder,
    ScrollPointsBuilder, UpsertPointsBuilder, VectorInput, VectorsSelector,
};

use super::client::{QdrantOptions, connect};
use super::collection::{check_label, create, index_fields};
use super::convert::{from_hit, from_point, size_bytes, to_filter, to_point, to_term_hit};
use super::error::map_error;
use crate::store::layout::{DENSE, SPARSE, check_dimensions};
use crate::store::results::{page_after, sorted};
use crate::store::{idf, payload};

/// Approximate size of one upsert: gRPC servers refuse messages of more than some tens of megabytes.
const TARGET_UPSERT_BYTES: usize = 4 << 20;

/// A vector store on a Qdrant server.
pub struct QdrantStore {
    client: Qdrant,
    collection: String,
    dimensions: usize,
}

impl QdrantStore {
    /// Connects, and creates the collection with its indexes if it is absent.
    ///
    /// # Errors
    /// `Unavailable` if the server does not answer, `SpaceMismatch` if its vectors are of another space, `Failed` if the
    /// collection is not daedap's, its points have another format, or the server is too old.
    pub async fn connect(options: QdrantOptions, space: &EmbeddingSpace) -> Result<Self, VectorStoreError> {
        let client = connect(&options)?;
        let collection = options.collection;
        if !client.collection_exists(&collection).await.map_err(map_error)? {
            create(&client, &collection, space).await?;
        }
        check_label(&client, &collection, space).await?;
        index_fields(&client, &collection).await?;
        Ok(Self { client, collection, dimensions: space.dimensions })
    }

    /// Whether the collection exists, whatever it contains.
    ///
    /// # Errors
    /// `Unavailable` if the server does not answer.
    pub async fn exists(options: &QdrantOptions) -> Result<bool, VectorStoreError> {
        connect(options)?.collection_exists(&options.collection).await.map_err(map_error)
    }

    /// Removes the collection, whatever it contains. An absent one is no error.
    ///
    /// # Errors
    /// `Unavailable` if the server does not answer.
    pub async fn destroy(options: &QdrantOptions) -> Result<(), VectorStoreError> {
        connect(options)?.delete_collection(&options.collection).await.map(drop).map_err(map_error)
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
            .filter(to_filter(payload::of_scope(scope)))
            .limit(limit as u64)
            .with_payload(true);
        let response = self.client.query(request).await.map_err(map_error)?;
        Ok(sorted(response.result.into_iter().map(from_hit).collect::<Result<_, _>>()?))
    }
}

#[async_trait]
impl VectorStore for QdrantStore {
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError> {
        let mut points = points.into_iter().peekable();
        while points.peek().is_some() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            while bytes < TARGET_UPSERT_BYTES
                && let Some(point) = points.next()
            {
                bytes += size_bytes(&point);
                batch.push(to_point(point, self.dimensions)?);
            }
            // The server answers a waiting upsert once it is logged and applied.
            let request = UpsertPointsBuilder::new(&self.collection, batch).wait(true);
            self.client.upsert_points(request).await.map_err(map_error)?;
        }
        Ok(())
    }

    async fn search_dense(
        &self,
        scope: &Scope,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError> {
        check_dimensions(query, self.dimensions)?;
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
        let info = self.client.collection_info(&self.collection).await.map_err(map_error)?;
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
        let response = self.client.query_batch(request).await.map_err(map_error)?;
        if response.result.len() != terms.len() {
            let count = response.result.len();
            let reason = format!("the server sent {count} results for {} queries", terms.len());
            return Err(VectorStoreError::Failed(reason.into()));
        }
        let hits = response.result.into_iter().zip(terms).map(|(result, term)| {
            let best = result.result.into_iter().next()?;
            to_term_hit(best, *term)
        });
        Ok(idf::from_hits(hits, points as usize))
    }

    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError> {
        let request = DeletePointsBuilder::new(&self.collection)
            .points(to_filter(payload::of_selection(selection)))
            .wait(true);
        self.client.delete_points(request).await.map(drop).map_err(map_error)
    }

    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError> {
        let request = CountPointsBuilder::new(&self.collection)
            .filter(to_filter(payload::of_selection(selection)))
            .exact(true);
        let response = self.client.count(request).await.map_err(map_error)?;
        Ok(response.result.map_or(0, |result| result.count))
    }

    async fn ping(&self) -> Result<(), VectorStoreError> {
        self.client.collection_info(&self.collection).await.map(drop).map_err(map_error)
    }

    async fn points(
        &self,
        selection: Selection,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<ChunkPoint>, VectorStoreError> {
        let mut request = ScrollPointsBuilder::new(&self.collection)
            .filter(to_filter(payload::of_selection(selection)))
            // The page begins with the point at the offset.
            .limit(u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(u32::from(after.is_some())))
            .with_payload(true)
            .with_vectors(true);
        if let Some(after) = after {
            request = request.offset(PointId::from(after.to_string()));
        }
        let response = self.client.scroll(request).await.map_err(map_error)?;
        page_after(response.result.into_iter().map(from_point), after, limit)
    }
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
    async fn an_absent_server_is_unavailable() {
        // A port that was just free: nobody listens on it.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = connect_error(&format!("http://127.0.0.1:{port}")).await;
        assert!(matches!(error, VectorStoreError::Unavailable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn an_invalid_url_fails() {
        let error = connect_error("not an address").await;
        assert!(matches!(error, VectorStoreError::Failed(_)), "{error:?}");
    }
}

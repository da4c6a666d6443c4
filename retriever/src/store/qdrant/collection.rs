//! Creates the Qdrant collection with its payload indexes, and checks its label.

use std::collections::HashMap;

use domain::{Cause, EmbeddingSpace, VectorStoreError};
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, FieldType,
    IntegerIndexParamsBuilder, KeywordIndexParamsBuilder, Modifier, QuantizationType,
    ScalarQuantizationBuilder, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, Value,
    VectorParamsBuilder, VectorsConfigBuilder,
};

use super::error::{is_already_there, map_error};
use crate::store::layout::{DENSE, FORMAT, SPARSE, format_mismatch, space_mismatch};
use crate::store::payload::{DATE_FIELD, INDEXED_WORDS, TENANT_FIELD};

/// Key of the collection's metadata that stores the space, as JSON.
const SPACE_KEY: &str = "daedap_embedding_space";

/// Key of the collection's metadata that stores the format of the points; format 1 did not set it.
const FORMAT_KEY: &str = "daedap_format";

/// Creates the collection `name` for vectors of `space`.
pub(super) async fn create(
    client: &Qdrant,
    name: &str,
    space: &EmbeddingSpace,
) -> Result<(), VectorStoreError> {
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params(
        DENSE,
        VectorParamsBuilder::new(space.dimensions as u64, Distance::Cosine).on_disk(true),
    );
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params(SPARSE, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
    let label = serde_json::to_value(space).map_err(|error| VectorStoreError::Failed(error.into()))?;
    let created = client
        .create_collection(
            CreateCollectionBuilder::new(name)
                .vectors_config(dense)
                // A million chunks of 384 dimensions take 0.4 GB as bytes in memory instead of 1.5 GB as floats. The
                // best ones are scored again by the floats on disk, so scores stay exact.
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
    match created {
        // Another process created it first; its label is checked like any other.
        Err(error) if is_already_there(&error) => Ok(()),
        other => other.map(drop).map_err(map_error),
    }
}

/// Creates the payload indexes; the server ignores existing ones.
pub(super) async fn index_fields(client: &Qdrant, name: &str) -> Result<(), VectorStoreError> {
    for field in INDEXED_WORDS {
        let params = KeywordIndexParamsBuilder::default().is_tenant(field == TENANT_FIELD);
        let request = CreateFieldIndexCollectionBuilder::new(name, field, FieldType::Keyword)
            .field_index_params(params)
            .wait(true);
        client.create_field_index(request).await.map_err(map_error)?;
    }
    let (lookup, range) = (false, true);
    let request = CreateFieldIndexCollectionBuilder::new(name, DATE_FIELD, FieldType::Integer)
        .field_index_params(IntegerIndexParamsBuilder::new(lookup, range))
        .wait(true);
    client.create_field_index(request).await.map(drop).map_err(map_error)
}

/// Checks that the collection holds points of this format and of `space`.
pub(super) async fn check_label(
    client: &Qdrant,
    name: &str,
    space: &EmbeddingSpace,
) -> Result<(), VectorStoreError> {
    let info = client.collection_info(name).await.map_err(map_error)?;
    let metadata = info.result.and_then(|info| info.config).map(|config| config.metadata);
    check_metadata(name, metadata.unwrap_or_default(), space)
}

fn check_metadata(
    collection: &str,
    mut metadata: HashMap<String, Value>,
    space: &EmbeddingSpace,
) -> Result<(), VectorStoreError> {
    let Some(found) = metadata.remove(SPACE_KEY) else {
        let reason = format!(
            "the Qdrant collection `{collection}` does not name its embedding space: it is not daedap's, or the server \
             is older than 1.16"
        );
        return Err(VectorStoreError::Failed(reason.into()));
    };
    let format = metadata.remove(FORMAT_KEY).and_then(|format| format.as_integer()).unwrap_or(1);
    if format != i64::from(FORMAT) {
        let reason = format!(
            "cannot read the Qdrant collection `{collection}` ({}); run `daedap reindex` to rebuild it",
            format_mismatch(format)
        );
        return Err(VectorStoreError::Failed(reason.into()));
    }
    let found: EmbeddingSpace = serde_json::from_value(found.into()).map_err(|error| {
        let context = format!("invalid `{SPACE_KEY}` in the metadata of the Qdrant collection");
        VectorStoreError::Failed(Cause::with_context(context, error))
    })?;
    if found == *space {
        return Ok(());
    }
    Err(space_mismatch(space, &found))
}

#[cfg(test)]
mod tests {
    use domain::with_causes;

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
            check_metadata("daedap", label.collect(), &space())
        };
        let ours = || serde_json::to_value(space()).unwrap();
        assert!(check(vec![(SPACE_KEY, ours()), (FORMAT_KEY, FORMAT.into())]).is_ok());
        let of_format_1 = with_causes(&check(vec![(SPACE_KEY, ours())]).unwrap_err());
        assert!(
            of_format_1.contains("format is 1") && of_format_1.contains("daedap reindex"),
            "{of_format_1}"
        );
        let newer = with_causes(&check(vec![(SPACE_KEY, ours()), (FORMAT_KEY, 99.into())]).unwrap_err());
        assert!(newer.contains("format is 99"), "{newer}");
        let other = serde_json::to_value(EmbeddingSpace { dimensions: 8, ..space() }).unwrap();
        let other = check(vec![(SPACE_KEY, other), (FORMAT_KEY, FORMAT.into())]).unwrap_err();
        assert!(matches!(other, VectorStoreError::SpaceMismatch { .. }), "{other}");
        let nobody = with_causes(&check(Vec::new()).unwrap_err());
        assert!(nobody.contains("not daedap's"), "{nobody}");
    }
}

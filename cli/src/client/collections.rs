//! Collections by their names.

use anyhow::{Result, anyhow};
use domain::CollectionId;
use web::api::collections::{Collection, CollectionChange, CollectionList, NewCollection, Visibility};

use super::connection::Client;
use crate::messages::message;

impl Client {
    /// The collection of that name, which must exist.
    pub(crate) async fn collection(&self, name: &str) -> Result<CollectionId> {
        let CollectionList { collections } = self.get("/collections").await?;
        let found = collections.into_iter().find(|collection| collection.name == name);
        Ok(found.ok_or_else(|| anyhow!(message!("cli-no-collection", name = name)))?.id)
    }

    /// The collections to search: the named one, which must exist, or none, which means all.
    pub(crate) async fn scope(&self, name: Option<&str>) -> Result<Vec<CollectionId>> {
        match name {
            Some(name) => Ok(vec![self.collection(name).await?]),
            None => Ok(Vec::new()),
        }
    }

    /// The collection of that name, created if it does not exist.
    pub(crate) async fn ensure_collection(&self, name: &str) -> Result<CollectionId> {
        let new = NewCollection { name: name.to_owned(), visibility: Visibility::Private };
        Ok(self.post::<Collection>("/collections", &new).await?.id)
    }

    /// Sets the evidence threshold of a collection; `None` is the default.
    pub(crate) async fn set_evidence_threshold(
        &self,
        collection: CollectionId,
        threshold: Option<f64>,
    ) -> Result<Collection> {
        let change = CollectionChange { evidence_threshold: Some(threshold) };
        self.patch(&format!("/collections/{collection}"), &change).await
    }
}

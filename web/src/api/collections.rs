//! Collections: documents that are searched together.

use domain::CollectionId;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A set of documents that are searched together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// Follows from the name: the same name is the same collection.
    #[schema(value_type = Uuid)]
    pub id: CollectionId,
    /// Unique.
    pub name: String,
    /// Who may search it.
    pub visibility: Visibility,
    /// Questions with less evidence than this, 0 to 1, are declined; `null`: the service's default.
    #[schema(required = true)]
    pub evidence_threshold: Option<f64>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Who may search a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Visitors without a key, through a widget.
    Public,
    /// Members of the workspace.
    Private,
}

/// All collections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CollectionList {
    /// The collections, by name.
    pub collections: Vec<Collection>,
}

/// A collection to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// 1 to 100 printable characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Who may search it.
    #[serde(default = "private")]
    #[schema(default = private)]
    pub visibility: Visibility,
}

fn private() -> Visibility {
    Visibility::Private
}

/// Changes of a collection; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionChange {
    /// Questions with less evidence than this, 0 to 1, are declined; `null`: the service's default.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, minimum = 0.0, maximum = 1.0)]
    pub evidence_threshold: Option<Option<f64>>,
}

/// Tells a field that is `null` from one that is left out.
fn nullable<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<f64>>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

impl From<domain::Collection> for Collection {
    fn from(collection: domain::Collection) -> Self {
        let domain::Collection { id, workspace: _, name, visibility, evidence_threshold, created_at } =
            collection;
        Self { id, name, visibility: visibility.into(), evidence_threshold, created_at }
    }
}

impl From<Vec<domain::Collection>> for CollectionList {
    fn from(collections: Vec<domain::Collection>) -> Self {
        Self { collections: collections.into_iter().map(Collection::from).collect() }
    }
}

impl From<domain::Visibility> for Visibility {
    fn from(visibility: domain::Visibility) -> Self {
        match visibility {
            domain::Visibility::Public => Self::Public,
            domain::Visibility::Private => Self::Private,
        }
    }
}

impl From<Visibility> for domain::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Private => Self::Private,
        }
    }
}

//! Parses the catalog and finds models in it.
//!
//! The data is `models/catalog.toml`, embedded in the program. Nothing here accesses disk or network.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::entry::{Entry, Kind};
use crate::entry_rules::check_entry;
use crate::error::ModelError;

/// All models that daedap knows by name.
#[derive(Debug)]
pub struct Catalog {
    entries: Vec<Entry>,
}

impl Catalog {
    /// The catalog embedded in this program.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::parse(include_str!("../catalog.toml")).expect("a test parses the embedded catalog")
        });
        &BUILTIN
    }

    /// Parses a catalog and checks its entries.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct CatalogFile {
            model: Vec<Entry>,
        }
        let CatalogFile { model: entries } = toml::from_str(text)?;
        let mut ids = HashSet::new();
        for entry in &entries {
            check_entry(entry).map_err(|reason| CatalogError::Invalid(entry.id.clone(), reason))?;
            if !ids.insert(entry.id.as_str()) {
                return Err(CatalogError::Invalid(entry.id.clone(), "the id is taken".to_owned()));
            }
        }
        Ok(Self { entries })
    }

    /// Every model, in the catalog's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The model called `id`.
    pub fn entry(&self, id: &str) -> Result<&Entry, ModelError> {
        self.entries.iter().find(|entry| entry.id == id).ok_or_else(|| ModelError::UnknownModel {
            id: id.to_owned(),
            known: self.entries.iter().map(|entry| entry.id.clone()).collect(),
        })
    }

    /// The embedders' library for this platform; `None` where there is no build for it.
    pub fn runtime(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| {
            matches!(&entry.kind, Kind::Runtime(facts)
                if facts.os == std::env::consts::OS && facts.arch == std::env::consts::ARCH)
        })
    }
}

/// Why a text is not a valid catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not TOML, or a field is missing or unknown.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// An entry breaks a rule, or has the id of another one.
    #[error("`{0}`: {1}")]
    Invalid(String, String),
}

#[cfg(test)]
mod tests;

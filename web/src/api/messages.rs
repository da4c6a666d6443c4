//! The texts of the pages, in one language.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// The language; without it `Accept-Language` decides.
    #[param(inline)]
    pub locale: Option<Locale>,
}

/// A language of the service's own texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    En,
    /// Korean.
    Ko,
}

/// The texts of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Messages {
    /// The language.
    pub locale: Locale,
    /// Texts by id, in which `{$name}` stands for a value.
    pub messages: BTreeMap<String, String>,
}

impl From<locales::Locale> for Locale {
    fn from(locale: locales::Locale) -> Self {
        match locale {
            locales::Locale::En => Self::En,
            locales::Locale::Ko => Self::Ko,
        }
    }
}

impl From<Locale> for locales::Locale {
    fn from(locale: Locale) -> Self {
        match locale {
            Locale::En => Self::En,
            Locale::Ko => Self::Ko,
        }
    }
}

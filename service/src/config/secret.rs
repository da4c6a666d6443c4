//! Settings that are used but never shown: keys, and addresses that may hold a password.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

/// Shown in place of a secret.
const HIDDEN: &str = "(set)";

/// Parameters of an address that are no secrets. Others are hidden: a new one may be a secret.
const SHOWN_PARAMETERS: [&str; 7] =
    ["application_name", "dbname", "host", "hostaddr", "port", "sslmode", "user"];

/// A key; empty where none is set. What prints the settings says only whether it is set.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretKey(SecretString);

/// An address; empty where none is set. What prints the settings hides its user, password and parameters.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(SecretString);

macro_rules! secret {
    ($secret:ident) => {
        impl $secret {
            /// The value itself, for the one who needs it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Whether none is set.
            pub fn is_empty(&self) -> bool {
                self.expose().is_empty()
            }
        }

        impl From<&str> for $secret {
            fn from(value: &str) -> Self {
                Self(value.into())
            }
        }

        impl PartialEq for $secret {
            fn eq(&self, other: &Self) -> bool {
                self.expose() == other.expose()
            }
        }

        impl fmt::Debug for $secret {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", self.shown())
            }
        }

        impl Serialize for $secret {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.shown())
            }
        }
    };
}
secret!(SecretKey);
secret!(SecretUrl);

impl SecretKey {
    /// The key for a client; `None` where none is set.
    pub fn for_client(&self) -> Option<SecretString> {
        (!self.is_empty()).then(|| self.0.clone())
    }

    fn shown(&self) -> String {
        if self.is_empty() { String::new() } else { HIDDEN.to_owned() }
    }
}

impl SecretUrl {
    fn shown(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let Ok(url) = Url::parse(self.expose()) else { return HIDDEN.to_owned() };
        if url.cannot_be_a_base() {
            return HIDDEN.to_owned();
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        let user = if has_user { format!("{HIDDEN}@") } else { String::new() };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{user}{host}{port}{}", url.scheme(), url.path());
        let parameters: Vec<String> =
            url.query_pairs().map(|(name, value)| shown_parameter(&name, &value)).collect();
        if parameters.is_empty() { shown } else { format!("{shown}?{}", parameters.join("&")) }
    }
}

fn shown_parameter(name: &str, value: &str) -> String {
    let value = if SHOWN_PARAMETERS.contains(&name) { value } else { HIDDEN };
    format!("{name}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("", ""),
            ("postgres://db/daedap", "postgres://db/daedap"),
            ("postgres://ann:hunter2@db:5433/daedap", "postgres://(set)@db:5433/daedap"),
            ("postgres://:hunter2@db/daedap", "postgres://(set)@db/daedap"),
            (
                "postgres://db/daedap?password=hunter2&sslmode=require",
                "postgres://db/daedap?password=(set)&sslmode=require",
            ),
            ("postgres://db/daedap?sslpassword=hunter2#hunter2", "postgres://db/daedap?sslpassword=(set)"),
            ("https://key:hunter2@llm.example/v1?token=hunter2", "https://(set)@llm.example/v1?token=(set)"),
            ("host=db password=hunter2", "(set)"),
            ("postgres:hunter2", "(set)"),
        ] {
            let url = SecretUrl::from(url);
            assert_eq!(url.shown(), shown);
            assert!(!format!("{url:?}").contains("hunter2"), "{url:?}");
        }
    }

    #[test]
    fn a_key_is_only_said_to_be_set() {
        let key = SecretKey::from("hunter2");
        assert_eq!(format!("{key:?}"), "\"(set)\"");
        assert_eq!(key.for_client().map(|key| key.expose_secret().to_owned()), Some("hunter2".to_owned()));
        assert!(SecretKey::default().for_client().is_none());
    }
}

//! Server-Sent Events: a stream is an enum in which each event's name stands once, beside its payload.

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

/// The events of one stream.
pub trait StreamEvent: Sized {
    /// The event's name, and its payload as JSON.
    ///
    /// # Errors
    /// When JSON cannot hold the payload.
    fn encode(&self) -> serde_json::Result<(&'static str, String)>;

    /// The event of that name; `None` for a name that only a newer server knows.
    ///
    /// # Errors
    /// When `data` is not a payload of that name.
    fn decode(name: &str, data: &str) -> serde_json::Result<Option<Self>>;
}

/// Schemas by name, as the document lists them.
pub(crate) type NamedSchemas = Vec<(String, RefOr<Schema>)>;

/// The schema of an event: its name, and its payload, which is JSON in a string.
pub(crate) fn event_schema<P: ToSchema>(name: &str, description: &str) -> Schema {
    let payload: RefOr<Schema> = Ref::from_schema_name(P::name()).into();
    let event = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]));
    let data = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_media_type("application/json")
        // A keyword of JSON Schema that the builder does not know.
        .extensions(Some(Extensions::from_iter([("contentSchema", json!(payload))])));
    ObjectBuilder::new()
        .description(Some(description.trim()))
        .property("event", event)
        .required("event")
        .property("data", data)
        .required("data")
        .into()
}

/// The schema of a stream's events: one of these.
pub(crate) fn stream_schema<const N: usize>(description: &str, events: [Schema; N]) -> RefOr<Schema> {
    let stream = OneOfBuilder::new().description(Some(description.trim()));
    events.into_iter().fold(stream, OneOfBuilder::item).into()
}

/// Adds the schema of a payload, and those that it refers to.
pub(crate) fn add_payload<P: ToSchema>(schemas: &mut NamedSchemas) {
    schemas.push((P::name().into_owned(), P::schema()));
    P::schemas(schemas);
}

/// Declares the events of a stream: `"name" => Variant(Payload)`, where the payload is a type with a schema of its own.
macro_rules! stream_events {
    (
        #[doc = $description:literal]
        pub enum $events:ident {
            $( #[doc = $event_description:literal] $name:literal => $variant:ident($payload:ty), )+
        }
    ) => {
        #[doc = $description]
        #[derive(Debug, Clone, PartialEq)]
        // An event is written or read once; there are never many.
        #[allow(clippy::large_enum_variant)]
        pub enum $events {
            $( #[doc = $event_description] $variant($payload), )+
        }

        impl $crate::api::events::StreamEvent for $events {
            fn encode(&self) -> serde_json::Result<(&'static str, String)> {
                Ok(match self {
                    $( Self::$variant(payload) => ($name, serde_json::to_string(payload)?), )+
                })
            }

            fn decode(name: &str, data: &str) -> serde_json::Result<Option<Self>> {
                Ok(match name {
                    $( $name => Some(Self::$variant(serde_json::from_str(data)?)), )+
                    _ => None,
                })
            }
        }

        impl utoipa::PartialSchema for $events {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::api::events::stream_schema(
                    $description,
                    [$( $crate::api::events::event_schema::<$payload>($name, $event_description), )+],
                )
            }
        }

        impl utoipa::ToSchema for $events {
            fn schemas(schemas: &mut $crate::api::events::NamedSchemas) {
                $( $crate::api::events::add_payload::<$payload>(schemas); )+
            }
        }
    };
}
pub(crate) use stream_events;

//! Completes the document that describes the API: its head, and what every operation has in common.
//!
//! What an operation answers by itself stands beside its handler. Here it is given what the layers around all handlers and
//! the extractors answer, by its form: whether it has parameters, and which body it takes.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document, PathItem, Ref, RefOr};
use utoipa::{Modify, OpenApi, ToSchema};

use crate::api::errors::ErrorEnvelope;

/// The beginning of the paths of the API.
const API: &str = "/api/v1";

/// What layers and extractors answer: a name, a status, and what it means.
const FORBIDDEN: Common = Common {
    name: "Forbidden",
    status: "403",
    description: "The request comes from another site's page or through a proxy, or `Host` is not a name of the server.",
};
const UNAUTHORIZED: Common = Common {
    name: "Unauthorized",
    status: "401",
    description: "The request has neither the owner's token nor the cookie of a browser that is signed in.",
};
const INTERNAL: Common = Common {
    name: "Internal",
    status: "500",
    description: "Something failed; the server log has the details.",
};
const UNAVAILABLE: Common = Common {
    name: "Unavailable",
    status: "503",
    description: "Something that the server needs does not answer; try again.",
};
const BAD_REQUEST: Common =
    Common { name: "BadRequest", status: "400", description: "A parameter or the body cannot be parsed." };
const TOO_LARGE: Common = Common { name: "TooLarge", status: "413", description: "The body is too large." };
const UNSUPPORTED_MEDIA_TYPE: Common = Common {
    name: "UnsupportedMediaType",
    status: "415",
    description: "The body has another content type than it must have.",
};
const INVALID_VALUE: Common =
    Common { name: "InvalidValue", status: "422", description: "A value is not valid; `field` names it." };

const TIMEOUT: Common =
    Common { name: "Timeout", status: "408", description: "For 30 seconds, no more of the body came." };

const ALL_COMMON: [Common; 9] = [
    UNAUTHORIZED,
    FORBIDDEN,
    TIMEOUT,
    INTERNAL,
    UNAVAILABLE,
    BAD_REQUEST,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_VALUE,
];

/// An error that many operations answer with.
struct Common {
    name: &'static str,
    status: &'static str,
    description: &'static str,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "daedap",
        description = "Answers questions from documents. Requests carry the token in the file `owner.token` of the data directory, \
            as `Authorization: Bearer TOKEN`; a browser is signed in by the link that the server prints.\n\n\
            Every error is an `ErrorEnvelope`; its `code` stays the same between releases, and its `message` is in the \
            language that `Accept-Language` asks for. A stream is `text/event-stream`; the `data` of its events is JSON.",
    ),
    tags(
        (name = "server", description = "What runs here"),
        (name = "search", description = "Passages without an answer"),
        (name = "conversations", description = "Questions and their answers"),
        (name = "collections", description = "Documents that are searched together"),
        (name = "documents", description = "What there is to answer from"),
        (name = "jobs", description = "Documents on their way in"),
        (name = "evaluation", description = "Measuring a collection with its own questions"),
        (name = "maintenance", description = "Backup, check and rebuild"),
        (name = "page", description = "The chat page"),
    ),
    components(schemas(ErrorEnvelope)),
    modifiers(&OwnersToken),
    security(("owner" = [])),
)]
struct Outline;

/// How a request shows that it comes from the owner.
struct OwnersToken;

impl Modify for OwnersToken {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        components.security_schemes.insert("owner".to_owned(), scheme.into());
    }
}

/// The document without its paths.
pub(crate) fn outline() -> Document {
    Outline::openapi()
}

/// The document, once the router has put the paths in.
pub(crate) fn complete(mut document: Document) -> Document {
    let components = document.components.get_or_insert_with(Components::new);
    for Common { name, description, .. } in ALL_COMMON {
        let envelope = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorEnvelope::name())));
        let response = ResponseBuilder::new().description(description);
        let response = response.content("application/json", envelope.build()).build();
        components.responses.insert(name.to_owned(), response.into());
    }
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, mut item) in paths {
        for operation in operations(&mut item) {
            add_common_responses(&path, operation);
        }
        // A wildcard is the router's notion; in the document it is a parameter like others.
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().filter_map(Option::as_mut)
}

fn add_common_responses(path: &str, operation: &mut Operation) {
    let mut common = vec![FORBIDDEN, INTERNAL];
    // An operation that everybody may call says so itself.
    if operation.security.is_none() {
        common.push(UNAUTHORIZED);
    }
    if path.starts_with(API) {
        common.push(UNAVAILABLE);
    }
    // A header that is not what it should be is ignored.
    let is_parsed = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in != ParameterIn::Header);
    if operation.parameters.iter().flatten().any(is_parsed) {
        common.push(BAD_REQUEST);
    }
    if operation.request_body.is_some() {
        common.extend([BAD_REQUEST, TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_VALUE]);
    }
    for Common { name, status, .. } in common {
        // What an operation says itself is more exact.
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
    }
}

//! Completes the document that describes the API: its head, and what every operation has in common.
//!
//! What an operation answers by itself stands beside its handler. Here it is given what the layers around all handlers and
//! the extractors answer, by its form: whether it has parameters, and which body it takes.

use utoipa::OpenApi;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi as Document, PathItem, Ref, RefOr};

use crate::api::errors::ErrorEnvelope;
use crate::envelope::REQUEST_ID_HEADER;

/// The beginning of the paths of the API.
const API: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "daedap",
        description = "Answers questions from documents. Without API keys the server answers on loopback only.\n\n\
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
)]
struct Outline;

/// The document without its paths.
pub(crate) fn outline() -> Document {
    Outline::openapi()
}

/// The document, once the router has put the paths in.
pub(crate) fn complete(mut document: Document) -> Document {
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
    add_error(operation, "403", "The request comes from another site, or names a host that is not loopback.");
    add_error(operation, "500", "Something failed on the server; its log has the details.");
    if path.starts_with(API) {
        add_error(operation, "503", "Something that the server needs does not answer; try again.");
    }
    if operation.parameters.is_some() {
        add_error(operation, "400", "A parameter is not valid.");
    }
    if operation.request_body.is_some() {
        add_error(operation, "400", "The body is not valid.");
        add_error(operation, "413", "The body is too large.");
        add_error(operation, "415", "The body has another content type than it must have.");
        add_error(operation, "422", "A value is not valid.");
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            add_request_id(response);
        }
    }
}

/// Adds a response with an error, if the operation does not describe it itself.
fn add_error(operation: &mut Operation, status: &str, description: &str) {
    let response = || {
        let envelope = Ref::from_schema_name(ErrorEnvelope::name());
        let content = ContentBuilder::new().schema(Some(envelope)).build();
        ResponseBuilder::new().description(description).content("application/json", content).build().into()
    };
    operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
}

fn add_request_id(response: &mut Response) {
    let id = ObjectBuilder::new().schema_type(Type::String);
    let header = HeaderBuilder::new()
        .schema(Some(id))
        .description(Some("The id of the request, as in the log."))
        .build();
    response.headers.insert(REQUEST_ID_HEADER.to_owned(), header.into());
}

//! The one match from every room's errors to status, code and message.

use axum::extract::multipart::MultipartError;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat::ChatError;
use db::DbError;
use domain::{EmbedError, GenerateError, VectorStoreError};
use ingest::{FetchError, IngestError, OriginalsError};
use retriever::RetrieveError;

use crate::app::doctor::DoctorError;
use crate::app::indexes::EmbedderError;
use crate::evaluation::EvaluationError;

/// An error as an API caller sees it. [`crate::envelope`] writes the body, because it knows the request's id.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// For people. Says nothing of the server's inside.
    pub message: String,
    /// The field of the request that it is about.
    pub field: Option<&'static str>,
    /// For the log alone.
    pub detail: Option<String>,
}

impl ApiError {
    /// An error without field and detail.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None, detail: None }
    }

    /// The request's `field` is wrong.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", message) }
    }

    fn of_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// A fault of the server: the caller learns the code, the log learns the rest.
    fn internal(code: &'static str, detail: String) -> Self {
        let message = "something went wrong on the server; its log says what";
        Self { detail: Some(detail), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, message) }
    }

    fn disk_full(detail: String) -> Self {
        let message = "the server's disk is full; nothing was stored";
        Self { detail: Some(detail), ..Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message) }
    }

    fn unavailable(code: &'static str, message: &str, detail: String) -> Self {
        Self { detail: Some(detail), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NotFound(what) => {
                Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
            }
            DbError::Conflict(message) => Self::new(StatusCode::CONFLICT, "conflict", message),
            DbError::Rejected(message) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", message)
            }
            DbError::Unavailable(detail) => {
                Self::unavailable("database_unavailable", "the database does not answer; try again", detail)
            }
            DbError::Failed(detail) => Self::internal("database_failed", detail),
        }
    }
}

impl From<EmbedError> for ApiError {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::Unusable(detail) => Self::internal("embedder_unusable", detail),
            EmbedError::Failed(detail) => Self::internal("embedder_failed", detail),
        }
    }
}

impl From<VectorStoreError> for ApiError {
    fn from(error: VectorStoreError) -> Self {
        match error {
            VectorStoreError::SpaceMismatch { .. } => {
                Self::internal("embedding_space_mismatch", error.to_string())
            }
            VectorStoreError::Locked(detail) | VectorStoreError::Unavailable(detail) => Self::unavailable(
                "vectors_unavailable",
                "the vector store does not answer; try again",
                detail,
            ),
            VectorStoreError::Full(detail) => Self::disk_full(detail),
            VectorStoreError::Failed(detail) => Self::internal("vectors_failed", detail),
        }
    }
}

impl From<GenerateError> for ApiError {
    fn from(error: GenerateError) -> Self {
        let message = error.to_string();
        match error {
            GenerateError::ContextTooLong { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "context_too_long", message).of_field("question")
            }
            GenerateError::Overloaded => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "overloaded",
                "too many questions are waiting; try again",
            ),
            GenerateError::DeadlineExceeded => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded", "the answer took too long")
            }
            GenerateError::Unavailable(detail) => Self::unavailable(
                "generator_unavailable",
                "the language model does not answer; try again",
                detail,
            ),
            GenerateError::Failed(detail) => Self::internal("generator_failed", detail),
        }
    }
}

impl From<RetrieveError> for ApiError {
    fn from(error: RetrieveError) -> Self {
        match error {
            RetrieveError::Embed(error) => error.into(),
            RetrieveError::Vectors(error) => error.into(),
            RetrieveError::Database(error) => error.into(),
        }
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        let message = error.to_string();
        match error {
            ChatError::QuestionEmpty => Self::invalid("question", message),
            ChatError::QuestionTooLong { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "question_too_long", message).of_field("question")
            }
            ChatError::ShuttingDown => Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", message),
            ChatError::Database(error) => error.into(),
            ChatError::Retrieval(error) => error.into(),
            ChatError::Generation(error) => error.into(),
        }
    }
}

impl From<EvaluationError> for ApiError {
    fn from(error: EvaluationError) -> Self {
        let message = error.to_string();
        match error {
            EvaluationError::NoQuestions => Self::new(StatusCode::CONFLICT, "evaluation_empty", message),
            EvaluationError::Invalid { field, message } => Self::invalid(field, message),
            EvaluationError::Report(_) => Self::internal("report_unwritable", message),
            EvaluationError::Database(error) => error.into(),
            EvaluationError::Retrieval(error) => error.into(),
        }
    }
}

impl From<EmbedderError> for ApiError {
    fn from(error: EmbedderError) -> Self {
        match error {
            EmbedderError::Unknown(message) => Self::invalid("embedder", message),
            EmbedderError::Database(error) => error.into(),
        }
    }
}

impl From<DoctorError> for ApiError {
    fn from(error: DoctorError) -> Self {
        match error {
            DoctorError::Database(error) => error.into(),
            DoctorError::Points(error) => error.into(),
            DoctorError::Disk(error) => error.into(),
            DoctorError::Originals(error) => error.into(),
            DoctorError::Index(detail) => Self::internal("index_not_removed", detail),
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Database(error) => error.into(),
            IngestError::Vectors(error) => error.into(),
            IngestError::Fetch(error) => error.into(),
            IngestError::Originals(error) => error.into(),
            IngestError::Embedder(error) => error.into(),
            other => Self::new(StatusCode::UNPROCESSABLE_ENTITY, other.code(), other.to_string()),
        }
    }
}

impl From<FetchError> for ApiError {
    fn from(error: FetchError) -> Self {
        let status = match &error {
            FetchError::BadUrl(_)
            | FetchError::AddressRefused { .. }
            | FetchError::TooLarge { .. }
            | FetchError::TooManyRedirects => StatusCode::UNPROCESSABLE_ENTITY,
            FetchError::Unreachable { .. } | FetchError::Status { .. } => StatusCode::BAD_GATEWAY,
            FetchError::TooSlow => StatusCode::GATEWAY_TIMEOUT,
        };
        Self::new(status, error.code(), error.to_string()).of_field("url")
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let code = match &rejection {
            JsonRejection::JsonSyntaxError(_) => "invalid_json",
            JsonRejection::JsonDataError(_) => "invalid_value",
            JsonRejection::MissingJsonContentType(_) => "unsupported_media_type",
            _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => "invalid_body",
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), "invalid_body", rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "invalid_path", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "invalid_query", rejection.body_text())
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        let code =
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid_multipart" };
        Self::new(error.status(), code, error.body_text())
    }
}

impl From<OriginalsError> for ApiError {
    fn from(error: OriginalsError) -> Self {
        match error {
            OriginalsError::Missing => {
                Self::new(StatusCode::NOT_FOUND, "original_missing", error.to_string())
            }
            OriginalsError::Full(reason) => Self::disk_full(reason),
            OriginalsError::Unavailable(reason) => {
                let message = "the documents' originals cannot be reached; try again";
                Self::unavailable("originals_unavailable", message, reason)
            }
            OriginalsError::Unusable(reason) => Self::internal("originals_unusable", reason),
        }
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::disk_full(error.to_string()),
            _ => Self::internal("io_failed", error.to_string()),
        }
    }
}

//! Maps every error of the crates below to status, code and message.

use axum::http::StatusCode;
use chat::ChatError;
use db::DbError;
use domain::{EmbedError, GenerateError, VectorStoreError, with_causes};
use fetch::FetchError;
use ingest::{IngestError, KeepError, OriginalsError};
use retriever::RetrieveError;
use service::backup::BackupError;
use service::doctor::DoctorError;
use service::erasure::ProofError;
use service::evaluation::{EvaluationError, Violation};
use service::indexes::EmbedderError;
use service::{Busy, NotReady, OpenError};

use crate::api::errors::InvalidValue;
use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;
use crate::rejection::{stood_still, too_slow};

impl From<InvalidValue> for ApiError {
    fn from(error: InvalidValue) -> Self {
        Self::invalid(error.field, error.text)
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let detail = with_causes(&error);
        match error {
            DbError::NotFound(what) => {
                let text = LocalizedText::with("error-not-found-what", [("what", what.into())]);
                Self::new(StatusCode::NOT_FOUND, "not_found", text)
            }
            DbError::Conflict(message) => {
                Self::new(StatusCode::CONFLICT, "conflict", LocalizedText::english("conflict", message))
            }
            DbError::Rejected(message) => {
                let text = LocalizedText::english("rejected", message);
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", text)
            }
            DbError::Unavailable(_) => Self::unavailable("database_unavailable", detail),
            DbError::Failed(_) => Self::internal("database_failed", detail),
        }
    }
}

impl From<EmbedError> for ApiError {
    fn from(error: EmbedError) -> Self {
        let detail = with_causes(&error);
        match error {
            EmbedError::Unusable(_) => Self::internal("embedder_unusable", detail),
            EmbedError::Failed(_) => Self::internal("embedder_failed", detail),
        }
    }
}

impl From<VectorStoreError> for ApiError {
    fn from(error: VectorStoreError) -> Self {
        let detail = with_causes(&error);
        match error {
            VectorStoreError::SpaceMismatch { .. } => Self::internal("embedding_space_mismatch", detail),
            VectorStoreError::Locked(_) | VectorStoreError::Unavailable(_) => {
                Self::unavailable("vectors_unavailable", detail)
            }
            VectorStoreError::Full(_) => Self::disk_full(detail),
            VectorStoreError::Failed(_) => Self::internal("vectors_failed", detail),
        }
    }
}

impl From<GenerateError> for ApiError {
    fn from(error: GenerateError) -> Self {
        let detail = with_causes(&error);
        match error {
            GenerateError::ContextTooLong { prompt_tokens, context_tokens } => {
                let text = LocalizedText::with(
                    "error-context-too-long-limit",
                    [("prompt_tokens", prompt_tokens.into()), ("context_tokens", context_tokens.into())],
                );
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "context_too_long", text).of_field("question")
            }
            GenerateError::Overloaded => Self::of_code(StatusCode::TOO_MANY_REQUESTS, "overloaded"),
            GenerateError::DeadlineExceeded => {
                Self::of_code(StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded")
            }
            GenerateError::Unavailable(_) => Self::unavailable("generator_unavailable", detail),
            GenerateError::KeyRefused(_) => Self::unavailable("generator_key_refused", detail),
            GenerateError::ModelNotFound(_) => Self::unavailable("generator_model_not_found", detail),
            GenerateError::Failed(_) => Self::internal("generator_failed", detail),
        }
    }
}

impl From<RetrieveError> for ApiError {
    fn from(error: RetrieveError) -> Self {
        match error {
            RetrieveError::Overloaded => Self::of_code(StatusCode::TOO_MANY_REQUESTS, "overloaded"),
            RetrieveError::Embed(error) => error.into(),
            RetrieveError::Vectors(error) => error.into(),
            RetrieveError::Database(error) => error.into(),
        }
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::QuestionEmpty => {
                Self::invalid("question", LocalizedText::key("error-invalid-value-question-empty"))
            }
            ChatError::QuestionTooLong { length, limit } => {
                let text = LocalizedText::with(
                    "error-question-too-long-limit",
                    [("length", length.into()), ("limit", limit.into())],
                );
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "question_too_long", text).of_field("question")
            }
            ChatError::ConversationBusy => Self::of_code(StatusCode::CONFLICT, "conversation_busy"),
            ChatError::Panicked => Self::internal("internal", error.to_string()),
            ChatError::ShuttingDown => Self::of_code(StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
            ChatError::Database(error) => error.into(),
            ChatError::Retrieval(error) => error.into(),
            ChatError::Generation(error) => error.into(),
        }
    }
}

impl From<Violation> for LocalizedText {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::Missing => Self::key("error-invalid-value-missing"),
            Violation::NoCitedDocument => Self::key("error-invalid-value-expected"),
            Violation::Entries { max } => {
                Self::with("error-invalid-value-max-entries", [("max", max.into())])
            }
            Violation::Characters { max } => {
                Self::with("error-invalid-value-characters", [("max", max.into())])
            }
            Violation::Line { max_bytes } => {
                Self::with("error-invalid-value-line", [("max", max_bytes.into())])
            }
        }
    }
}

impl From<EvaluationError> for ApiError {
    fn from(error: EvaluationError) -> Self {
        let detail = with_causes(&error);
        match error {
            EvaluationError::NoQuestions => Self::of_code(StatusCode::CONFLICT, "evaluation_empty"),
            EvaluationError::Invalid { field, violation } => Self::invalid(field, violation.into()),
            EvaluationError::Report(_) => Self::internal("report_unwritable", detail),
            EvaluationError::Database(error) => error.into(),
            EvaluationError::Retrieval(error) => error.into(),
        }
    }
}

impl From<EmbedderError> for ApiError {
    fn from(error: EmbedderError) -> Self {
        match error {
            EmbedderError::Unknown(reason) => Self::invalid(
                "embedder",
                LocalizedText::english_or("error-invalid-value-embedder", format!("{reason:#}")),
            ),
            EmbedderError::Database(error) => error.into(),
        }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        let text = LocalizedText::english("not_ready", error.to_string());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", text)
    }
}

impl From<Vec<NotReady>> for ApiError {
    fn from(parts: Vec<NotReady>) -> Self {
        let names: Vec<String> = parts.iter().map(|not_ready| not_ready.part.to_string()).collect();
        let reasons: Vec<String> = parts.iter().map(NotReady::to_string).collect();
        let text = LocalizedText::with("error-not-ready-parts", [("parts", names.join(", ").into())]);
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", text);
        Self { detail: Some(reasons.join("; ")), ..error }
    }
}

impl From<Busy> for ApiError {
    fn from(_: Busy) -> Self {
        Self::of_code(StatusCode::CONFLICT, "care_running")
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        let detail = with_causes(&error);
        match error {
            BackupError::NothingThere { .. } => {
                let text = LocalizedText::english("nothing_to_back_up", detail);
                Self::new(StatusCode::CONFLICT, "nothing_to_back_up", text)
            }
            BackupError::Database(error) => error.into(),
            BackupError::Vectors(error) => error.into(),
            _ => Self::internal("backup_failed", detail),
        }
    }
}

impl From<DoctorError> for ApiError {
    fn from(error: DoctorError) -> Self {
        match error {
            DoctorError::Database(error) => error.into(),
            DoctorError::NotOpen(error) => error.into(),
            DoctorError::Points(error) => error.into(),
            DoctorError::Disk(error) => error.into(),
            DoctorError::Originals(error) => error.into(),
            DoctorError::Folder(_) => Self::internal("index_not_removed", with_causes(&error)),
            DoctorError::Index(error) => Self::internal("index_not_removed", format!("{error:#}")),
        }
    }
}

impl From<ProofError> for ApiError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Database(error) => error.into(),
            ProofError::NotOpen(error) => error.into(),
            ProofError::Points(error) => error.into(),
            ProofError::Disk(error) => error.into(),
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
            IngestError::Tombstones(_) => Self::internal(error.code(), with_causes(&error)),
            // No document is to blame.
            other if other.is_retryable() => Self::unavailable(other.code(), other.message()),
            other => {
                let text = LocalizedText::english(other.code(), other.message());
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, other.code(), text)
            }
        }
    }
}

impl From<FetchError> for ApiError {
    fn from(error: FetchError) -> Self {
        let code = error.code();
        let text = match &error {
            FetchError::BadUrl(url) => {
                LocalizedText::with("error-bad-url-address", [("url", url.clone().into())])
            }
            FetchError::AddressRefused { host } => {
                LocalizedText::with("error-address-refused-host", [("host", host.clone().into())])
            }
            FetchError::Status { host, status } => LocalizedText::with(
                "error-page-status-host",
                [("host", host.clone().into()), ("status", (*status).into())],
            ),
            FetchError::TooLarge { limit_bytes } => {
                LocalizedText::with("error-too-large-page", [("limit_bytes", (*limit_bytes).into())])
            }
            FetchError::Unreachable { host, source } => LocalizedText::with(
                "error-unreachable-host",
                [("host", host.clone().into()), ("reason", with_causes(source.as_ref()).into())],
            ),
            FetchError::Redirected { to } => {
                LocalizedText::with("error-redirected-to", [("to", to.clone().into())])
            }
            FetchError::TooManyRedirects
            | FetchError::TooSlow
            | FetchError::BadList
            | FetchError::Unreadable(_) => LocalizedText::english(code, error.to_string()),
        };
        let status = match error {
            FetchError::BadUrl(_)
            | FetchError::AddressRefused { .. }
            | FetchError::TooLarge { .. }
            | FetchError::TooManyRedirects
            | FetchError::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            FetchError::Unreachable { .. }
            | FetchError::Status { .. }
            | FetchError::Redirected { .. }
            | FetchError::BadList => StatusCode::BAD_GATEWAY,
            FetchError::TooSlow => StatusCode::GATEWAY_TIMEOUT,
        };
        Self::new(status, code, text).of_field("url")
    }
}

impl From<OriginalsError> for ApiError {
    fn from(error: OriginalsError) -> Self {
        let detail = with_causes(&error);
        match error {
            OriginalsError::Missing => Self::of_code(StatusCode::NOT_FOUND, "original_missing"),
            OriginalsError::Full(_) => Self::disk_full(detail),
            OriginalsError::Unavailable(_) => Self::unavailable("originals_unavailable", detail),
            OriginalsError::Unusable { .. } => Self::internal("originals_unusable", detail),
        }
    }
}

impl<E: std::error::Error + 'static> From<KeepError<E>> for ApiError {
    fn from(error: KeepError<E>) -> Self {
        match error {
            KeepError::TooLarge { limit_bytes } => {
                let text =
                    LocalizedText::with("error-too-large-upload", [("limit_bytes", limit_bytes.into())]);
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
            }
            KeepError::Source(cause) if stood_still(&cause) => too_slow(),
            KeepError::Source(cause) => {
                let text = LocalizedText::english("upload_broken", cause.to_string());
                Self::new(StatusCode::BAD_REQUEST, "upload_broken", text)
            }
            KeepError::Originals(error) => error.into(),
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

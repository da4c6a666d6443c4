//! Reads a multipart form within bounds: how many fields, how large each besides a file, and how far ahead of its reader.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use futures::{Stream, StreamExt};

use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;

/// Maximum number of fields.
const MAX_FIELDS: usize = 64;

/// Maximum size of a field that is no file.
const MAX_FIELD_BYTES: usize = 8 * 1024;

/// Maximum number of bytes that are parsed ahead of the reader: the heads of the fields, above all.
const MAX_BYTES_AHEAD: usize = 1 << 20;

/// The parts in which a body is given to the parser, which collects all that there is.
const PART_BYTES: usize = 64 * 1024;

/// A form that is being read.
pub(crate) struct Form {
    parser: Multipart,
    bytes_ahead: Arc<AtomicUsize>,
    fields: usize,
}

/// A field whose content is being read.
pub(crate) struct FormField<'a> {
    field: Field<'a>,
    bytes_ahead: Arc<AtomicUsize>,
}

impl Form {
    /// Begins to read the form in a request; `max_bytes` is the maximum size of all its files.
    pub(crate) async fn begin(request: Request, max_bytes: usize) -> Result<Self, ApiError> {
        let bytes_ahead = Arc::<AtomicUsize>::default();
        let mut request = request.map(|body| {
            let parts = Parts {
                body: body.into_data_stream(),
                rest: Bytes::new(),
                pauses: false,
                bytes_ahead: bytes_ahead.clone(),
            };
            Body::from_stream(parts)
        });
        DefaultBodyLimit::max(max_bytes + MAX_BYTES_AHEAD).apply(&mut request);
        Ok(Self { parser: Multipart::from_request(request, &()).await?, bytes_ahead, fields: 0 })
    }

    /// The next field, which must be read to its end.
    pub(crate) async fn next_field(&mut self) -> Result<Option<FormField<'_>>, ApiError> {
        let field = self.parser.next_field().await?;
        self.fields += usize::from(field.is_some());
        if self.fields > MAX_FIELDS {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                LocalizedText::with("error-too-large-form", [("max", MAX_FIELDS.into())]),
            ));
        }
        Ok(field.map(|field| FormField { field, bytes_ahead: self.bytes_ahead.clone() }))
    }
}

impl FormField<'_> {
    /// Its name; empty where it has none.
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of its file; empty where it has none.
    pub(crate) fn file_name(&self) -> &str {
        self.field.file_name().unwrap_or_default()
    }

    /// Its content, of at most 8 KiB.
    pub(crate) async fn text(mut self) -> Result<String, ApiError> {
        let mut bytes = Vec::new();
        while let Some(part) = self.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > MAX_FIELD_BYTES {
                let text = LocalizedText::with("error-too-large-field", [("max", MAX_FIELD_BYTES.into())]);
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text));
            }
        }
        String::from_utf8(bytes).map_err(|_| ApiError::of_code(StatusCode::BAD_REQUEST, "invalid_multipart"))
    }
}

impl Stream for FormField<'_> {
    type Item = Result<Bytes, MultipartError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(Pin::new(&mut self.field).poll_next(context));
        if let Some(Ok(bytes)) = &part {
            self.bytes_ahead.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
        Poll::Ready(part)
    }
}

/// The body in small parts. Between two of them it pauses, so that the parser hands on what it has.
struct Parts {
    body: BodyDataStream,
    rest: Bytes,
    pauses: bool,
    bytes_ahead: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
#[error("the form has no end of a field's head in sight")]
struct TooFarAhead;

impl Stream for Parts {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pauses) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.bytes_ahead.load(Ordering::Relaxed) > MAX_BYTES_AHEAD {
            return Poll::Ready(Some(Err(axum::Error::new(TooFarAhead))));
        }
        if self.rest.is_empty() {
            match ready!(self.body.poll_next_unpin(context)) {
                Some(Ok(bytes)) => self.rest = bytes,
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.rest.len().min(PART_BYTES);
        let part = self.rest.split_to(length);
        self.bytes_ahead.fetch_add(length, Ordering::Relaxed);
        self.pauses = true;
        Poll::Ready(Some(Ok(part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form that comes in as one part.
    async fn form(body: String) -> Form {
        let request = Request::builder()
            .header("content-type", "multipart/form-data; boundary=B")
            .body(Body::from(body))
            .unwrap();
        Form::begin(request, 64 << 20).await.unwrap()
    }

    fn field(name: &str, content: &str) -> String {
        format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    }

    #[tokio::test]
    async fn a_file_of_any_length_stands_between_fields() {
        let content = "x".repeat(3 * MAX_BYTES_AHEAD);
        let mut form =
            form([field("a", "1"), field("file", &content), field("b", "2"), "--B--".into()].concat()).await;
        assert_eq!(form.next_field().await.unwrap().unwrap().text().await.unwrap(), "1");
        let mut file = form.next_field().await.unwrap().unwrap();
        let mut length = 0;
        while let Some(part) = file.next().await {
            length += part.unwrap().len();
        }
        assert_eq!(length, content.len());
        drop(file);
        let last = form.next_field().await.unwrap().unwrap();
        assert_eq!(last.name(), "b");
        assert_eq!(last.text().await.unwrap(), "2");
        assert!(form.next_field().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_field_a_head_and_their_number_have_bounds() {
        let mut long = form(field("tags", &"x".repeat(MAX_FIELD_BYTES + 1)) + "--B--").await;
        let error = long.next_field().await.unwrap().unwrap().text().await.unwrap_err();
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);

        let mut endless = form(format!("--B\r\nx: {}", "x".repeat(3 * MAX_BYTES_AHEAD))).await;
        assert!(endless.next_field().await.is_err());

        let mut many = form(field("tags", "x").repeat(MAX_FIELDS + 1) + "--B--").await;
        for _ in 0..MAX_FIELDS {
            many.next_field().await.unwrap().unwrap().text().await.unwrap();
        }
        let error = many.next_field().await.err().unwrap();
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

//! Reports the stage of an ingest to its caller, who may cancel it there.

use std::ops::ControlFlow;

use domain::IngestStage;

use crate::error::IngestError;

/// Receives each stage; `Break` cancels the ingest.
pub type OnStage<'a> = dyn FnMut(IngestStage) -> ControlFlow<()> + Send + 'a;

/// Reports `stage`.
///
/// # Errors
/// `Cancelled` where the caller breaks off.
pub(crate) fn report_stage(on_stage: &mut OnStage<'_>, stage: IngestStage) -> Result<(), IngestError> {
    match on_stage(stage) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(IngestError::Cancelled),
    }
}

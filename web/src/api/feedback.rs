//! Feedback: whether an answer helped.

use domain::TurnId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a reader says of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The answer's turn.
    #[schema(value_type = Uuid)]
    pub turn_id: TurnId,
    /// Whether it helped.
    pub helpful: bool,
    /// Why; at most 2000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub comment: String,
}

//! Holds one figure of daedap next to the same figure of its peer.

/// One measurement of both sides in one round.
pub(super) struct Comparison {
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) daedap: f64,
    pub(super) peer: f64,
}

//! Serves requests: queues them, computes them in batches, and streams their answers.
//!
//! One thread owns the model and runs the [`batch_loop`]. Requests reach it through the [`scheduler`], and read their
//! answers as streams. Dropping a stream cancels its request within one step.

pub(crate) mod answer;
pub(crate) mod batch_loop;
pub(crate) mod engine;
pub(crate) mod request;
pub(crate) mod sampling;
pub(crate) mod scheduler;

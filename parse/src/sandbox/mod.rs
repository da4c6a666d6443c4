//! Parses in child processes that can do nothing else, so that a hostile document breaks its own parsing and nothing more.
//!
//! ```text
//! this process                                            `daedap parse`, one of a few
//! Sandboxed --> pool: a thread for each child --request--> confinement, then: read, parse, answer, read ...
//!                                             <--answer--
//! ```
//!
//! A child is started when it is first needed, serves many documents, and is ended after enough of them, when it has grown,
//! when nobody needs it for a while, and at once when it takes too long or nobody waits for its answer any more. Its place
//! is free only when it is reaped, so there are never more children than places.

pub(crate) mod confinement;
pub(crate) mod death;
pub(crate) mod parser_process;
pub(crate) mod pool;
pub(crate) mod protocol;
pub(crate) mod sandboxed;
pub(crate) mod self_test;
pub(crate) mod serve;
pub(crate) mod watch;

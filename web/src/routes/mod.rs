//! The handlers. One lives in the file that is named after the first noun of its path; `router.rs` lists every path.

mod assets;
mod backup;
mod collections;
mod conversations;
mod doctor;
mod documents;
mod erasures;
mod evaluation;
mod feedback;
mod health;
mod jobs;
mod login;
mod messages;
mod openapi_document;
mod original;
mod page;
mod reindex;
mod router;
mod search;
mod sites;
mod status;
mod upload;
mod versions;

pub(crate) use login::login_link;
pub(crate) use router::refusal;
pub use router::{openapi, router};

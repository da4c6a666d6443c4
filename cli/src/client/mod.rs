//! The client of the API: one method for each call that a command makes.

mod collections;
mod connection;
mod conversations;
mod documents;
mod evaluation;
mod jobs;
mod login;
mod maintenance;
mod sites;
mod transport;

pub(crate) use connection::Client;
pub(crate) use conversations::Answer;
pub(crate) use documents::Upload;

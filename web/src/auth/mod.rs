//! Who a request comes from: the owner of the installation, or nobody.

mod check;
mod cookie;

pub(crate) use check::{is_open, is_owner, refusal};
pub(crate) use cookie::set_session;

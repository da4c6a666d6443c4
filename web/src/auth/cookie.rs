//! The cookie that keeps a browser signed in.

use axum::http::{HeaderMap, HeaderValue, header};
use service::owner::Owner;

/// How long a browser stays signed in, in seconds: a year.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The value of `Set-Cookie` that signs a browser in. Scripts cannot read it, and no other site's page can have it sent.
/// Without `Secure`, because loopback has no TLS.
pub(crate) fn set_session(owner: &Owner) -> Option<HeaderValue> {
    let (name, session) = (name(owner), owner.session());
    let cookie = format!("{name}={session}; Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; SameSite=Strict");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The session that the request's cookies hold for this installation.
pub(crate) fn session<'a>(headers: &'a HeaderMap, owner: &Owner) -> Option<&'a str> {
    let name = name(owner);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|cookie| {
        let (own, session) = cookie.trim().split_once('=')?;
        (own == name).then_some(session)
    })
}

/// All ports of a host share its cookies, so each installation has a name of its own.
fn name(owner: &Owner) -> String {
    format!("daedap-{}", owner.short_name())
}

//! Builds the URL of a SQLite file from its path.

use std::path::Path;

use crate::error::DbError;

/// The URL of the SQLite file at `path`, which should be absolute, for [`Database::open`](crate::Database::open). Characters that have a meaning
/// in URLs are escaped.
///
/// # Errors
///
/// [`DbError::Rejected`] for a path that is not UTF-8, which SQLite cannot open.
pub fn sqlite_url(path: &Path) -> Result<String, DbError> {
    let path = path
        .to_str()
        .ok_or_else(|| DbError::Rejected(format!("the database path `{}` is not UTF-8", path.display())))?;
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_every_character_of_the_path() {
        assert_eq!(sqlite_url(Path::new("/srv/d-1_a~b.db")).as_deref(), Ok("sqlite:///srv/d-1_a~b.db"));
        assert_eq!(
            sqlite_url(Path::new("/a b?#%/한.db")).as_deref(),
            Ok("sqlite:///a%20b%3F%23%25/%ED%95%9C.db")
        );
    }
}

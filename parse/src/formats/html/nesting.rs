//! Bounds how deeply the elements of a page may be nested, so that hostile pages cost neither the stack nor quadratic time.

use dom_query::NodeRef;

use crate::error::ParseError;

/// Maximum depth of a tree that is converted to Markdown, which is done by recursion.
const MAX_DEPTH: usize = 200;

/// Maximum number of elements that are open at once: building the tree searches all of them for each new one. Browsers
/// have the same limit, far above that of real pages.
const MAX_OPEN_ELEMENTS: usize = 512;

/// Number of bytes of a tag's name that are compared. No element has a longer name.
const MAX_NAME_BYTES: usize = 16;

/// Elements that are never open at the same time as the next one of their kind: they are empty, or the next one closes
/// them.
const SELF_CLOSING: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "optgroup",
    "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track",
    "wbr",
];

/// Refuses a page with too many open elements to build a tree of.
///
/// # Errors
/// `Failed`.
pub(crate) fn check_open_elements(html: &str) -> Result<(), ParseError> {
    if opens_too_many(html) {
        let reason = format!("more than {MAX_OPEN_ELEMENTS} HTML elements are open at once");
        return Err(ParseError::Failed(reason));
    }
    Ok(())
}

/// Whether more than [`MAX_OPEN_ELEMENTS`] are open at some place, judged by the tags alone.
pub(crate) fn opens_too_many(html: &str) -> bool {
    let mut open = 0_usize;
    for tag in html.split('<').skip(1) {
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let length = name.bytes().take(MAX_NAME_BYTES).take_while(u8::is_ascii_alphanumeric).count();
        if length == 0 || is_self_closing(&name[..length]) {
            continue;
        }
        open = if closes { open.saturating_sub(1) } else { open + 1 };
        if open > MAX_OPEN_ELEMENTS {
            return true;
        }
    }
    false
}

fn is_self_closing(name: &str) -> bool {
    SELF_CLOSING.iter().any(|element| element.eq_ignore_ascii_case(name))
}

/// Whether the tree below `root` is deeper than [`MAX_DEPTH`]. Does not recurse.
pub(crate) fn is_too_deep(root: &NodeRef<'_>) -> bool {
    let mut node = root.first_child();
    let mut depth = 1_usize;
    while let Some(current) = node {
        if depth > MAX_DEPTH {
            return true;
        }
        if let Some(child) = current.first_child() {
            depth += 1;
            node = Some(child);
            continue;
        }
        let mut above = Some(current);
        node = None;
        while let Some(last) = above {
            if let Some(sibling) = last.next_sibling() {
                node = Some(sibling);
                break;
            }
            depth = depth.saturating_sub(1);
            above = last.parent().filter(|_| depth > 0);
        }
    }
    false
}

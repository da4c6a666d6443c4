//! Measures how deeply the elements of a tree are nested: its conversion to Markdown is done by recursion.

use dom_query::NodeRef;

/// Maximum depth of a tree that is converted.
const MAX_DEPTH: usize = 200;

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

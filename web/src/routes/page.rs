//! Pages of lists.

/// Where the page behind this one begins: after its last item, if it is as long as was asked for.
pub(crate) fn next<T, C>(items: &[T], limit: u32, cursor: impl FnOnce(&T) -> C) -> Option<C> {
    items.last().filter(|_| items.len() == limit as usize).map(cursor)
}

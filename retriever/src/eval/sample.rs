//! Takes even samples of question sets.

/// `number` items, evenly spread and the same ones every time; all items if there are no more.
pub fn even_sample<T>(all: Vec<T>, number: usize) -> Vec<T> {
    let length = all.len();
    if number >= length {
        return all;
    }
    let mut wanted = (0..number).map(|index| index * length / number).peekable();
    let sampled = all.into_iter().enumerate().filter(|(at, _)| wanted.next_if_eq(at).is_some());
    sampled.map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_even_and_always_the_same() {
        assert_eq!(even_sample((0..10).collect(), 4), [0, 2, 5, 7]);
        assert_eq!(even_sample((0..3).collect(), 3), [0, 1, 2]);
        assert_eq!(even_sample((0..3).collect(), 9), [0, 1, 2]);
        assert_eq!(even_sample((0..3).collect(), 0), Vec::<i32>::new());
    }
}

//! Ends an answer at a stop sequence, without ever showing the beginning of one.

/// Passes text on until a stop sequence appears in it.
///
/// The result depends on the text alone, not on how the text was cut into pushes.
pub(crate) struct StopFilter {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop sequence.
    held: String,
}

impl StopFilter {
    /// Empty stop sequences are ignored.
    pub(crate) fn new(stops: Vec<String>) -> Self {
        Self { stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(), held: String::new() }
    }

    /// Takes more text. Returns what may be shown, and whether a stop sequence was found; then nothing may follow.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(start) = self.first_stop() {
            self.held.truncate(start);
            return (std::mem::take(&mut self.held), true);
        }
        let shown = self.held.len() - self.partial_stop_length();
        let rest = self.held.split_off(shown);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// Returns the text still held: at the end of the answer it is not a stop sequence after all.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the stop sequence that is completed first begins; of two completed at the same point, the longer.
    fn first_stop(&self) -> Option<usize> {
        let found = self.stops.iter().filter_map(|stop| {
            let start = self.held.find(stop)?;
            Some((start + stop.len(), start))
        });
        found.min().map(|(_, start)| start)
    }

    /// Bytes at the end of the held text that begin a stop sequence.
    fn partial_stop_length(&self) -> usize {
        let beginning_of = |stop: &String| {
            let mut cuts = stop.char_indices().map(|(at, _)| at).rev();
            cuts.find(|&at| self.held.ends_with(&stop[..at])).unwrap_or(0)
        };
        self.stops.iter().map(beginning_of).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run<'a>(stops: &[&str], parts: impl IntoIterator<Item = &'a str>) -> (String, bool) {
        let mut filter = StopFilter::new(stops.iter().map(|&stop| stop.to_owned()).collect());
        let mut shown = String::new();
        for part in parts {
            let (text, stopped) = filter.push(part);
            shown.push_str(&text);
            if stopped {
                return (shown, true);
            }
        }
        shown.push_str(&filter.finish());
        (shown, false)
    }

    #[test]
    fn a_stop_sequence_across_pushes_ends_the_answer_before_it() {
        assert_eq!(run(&["\n\nUser:"], ["Yes.", "\n", "\nUs", "er: no"]), ("Yes.".to_owned(), true));
    }

    #[test]
    fn what_only_began_like_a_stop_sequence_is_shown() {
        assert_eq!(run(&["끝입니다"], ["이제 끝", "입니까?"]), ("이제 끝입니까?".to_owned(), false));
        assert_eq!(run(&["<end>"], ["a <en"]), ("a <en".to_owned(), false));
    }

    #[test]
    fn no_beginning_of_a_stop_sequence_is_shown_while_it_may_still_become_one() {
        let mut filter = StopFilter::new(vec!["aab".to_owned(), String::new()]);
        assert_eq!(filter.push("xaaa"), ("xa".to_owned(), false));
        assert_eq!(filter.push("b"), (String::new(), true));
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_cuts(
            text in "[ab가]{0,24}",
            stops in prop::collection::vec("[ab가]{1,4}", 0..4),
        ) {
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let whole = run(&stops, [text.as_str()]);
            let by_char = run(&stops, text.split_inclusive(|_| true));
            prop_assert_eq!(&whole, &by_char);
            prop_assert!(stops.iter().all(|stop| !whole.0.contains(stop)));
            prop_assert!(text.starts_with(&whole.0));
            prop_assert_eq!(whole.1, stops.iter().any(|stop| text.contains(stop)));
        }
    }
}

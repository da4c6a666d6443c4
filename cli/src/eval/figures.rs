//! The figures by which runs are compared, looked up in the report of a run.

use web::api::evaluation::EvalRun;

/// A figure of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    /// Its name.
    pub(super) name: &'static str,
    /// Where it is in the report, as a JSON pointer.
    pointer: &'static str,
    /// Whether more is better.
    pub(super) more_is_better: bool,
}

const fn gain(name: &'static str, pointer: &'static str) -> Figure {
    Figure { name, pointer, more_is_better: true }
}

const fn loss(name: &'static str, pointer: &'static str) -> Figure {
    Figure { name, pointer, more_is_better: false }
}

/// All figures. The last two are the share of answerable questions declined, and of unanswerable ones answered.
pub(super) const FIGURES: [Figure; 7] = [
    gain("recall@1", "/systems/hybrid/recall@1"),
    gain("recall@5", "/systems/hybrid/recall@5"),
    gain("recall@10", "/systems/hybrid/recall@10"),
    gain("mrr@10", "/systems/hybrid/mrr@10"),
    gain("ndcg@10", "/systems/hybrid/ndcg@10"),
    loss("declined", "/decision/answerable/declined"),
    loss("answered", "/decision/unanswerable/answered"),
];

/// Tolerated difference: sums of shares depend on the order of the questions in their last bits.
const ROUNDING: f64 = 1e-9;

impl Figure {
    pub(super) fn named(name: &str) -> Option<Self> {
        FIGURES.into_iter().find(|figure| figure.name == name)
    }

    /// Its value; `None` where the run, made by another release, did not report it.
    pub(super) fn of(&self, run: &EvalRun) -> Option<f64> {
        run.report.pointer(self.pointer)?.as_f64()
    }

    /// Whether `now` is worse than `bound` by more than `tolerance`.
    pub(super) fn is_worse(&self, now: f64, bound: f64, tolerance: f64) -> bool {
        let loss = if self.more_is_better { bound - now } else { now - bound };
        loss > tolerance + ROUNDING
    }
}

/// A figure, or a dash for one that was not reported.
pub(super) fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_less_of_some_and_more_of_others() {
        let (recall, declined) = (Figure::named("recall@1").unwrap(), Figure::named("declined").unwrap());
        assert!(recall.is_worse(0.90, 0.92, 0.01) && !recall.is_worse(0.92, 0.90, 0.01));
        assert!(declined.is_worse(0.05, 0.03, 0.01) && !declined.is_worse(0.03, 0.05, 0.01));
        assert!(!recall.is_worse(0.91, 0.92, 0.01), "exactly the tolerance is tolerated");
        assert!(Figure::named("latency").is_none());
    }
}

//! Counts decisions to answer: answerable questions that are declined, and unanswerable ones that are answered.

use serde::{Deserialize, Serialize};

use crate::retrieve::Retrieved;

/// The curve has a point for each fiftieth from 0 to 1.
const CURVE_STEPS: u32 = 50;

/// Which questions are answered, at the threshold in effect and at others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// Answerable questions.
    pub answerable: Answerable,
    /// Unanswerable questions.
    pub unanswerable: Unanswerable,
    /// The threshold in effect.
    pub threshold: f64,
    /// The same shares at every fiftieth from 0 to 1.
    pub curve: Vec<CurvePoint>,
}

/// Questions that some document answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answerable {
    /// Number of questions.
    pub n: usize,
    /// Share of declined questions.
    pub declined: f64,
}

/// Questions that no document answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Unanswerable {
    /// Number of questions.
    pub n: usize,
    /// Share of answered questions.
    pub answered: f64,
}

/// The shares at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Minimum evidence for an answer.
    pub threshold: f64,
    /// Share of the answerable questions that are declined.
    pub declined: f64,
    /// Share of the unanswerable questions that are answered.
    pub answered: f64,
}

/// The decisions counted so far.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    answerable: Vec<Decision>,
    unanswerable: Vec<Decision>,
}

#[derive(Debug, Clone, Copy)]
struct Decision {
    /// `None` if nothing was found: declined at any threshold.
    evidence: Option<f32>,
    is_answered: bool,
}

impl Decision {
    fn answered_at(&self, threshold: f64) -> bool {
        self.evidence.is_some_and(|evidence| evidence >= threshold as f32)
    }
}

impl Decisions {
    pub(super) fn add(&mut self, is_answerable: bool, retrieved: &Retrieved) {
        let is_found = !retrieved.passages.is_empty();
        let decision = Decision {
            evidence: is_found.then_some(retrieved.evidence.score),
            is_answered: is_found && retrieved.evidence.sufficient,
        };
        if is_answerable { self.answerable.push(decision) } else { self.unanswerable.push(decision) }
    }

    pub(super) fn report(&self, threshold: f32) -> DecisionReport {
        let curve = (0..=CURVE_STEPS).map(|step| {
            let threshold = f64::from(step) / f64::from(CURVE_STEPS);
            CurvePoint {
                threshold,
                declined: share(&self.answerable, |decision| !decision.answered_at(threshold)),
                answered: share(&self.unanswerable, |decision| decision.answered_at(threshold)),
            }
        });
        DecisionReport {
            answerable: Answerable {
                n: self.answerable.len(),
                declined: share(&self.answerable, |decision| !decision.is_answered),
            },
            unanswerable: Unanswerable {
                n: self.unanswerable.len(),
                answered: share(&self.unanswerable, |decision| decision.is_answered),
            },
            threshold: round_threshold(threshold),
            curve: curve.collect(),
        }
    }
}

/// The share of decisions for which `holds`; 0 without decisions.
fn share(decisions: &[Decision], holds: impl Fn(&Decision) -> bool) -> f64 {
    decisions.iter().filter(|decision| holds(decision)).count() as f64 / decisions.len().max(1) as f64
}

/// Rounds a threshold to six digits: 0.44 as `f32` is 0.4399999976 as `f64`, and users set fewer digits.
pub fn round_threshold(threshold: f32) -> f64 {
    (f64::from(threshold) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Language, SparseVector};

    use super::*;
    use crate::evidence::Evidence;

    fn decided(scores: &[(bool, f32)]) -> Decisions {
        let decisions = scores.iter().map(|&(answerable, score)| {
            let decision = Decision { evidence: Some(score), is_answered: score >= 0.44 };
            (answerable, decision)
        });
        let (answerable, unanswerable): (Vec<_>, Vec<_>) = decisions.partition(|(answerable, _)| *answerable);
        let only = |pairs: Vec<(bool, Decision)>| pairs.into_iter().map(|(_, decision)| decision).collect();
        Decisions { answerable: only(answerable), unanswerable: only(unanswerable) }
    }

    #[test]
    fn shares_are_of_each_kind_by_hand() {
        let decisions =
            decided(&[(true, 0.9), (true, 0.44), (true, 0.3), (true, 0.5), (false, 0.1), (false, 0.6)]);
        let report = decisions.report(0.44);
        assert_eq!(report.answerable, Answerable { n: 4, declined: 0.25 });
        assert_eq!(report.unanswerable, Unanswerable { n: 2, answered: 0.5 });
        assert_eq!(report.threshold, 0.44);
        assert_eq!(report.curve.len(), 51);
        assert_eq!(report.curve[0], CurvePoint { threshold: 0.0, declined: 0.0, answered: 1.0 });
        assert_eq!(report.curve[22], CurvePoint { threshold: 0.44, declined: 0.25, answered: 0.5 });
        assert_eq!(report.curve[27], CurvePoint { threshold: 0.54, declined: 0.75, answered: 0.5 });
        assert_eq!(report.curve[50], CurvePoint { threshold: 1.0, declined: 1.0, answered: 0.0 });
    }

    #[test]
    fn nothing_found_is_declined_at_any_threshold() {
        let nothing = Retrieved {
            passages: Vec::new(),
            evidence: Evidence { score: 0.0, sufficient: true },
            language: Language::KOREAN,
            terms: SparseVector::default(),
            timings_ms: BTreeMap::new(),
        };
        let mut decisions = Decisions::default();
        decisions.add(true, &nothing);
        let report = decisions.report(0.0);
        assert_eq!((report.answerable.declined, report.curve[0].declined), (1.0, 1.0));
        assert_eq!(report.unanswerable, Unanswerable { n: 0, answered: 0.0 });
    }
}

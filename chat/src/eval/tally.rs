//! Counts answers one by one and reports the figures.

use domain::is_source;
use retriever::eval::{DecisionReport, JudgedQuestion};

use super::overlap;
use super::report::{AnswerableReport, Answered, AnswersReport, UnanswerableReport};

/// The answers counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    answerable: Vec<bool>,
    unanswerable: Vec<bool>,
    cited_right: Vec<bool>,
    exact: Vec<bool>,
    f1: Vec<f64>,
}

impl Tally {
    /// Counts the answer to a question.
    pub fn add(&mut self, question: &JudgedQuestion, answered: &Answered) {
        if !question.is_answerable() {
            self.unanswerable.push(answered.abstained);
            return;
        }
        self.answerable.push(answered.abstained);
        let holds = |source: &String| question.relevant.keys().any(|expected| is_source(source, expected));
        self.cited_right.push(!answered.abstained && answered.cited.iter().any(holds));
        if !question.references.is_empty() {
            let (text, references) = (&answered.text, &question.references);
            self.exact.push(overlap::exact_match(text, references, answered.language));
            self.f1.push(overlap::f1(text, references, answered.language));
        }
    }

    /// The figures. `decision` is the decision by evidence on the same questions.
    pub fn report(self, decision: DecisionReport) -> AnswersReport {
        let f1 = (!self.f1.is_empty()).then(|| self.f1.iter().sum::<f64>() / self.f1.len() as f64);
        AnswersReport {
            answerable: AnswerableReport {
                n: self.answerable.len(),
                exact_match: share(&self.exact),
                f1,
                declined: share(&self.answerable).unwrap_or_default(),
            },
            unanswerable: UnanswerableReport {
                n: self.unanswerable.len(),
                declined: share(&self.unanswerable).unwrap_or_default(),
            },
            cited_right_document: share(&self.cited_right),
            threshold: decision.threshold,
            curve: decision.curve,
        }
    }
}

/// The share of true flags; `None` without flags.
fn share(flags: &[bool]) -> Option<f64> {
    (!flags.is_empty()).then(|| flags.iter().filter(|flag| **flag).count() as f64 / flags.len() as f64)
}

#[cfg(test)]
mod tests {
    use domain::{EvalQuestion, Language};
    use retriever::eval::{Answerable, Unanswerable};

    use super::*;

    fn question(expected: &[&str], answer: Option<&str>) -> JudgedQuestion {
        JudgedQuestion::from(EvalQuestion {
            question: "How many days?".to_owned(),
            history: Vec::new(),
            expected: expected.iter().map(|source| (*source).to_owned()).collect(),
            answer: answer.map(str::to_owned),
        })
    }

    fn answered(text: &str, abstained: bool, cited: &[&str]) -> Answered {
        Answered {
            text: text.to_owned(),
            language: Language::ENGLISH,
            abstained,
            cited: cited.iter().map(|source| (*source).to_owned()).collect(),
        }
    }

    fn decision() -> DecisionReport {
        DecisionReport {
            answerable: Answerable { n: 4, declined: 0.5 },
            unanswerable: Unanswerable { n: 4, answered: 0.25 },
            threshold: 0.44,
            curve: Vec::new(),
        }
    }

    #[test]
    fn answers_are_counted_by_hand() {
        let mut tally = Tally::default();
        tally.add(
            &question(&["leave.md"], Some("15 days")),
            &answered("15 days [1]", false, &["/srv/leave.md"]),
        );
        tally
            .add(&question(&["leave.md"], Some("15")), &answered("17 [1]", false, &["/srv/annual-leave.md"]));
        tally.add(&question(&["leave.md"], None), &answered("15 days [1]", false, &["leave.md"]));
        tally.add(&question(&["leave.md"], Some("15")), &answered("I could not find it.", true, &[]));
        tally.add(&question(&[], None), &answered("I could not find it.", true, &[]));
        let report = tally.report(decision());
        assert_eq!((report.answerable.n, report.answerable.declined), (4, 0.25));
        assert_eq!(report.answerable.exact_match, Some(1.0 / 3.0));
        assert_eq!(report.answerable.f1, Some(1.0 / 3.0));
        assert_eq!(report.cited_right_document, Some(0.5));
        assert_eq!(report.unanswerable, UnanswerableReport { n: 1, declined: 1.0 });
    }

    #[test]
    fn without_a_model_only_the_decision_is_known() {
        let report = AnswersReport::from(decision());
        assert_eq!((report.answerable.declined, report.unanswerable.declined), (0.5, 0.75));
        assert_eq!((report.answerable.exact_match, report.answerable.f1), (None, None));
        assert_eq!(report.cited_right_document, None);
    }
}

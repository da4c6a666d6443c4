//! How good answers are: whether they say what is right, cite what holds it, and decline what no document holds.
//!
//! The caller asks; a [`Tally`] takes each question with what came back.

pub mod overlap;

use domain::{Language, is_source};
use retriever::eval::{CurvePoint, DecisionReport, JudgedQuestion};
use serde::Serialize;

/// What came back for a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The text, with its citations' numbers.
    pub text: String,
    /// Its language.
    pub language: Language,
    /// Whether it says that the documents do not hold the answer.
    pub abstained: bool,
    /// Sources of the documents it cites.
    pub cited: Vec<String>,
}

/// What `daedap eval answers` reports. Shares are 0 to 1; what needs a model's answers is absent without them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswersReport {
    /// Questions that some document answers.
    pub answerable: AnswerableReport,
    /// Questions that no document answers.
    pub unanswerable: UnanswerableReport,
    /// Share of the answerable questions whose answer cites a document that holds it.
    pub cited_right_document: Option<f64>,
    /// The evidence threshold in effect.
    pub threshold: f64,
    /// What the decision by evidence would be at other thresholds.
    pub curve: Vec<CurvePoint>,
}

/// Questions that some document answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerableReport {
    /// How many.
    pub n: usize,
    /// Share of those with a right answer whose answer is that; see [`overlap`].
    pub exact_match: Option<f64>,
    /// Mean F1 of those with a right answer; see [`overlap`].
    pub f1: Option<f64>,
    /// Share that was declined.
    pub declined: f64,
}

/// Questions that no document answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnanswerableReport {
    /// How many.
    pub n: usize,
    /// Share that was declined.
    pub declined: f64,
}

impl From<DecisionReport> for AnswersReport {
    /// By evidence alone, without any answer.
    fn from(decision: DecisionReport) -> Self {
        let DecisionReport { answerable, unanswerable, threshold, curve } = decision;
        Self {
            answerable: AnswerableReport {
                n: answerable.n,
                exact_match: None,
                f1: None,
                declined: answerable.declined,
            },
            unanswerable: UnanswerableReport {
                n: unanswerable.n,
                declined: if unanswerable.n == 0 { 0.0 } else { 1.0 - unanswerable.answered },
            },
            cited_right_document: None,
            threshold,
            curve,
        }
    }
}

/// Answers, one by one.
#[derive(Debug, Default)]
pub struct Tally {
    answerable: Vec<bool>,
    unanswerable: Vec<bool>,
    cited_right: Vec<bool>,
    exact: Vec<bool>,
    f1: Vec<f64>,
}

impl Tally {
    /// Takes what came back for a question.
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

    /// The figures. `decision` is what evidence alone says of the same questions.
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

/// `None` of none.
fn share(flags: &[bool]) -> Option<f64> {
    (!flags.is_empty()).then(|| flags.iter().filter(|flag| **flag).count() as f64 / flags.len() as f64)
}

#[cfg(test)]
mod tests {
    use domain::EvalQuestion;
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

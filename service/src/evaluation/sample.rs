//! Picks an even sample of questions.

use retriever::eval::{JudgedQuestion, even_sample};

/// An even sample of each kind of question, the same one every time.
pub fn sampled(questions: Vec<JudgedQuestion>, limit: Option<usize>) -> Vec<JudgedQuestion> {
    let Some(limit) = limit else { return questions };
    let (answerable, unanswerable) = questions.into_iter().partition(JudgedQuestion::is_answerable);
    let mut sampled = even_sample(answerable, limit);
    sampled.extend(even_sample(unanswerable, limit));
    sampled
}

#[cfg(test)]
mod tests {
    use domain::EvalQuestion;

    use super::*;

    fn question(text: &str, expected: &[&str]) -> JudgedQuestion {
        JudgedQuestion::from(EvalQuestion {
            question: text.to_owned(),
            history: vec!["정규직의 연차는 며칠인가요?".to_owned()],
            expected: expected.iter().map(|source| (*source).to_owned()).collect(),
            answer: None,
        })
    }

    #[test]
    fn a_sample_holds_both_kinds() {
        let all: Vec<JudgedQuestion> =
            (0..12).map(|n| question(&n.to_string(), if n % 3 == 0 { &[] } else { &["a.md"] })).collect();
        let texts = |limit| -> Vec<String> {
            sampled(all.clone(), limit).into_iter().map(|question| question.question).collect()
        };
        assert_eq!(texts(Some(2)), ["1", "7", "0", "6"]);
        assert_eq!(texts(None).len(), 12);
    }
}

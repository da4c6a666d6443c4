//! Reads question sets: SQuAD-format JSON files and BEIR folders with their documents, and JSON Lines of questions only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::EvalQuestion;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Documents and questions about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The documents to ingest.
    pub documents: Vec<EvalDocument>,
    /// The questions to ask.
    pub questions: Vec<JudgedQuestion>,
}

/// A document of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalDocument {
    /// The source to ingest it under: its id as a file name.
    pub source: String,
    /// Its text; Markdown if it has a title.
    pub text: String,
}

/// A question with its known answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedQuestion {
    /// The question's text.
    pub question: String,
    /// The questions of its conversation before it, oldest first.
    pub history: Vec<String>,
    /// Relevance of documents by source, above 0. Empty: no document holds the answer.
    pub relevant: BTreeMap<String, u32>,
    /// Reference answers.
    pub references: Vec<String>,
}

impl JudgedQuestion {
    /// Whether a document holds the answer.
    pub fn is_answerable(&self) -> bool {
        !self.relevant.is_empty()
    }

    /// The same question for documents that do not hold its answer.
    pub fn unanswerable(self) -> Self {
        Self { relevant: BTreeMap::new(), references: Vec::new(), ..self }
    }
}

impl From<EvalQuestion> for JudgedQuestion {
    fn from(question: EvalQuestion) -> Self {
        Self {
            question: question.question,
            history: question.history,
            relevant: question.expected.into_iter().map(|source| (source, 1)).collect(),
            references: question.answer.into_iter().collect(),
        }
    }
}

/// Why a question set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file has the wrong format.
    #[error("`{path}` is not a question set: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line if there is one.
        reason: String,
    },
}

impl Dataset {
    /// Reads a SQuAD-format JSON file (each paragraph becomes one document, which is relevant to its questions except those
    /// that SQuAD 2.0 marks as impossible), or a BEIR folder (`corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv` or any
    /// other split).
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let dataset = if path.is_dir() { read_beir(path)? } else { read_squad(path)? };
        if dataset.documents.is_empty() || dataset.questions.is_empty() {
            return Err(malformed(path, &"it has no documents or no questions about them"));
        }
        Ok(dataset)
    }
}

/// Reads questions only, one per line. An unknown field is an error: a misspelt `expected` would make a question
/// unanswerable.
pub fn read_questions(path: &Path) -> Result<Vec<EvalQuestion>, DatasetError> {
    let questions: Vec<EvalQuestion> = json_lines(path)?;
    if questions.is_empty() { Err(malformed(path, &"it has no questions")) } else { Ok(questions) }
}

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Question {
    fn into_judged(self, source: &str) -> JudgedQuestion {
        let relevant = if self.is_impossible { None } else { Some((source.to_owned(), 1)) };
        JudgedQuestion {
            question: self.question,
            history: Vec::new(),
            relevant: relevant.into_iter().collect(),
            references: self.answers.into_iter().map(|answer| answer.text).collect(),
        }
    }
}

/// Article titles are omitted: they would reveal the subject that the search has to find.
fn read_squad(path: &Path) -> Result<Dataset, DatasetError> {
    let squad: Squad = serde_json::from_str(&text(path)?).map_err(|error| malformed(path, &error))?;
    let paragraphs = squad.data.into_iter().flat_map(|article| article.paragraphs);
    let mut dataset = Dataset { documents: Vec::new(), questions: Vec::new() };
    for (number, paragraph) in paragraphs.enumerate() {
        let source = format!("{number:06}.txt");
        dataset.questions.extend(paragraph.qas.into_iter().map(|question| question.into_judged(&source)));
        dataset.documents.push(EvalDocument { source, text: paragraph.context });
    }
    Ok(dataset)
}

#[derive(Deserialize)]
struct Record {
    _id: String,
    #[serde(default)]
    title: String,
    text: String,
}

/// BEIR's layout (Thakur et al., 2021).
fn read_beir(folder: &Path) -> Result<Dataset, DatasetError> {
    let corpus: Vec<Record> = json_lines(&folder.join("corpus.jsonl"))?;
    let documents = corpus.into_iter().map(|record| EvalDocument {
        source: source_of(&record._id),
        text: if record.title.is_empty() {
            record.text
        } else {
            format!("# {}\n\n{}", record.title, record.text)
        },
    });
    let mut judged = read_judgements(&judgements_file(folder)?)?;
    let queries: Vec<Record> = json_lines(&folder.join("queries.jsonl"))?;
    // Queries of other splits have no judgements here, and cannot be scored.
    let questions = queries.into_iter().filter_map(|record| {
        Some(JudgedQuestion {
            relevant: judged.remove(&record._id)?,
            question: record.text,
            history: Vec::new(),
            references: Vec::new(),
        })
    });
    Ok(Dataset { documents: documents.collect(), questions: questions.collect() })
}

fn source_of(id: &str) -> String {
    format!("{id}.md")
}

/// The file of the test split, else of the first one by name.
fn judgements_file(folder: &Path) -> Result<PathBuf, DatasetError> {
    let qrels = folder.join("qrels");
    let test = qrels.join("test.tsv");
    if test.exists() {
        return Ok(test);
    }
    let entries =
        fs::read_dir(&qrels).map_err(|source| DatasetError::Unreadable { path: qrels.clone(), source })?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let first = files.filter(|path| path.extension().is_some_and(|extension| extension == "tsv")).min();
    first.ok_or_else(|| malformed(&qrels, &"it has no `.tsv` file"))
}

/// Reads lines of `query-id <tab> corpus-id <tab> score` after a header line; a score of 0 means not relevant.
fn read_judgements(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, u32>>, DatasetError> {
    let mut judged = BTreeMap::<String, BTreeMap<String, u32>>::new();
    for (number, line) in text(path)?.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty())
    {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [query, document, score] = fields[..] else {
            return Err(malformed(path, &format_args!("line {}: expected three fields", number + 1)));
        };
        let score: i64 =
            score.parse().map_err(|error| malformed(path, &format_args!("line {}: {error}", number + 1)))?;
        if let Ok(score @ 1..) = u32::try_from(score) {
            judged.entry(query.to_owned()).or_default().insert(source_of(document), score);
        }
    }
    Ok(judged)
}

fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DatasetError> {
    let text = text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| malformed(path, &format_args!("line {}: {error}", number + 1)))
        })
        .collect()
}

fn text(path: &Path) -> Result<String, DatasetError> {
    fs::read_to_string(path).map_err(|source| DatasetError::Unreadable { path: path.to_owned(), source })
}

fn malformed(path: &Path, reason: &dyn std::fmt::Display) -> DatasetError {
    DatasetError::Malformed { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_squad_paragraph_is_the_answer_to_its_questions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("squad.json");
        let json = r#"{"version": "1.1", "data": [{"title": "T", "paragraphs": [
            {"context": "하나", "qas": [{"id": "1", "question": "몇?", "answers": []}]},
            {"context": "two", "qas": [{"question": "which?"}, {"question": "what?"}]}]}]}"#;
        fs::write(&path, json).unwrap();
        let dataset = Dataset::read(&path).unwrap();
        assert_eq!(
            dataset.documents[1],
            EvalDocument { source: "000001.txt".to_owned(), text: "two".to_owned() }
        );
        assert_eq!(dataset.questions.len(), 3);
        assert_eq!(dataset.questions[2].relevant, BTreeMap::from([("000001.txt".to_owned(), 1)]));
    }

    #[test]
    fn an_impossible_question_has_no_document_and_answers_are_references() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("squad2.json");
        let json = r#"{"version": "v2.0", "data": [{"paragraphs": [{"context": "The Tower opened in 1889.", "qas": [
            {"question": "When?", "is_impossible": false, "answers": [{"text": "1889", "answer_start": 20}, {"text": "in 1889"}]},
            {"question": "Who?", "is_impossible": true, "answers": [], "plausible_answers": [{"text": "Tower"}]}]}]}]}"#;
        fs::write(&path, json).unwrap();
        let dataset = Dataset::read(&path).unwrap();
        assert!(dataset.questions[0].is_answerable() && !dataset.questions[1].is_answerable());
        assert_eq!(dataset.questions[0].references, ["1889", "in 1889"]);
        assert!(dataset.questions[1].references.is_empty());
    }

    #[test]
    fn questions_only_are_one_per_line_and_spelt_right() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.jsonl");
        fs::write(
            &path,
            "{\"question\": \"연차는?\", \"expected\": [\"휴가.md\"]}\n\n{\"question\": \"And in June?\", \"history\": [\"Why?\"]}\n",
        )
        .unwrap();
        let questions = read_questions(&path).unwrap();
        assert_eq!(
            (questions[0].expected.as_slice(), questions.len()),
            (["휴가.md".to_owned()].as_slice(), 2)
        );
        assert!(!JudgedQuestion::from(questions[1].clone()).is_answerable());
        fs::write(&path, "{\"question\": \"Why?\", \"expcted\": [\"a.md\"]}\n").unwrap();
        let refused = read_questions(&path).unwrap_err().to_string();
        assert!(refused.contains("line 1") && refused.contains("expcted"), "{refused}");
        fs::write(&path, "\n").unwrap();
        assert!(read_questions(&path).unwrap_err().to_string().contains("no questions"));
    }

    #[test]
    fn a_beir_folder_keeps_judged_questions_only() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("qrels")).unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write(
            "corpus.jsonl",
            "{\"_id\": \"d1\", \"title\": \"Leave\", \"text\": \"15 days\"}\n{\"_id\": \"d2\", \"text\": \"x\"}\n",
        );
        write(
            "queries.jsonl",
            "{\"_id\": \"q1\", \"text\": \"how many?\"}\n{\"_id\": \"q2\", \"text\": \"unjudged\"}\n",
        );
        write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n");
        let dataset = Dataset::read(dir.path()).unwrap();
        assert_eq!(dataset.documents[0].text, "# Leave\n\n15 days");
        assert_eq!(dataset.questions.len(), 1);
        assert_eq!(dataset.questions[0].relevant, BTreeMap::from([("d1.md".to_owned(), 2)]));
    }

    #[test]
    fn errors_name_the_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.json");
        fs::write(&path, "{\"data\": 1}").unwrap();
        assert!(matches!(Dataset::read(&path), Err(DatasetError::Malformed { .. })));
        fs::write(&path, "{\"data\": []}").unwrap();
        assert!(Dataset::read(&path).unwrap_err().to_string().contains("no documents"));
        assert!(matches!(Dataset::read(&dir.path().join("absent")), Err(DatasetError::Unreadable { .. })));
        fs::create_dir(dir.path().join("qrels")).unwrap();
        fs::write(dir.path().join("corpus.jsonl"), "{\"_id\": \"d1\", \"text\": \"x\"}\nnonsense\n").unwrap();
        assert!(Dataset::read(dir.path()).unwrap_err().to_string().contains("line 2"));
    }
}

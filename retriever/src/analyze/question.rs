//! What a question is about: its terms without the words that only ask.
//!
//! `what`, `어떻게`, `알려주세요` say that something is asked, not what about. In a small corpus of statements they
//! are rare, so their inverse document frequency is high and they would outweigh the subject. They are dropped
//! from questions only; documents keep every word.

use domain::Language;

use super::normalize::normalize;
use super::terms::{Run, Term, each_term, is_han, is_hangul, runs};

/// English words that ask or hold a question together.
const ENGLISH: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "could", "did", "do", "does", "for", "from",
    "had", "has", "have", "how", "i", "in", "is", "it", "its", "me", "my", "of", "on", "or", "please",
    "should", "tell", "that", "the", "this", "to", "was", "we", "were", "what", "when", "where", "which",
    "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
];

/// Beginnings of Korean words that ask; no other word begins like them.
const KOREAN_BEGINNINGS: &[&str] = &[
    "무엇",
    "무슨",
    "누구",
    "언제",
    "어디",
    "어떤",
    "어떻",
    "어느",
    "어째",
    "얼마",
    "알려줘",
    "알려주",
    "설명해",
    "말해줘",
    "말해주",
    "가르쳐",
    "궁금",
];

/// Whole Korean words that ask.
const KOREAN_WORDS: &[&str] = &[
    "왜",
    "몇",
    "뭐",
    "뭘",
    "뭔가",
    "뭔가요",
    "뭐야",
    "뭐가",
    "뭐지",
    "뭐예요",
    "뭐에요",
    "뭐죠",
    "누가",
    "인가",
    "인가요",
    "있나",
    "있나요",
    "있는가",
    "있는가요",
    "있는지",
    "있을까",
    "있을까요",
    "있습니까",
    "없나요",
    "되나",
    "되나요",
    "되는가",
    "되는지",
    "될까요",
    "됩니까",
    "하나",
    "하나요",
    "하는가",
    "하는지",
    "할까요",
    "합니까",
    "해요",
    "해야",
    "줘",
    "주세요",
    "것은",
    "것을",
    "것이",
    "것인가",
    "것인가요",
    "수",
    "대해",
    "대해서",
    "대한",
    "관해",
    // Particles: they stand alone where the word before them is in another script (`Rust는`).
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "에서",
    "에게",
    "로",
    "으로",
    "와",
    "과",
    "도",
    "만",
    "란",
    "이란",
    "까지",
    "부터",
];

/// Ends of Korean sentences that ask, longest first so that the longest is cut.
const KOREAN_ENDINGS: &[&str] = &[
    "하였습니까",
    "했습니까",
    "이었나요",
    "이었는가",
    "하는가요",
    "되는가요",
    "는건가요",
    "하였나요",
    "하였는가",
    "인가요",
    "입니까",
    "습니까",
    "합니까",
    "됩니까",
    "했나요",
    "했는가",
    "하나요",
    "되나요",
    "됐나요",
    "되는가",
    "하는가",
    "이었나",
    "였나요",
    "할까요",
    "될까요",
    "일까요",
    "을까요",
    "는가요",
    "인가",
    "는가",
    "은가",
    "던가",
    "나요",
    "까요",
    "니까",
    "이냐",
    "죠",
];

/// Chinese words that ask or hold a question together, longer ones first. Chinese has no spaces: a question is cut
/// at them, which also removes the bigrams that straddle them.
const CHINESE: &[&str] = &[
    "为什么",
    "為什麼",
    "什么时候",
    "什麼時候",
    "怎么样",
    "怎麼樣",
    "什么",
    "什麼",
    "怎么",
    "怎麼",
    "怎样",
    "怎樣",
    "如何",
    "多少",
    "哪里",
    "哪裡",
    "哪些",
    "哪个",
    "哪個",
    "哪种",
    "哪一",
    "哪",
    "请问",
    "請問",
    "几个",
    "幾個",
    "谁",
    "誰",
    "吗",
    "嗎",
    "呢",
    "的",
    "是",
];

/// Calls `emit` with the terms of a question that say what it is about; with all of them where none does.
pub(super) fn each_content_term(text: &str, language: Language, mut emit: impl FnMut(Term<'_>)) {
    let text = normalize(text);
    let mut is_empty = true;
    for piece in runs(&text) {
        let content = match piece {
            Run::Bigrams(run) => content_of_run(run),
            Run::Words(run) => Some(content_of_words(run, language)),
        };
        if let Some(content) = content {
            each_term(&content, language, |term| {
                is_empty = false;
                emit(term);
            });
        }
    }
    if is_empty {
        each_term(&text, language, emit);
    }
}

/// What a run is about; `None` where it only asks.
fn content_of_run(run: &str) -> Option<String> {
    if run.chars().all(is_hangul) {
        return content_of_korean(run).map(str::to_owned);
    }
    // Kana belongs to Japanese, where the same characters are parts of other words.
    if run.chars().all(is_han) {
        return Some(CHINESE.iter().fold(run.to_owned(), |rest, word| rest.replace(word, " ")));
    }
    Some(run.to_owned())
}

/// A Korean word without its asking end.
fn content_of_korean(run: &str) -> Option<&str> {
    if KOREAN_WORDS.contains(&run) || KOREAN_BEGINNINGS.iter().any(|beginning| run.starts_with(beginning)) {
        return None;
    }
    match KOREAN_ENDINGS.iter().find_map(|ending| run.strip_suffix(ending)) {
        Some("") => None,
        Some(stem) => Some(stem),
        None => Some(run),
    }
}

fn content_of_words(run: &str, language: Language) -> String {
    run.split_whitespace().filter(|word| !is_asking(word, language)).collect::<Vec<_>>().join(" ")
}

/// Whether a word asks or holds the question together, in the question's language or in English: questions in other
/// scripts have English terms, and short questions are not always told from English.
fn is_asking(word: &str, language: Language) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    // `IT` and `WHO` are names.
    if word.len() > 1 && word.chars().all(char::is_uppercase) {
        return false;
    }
    let word = word.to_lowercase();
    ENGLISH.binary_search(&word.as_str()).is_ok() || stop_words(language).contains(&word.as_str())
}

/// Function words of other languages (NLTK's lists). For English they were no help: XQuAD-en recall@1 .938 with the
/// list above. Recall@1 without and with them: ar .876/.896, de .897/.900, el .908/.914, tr .864/.873, es, ru and ro
/// within .007 either way.
fn stop_words(language: Language) -> &'static [&'static str] {
    if language == Language::ENGLISH { &[] } else { stop_words::lookup(language.code()).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        each_content_term(text, Language::KOREAN, |term| terms.push(term.text.to_owned()));
        terms
    }

    #[test]
    fn the_english_list_can_be_searched_by_halves() {
        assert!(ENGLISH.is_sorted());
    }

    #[test]
    fn words_that_ask_are_dropped() {
        assert_eq!(content("What is the ownership of a String?"), ["ownership", "string"]);
        assert_eq!(content("소유권이란 무엇인가요?"), ["소유", "유권", "권이", "이란"]);
        assert_eq!(content("Rust의 lifetime은 무엇인가"), ["rust", "lifetim"]);
        assert_eq!(content("연차는 어떻게 신청하나요?"), ["연차", "차는", "신청"]);
    }

    #[test]
    fn chinese_is_cut_where_it_asks() {
        assert_eq!(content("什么是所有权?"), ["所有", "有权"]);
        assert_eq!(content("所有権とは"), ["所有", "有権", "権と", "とは"]);
    }

    #[test]
    fn a_question_of_nothing_else_keeps_its_words() {
        assert_eq!(content("무엇인가요?"), ["무엇", "엇인", "인가", "가요"]);
        assert_eq!(content("who are you"), ["who", "are", "you"]);
    }

    #[test]
    fn other_words_that_begin_alike_stay() {
        assert_eq!(content("왜곡"), ["왜곡"]);
        assert_eq!(content("몇몇"), ["몇몇"]);
        assert_eq!(content("Who runs IT?"), ["run", "it"]);
    }

    #[test]
    fn other_languages_have_their_own_words() {
        let mut terms = Vec::new();
        let german = Language::from_code("de").unwrap();
        each_content_term("Welche Frist gilt für die Rückgabe?", german, |term| {
            terms.push(term.text.to_owned());
        });
        assert_eq!(terms, ["frist", "gilt", "ruckgab"]);
    }
}

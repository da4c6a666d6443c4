//! Lists words that this project does not use, each with the word to write instead. No rule on words reads this file.

/// Identifiers, whole.
pub(crate) const NAMES: &[(&str, &str)] =
    &[("apart", "sandbox"), ("Apart", "Sandboxed"), ("read_apart", "parse_in_sandbox")];

/// Words that follow each other in an identifier, in `snake_case`, `CamelCase` or `UPPER_CASE`.
pub(crate) const WORDS_OF_NAMES: &[(&str, &str)] = &[
    ("called off", "cancelled"),
    ("caring", "maintenance_lock"),
    ("hindered", "retryable"),
    ("mend", "repair"),
    ("mended", "repaired"),
    ("mends", "repairs"),
    ("news", "progress"),
    ("put back", "import_points"),
    ("retag", "update_tags"),
    ("retagged", "tags_updated"),
    ("roll back", "restore_version"),
    ("settle", "flush"),
    ("sniff", "detect"),
    ("take care", "maintenance_lock"),
];

/// Beginnings of identifiers.
pub(crate) const BEGINNINGS_OF_NAMES: &[(&str, &str)] = &[("MOST_", "MAX_")];

/// Files and folders, as the end of a path without its extension.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("apart", "sandbox"),
    ("borrowed", "candle_models"),
    ("changes", "file_watcher"),
    ("db/src/columns", "schema"),
    ("db/src/copies", "pre_migration_copy"),
    ("gate", "index_lock"),
    ("instance", "instance_lock"),
    ("known", "vector_reuse"),
    ("llm/src/cache", "kv_cache"),
    ("llm/src/decode", "text/detokenize"),
    ("llm/src/processor", "compute/thread_pool"),
    ("llm/src/queue", "serve/scheduler"),
    ("llm/src/shape", "model/config"),
    ("llm/src/threads", "compute/thread_pool"),
    ("llm/src/worker", "serve/batch_loop"),
    ("narrow", "filter_args"),
    ("place", "location"),
    ("put_back", "import_points"),
    ("retag", "update_tags"),
    ("ingest/src/rewrite", "rechunk"),
    ("roll_back", "restore_version"),
    ("rotation", "rope"),
    ("sniff", "detect"),
    ("unpack", "archive_job"),
];

/// English phrases, in any text and any case, also over the end of a line. `*` stands for one or two words.
pub(crate) const PHRASES: &[(&str, &str)] = &[
    ("bring in", "ingest"),
    ("bring * in", "ingest"),
    ("brings in", "ingests"),
    ("bringing in", "ingesting"),
    ("brought in", "ingested"),
    ("call off", "cancel"),
    ("call * off", "cancel"),
    ("called off", "cancelled"),
    ("calling off", "cancelling"),
    ("calls off", "cancels"),
    ("is absent from it", "does not contain"),
    ("leads on", "redirects"),
    ("look whether", "check that"),
    ("looks whether", "checks that"),
    ("mend", "repair"),
    ("mending", "repairing"),
    ("mends", "repairs"),
    ("no backup of daedap", "not a daedap backup"),
    ("not answer any more", "superseded"),
    ("only those that", "only … in this state"),
    ("prompt takes", "the prompt has N tokens; the context window is M"),
    ("put off", "retry later"),
    ("puts off", "retries later"),
    ("put in order", "repair"),
    ("so many", "the maximum number of, or n"),
    ("stand there", "are in this state"),
    ("stands there", "is there"),
    ("taking care", "maintenance"),
    ("what became of", "list, show the state of"),
    ("what is absent", "does not contain"),
    ("what there is of", "partial"),
    ("whole way through", "end to end"),
];

/// Korean words whose parts follow each other on one line, in any text.
pub(crate) const KOREAN: &[(&[&str], &str)] = &[
    (&["대목"], "발췌"),
    (&["개 중", "번째"], "1 / 1"),
    (&["번째 순서"], "대기 순서 3번째"),
    (&["그림으로만"], "스캔 이미지로만 된 파일입니다"),
    (&["글이 없는 파일"], "내용이 없는 파일"),
    (&["최근 메시지로"], "맨 아래로"),
    (&["됐어요"], "되었습니다"),
];

/// Endings of the informal register, in texts that daedap itself shows. People may ask as they like.
pub(crate) const KOREAN_ENDINGS: &[(&[&str], &str)] = &[
    (&["어요"], "합니다체"),
    (&["아요"], "합니다체"),
    (&["해요"], "합니다체"),
    (&["예요"], "합니다체"),
    (&["네요"], "합니다체"),
];

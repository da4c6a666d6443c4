//! Measuring a knowledge base on one's own questions: over HTTP, and from the command line with its exit codes.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::server::Server;
use tests::story::{self, add_document, ask, collection, conversation, done, get, small_daedap};

const LEAVE: &str = "# Leave policy\n\nEvery employee gets 17 days of annual leave per year. Unused days can be \
    carried over until 31 March.\n";
const PARKING: &str =
    "# Parking\n\nThe garage opens at 07:00 and closes at 23:00. Visitors park on level two.\n";
const KOREAN: &str =
    "# 재택근무 규정\n\n재택근무는 일주일에 이틀까지 할 수 있습니다. 수요일에는 모두 사무실에서 일합니다.\n";

/// A server with three documents in a collection, whose id comes with it.
async fn furnished(data_dir: &Path) -> Option<(Server, String)> {
    let server = Server::start(small_daedap(data_dir)?).await;
    let id = collection(&server, "rules").await;
    for (source, text) in [("leave.md", LEAVE), ("parking.md", PARKING), ("재택근무.md", KOREAN)] {
        let job = add_document(&server, &id, source, text.as_bytes().to_vec()).await;
        assert_eq!(job["state"], "done", "{job}");
    }
    Some((server, id))
}

/// The reply's status and body; the body is null where there is none.
async fn call(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let reply = server.request(method, path).json(&body).send().await.unwrap();
    let status = reply.status().as_u16();
    (status, serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn a_set_grows_from_questions_and_turns_and_is_measured() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some((server, id)) = furnished(data_dir.path()).await else { return };
    let questions = format!("/api/v1/collections/{id}/evaluation/questions");
    let add = async |body: Value| call(&server, Method::POST, &questions, body).await;

    let (status, empty) =
        call(&server, Method::POST, &format!("/api/v1/collections/{id}/evaluation/runs"), json!({})).await;
    assert_eq!((status, &empty["error"]["code"]), (409, &json!("evaluation_empty")));

    let (status, added) = add(
        json!({ "question": "When does the garage open?", "expected": ["parking.md"], "answer": "07:00" }),
    )
    .await;
    assert_eq!(
        (status, &added["expected"], &added["turn"]),
        (201, &json!(["parking.md"]), &Value::Null),
        "{added}"
    );
    let (status, again) =
        add(json!({ "question": "When does the garage open?", "expected": ["parking.md"] })).await;
    assert_eq!((status, &again["id"], &again["answer"]), (201, &added["id"], &Value::Null), "corrected");
    let (status, _) = add(json!({ "question": "What is the boiling point of nitrogen?" })).await;
    assert_eq!(status, 201);

    // Of turns that somebody had: what the answer cites is expected, and what it declines is in no document.
    let chat = conversation(&server).await;
    let answered = done(&ask(&server, &chat, "재택근무는 일주일에 며칠까지 할 수 있나요?").await);
    let (status, grown) = add(json!({ "turn": answered["turn_id"], "keep_answer": true })).await;
    assert_eq!((status, &grown["expected"]), (201, &json!(["재택근무.md"])), "{grown}");
    assert_eq!((&grown["answer"], &grown["history"]), (&answered["content"], &json!([])));
    let declined =
        done(&ask(&server, &chat, "김치찌개를 맛있게 끓이려면 돼지고기와 두부를 언제 넣어야 하나요?").await);
    let (status, grown) = add(json!({ "turn": declined["turn_id"] })).await;
    assert_eq!((status, &grown["expected"], &grown["answer"]), (201, &json!([]), &Value::Null), "{grown}");
    assert_eq!(grown["history"], json!(["재택근무는 일주일에 며칠까지 할 수 있나요?"]));
    let corrected =
        json!({ "turn": declined["turn_id"], "history": [], "expected": ["없는 문서.md"], "answer": "모름" });
    let (_, corrected) = add(corrected).await;
    assert_eq!((&corrected["expected"], &corrected["answer"]), (&json!(["없는 문서.md"]), &json!("모름")));
    let taken = format!("{questions}/{}", corrected["id"].as_str().unwrap());
    assert_eq!(call(&server, Method::DELETE, &taken, json!({})).await.0, 204);
    assert_eq!(call(&server, Method::DELETE, &taken, json!({})).await.0, 404);

    let listed = get(&server, &questions).await;
    assert_eq!(listed["questions"].as_array().unwrap().len(), 4, "{listed}");
    let runs = format!("/api/v1/collections/{id}/evaluation/runs");
    let (status, run) = call(&server, Method::POST, &runs, json!({})).await;
    assert_eq!(status, 201, "{run}");
    let report = &run["report"];
    assert_eq!((&report["documents"], &report["queries"]), (&json!(3), &json!(2)), "{report}");
    assert_eq!(report["systems"]["hybrid"]["recall@1"], 1.0, "{report}");
    assert!(report["systems"]["hybrid"]["latency_ms"]["p50"].as_f64().unwrap() > 0.0);
    let decision = &report["decision"];
    assert_eq!(decision["answerable"], json!({ "n": 2, "declined": 0.0 }));
    assert_eq!(decision["unanswerable"], json!({ "n": 2, "answered": 0.0 }));
    assert_eq!(decision["curve"].as_array().unwrap().len(), 51);
    assert_eq!(
        decision["curve"][50],
        json!({ "threshold": 1.0, "declined": 1.0, "answered": 0.0 }),
        "{decision}"
    );
    assert_eq!(run["settings"]["embedder"], "all-minilm-l6-v2", "{run}");
    assert_eq!(run["settings"]["evidence_threshold"], decision["threshold"]);

    let (status, part) = call(&server, Method::POST, &format!("{runs}?keep=false&limit=1"), json!({})).await;
    assert_eq!((status, &part["report"]["queries"]), (200, &json!(1)), "{part}");
    let kept = get(&server, &runs).await;
    assert_eq!(kept["runs"], json!([run]), "what is not kept is not listed");
    assert_eq!(call(&server, Method::DELETE, &questions, json!({})).await.0, 204);
    assert_eq!(get(&server, &questions).await["questions"], json!([]));
}

#[tokio::test]
async fn a_collection_decides_by_its_own_threshold() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some((server, id)) = furnished(data_dir.path()).await else { return };
    let path = format!("/api/v1/collections/{id}");
    let question = "재택근무는 일주일에 며칠까지 할 수 있나요?";
    let reason =
        async || done(&ask(&server, &conversation(&server).await, question).await)["finish_reason"].clone();
    assert_eq!(reason().await, "extractive");
    let (status, changed) = call(&server, Method::PATCH, &path, json!({ "evidence_threshold": 1.0 })).await;
    assert_eq!((status, &changed["evidence_threshold"]), (200, &json!(1.0)), "{changed}");
    assert_eq!(reason().await, "abstained");
    let (status, same) = call(&server, Method::PATCH, &path, json!({})).await;
    assert_eq!((status, &same["evidence_threshold"]), (200, &json!(1.0)), "what is not named stays");
    let (status, changed) = call(&server, Method::PATCH, &path, json!({ "evidence_threshold": null })).await;
    assert_eq!((status, &changed["evidence_threshold"]), (200, &Value::Null), "{changed}");
    assert_eq!(reason().await, "extractive");
}

#[tokio::test]
async fn what_is_not_fit_to_be_measured_is_refused() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some((server, id)) = furnished(data_dir.path()).await else { return };
    let own = format!("/api/v1/collections/{id}");
    let unknown = "/api/v1/collections/00000000-0000-7000-8000-000000000000";
    let questions = format!("{own}/evaluation/questions");
    let nobody = "00000000-0000-7000-8000-000000000000";
    let cases = [
        (Method::POST, questions.clone(), json!({}), 422, "invalid_value"),
        (Method::POST, questions.clone(), json!({ "question": " " }), 422, "invalid_value"),
        (Method::POST, questions.clone(), json!({ "question": "가".repeat(4_001) }), 422, "invalid_value"),
        (Method::POST, questions.clone(), json!({ "question": "q", "expcted": [] }), 422, "invalid_value"),
        (
            Method::POST,
            questions.clone(),
            json!({ "question": "q", "history": vec!["h"; 51] }),
            422,
            "invalid_value",
        ),
        (Method::POST, questions.clone(), json!({ "question": "q", "expected": [""] }), 422, "invalid_value"),
        (Method::POST, questions.clone(), json!({ "turn": nobody }), 404, "not_found"),
        (
            Method::POST,
            format!("{unknown}/evaluation/questions"),
            json!({ "question": "q" }),
            404,
            "not_found",
        ),
        (Method::GET, format!("{unknown}/evaluation/questions"), json!({}), 404, "not_found"),
        (Method::DELETE, format!("{unknown}/evaluation/questions"), json!({}), 404, "not_found"),
        (Method::DELETE, format!("{questions}/{nobody}"), json!({}), 404, "not_found"),
        (Method::DELETE, format!("{questions}/nonsense"), json!({}), 400, "invalid_path"),
        (Method::GET, format!("{unknown}/evaluation/runs"), json!({}), 404, "not_found"),
        (Method::POST, format!("{unknown}/evaluation/runs"), json!({}), 404, "not_found"),
        (Method::POST, format!("{own}/evaluation/runs?limit=5"), json!({}), 422, "invalid_value"),
        (Method::POST, format!("{own}/evaluation/runs?keep=false&limit=0"), json!({}), 422, "invalid_value"),
        (Method::POST, format!("{own}/evaluation/runs?colour=1"), json!({}), 400, "invalid_query"),
        (Method::PATCH, own.clone(), json!({ "evidence_threshold": 1.5 }), 422, "invalid_value"),
        (Method::PATCH, own.clone(), json!({ "evidence_threshold": "high" }), 422, "invalid_value"),
        (Method::PATCH, own.clone(), json!({ "name": "other" }), 422, "invalid_value"),
        (Method::PATCH, unknown.to_owned(), json!({ "evidence_threshold": 0.5 }), 404, "not_found"),
    ];
    for (method, path, body, status, code) in cases {
        let (found, envelope) = call(&server, method.clone(), &path, body.clone()).await;
        assert_eq!(
            (found, &envelope["error"]["code"]),
            (status, &json!(code)),
            "{method} {path} {body}: {envelope}"
        );
    }
    assert_eq!(get(&server, &questions).await["questions"], json!([]), "nothing of it was stored");
}

#[tokio::test]
async fn one_evaluation_runs_at_a_time() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some((server, id)) = furnished(data_dir.path()).await else { return };
    let questions = format!("/api/v1/collections/{id}/evaluation/questions");
    for number in 0..100 {
        let body = json!({ "question": format!("When does garage number {number} open?"), "expected": ["parking.md"] });
        assert_eq!(call(&server, Method::POST, &questions, body).await.0, 201);
    }
    let runs = format!("/api/v1/collections/{id}/evaluation/runs");
    let run = async || call(&server, Method::POST, &runs, json!({})).await;
    let ((first, _), (second, _)) = tokio::join!(run(), run());
    let mut found = [first, second];
    found.sort_unstable();
    assert_eq!(found, [201, 409]);
    assert_eq!(run().await.0, 201, "and then the next");
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Three documents in the collection `rules`, and a file with questions to them.
async fn questioned(daedap: &Daedap, folder: &Path) -> String {
    for (name, text) in [("leave.md", LEAVE), ("parking.md", PARKING), ("재택근무.md", KOREAN)] {
        std::fs::create_dir_all(folder.join("documents")).unwrap();
        std::fs::write(folder.join("documents").join(name), text).unwrap();
    }
    let documents = folder.join("documents");
    let output =
        daedap.run(&["ingest", documents.to_str().unwrap(), "--collection", "rules", "--json"]).await;
    assert_eq!(json_of(&output)["added"], 3);
    let file = folder.join("set.jsonl");
    let lines = [
        json!({ "question": "How many days of annual leave does every employee get?", "expected": ["leave.md"], "answer": "17 days" }),
        json!({ "question": "When does the garage open?", "expected": ["parking.md"] }),
        json!({ "question": "수요일은요?", "history": ["재택근무는 일주일에 며칠까지 할 수 있나요?"], "expected": ["재택근무.md"] }),
        json!({ "question": "What is the boiling point of nitrogen?" }),
    ];
    std::fs::write(&file, lines.map(|line| line.to_string()).join("\n")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deleted_document_makes_the_next_run_fail() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = questioned(&daedap, folder.path()).await;
    let daedap = daedap.argument("--collection").argument("rules");
    let run = async |more: &[&str]| daedap.run(&[&["eval", "run", "--json"], more].concat()).await;

    assert_eq!(run(&[]).await.status.code(), Some(1), "there are no questions yet");
    let imported = daedap.run(&["eval", "import", &file, "--json"]).await;
    assert_eq!(json_of(&imported), json!({ "read": 4, "questions": 4 }));
    let again = daedap.run(&["eval", "import", &file, "--json"]).await;
    assert_eq!(json_of(&again)["questions"], 4, "the same questions are not added twice");
    let exported = daedap.run(&["eval", "export"]).await;
    let copy = folder.path().join("copy.jsonl");
    std::fs::write(&copy, &exported.stdout).unwrap();
    let again = daedap.run(&["eval", "import", copy.to_str().unwrap(), "--json"]).await;
    assert_eq!(
        json_of(&again),
        json!({ "read": 4, "questions": 4 }),
        "what is exported is what was imported"
    );

    let first = run(&["--require", "recall@1=1", "--require", "answered=0"]).await;
    let report = json_of(&first);
    assert_eq!(first.status.code(), Some(0), "{report}");
    assert_eq!((&report["previous"], &report["failures"]), (&Value::Null, &json!([])));
    assert_eq!(report["run"]["report"]["systems"]["hybrid"]["recall@1"], 1.0, "{report}");
    assert_eq!(run(&[]).await.status.code(), Some(0), "nothing changed");
    assert_eq!(run(&["--require", "recall@3=1"]).await.status.code(), Some(2), "there is no such figure");

    std::fs::remove_file(folder.path().join("documents/parking.md")).unwrap();
    let documents = folder.path().join("documents");
    assert_eq!(json_of(&daedap.run(&["ingest", documents.to_str().unwrap(), "--json"]).await)["removed"], 1);
    let fell = run(&[]).await;
    let report = json_of(&fell);
    assert_eq!(fell.status.code(), Some(1), "{report}");
    let figures: Vec<&str> = report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["figure"].as_str().unwrap())
        .collect();
    assert!(figures.contains(&"recall@1") && figures.contains(&"recall@10"), "{report}");
    assert_eq!(report["settings_changed"], json!([]), "it was no setting");

    let set = daedap.run(&["eval", "threshold", "1", "--json"]).await;
    assert_eq!(json_of(&set)["evidence_threshold"], 1.0);
    let strict = run(&[]).await;
    let report = json_of(&strict);
    assert_eq!(strict.status.code(), Some(1), "{report}");
    assert_eq!(report["settings_changed"][0]["setting"], "evidence_threshold", "{report}");
    assert_eq!(report["failures"][0]["figure"], "declined", "{report}");
    assert_eq!(daedap.run(&["eval", "threshold", "1.5"]).await.status.code(), Some(2));
    assert_eq!(
        json_of(&daedap.run(&["eval", "threshold", "default", "--json"]).await)["evidence_threshold"],
        Value::Null
    );
    assert_eq!(json_of(&daedap.run(&["eval", "runs", "--json"]).await)["runs"].as_array().unwrap().len(), 4);
    let unknown = daedap.run(&["eval", "runs"]).await;
    assert!(String::from_utf8_lossy(&unknown.stdout).contains("recall@1"));
}

#[tokio::test]
async fn the_same_commands_speak_to_the_server_that_holds_the_directory() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = questioned(&daedap, folder.path()).await;
    let server = Server::start(daedap.clone()).await;
    let daedap = daedap.argument("--collection").argument("rules");
    assert_eq!(json_of(&daedap.run(&["eval", "import", &file, "--json"]).await)["questions"], 4);
    let exported = String::from_utf8(daedap.run(&["eval", "export"]).await.stdout).unwrap();
    assert_eq!(exported.lines().count(), 4, "{exported}");
    assert!(exported.contains("수요일은요?"), "{exported}");
    assert_eq!(daedap.run(&["eval", "run"]).await.status.code(), Some(0));
    assert_eq!(json_of(&daedap.run(&["eval", "runs", "--json"]).await)["runs"].as_array().unwrap().len(), 1);
    let measured = json_of(&daedap.run(&["eval", "retrieval", "--json"]).await);
    assert_eq!((&measured["queries"], &measured["documents"]), (&json!(3), &json!(3)), "{measured}");
    let set = daedap.run(&["eval", "threshold", "0.9", "--json"]).await;
    assert_eq!(json_of(&set)["evidence_threshold"], 0.9);
    assert_eq!(
        json_of(&daedap.run(&["eval", "threshold", "default", "--json"]).await)["evidence_threshold"],
        Value::Null
    );

    let answers = json_of(&daedap.run(&["eval", "answers", "--json"]).await);
    assert_eq!(
        (&answers["answerable"]["n"], &answers["unanswerable"]["n"]),
        (&json!(3), &json!(1)),
        "{answers}"
    );
    assert_eq!(answers["unanswerable"]["declined"], 1.0, "{answers}");
    let left = story::get(&server, "/api/v1/conversations").await;
    assert_eq!(left["conversations"], json!([]), "the measurement's conversations are gone");
}

#[tokio::test]
async fn answers_are_measured_on_a_question_set() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let paragraph = |context: &str, questions: Value| json!({ "context": context, "qas": questions });
    let set =
        |paragraphs: Value| json!({ "version": "v2.0", "data": [{ "paragraphs": paragraphs }] }).to_string();
    let ours = data_dir.path().join("ours.json");
    let text = set(json!([
        paragraph(
            "재택근무는 일주일에 이틀까지 할 수 있습니다.",
            json!([
                { "question": "재택근무는 일주일에 며칠까지 할 수 있나요?", "answers": [{ "text": "이틀" }] },
                { "question": "김치찌개는 어떻게 끓이나요?", "is_impossible": true, "answers": [] },
            ])
        ),
        paragraph(
            "주차장은 오전 7시에 엽니다.",
            json!([
                { "question": "주차장은 몇 시에 여나요?", "answers": [{ "text": "오전 7시" }, { "text": "7시" }] },
            ])
        ),
    ]));
    std::fs::write(&ours, text).unwrap();
    let theirs = data_dir.path().join("theirs.json");
    let other =
        paragraph("x", json!([{ "question": "질소의 끓는점은 몇 도입니까?", "answers": [{ "text": "x" }] }]));
    std::fs::write(&theirs, set(json!([other]))).unwrap();
    let (ours, theirs) = (ours.to_str().unwrap(), theirs.to_str().unwrap());

    let report = json_of(&daedap.run(&["eval", "answers", ours, "--unanswerable", theirs, "--json"]).await);
    assert_eq!(
        (&report["answerable"]["n"], &report["unanswerable"]["n"]),
        (&json!(2), &json!(2)),
        "{report}"
    );
    assert_eq!(
        (&report["answerable"]["declined"], &report["unanswerable"]["declined"]),
        (&json!(0.0), &json!(1.0))
    );
    // The small model writes no Korean, so the answers are the documents' own sentences: they hold the words, and more.
    assert_eq!(report["answerable"]["exact_match"], 0.0, "{report}");
    let f1 = report["answerable"]["f1"].as_f64().unwrap();
    assert!(f1 > 0.1 && f1 < 0.9, "{report}");
    assert_eq!(report["cited_right_document"], 1.0, "{report}");
    assert_eq!(report["curve"].as_array().unwrap().len(), 51);

    let arguments =
        ["eval", "answers", ours, "--unanswerable", theirs, "--without-model", "--limit", "1", "--json"];
    let report = json_of(&daedap.run(&arguments).await);
    assert_eq!(
        (&report["answerable"]["n"], &report["unanswerable"]["n"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!((&report["answerable"]["f1"], &report["cited_right_document"]), (&Value::Null, &Value::Null));
    assert_eq!(daedap.run(&["eval", "answers", "--unanswerable", theirs]).await.status.code(), Some(2));
}

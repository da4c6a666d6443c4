//! What a search is narrowed to: by document, tag, language and date, each alone and together, and never wider.

use std::collections::BTreeSet;

use domain::{ChunkPoint, Filter, Language, Scope, VectorStore, WorkspaceId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{EAST, NORTH, Place, Source, query_terms, space};

const TRAVEL_DATE: &str = "2026-02-10T00:00:00Z";
const PUMP_DATE: &str = "2026-03-10T00:00:00.5Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn here(document: &str) -> Source {
    Source::new(WorkspaceId::DEFAULT, "handbook", document)
}

fn secret() -> Source {
    Source::new(WorkspaceId::DEFAULT, "secrets", "salaries")
}

fn point(source: Source, name: &str, dense: [f32; 4], labels: (&[&str], Language, &str)) -> ChunkPoint {
    let mut point = source.point(0, "green words", Some(dense));
    let (tags, language, date) = labels;
    point.chunk.source = name.to_owned();
    point.chunk.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    point.chunk.language = language;
    point.chunk.dated_at = time(date);
    point
}

async fn furnish(store: &dyn VectorStore) {
    let (ko, en) = (Language::KOREAN, Language::ENGLISH);
    let elsewhere = Source::new(WorkspaceId(Uuid::from_u128(7)), "handbook", "leave");
    let mut points = vec![
        point(here("leave"), "leave", NORTH, (&["hr", "인사"], ko, "2026-01-10T00:00:00Z")),
        point(here("travel"), "travel", NORTH, (&["hr"], en, TRAVEL_DATE)),
        point(secret(), "salaries", EAST, (&["hr"], ko, "2026-01-10T00:00:00Z")),
        point(elsewhere, "another tenant's", EAST, (&["hr"], ko, "2026-01-10T00:00:00Z")),
    ];
    // Many and nearer, so that a filter on the results would find nothing.
    points.extend((0..200).map(|position| {
        let pump = point(here("pump"), "pump", EAST, (&[], en, PUMP_DATE));
        let id = domain::ChunkId::derive(pump.chunk.version, position);
        ChunkPoint { chunk: domain::Chunk { id, position, ..pump.chunk }, ..pump }
    }));
    store.upsert(points).await.unwrap();
}

/// Names of what both searches find; they always agree here.
async fn found(store: &dyn VectorStore, scope: &Scope, limit: usize) -> Vec<String> {
    let dense = store.search_dense(scope, &EAST, limit).await.unwrap();
    let sparse = store.search_sparse(scope, &query_terms("green"), limit).await.unwrap();
    let [dense, sparse] = [dense, sparse].map(|hits| {
        let names: BTreeSet<String> = hits.into_iter().map(|hit| hit.chunk.source).collect();
        names.into_iter().collect::<Vec<_>>()
    });
    assert_eq!(dense, sparse, "{:?}", scope.filter);
    dense
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Each filter with what it finds in the handbook.
fn cases() -> Vec<(Filter, &'static [&'static str])> {
    let (ko, en) = (Language::KOREAN, Language::ENGLISH);
    let documents = |sources: &[Source]| sources.iter().map(|source| source.document).collect::<Vec<_>>();
    let none = Filter::default;
    let by_document = |sources: &[Source]| Filter { documents: documents(sources), ..none() };
    let by_tag = |tags: &[&str]| Filter { tags: words(tags), ..none() };
    let by_language = |languages: &[Language]| Filter { languages: languages.to_vec(), ..none() };
    let between = |from: Option<&str>, until: Option<&str>| Filter {
        from: from.map(time),
        until: until.map(time),
        ..none()
    };
    vec![
        (by_document(&[here("leave"), here("travel")]), &["leave", "travel"]),
        (by_document(&[secret(), here("leave")]), &["leave"]),
        (by_document(&[secret()]), &[]),
        (by_tag(&["hr"]), &["leave", "travel"]),
        (by_tag(&["인사", "nobody's"]), &["leave"]),
        (by_tag(&["nobody's"]), &[]),
        (by_language(&[ko]), &["leave"]),
        (by_language(&[Language::CHINESE]), &[]),
        (between(None, Some(PUMP_DATE)), &["leave", "travel"]),
        (between(None, Some(TRAVEL_DATE)), &["leave"]),
        (between(Some(TRAVEL_DATE), Some(PUMP_DATE)), &["travel"]),
        (between(Some(PUMP_DATE), None), &["pump"]),
        (between(Some(PUMP_DATE), Some("2026-03-10T00:00:00.5001Z")), &["pump"]),
        (between(Some("2026-03-10T00:00:00.5001Z"), None), &[]),
        (Filter { languages: vec![en], ..by_tag(&["hr"]) }, &["travel"]),
        (Filter { until: Some(time(TRAVEL_DATE)), languages: vec![en], ..by_tag(&["hr"]) }, &[]),
        (Filter { tags: words(&["hr"]), languages: vec![ko], ..by_document(&[here("leave")]) }, &["leave"]),
    ]
}

#[tokio::test]
async fn a_filter_narrows_the_search_itself_and_never_widens_it() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        furnish(store.as_ref()).await;
        let handbook = here("leave").scope();
        assert_eq!(found(store.as_ref(), &handbook, 300).await, ["leave", "pump", "travel"]);
        for (filter, expected) in cases() {
            let scope = Scope { filter, ..handbook.clone() };
            assert_eq!(found(store.as_ref(), &scope, 3).await, expected, "{:?}", scope.filter);
        }
        let both = vec![handbook.collections[0], secret().collection];
        let filter = Filter { tags: words(&["hr"]), ..Filter::default() };
        let scope = Scope { collections: both, filter, ..handbook.clone() };
        assert_eq!(found(store.as_ref(), &scope, 9).await, ["leave", "salaries", "travel"]);
        let nowhere = Scope { collections: Vec::new(), ..scope };
        assert!(found(store.as_ref(), &nowhere, 9).await.is_empty(), "a filter finds nothing of its own");
    }
}

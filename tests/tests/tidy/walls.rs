//! Keeps each vendor crate in one room, so that replacing it means rewriting one room.

use std::collections::BTreeSet;

use crate::syntax::{self, Binds, Mention, Syntax};
use crate::tree::{SourceFile, Tree, Violation};

struct Wall {
    vendors: &'static [&'static str],
    /// Beginnings of paths.
    rooms: &'static [&'static str],
    /// Tests of other rooms may use it, too, as the other side of a conversation.
    in_tests_too: bool,
}

const fn wall(vendors: &'static [&'static str], rooms: &'static [&'static str]) -> Wall {
    Wall { vendors, rooms, in_tests_too: false }
}

const WALLS: &[Wall] = &[
    // Documents.
    wall(&["pulldown_cmark"], &["parse/src/formats/markdown", "chat/src/render"]),
    wall(&["unpdf"], &["parse/src/formats/pdf"]),
    wall(&["undoc", "calamine"], &["parse/src/formats/office"]),
    wall(&["unhwp"], &["parse/src/formats/hwp"]),
    wall(&["mail_parser"], &["parse/src/formats/email"]),
    wall(&["rbook"], &["parse/src/formats/epub"]),
    wall(&["csv"], &["parse/src/formats/table"]),
    wall(&["htmd", "dom_smoothie"], &["parse/src/formats/html"]),
    wall(&["landlock", "seccompiler"], &["parse/src/sandbox/confinement"]),
    wall(
        &["quick_xml"],
        &[
            "parse/src/formats/package",
            "parse/src/formats/opendocument",
            "parse/src/formats/hwpx",
            "parse/src/web/sitemap",
        ],
    ),
    wall(&["ammonia"], &["chat/src/render"]),
    // Storage.
    wall(&["sqlx"], &["db/"]),
    wall(&["qdrant_client"], &["retriever/src/store/qdrant"]),
    wall(&["qdrant_edge"], &["retriever/src/store/embedded"]),
    wall(&["object_store"], &["ingest/src/originals"]),
    wall(&["cap_std", "cap_fs_ext"], &["ingest/src/sources/regular_file"]),
    wall(&["tar", "zstd"], &["service/src/backup/format/"]),
    // Models.
    wall(&["fastembed", "ort"], &["retriever/src/embed/"]),
    wall(&["candle_core", "candle_nn", "candle_transformers"], &["llm/"]),
    // The network. Beside fetch, daedap connects only to what people configure: a generator, sources of models, a
    // running server.
    Wall {
        vendors: &["reqwest"],
        rooms: &["fetch/", "chat/src/generator/", "models/", "cli/src/client", "tests/"],
        in_tests_too: true,
    },
    Wall { vendors: &["axum"], rooms: &["web/", "tests/"], in_tests_too: true },
    // The command line calls the router in its own process.
    wall(&["http", "http_body_util", "tower"], &["web/", "cli/src/client"]),
    wall(&["hyper", "hyper_util"], &["web/src/server/", "tests/"]),
    wall(&["tower_http", "utoipa", "utoipa_axum"], &["web/"]),
    // People.
    wall(&["clap"], &["cli/", "xtask/"]),
    wall(
        &["fluent_bundle", "fluent_langneg", "fluent_syntax", "unic_langid"],
        &["locales/", "tests/tests/tidy/"],
    ),
    // Libraries name their errors. Wiring and command lines only report them.
    wall(
        &["anyhow"],
        &[
            "service/src/app",
            "service/src/backup/restore",
            "service/src/doctor",
            "service/src/generator",
            "service/src/indexes/",
            "service/src/knowledge",
            "service/src/model_files",
            "service/src/open_error",
            "service/src/stores",
            "web/src/server",
            "cli/",
            "xtask/",
        ],
    ),
];

/// What speaks no HTTP names no status of it, not even one that another crate hands on.
const WITHOUT_HTTP: [&str; 2] = ["service/", "domain/"];
const HTTP_NAMES: [&str; 2] = ["StatusCode", "HeaderMap"];

pub(crate) fn vendors_outside_their_rooms(tree: &Tree) -> Vec<Violation> {
    tree.rust().flat_map(violations_in).collect()
}

fn violations_in(file: &SourceFile) -> Vec<Violation> {
    let syntax = match syntax::read(&file.text) {
        Ok(syntax) => syntax,
        Err(reason) => return vec![file.violation(1, reason)],
    };
    let mut violations = vendors_in(file, &syntax);
    violations.extend(http_in(file, &syntax));
    violations.sort_by_key(|violation| violation.line);
    violations
}

fn vendors_in(file: &SourceFile, syntax: &Syntax) -> Vec<Violation> {
    let mut violations = Vec::new();
    for wall in WALLS.iter().filter(|wall| !wall.rooms.iter().any(|room| file.path.starts_with(room))) {
        for (vendor, mention) in mentions_of(syntax, wall.vendors) {
            if wall.in_tests_too && (mention.in_test || file.is_test()) {
                continue;
            }
            let rooms = wall.rooms.join(", ");
            let message =
                format!("`{vendor}` may be used in {rooms} only: move this there, or call it through a port");
            violations.push(file.violation(mention.line, message));
        }
    }
    violations
}

/// The paths that begin with one of `vendors` as a crate; the paths of one `use` count once.
fn mentions_of<'a>(syntax: &'a Syntax, vendors: &'a [&'a str]) -> Vec<(&'a str, &'a Mention)> {
    let mut places = BTreeSet::new();
    let named = syntax.mentions.iter().filter_map(|mention| {
        let first = mention.segments.first()?;
        let vendor = vendors.iter().find(|vendor| *vendor == first)?;
        let is_new = places.insert((mention.line, mention.column));
        (is_new && (mention.is_global || !is_own_name(syntax, vendor))).then_some((*vendor, mention))
    });
    named.collect()
}

/// A module of ours may be called like a crate: `mod http;`, `use crate::http;`.
fn is_own_name(syntax: &Syntax, name: &str) -> bool {
    let is_module = syntax.modules.iter().any(|module| module.name == name);
    let is_import = |mention: &Mention| {
        let begins_here = ["crate", "self", "super"].contains(&mention.segments[0].as_str());
        begins_here && matches!(&mention.binds, Binds::Name(bound) if bound == name)
    };
    is_module || syntax.mentions.iter().any(is_import)
}

fn http_in(file: &SourceFile, syntax: &Syntax) -> Vec<Violation> {
    if !WITHOUT_HTTP.iter().any(|room| file.path.starts_with(room)) {
        return Vec::new();
    }
    let named = syntax.mentions.iter().filter_map(|mention| {
        let name = mention.segments.iter().find(|segment| HTTP_NAMES.contains(&segment.as_str()))?;
        let message = format!(
            "`{name}` belongs to HTTP: return a value or an error that web/src/error_status.rs answers"
        );
        Some(file.violation(mention.line, message))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[(path, text)]);
        vendors_outside_their_rooms(&tree).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn every_way_to_name_a_crate_is_reported() {
        let text = "use sqlx::Row;\nuse sqlx;\nuse {std::fmt, sqlx::Any};\nfn f() -> sqlx::Result<()> { ::sqlx::g() }\nextern crate sqlx;";
        assert_eq!(lines("service/src/app.rs", text), [1, 2, 3, 4, 4, 5]);
        assert!(lines("db/src/jobs.rs", text).is_empty());
        let hidden = "#[derive(sqlx::FromRow)]\nstruct A;\nfn f() {\n    assert!(g(sqlx::query(\"\")));\n    sqlx::query!();\n}";
        assert_eq!(lines("service/src/app.rs", hidden), [1, 4, 5]);
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = "//! `sqlx::Row`\n// use sqlx::Row;\nfn f() { g(\"sqlx::Row\"); }";
        assert!(lines("service/src/app.rs", text).is_empty());
    }

    #[test]
    fn every_wall_is_checked() {
        for vendor in WALLS.iter().flat_map(|wall| wall.vendors) {
            assert_eq!(lines("domain/src/lib.rs", &format!("use {vendor}::Thing;")), [1], "{vendor}");
        }
    }

    #[test]
    fn a_room_may_be_one_file() {
        assert!(lines("retriever/src/store/qdrant.rs", "use qdrant_client::Qdrant;").is_empty());
        assert_eq!(lines("retriever/src/store/embedded.rs", "use qdrant_client::Qdrant;"), [1]);
        assert_eq!(lines("retriever/src/retrieve.rs", "use qdrant_client::Qdrant;"), [1]);
    }

    #[test]
    fn a_stub_server_in_a_test_may_use_axum_and_nothing_else() {
        let text = "#[cfg(test)]\nmod tests {\n    use axum::Router;\n    use sqlx::Row;\n}";
        assert_eq!(lines("chat/src/generator/openai.rs", text), [4]);
        assert!(lines("chat/tests/openai.rs", "use axum::Router;").is_empty());
        assert_eq!(lines("chat/src/generator/openai.rs", "use axum::Router;"), [1]);
    }

    #[test]
    fn a_module_may_be_called_like_a_crate() {
        assert!(lines("models/src/lib.rs", "mod http;\npub use http::Client;").is_empty());
        assert!(lines("models/src/pypi.rs", "use crate::http;\nfn f() { http::get() }").is_empty());
        assert_eq!(lines("models/src/pypi.rs", "fn f() { http::get() }"), [1]);
        assert_eq!(lines("models/src/lib.rs", "mod http;\nfn f() { ::http::get() }"), [2]);
    }

    #[test]
    fn the_service_names_no_http_status() {
        assert_eq!(lines("service/src/jobs/worker.rs", "use fetch::StatusCode;"), [1]);
        assert_eq!(lines("service/src/doctor.rs", "fn f() {\n    g(fetch::StatusCode::OK);\n}"), [2]);
        assert!(lines("web/src/error_status.rs", "use axum::http::StatusCode;").is_empty());
    }

    #[test]
    fn what_is_not_rust_is_reported() {
        assert_eq!(lines("db/src/jobs.rs", "fn f( {"), [1]);
    }
}

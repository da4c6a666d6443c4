//! One room per vendor: a crate that could be replaced one day is named in one place.

use crate::tokens::{Token, tokens};
use crate::tree::{SourceFile, Tree, Violation};

struct Wall {
    vendors: &'static [&'static str],
    /// Beginnings of paths.
    rooms: &'static [&'static str],
    /// Tests of other rooms may use it too, as the other side of a conversation.
    in_tests_too: bool,
}

const WALLS: [Wall; 19] = [
    Wall { vendors: &["qdrant_client"], rooms: &["retriever/src/store/qdrant"], in_tests_too: false },
    Wall { vendors: &["qdrant_edge"], rooms: &["retriever/src/store/embedded"], in_tests_too: false },
    Wall { vendors: &["fastembed", "ort"], rooms: &["retriever/src/embed/"], in_tests_too: false },
    Wall {
        vendors: &["candle_core", "candle_nn", "candle_transformers"],
        rooms: &["llm/"],
        in_tests_too: false,
    },
    Wall { vendors: &["sqlx"], rooms: &["db/"], in_tests_too: false },
    Wall { vendors: &["axum"], rooms: &["web/"], in_tests_too: true },
    Wall {
        vendors: &["pulldown_cmark"],
        rooms: &["ingest/src/parse/markdown.rs", "chat/src/render.rs"],
        in_tests_too: false,
    },
    Wall { vendors: &["unpdf"], rooms: &["ingest/src/parse/pdf.rs"], in_tests_too: false },
    Wall { vendors: &["undoc", "calamine"], rooms: &["ingest/src/parse/office.rs"], in_tests_too: false },
    Wall { vendors: &["mail_parser"], rooms: &["ingest/src/parse/email.rs"], in_tests_too: false },
    Wall {
        vendors: &["quick_xml"],
        rooms: &[
            "ingest/src/parse/package.rs",
            "ingest/src/parse/opendocument.rs",
            "ingest/src/parse/hwpx.rs",
            "ingest/src/crawl/sitemap.rs",
        ],
        in_tests_too: false,
    },
    Wall { vendors: &["texting_robots"], rooms: &["ingest/src/crawl/"], in_tests_too: false },
    Wall { vendors: &["rbook"], rooms: &["ingest/src/parse/epub.rs"], in_tests_too: false },
    Wall { vendors: &["object_store"], rooms: &["ingest/src/originals.rs"], in_tests_too: false },
    // Besides it, only what people configure is spoken with: a generator, places of models, a server of our own.
    Wall {
        vendors: &["reqwest"],
        rooms: &["ingest/src/fetch/", "chat/src/generator/", "models/", "web/src/cli/", "tests/"],
        in_tests_too: true,
    },
    Wall { vendors: &["unhwp"], rooms: &["ingest/src/parse/hwp.rs"], in_tests_too: false },
    Wall { vendors: &["tar", "zstd"], rooms: &["web/src/archive/"], in_tests_too: false },
    Wall { vendors: &["ammonia"], rooms: &["chat/src/render.rs"], in_tests_too: false },
    Wall {
        vendors: &["anyhow"],
        rooms: &[
            "web/src/main.rs",
            "web/src/app",
            "web/src/server.rs",
            "web/src/model_files.rs",
            "web/src/cli/",
            "xtask/",
        ],
        in_tests_too: false,
    },
];

pub(crate) fn vendors_outside_their_rooms(tree: &Tree) -> Vec<Violation> {
    tree.rust().flat_map(vendors_in_the_wrong_room).collect()
}

fn vendors_in_the_wrong_room(file: &SourceFile) -> Vec<Violation> {
    let tokens = match tokens(&file.text) {
        Ok(tokens) => tokens,
        Err(reason) => return vec![file.violation(1, reason)],
    };
    let mut violations = Vec::new();
    for wall in WALLS.iter().filter(|wall| !wall.rooms.iter().any(|room| file.path.starts_with(room))) {
        for (vendor, token) in imports(&tokens, wall.vendors) {
            if wall.in_tests_too && (token.in_test || file.is_test()) {
                continue;
            }
            let rooms = wall.rooms.join(", ");
            let message =
                format!("`{vendor}` is only known in {rooms}: move this there, or ask through a port");
            violations.push(file.violation(token.line, message));
        }
    }
    violations
}

/// Places where the code names one of `vendors` as a crate: behind `use` or before `::`.
fn imports<'a>(tokens: &'a [Token], vendors: &'a [&'a str]) -> Vec<(&'a str, &'a Token)> {
    let text = |index: usize| tokens.get(index).map(|token| token.text.as_str());
    let named = tokens.iter().enumerate().filter_map(|(index, token)| {
        let vendor = vendors.iter().find(|vendor| **vendor == token.text)?;
        let after_use =
            index.checked_sub(1).and_then(text).is_some_and(|before| ["use", "crate"].contains(&before));
        let before_path = text(index + 1) == Some(":") && text(index + 2) == Some(":");
        (after_use || before_path).then_some((*vendor, token))
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
    fn every_way_to_name_a_crate_is_seen() {
        let text = "use sqlx::Row;\nuse sqlx;\nuse {std::fmt, sqlx::Any};\nfn f() -> sqlx::Result<()> { ::sqlx::g() }\nextern crate sqlx;";
        assert_eq!(lines("web/src/app.rs", text), [1, 2, 3, 4, 4, 5]);
        assert!(lines("db/src/jobs.rs", text).is_empty());
    }

    #[test]
    fn every_wall_stands() {
        for vendor in WALLS.iter().flat_map(|wall| wall.vendors) {
            assert_eq!(lines("domain/src/lib.rs", &format!("use {vendor}::Thing;")), [1], "{vendor}");
        }
    }

    #[test]
    fn a_room_is_one_file_not_the_house() {
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
    fn what_is_no_rust_is_reported() {
        assert_eq!(lines("db/src/jobs.rs", "fn f( {"), [1]);
    }
}

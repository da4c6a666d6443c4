//! No two files of a crate import each other, directly or in a ring.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{Import, imports};
use crate::tree::{Tree, Violation};

/// From each file to the files that it imports from, with the first such import.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Import>>;

/// Files that can all be reached from each other.
struct Circle<'a> {
    files: BTreeSet<&'a str>,
    /// The shortest way from each file back to itself, each way once, the shortest first.
    rings: Vec<Vec<&'a str>>,
}

/// What was found among the imports of the workspace.
pub(crate) struct Report {
    pub(crate) imports: usize,
    pub(crate) circles: usize,
    /// One for each ring, those of the shortest circle first.
    pub(crate) violations: Vec<Violation>,
}

pub(crate) fn files_in_circles(tree: &Tree) -> Report {
    let imports = imports(tree);
    let graph = graph(&imports);
    let circles = circles(&graph);
    let rings = circles.iter().flat_map(|circle| circle.rings.iter().map(move |ring| (circle, ring)));
    let violations = rings.map(|(circle, ring)| violation(&graph, circle, ring)).collect();
    Report { imports: imports.len(), circles: circles.len(), violations }
}

fn graph(imports: &[Import]) -> Graph<'_> {
    let mut graph = Graph::new();
    for import in imports.iter().filter(|import| import.from != import.to) {
        graph.entry(&import.from).or_default().entry(&import.to).or_insert(import);
    }
    graph
}

fn circles<'a>(graph: &Graph<'a>) -> Vec<Circle<'a>> {
    let mut circles: Vec<Circle<'a>> = Vec::new();
    for file in graph.keys().copied() {
        let Some(ring) = shortest_ring(graph, file) else { continue };
        let known = circles.iter_mut().find(|circle| circle.files.contains(file));
        match known {
            Some(circle) if circle.rings.contains(&ring) => {}
            Some(circle) => circle.rings.push(ring),
            None => circles.push(Circle { files: circle_around(graph, file), rings: vec![ring] }),
        }
    }
    for circle in &mut circles {
        circle.rings.sort_by_key(Vec::len);
    }
    circles.sort_by_key(|circle| circle.rings[0].len());
    circles
}

/// The shortest way from `file` to itself, turned so that it begins with the first of its files.
fn shortest_ring<'a>(graph: &Graph<'a>, file: &'a str) -> Option<Vec<&'a str>> {
    let came_from = search(graph, file);
    let mut ring = vec![*came_from.get(file)?];
    while ring[ring.len() - 1] != file {
        ring.push(came_from[ring[ring.len() - 1]]);
    }
    ring.reverse();
    let first = (0..ring.len()).min_by_key(|index| ring[*index]).unwrap_or_default();
    ring.rotate_left(first);
    Some(ring)
}

/// The files that `file` reaches and that reach it.
fn circle_around<'a>(graph: &Graph<'a>, file: &'a str) -> BTreeSet<&'a str> {
    let reached = search(graph, file);
    reached.into_keys().filter(|other| search(graph, other).contains_key(file)).collect()
}

/// Every file that can be reached from `start` in at least one step, with the one before it on a shortest way.
fn search<'a>(graph: &Graph<'a>, start: &'a str) -> BTreeMap<&'a str, &'a str> {
    let mut came_from = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !came_from.contains_key(next) {
                came_from.insert(*next, file);
                waiting.push_back(next);
            }
        }
    }
    came_from
}

fn violation(graph: &Graph<'_>, circle: &Circle<'_>, ring: &[&str]) -> Violation {
    let arrows = ring.iter().zip(ring.iter().cycle().skip(1));
    let imports: Vec<&Import> = arrows.map(|(from, to)| graph[from][to]).collect();
    let lines: Vec<String> = imports
        .iter()
        .map(|import| format!("\n    {}:{} imports `{}`", import.from, import.line, import.path))
        .collect();
    let message = format!(
        "{} -> {} is a ring, in a circle of {} files: move what both sides need to a file of its own{}",
        ring.join(" -> "),
        ring[0],
        circle.files.len(),
        lines.concat(),
    );
    Violation { path: ring[0].to_owned(), line: imports[0].line, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rings in a crate of these files, as the messages name them.
    fn rings(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, &str)> =
            files.iter().map(|(path, text)| (format!("db/{path}"), *text)).collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        files.push(("db/Cargo.toml", "[package]"));
        let Report { violations, .. } = files_in_circles(&Tree::of(&files));
        violations
            .iter()
            .map(|violation| violation.message.split(" is a ring").next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn a_ring_of_two_is_reported() {
        let tree = [
            ("src/lib.rs", "mod a;\nmod b;\nmod c;"),
            ("src/a.rs", "use crate::b::B;\npub struct A;"),
            ("src/b.rs", "use super::a::A;\npub struct B;"),
            ("src/c.rs", "use crate::{a::A, b::B};"),
        ];
        assert_eq!(rings(&tree), ["db/src/a.rs -> db/src/b.rs -> db/src/a.rs"]);
    }

    #[test]
    fn a_ring_of_three_through_re_exports_is_reported() {
        let tree = [
            ("src/lib.rs", "mod a;\nmod folder;\nmod c;\npub use folder::{B as Renamed};"),
            ("src/a.rs", "use crate::folder::B;\npub fn a() {}"),
            ("src/folder/mod.rs", "mod b;\nmod other;\npub use b::*;\npub use other::Other;"),
            ("src/folder/b.rs", "pub struct B(crate::c::C);"),
            ("src/folder/other.rs", "pub struct Other;"),
            ("src/c.rs", "pub struct C;\nfn f() { crate::a::a() }"),
        ];
        assert_eq!(rings(&tree), ["db/src/a.rs -> db/src/folder/b.rs -> db/src/c.rs -> db/src/a.rs"]);
    }

    #[test]
    fn the_shortest_ring_comes_first_and_names_its_imports() {
        let tree = Tree::of(&[
            ("db/Cargo.toml", "[package]"),
            ("db/src/lib.rs", "mod a;\nmod b;\nmod c;\nmod d;"),
            ("db/src/a.rs", "use crate::b::B;"),
            ("db/src/b.rs", "use crate::c::C;"),
            ("db/src/c.rs", "use crate::a::A;\nuse crate::d::D;"),
            ("db/src/d.rs", "//! D.\nfn f() { crate::c::g(); }"),
        ]);
        let Report { violations, circles, .. } = files_in_circles(&tree);
        assert_eq!((violations.len(), circles), (2, 1));
        assert_eq!((violations[0].path.as_str(), violations[0].line), ("db/src/c.rs", 2));
        assert!(violations[0].message.starts_with("db/src/c.rs -> db/src/d.rs -> db/src/c.rs is a ring"));
        assert!(violations[0].message.ends_with("\n    db/src/d.rs:2 imports `crate::c::g`"));
        assert!(violations[1].message.contains("in a circle of 4 files"));
    }

    #[test]
    fn a_circle_of_two_rings_counts_once() {
        let tree = Tree::of(&[
            ("db/Cargo.toml", "[package]"),
            ("db/src/lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\nmod e;"),
            ("db/src/a.rs", "use crate::b::B;"),
            ("db/src/b.rs", "use crate::{a::A, c::C};"),
            ("db/src/c.rs", "use crate::b::B;"),
            ("db/src/d.rs", "use crate::e::E;"),
            ("db/src/e.rs", "use crate::d::D;"),
        ]);
        let Report { violations, circles, .. } = files_in_circles(&tree);
        assert_eq!((violations.len(), circles), (3, 2));
    }

    #[test]
    fn a_file_and_its_children_count_like_others() {
        let tree = [
            ("src/main.rs", "mod a;\nfn main() { a::run() }"),
            ("src/a.rs", "mod b;\npub(crate) struct A;\npub(crate) fn run() { b::run() }"),
            ("src/a/b.rs", "use super::A;\npub(super) fn run() {}"),
        ];
        assert_eq!(rings(&tree), ["db/src/a.rs -> db/src/a/b.rs -> db/src/a.rs"]);
    }

    #[test]
    fn macros_and_attributes_import_too() {
        let tree = [
            ("src/lib.rs", "mod a;\nmod b;\nmod c;\nmod d;"),
            ("src/a.rs", "fn f() { assert!(g(crate::b::B)); }"),
            ("src/b.rs", "#[serde(with = \"crate::a\")]\nstruct B;"),
            ("src/c.rs", "stream! { use crate::d::{D, E}; }"),
            ("src/d.rs", "use crate::c;\nfn f() -> c::C {}"),
        ];
        assert_eq!(
            rings(&tree),
            ["db/src/a.rs -> db/src/b.rs -> db/src/a.rs", "db/src/c.rs -> db/src/d.rs -> db/src/c.rs"]
        );
    }

    #[test]
    fn a_crate_may_be_called_like_a_module() {
        let tree = [
            ("src/lib.rs", "mod commands;"),
            (
                "src/commands.rs",
                "mod ingest;\nuse ::ingest::Item;\nfn f(item: Item) { g!(::ingest::run(item)) }",
            ),
            ("src/commands/ingest.rs", "use super::f;"),
        ];
        assert_eq!(rings(&tree), [""; 0]);
    }

    #[test]
    fn imports_without_a_ring_pass() {
        let tree = [
            (
                "src/lib.rs",
                "//! Docs: [`a::A`].\nmod a;\nmod b;\npub mod folder;\npub use a::A;\npub use folder::C;",
            ),
            (
                "src/a.rs",
                "use crate::b::B;\npub struct A;\nimpl A { pub(in crate::b) fn f(self) -> std::fmt::A {} }",
            ),
            (
                "src/b.rs",
                "// use crate::a::A;\npub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n    use super::*;\n}",
            ),
            (
                "src/folder/mod.rs",
                "mod c;\nmod inner;\n#[cfg(test)]\nmod tests;\npub use c::C;\npub(crate) use inner::D;",
            ),
            ("src/folder/c.rs", "use super::inner::D;\nuse crate::folder;\npub struct C(folder::inner::D);"),
            ("src/folder/inner.rs", "pub struct D;\nmod e { pub(super) use super::D; }"),
            ("src/folder/tests.rs", "use super::C;\nuse crate::A;"),
        ];
        assert_eq!(rings(&tree), [""; 0]);
    }
}

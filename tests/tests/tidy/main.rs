//! The rules that keep the house in order, held by reading the sources: walls, arrows, texts, pairs.
//!
//! Each rule is a function from the tree to its violations, and has a test of its own that feeds it something bad.

mod arrows;
mod pairs;
mod text;
mod tokens;
mod tree;
mod walls;

use tree::{Tree, Violation};

fn hold(rule: fn(&Tree) -> Vec<Violation>) {
    let tree = Tree::of_the_workspace();
    let violations: Vec<String> = rule(&tree).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn each_vendor_has_one_room() {
    hold(walls::vendors_outside_their_rooms);
}

#[test]
fn crates_depend_one_way() {
    hold(arrows::forbidden_dependencies);
}

#[test]
fn every_module_says_what_it_owns() {
    hold(text::modules_without_a_first_word);
}

#[test]
fn nothing_is_left_for_later() {
    hold(text::unfinished_work);
}

#[test]
fn files_are_short() {
    hold(text::long_files);
}

#[test]
fn file_names_say_something() {
    hold(text::names_that_say_nothing);
}

#[test]
fn other_hosts_are_named_in_one_room() {
    hold(text::hosts_outside_their_room);
}

#[test]
fn skipped_tests_are_heard() {
    hold(text::swallowed_skips);
}

#[test]
fn both_dialects_have_the_same_migrations() {
    hold(pairs::migrations_of_one_dialect);
}

#[test]
fn the_page_says_everything_in_each_language() {
    hold(pairs::sentences_of_one_language);
}

//! Checks the sources against the rules of the architecture: walls, arrows, circles, facades, texts, pairs and words.
//!
//! Each rule is a function from the tree to its violations, and has a test of its own that feeds it something bad.

mod arrows;
mod banned;
mod circles;
mod facades;
mod imports;
mod pairs;
mod syntax;
mod text;
mod tree;
mod walls;
mod words;

use std::io::Write;

use tree::{Tree, Violation};

fn hold(rule: fn(&Tree) -> Vec<Violation>) {
    report(&rule(&Tree::of_the_workspace()));
}

fn report(violations: &[Violation]) {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
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
fn files_do_not_import_each_other() {
    let (violations, circles) = circles::files_in_circles(&Tree::of_the_workspace());
    // Not by `eprintln!`, which the test harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "tidy: {circles} circles");
    report(&violations);
}

#[test]
fn facades_only_declare_and_re_export() {
    hold(facades::code_in_facades);
}

#[test]
fn siblings_are_imported_from_their_own_files() {
    hold(facades::imports_of_own_facades);
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
fn each_language_has_the_same_messages() {
    hold(pairs::messages_of_one_language);
}

#[test]
fn words_are_those_of_the_field() {
    hold(words::banned_words);
}

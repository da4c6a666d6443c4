//! Checks the sources against the rules of the architecture: walls, arrows, circles, facades, texts, pairs, messages and words.
//!
//! Each rule is a function from the tree to its violations, and has a test of its own that feeds it something bad.

mod arrows;
mod banned;
mod circles;
mod facades;
mod imports;
mod messages;
mod pairs;
mod syntax;
mod text;
mod tree;
mod walls;
mod words;

use std::io::Write;

use tree::{Tree, Violation};

fn check(rule: fn(&Tree) -> Vec<Violation>) {
    assert_none(&rule(&Tree::of_the_workspace()));
}

fn assert_none(violations: &[Violation]) {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn each_vendor_crate_stays_in_its_room() {
    check(walls::vendors_outside_their_rooms);
}

#[test]
fn crates_depend_one_way() {
    check(arrows::forbidden_dependencies);
}

#[test]
fn files_do_not_import_each_other() {
    let report = circles::files_in_circles(&Tree::of_the_workspace());
    // Not by `eprintln!`, which the test harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "tidy: {} circles among {} imports", report.circles, report.imports);
    assert_none(&report.violations);
}

#[test]
fn facades_only_declare_and_re_export() {
    check(facades::code_in_facades);
}

#[test]
fn siblings_are_imported_from_their_own_files() {
    check(facades::imports_of_own_facades);
}

#[test]
fn every_error_code_has_its_message_and_every_message_its_code() {
    check(messages::messages_that_nobody_uses);
    check(messages::codes_without_a_message);
}

#[test]
fn every_module_says_what_it_does() {
    check(text::modules_without_documentation);
}

#[test]
fn no_work_is_unfinished() {
    check(text::unfinished_work);
}

#[test]
fn files_are_short() {
    check(text::long_files);
}

#[test]
fn file_names_are_not_vague() {
    check(text::vague_file_names);
}

#[test]
fn only_models_names_hosts_of_others() {
    check(text::hosts_outside_models);
}

#[test]
fn skipped_tests_are_not_captured() {
    check(text::captured_skip_messages);
}

#[test]
fn both_dialects_have_the_same_migrations() {
    check(pairs::migrations_of_one_dialect);
}

#[test]
fn each_language_has_the_same_messages() {
    check(pairs::messages_of_one_language);
}

#[test]
fn words_are_those_of_the_field() {
    check(words::banned_words);
}

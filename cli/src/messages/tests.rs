//! Compares the messages that this crate uses with the catalogue, both ways.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::arguments::Cli;
use crate::help;

/// The beginnings of this crate's ids.
const PREFIXES: [&str; 3] = ["cli-", "help-", "usage-"];

/// Ids to which the code adds the last word, with these words. Those of columns are found in the code.
const CONSTRUCTED: [(&str, &[&str]); 2] = [
    ("cli-models-", &["embedder", "generator", "runtime"]),
    ("cli-self-test-", &["connect", "read", "start", "write"]),
];

/// The beginning of the ids of column headers, and the call that adds their last word.
const COLUMNS: &str = "cli-column-";
const TABLE: &str = "table(&[";

/// The beginning of the ids of global options.
const GLOBAL_OPTIONS: &str = "help-global";

#[test]
fn every_command_and_argument_has_a_text() {
    help::command().debug_assert();
    let missing =
        help_ids(&Cli::command(), "help", GLOBAL_OPTIONS).into_iter().filter(|id| !locales::contains(id));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_message_that_is_used_is_in_the_catalogue() {
    let used = ids_in_code();
    assert!(used.len() > 100, "{} were found", used.len());
    let missing = used.into_iter().filter(|id| !locales::contains(id));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_message_in_the_catalogue_is_used() {
    let mut used = ids_in_code();
    used.extend(help_ids(&Cli::command(), "help", GLOBAL_OPTIONS));
    let ids =
        include_str!("../../../locales/en.ftl").lines().filter_map(|line| Some(line.split_once(" =")?.0));
    let own = ids.filter(|id| PREFIXES.iter().any(|prefix| id.starts_with(prefix)));
    let unused = own.filter(|id| !used.contains(*id));
    assert_eq!(unused.collect::<Vec<_>>(), [""; 0]);
}

/// The ids of the help texts of a command, its arguments and all commands below it.
fn help_ids(command: &Command, key: &str, arguments_key: &str) -> BTreeSet<String> {
    let arguments = command
        .get_arguments()
        .filter(|argument| arguments_key == GLOBAL_OPTIONS || !argument.is_global_set());
    let mut ids: BTreeSet<String> = arguments
        .map(|argument| format!("{arguments_key}-{}", argument.get_id().as_str().replace('_', "-")))
        .collect();
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let key = format!("{key}-{}", command.get_name());
        ids.extend(help_ids(command, &key, &key));
        ids.insert(key);
    }
    ids
}

/// The ids in the code of this crate; those that end in a variable, with what it may be.
fn ids_in_code() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for id in quoted_ids(&source) {
            match CONSTRUCTED.iter().find(|(beginning, _)| *beginning == id) {
                Some((beginning, words)) => ids.extend(words.iter().map(|word| format!("{beginning}{word}"))),
                None if id == COLUMNS || id == GLOBAL_OPTIONS => {}
                None => {
                    ids.insert(id);
                }
            }
        }
        ids.extend(columns(&source));
    }
    ids
}

fn quoted_ids(source: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let found = PREFIXES.into_iter().flat_map(|prefix| {
        let rests = source.split(&format!("\"{prefix}")).skip(1).collect::<Vec<_>>();
        rests.into_iter().map(move |rest| {
            format!("{prefix}{}", rest.split(|letter| !is_part(letter)).next().unwrap_or_default())
        })
    });
    found.collect()
}

fn columns(source: &str) -> Vec<String> {
    let lists = source.split(TABLE).skip(1).filter_map(|rest| rest.split(']').next());
    let names = lists.flat_map(|list| list.split('"').skip(1).step_by(2));
    names.map(|name| format!("{COLUMNS}{name}")).collect()
}

/// The files of code below the folder, without this one.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of code can be read") {
        let path = entry.expect("a folder of code can be read").path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if !path.ends_with("messages/tests.rs") {
            texts.push(std::fs::read_to_string(path).expect("code is text"));
        }
    }
    texts
}

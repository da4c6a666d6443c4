//! Both files of messages: they parse, have the same ids and variables, and every message can be written out.

use std::collections::BTreeSet;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement};
use fluent_syntax::parser;
use locales::{Argument, Locale, contains, text, text_with};

const SOURCES: [(Locale, &str); 2] =
    [(Locale::En, include_str!("../en.ftl")), (Locale::Ko, include_str!("../ko.ftl"))];

/// Korean texts without a Korean word.
const WITHOUT_HANGUL: [&str; 4] = ["chat-position", "cli-column-id", "cli-error", "cli-server-error"];

#[test]
fn the_files_parse() {
    for (locale, source) in SOURCES {
        if let Err((_, errors)) = parser::parse(source) {
            panic!("{}.ftl: {errors:?}", locale.as_str());
        }
    }
}

#[test]
fn no_id_occurs_twice() {
    for (locale, _) in SOURCES {
        let mut seen = BTreeSet::new();
        for message in messages(locale) {
            assert!(seen.insert(message.id.name), "{}.ftl has {} twice", locale.as_str(), message.id.name);
        }
    }
}

#[test]
fn both_languages_have_the_same_ids_in_the_same_order() {
    let [english, korean] = [Locale::En, Locale::Ko]
        .map(|locale| messages(locale).into_iter().map(|message| message.id.name).collect::<Vec<_>>());
    let missing = |from: &[&str], of: &[&str]| -> Vec<String> {
        of.iter().filter(|id| !from.contains(id)).map(|id| (*id).to_owned()).collect()
    };
    assert_eq!(missing(&korean, &english), [""; 0], "ids that ko.ftl lacks");
    assert_eq!(missing(&english, &korean), [""; 0], "ids that en.ftl lacks");
    assert_eq!(english, korean, "the order differs");
}

#[test]
fn both_languages_have_the_same_variables() {
    for (english, korean) in messages(Locale::En).iter().zip(&messages(Locale::Ko)) {
        assert_eq!(variables(english), variables(korean), "{}", english.id.name);
    }
}

#[test]
fn every_message_can_be_written_out() {
    for locale in Locale::ALL {
        for message in messages(locale) {
            let id = message.id.name;
            assert!(contains(id), "{id}");
            let names = variables(&message);
            for value in [0, 1, 2] {
                let arguments: Vec<(&str, Argument<'_>)> =
                    names.iter().map(|name| (name.as_str(), value.into())).collect();
                let text = text_with(locale, id, &arguments);
                // What cannot be resolved is left in braces: {$variable}, {message}.
                let unresolved = text.replace("{\"question\"", "").contains('{');
                assert!(!text.is_empty() && text != id && !unresolved, "{} {id}: {text}", locale.as_str());
                assert_eq!(text, text.trim(), "{id}");
                assert!(!text.contains('\n'), "{id} is one line: {text}");
            }
        }
    }
}

#[test]
fn each_text_is_in_its_language() {
    let is_korean = |text: &str| text.chars().any(|letter| matches!(letter, '가'..='힣'));
    for message in messages(Locale::En) {
        let id = message.id.name;
        let (english, korean) = (text(Locale::En, id), text(Locale::Ko, id));
        assert!(!is_korean(&english), "{id}: {english}");
        assert!(is_korean(&korean) != WITHOUT_HANGUL.contains(&id), "{id}: {korean}");
    }
}

fn messages(locale: Locale) -> Vec<Message<&'static str>> {
    let (_, source) = SOURCES.into_iter().find(|(of, _)| *of == locale).expect("every locale has a source");
    let resource = parser::parse(source).unwrap_or_else(|(resource, _)| resource);
    let messages = resource.body.into_iter().filter_map(|entry| match entry {
        Entry::Message(message) => Some(message),
        _ => None,
    });
    messages.collect()
}

/// The names of the variables of a message, in all of its variants.
fn variables(message: &Message<&str>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(pattern) = &message.value {
        collect(pattern, &mut names);
    }
    names
}

fn collect(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let (inline, variants) = match expression {
            Expression::Inline(inline) => (inline, &[][..]),
            Expression::Select { selector, variants } => (selector, variants.as_slice()),
        };
        if let InlineExpression::VariableReference { id } = inline {
            names.insert(id.name.to_owned());
        }
        for variant in variants {
            collect(&variant.value, names);
        }
    }
}

//! Exports the messages of the chat page as data: a text for each id, with its variables left as `{ $name }`.
//!
//! The page fills in the variables itself, because it switches languages and redraws without asking the server. So that it
//! needs no parser for it, a message that depends on a number becomes several texts, one for each variant:
//! `chat-reading[one]`, `chat-reading[other]`. What chooses among them is always the variable `count`, by its value
//! (`[0]`) or its plural category.

use std::collections::BTreeMap;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::unicode::unescape_unicode_to_string;

use crate::catalog::source_of;
use crate::locale::Locale;

/// The prefix of the ids that belong to the page.
const PREFIX: &str = "chat-";

/// The one variable that may choose among variants.
const SELECTOR: &str = "count";

/// Every message of the chat page, by id. What a locale lacks is there in English.
pub fn page_messages(locale: Locale) -> BTreeMap<String, String> {
    let mut messages = exported(source_of(Locale::En));
    messages.extend(exported(source_of(locale)));
    messages
}

fn exported(source: &str) -> BTreeMap<String, String> {
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut messages = BTreeMap::new();
    for entry in resource.entries() {
        if let Entry::Message(message) = entry
            && message.id.name.starts_with(PREFIX)
            && let Some(pattern) = &message.value
        {
            export(message.id.name, pattern, &mut messages);
        }
    }
    messages
}

/// Adds the texts of one message. A message that needs more than the page can do is left out; a test finds it.
fn export(id: &str, pattern: &Pattern<&str>, messages: &mut BTreeMap<String, String>) {
    if let Some(text) = flat_text(pattern) {
        messages.insert(id.to_owned(), text);
        return;
    }
    let [PatternElement::Placeable { expression: Expression::Select { selector, variants } }] =
        pattern.elements.as_slice()
    else {
        return;
    };
    if !matches!(selector, InlineExpression::VariableReference { id } if id.name == SELECTOR) {
        return;
    }
    for variant in variants {
        let (VariantKey::Identifier { name: key } | VariantKey::NumberLiteral { value: key }) = variant.key;
        if let Some(text) = flat_text(&variant.value) {
            messages.insert(format!("{id}[{key}]"), text);
        }
    }
}

/// The text of a pattern that has nothing but text and variables in it.
fn flat_text(pattern: &Pattern<&str>) -> Option<String> {
    let mut text = String::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text.push_str(value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => match inline {
                InlineExpression::StringLiteral { value } => {
                    text.push_str(&unescape_unicode_to_string(value));
                }
                InlineExpression::VariableReference { id } => text.push_str(&format!("{{ ${} }}", id.name)),
                _ => return None,
            },
            PatternElement::Placeable { .. } => return None,
        }
    }
    Some(text)
}

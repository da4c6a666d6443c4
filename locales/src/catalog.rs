//! Looks messages up by id and fills them in. Nothing here fails: a text that is missing in Korean is given in English,
//! and an id that the catalogue does not have stands for itself.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use crate::argument::Argument;
use crate::locale::Locale;

const EN: &str = include_str!("../en.ftl");
const KO: &str = include_str!("../ko.ftl");

static EN_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(Locale::En, EN));
static KO_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(Locale::Ko, KO));

type Bundle = FluentBundle<FluentResource>;

/// The message `key`, which has no variables.
pub fn text(locale: Locale, key: &str) -> String {
    text_with(locale, key, &[])
}

/// The message `key` with its variables set. Numbers choose the plural form where a message has several.
pub fn text_with(locale: Locale, key: &str, arguments: &[(&str, Argument<'_>)]) -> String {
    first_of([bundle_of(locale), bundle_of(Locale::En)], key, arguments)
}

/// Whether the catalogue has a message `key`, in English at least.
pub fn contains(key: &str) -> bool {
    bundle_of(Locale::En).has_message(key)
}

/// The source of a locale's messages.
pub(crate) fn source_of(locale: Locale) -> &'static str {
    match locale {
        Locale::En => EN,
        Locale::Ko => KO,
    }
}

fn bundle_of(locale: Locale) -> &'static Bundle {
    match locale {
        Locale::En => &EN_BUNDLE,
        Locale::Ko => &KO_BUNDLE,
    }
}

/// What does not parse or occurs twice is left out; the tests find both.
fn bundle(locale: Locale, source: &str) -> Bundle {
    let languages = locale.as_str().parse().into_iter().collect();
    let mut bundle = FluentBundle::new_concurrent(languages);
    // Marks of direction around values would end up in terminals and in commands that are copied from there.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned());
    let resource = resource.unwrap_or_else(|(resource, _)| resource);
    let _duplicates = bundle.add_resource(resource);
    bundle
}

fn first_of(bundles: [&Bundle; 2], key: &str, arguments: &[(&str, Argument<'_>)]) -> String {
    let text = bundles.into_iter().find_map(|bundle| formatted(bundle, key, arguments));
    text.unwrap_or_else(|| key.to_owned())
}

fn formatted(bundle: &Bundle, key: &str, arguments: &[(&str, Argument<'_>)]) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let arguments: FluentArgs<'_> =
        arguments.iter().map(|(name, value)| (*name, value.as_fluent())).collect();
    // A variable that is not set stands for itself in the text.
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_chooses_the_plural_form_of_its_language() {
        let again =
            |locale, count: u64| text_with(locale, "cli-restore-embedded-again", &[("count", count.into())]);
        assert!(again(Locale::En, 1).starts_with("1 document had"));
        assert!(again(Locale::En, 1_234).starts_with("1234 documents had"));
        assert!(again(Locale::Ko, 1).contains("문서 1개를"));
    }

    #[test]
    fn values_stand_in_the_text_as_they_are() {
        let opened = |title: &str| {
            text_with(Locale::En, "chat-open-source", &[("number", 3.into()), ("title", title.into())])
        };
        assert_eq!(opened("휴가 { $number }"), "Source 3: 휴가 { $number }");
        let decimal = text_with(Locale::En, "cli-page", &[("page", 2.5.into())]);
        assert_eq!(decimal, "page 2.5");
    }

    #[test]
    fn what_a_language_lacks_is_given_in_english_and_an_unknown_id_as_it_is() {
        let english = bundle(Locale::En, "both = Both\nenglish = English { $name }\n");
        let korean = bundle(Locale::Ko, "both = 둘 다\n");
        let text = |key| first_of([&korean, &english], key, &[("name", "only".into())]);
        assert_eq!(text("both"), "둘 다");
        assert_eq!(text("english"), "English only");
        assert_eq!(text("neither"), "neither");
        assert_eq!(super::text(Locale::Ko, "no-such-id"), "no-such-id");
        assert!(contains("chat-send") && !contains("no-such-id"));
    }

    #[test]
    fn a_missing_variable_is_no_panic() {
        assert_eq!(text(Locale::Ko, "chat-page"), "{$page}쪽");
    }

    #[test]
    fn any_thread_may_ask() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(text_with(Locale::Ko, "chat-page", &[("page", 7.into())]), "7쪽"));
            }
        });
    }
}

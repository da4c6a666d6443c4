//! The chat page and its messages: the page uses ids that there are, and there are no others.

use std::collections::BTreeSet;
use std::path::Path;

use locales::{Locale, page_messages, text};

const INDEX_HTML: &str = include_str!("../../web/assets/index.html");

#[test]
fn messages_are_patterns_with_their_variables() {
    let english = page_messages(Locale::En);
    let korean = page_messages(Locale::Ko);
    for (id, in_english, in_korean) in [
        ("chat-send", "Send", "보내기"),
        ("chat-to-latest", "Go to the latest message", "맨 아래로"),
        ("chat-position", "{ $position } of { $total }", "{ $position } / { $total }"),
        ("chat-queued", "Waiting: number { $position } in line", "대기 순서 { $position }번째"),
        ("chat-reading[other]", "Reading { $count } passages…", "발췌 { $count }개를 읽는 중…"),
        (
            "chat-welcome-text[0]",
            "There are no documents yet. Add some, and ask about them.",
            "아직 문서가 없습니다. 문서를 추가하고 질문해 보세요.",
        ),
    ] {
        assert_eq!(english[id], in_english);
        assert_eq!(korean[id], in_korean);
    }
    assert_eq!(english["chat-reading[one]"], "Reading one passage…");
    assert!(!english.contains_key("chat-reading"), "it depends on a number");
}

#[test]
fn every_message_of_the_page_is_exported_in_both_languages() {
    let ids: BTreeSet<String> = include_str!("../en.ftl")
        .lines()
        .filter_map(|line| line.split_once(" ="))
        .filter(|(id, _)| id.starts_with("chat-"))
        .map(|(id, _)| id.to_owned())
        .collect();
    for locale in Locale::ALL {
        assert_eq!(ids_of(locale), ids, "{}", locale.as_str());
        let others = page_messages(locale).into_keys().filter(|key| key.ends_with("[other]"));
        let several = page_messages(locale).into_keys().filter(|key| key.ends_with("[one]"));
        let (others, several): (Vec<String>, Vec<String>) = (others.collect(), several.collect());
        for key in several {
            assert!(others.contains(&key.replace("[one]", "[other]")), "{key} has no form for other numbers");
        }
    }
}

#[test]
fn the_page_uses_every_id_and_no_other() {
    let known = ids_of(Locale::En);
    let mut used = BTreeSet::new();
    for source in page_sources() {
        used.extend(ids_in(&source));
    }
    for id in &used {
        let is_known = match id.strip_suffix('-') {
            Some(_) => known.iter().any(|known| known.starts_with(id)),
            None => known.contains(id),
        };
        assert!(is_known, "the page uses {id}");
    }
    let unused = known.iter().filter(|id| !used.iter().any(|used| covers(used, id)));
    assert_eq!(unused.collect::<Vec<_>>(), [""; 0], "ids that the page does not use");
}

/// Until the messages are there, the page shows what `index.html` has.
#[test]
fn the_texts_in_index_html_are_the_english_ones() {
    let mut checked = 0;
    for tag in INDEX_HTML.split('<') {
        let Some((attributes, content)) = tag.split_once('>') else { continue };
        let attribute = |name: &str| {
            let (_, rest) = attributes.split_once(&format!(" {name}=\""))?;
            Some(rest.split('"').next().unwrap_or_default())
        };
        for (mark, found) in [
            ("data-i18n", Some(content.trim())),
            ("data-i18n-label", attribute("aria-label")),
            ("data-i18n-placeholder", attribute("placeholder")),
        ] {
            if let Some(id) = attribute(mark) {
                assert_eq!(found, Some(text(Locale::En, id).as_str()), "{id}");
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked} texts were found");
}

/// The ids of the exported messages, without the keys of variants.
fn ids_of(locale: Locale) -> BTreeSet<String> {
    let keys = page_messages(locale).into_keys();
    keys.map(|key| key.split('[').next().unwrap_or_default().to_owned()).collect()
}

fn page_sources() -> Vec<String> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/assets/js");
    let entries = std::fs::read_dir(scripts).expect("the page has scripts");
    let scripts = entries.map(|entry| {
        let path = entry.expect("a folder can be read").path();
        std::fs::read_to_string(path).expect("a script is text")
    });
    scripts.chain([INDEX_HTML.to_owned()]).collect()
}

/// The ids in quotes, and the beginnings (`chat-error-`) to which scripts add the rest.
fn ids_in(source: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let quoted = ["\"chat-", "`chat-"].into_iter().flat_map(|start| source.split(start).skip(1));
    quoted
        .map(|rest| format!("chat-{}", rest.split(|letter| !is_part(letter)).next().unwrap_or_default()))
        .collect()
}

fn covers(used: &str, id: &str) -> bool {
    if used.ends_with('-') { id.starts_with(used) } else { id == used }
}

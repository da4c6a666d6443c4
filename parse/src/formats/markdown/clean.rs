//! Parses Markdown: cleans it for storing, and finds its title.
//!
//! Cleaning edits the author's text in place and leaves the rest as written. Removed are front matter, comments, HTML tags,
//! hidden text, link definitions, link targets without meaning outside the source (relative links, image files), and the
//! `{{#include}}` lines of book tools, whose text is in other files.

use pulldown_cmark::Parser;

use crate::formats::markdown::cleaner::Cleaner;
use crate::formats::markdown::headings::{first_heading, with_title};
use crate::formats::markdown::syntax::SOURCE_SYNTAX;
use crate::parsed::Parsed;

/// Parses a Markdown source. Its title is its first heading, else the one in its front matter.
pub(crate) fn parse(source: &str) -> Parsed {
    let parser = Parser::new_ext(source, SOURCE_SYNTAX);
    let mut cleaner = Cleaner::new(source);
    for (_, definition) in parser.reference_definitions().iter() {
        cleaner.remove(definition.span.clone());
    }
    for (event, range) in parser.into_offset_iter() {
        cleaner.take(event, range);
    }
    let (markdown, front_matter) = cleaner.finish();
    let parsed = Parsed { title: first_heading(&markdown), markdown, page_starts: Vec::new() };
    with_title(parsed, front_matter_title(&front_matter))
}

fn front_matter_title(front_matter: &str) -> Option<String> {
    front_matter.lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start().strip_prefix([':', '='])?;
        let title = value.trim().trim_matches(['"', '\'']).trim();
        (!title.is_empty()).then(|| title.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::markdown::outline::outline;

    fn cleaned(source: &str) -> String {
        parse(source).markdown
    }

    #[test]
    fn front_matter_gives_the_title_and_goes() {
        let parsed = parse("---\ntitle: \"휴가 규정\"\ntags: [hr]\n---\n\n연차는 15일입니다.\n");
        assert_eq!(parsed.title.as_deref(), Some("휴가 규정"));
        assert_eq!(parsed.markdown, "# 휴가 규정\n\n연차는 15일입니다.\n");
        let parsed = parse("+++\ntitle = 'Leave'\n+++\n# Annual leave\n\nText.\n");
        assert_eq!(parsed.title.as_deref(), Some("Annual leave"));
        assert!(!parsed.markdown.contains("+++"));
    }

    #[test]
    fn the_first_heading_is_the_title_whatever_its_level() {
        assert_eq!(
            parse("text\n\n## 소유권이 `뭔가요`?\n\n# Later").title.as_deref(),
            Some("소유권이 뭔가요?")
        );
        assert_eq!(parse("Setext *title*\n===\n").title.as_deref(), Some("Setext title"));
        assert_eq!(parse("no heading\n").title, None);
        assert_eq!(parse("```\n# in code\n```\n").title, None);
    }

    #[test]
    fn comments_tags_and_hidden_text_go() {
        assert_eq!(cleaned("a<!-- note\nto editors --> b\n\n<!-- block -->\n\nc\n"), "a b\n\n\nc\n");
        assert_eq!(
            cleaned("<span class=\"filename\">Filename: src/main.rs</span>\n"),
            "Filename: src/main.rs\n"
        );
        assert_eq!(cleaned("x <span hidden>secret *text*</span> y\n"), "x  y\n");
        let formulas = "2<sup>n</sup>, 2<sup>n - 1</sup>, the 1<sup>st</sup>, H<sub>2</sub>O<br>next\n";
        assert_eq!(cleaned(formulas), "2^n, 2^(n - 1), the 1st, H2O next\n");
        assert_eq!(cleaned("run `a <b>` with <path> and Vec<T>\n"), "run `a <b>` with <path> and Vec<T>\n");
    }

    #[test]
    fn links_keep_targets_that_mean_something_elsewhere() {
        let source = "See [the form](https://example.com/f \"t\"), [*next* page](ch02.html), [refs][r]<!-- ignore -->,\n\
                      [short], <https://example.com> and ![a chart](chart.png).\n\n[r]: https://example.com/r\n[short]: x.md\n";
        let expected = "See [the form](https://example.com/f), *next* page, [refs](https://example.com/r),\n\
                        short, <https://example.com> and a chart.\n\n";
        assert_eq!(cleaned(source).trim_end(), expected.trim_end());
    }

    #[test]
    fn an_image_that_is_a_link_says_its_description() {
        assert_eq!(
            cleaned("[![build *status*](badge.svg)](https://ci.example.com)\n"),
            "[build status](https://ci.example.com)\n"
        );
        assert_eq!(cleaned("[](empty.md)x\n"), "x\n");
    }

    #[test]
    fn includes_of_book_tools_go_and_real_code_stays() {
        let source = "Like this:\n\n```rust\n{{#rustdoc_include ../listings/a.rs:here}}\n```\n\n{{#include intro.md}}\n\n\
                      ```rust\nlet braces = \"{{}}\";\n```\n";
        assert_eq!(cleaned(source), "Like this:\n\n\n\n\n```rust\nlet braces = \"{{}}\";\n```\n");
    }

    #[test]
    fn html_blocks_become_markdown_also_in_a_quote() {
        let source =
            "<table>\n<tr><th>요금</th><th>지역</th></tr>\n<tr><td>3000</td><td>서울</td></tr>\n</table>\n";
        let table = cleaned(source);
        assert!(table.contains("| 요금") && table.contains("| 3000"), "{table}");
        assert_eq!(cleaned("> <div>one</div>\n>\n> two\n"), "> one\n>\n> two\n");
    }

    #[test]
    fn ids_of_headings_go() {
        assert_eq!(cleaned("## Prices {#prices}\n"), "## Prices \n");
        assert_eq!(parse("## Prices {#prices}\n").title.as_deref(), Some("Prices"));
    }

    #[test]
    fn hostile_markdown_is_read_in_time() {
        for pattern in [
            "[",
            "> ",
            "- ",
            "*a_ ",
            "![",
            "`a",
            "<b>",
            "<div>\n",
            "[a](b",
            "# a\n",
            "|a",
            "<sup>",
            "1. a\n\n  ",
        ] {
            let text = pattern.repeat(100_000 / pattern.len());
            let started = std::time::Instant::now();
            let parsed = parse(&text);
            outline(&parsed.markdown);
            // Linear work takes a fraction of a second; quadratic work on 100 kB takes minutes.
            assert!(started.elapsed().as_secs() < 20, "{pattern:?} took {:?}", started.elapsed());
        }
    }
}

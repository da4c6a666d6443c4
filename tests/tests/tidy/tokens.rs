//! Rust sources as a flat list of tokens, so that comments and strings cannot be mistaken for code.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token; what brackets enclose follows the bracket.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// An identifier, a literal as written, one character of an operator, or an opening bracket.
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// Inside an item marked `#[cfg(test)]`.
    pub(crate) in_test: bool,
}

/// The tokens of `source`, or why it is no Rust.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream = source.parse().map_err(|error| format!("this is not Rust: {error}"))?;
    let mut tokens = Vec::new();
    flatten(stream, false, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, in_test: bool, tokens: &mut Vec<Token>) {
    let mut after_hash = false;
    // From `#[cfg(test)]` to the end of the item behind it.
    let mut in_test_item = false;
    for tree in stream {
        let line = tree.span().start().line;
        let hash_before = std::mem::take(&mut after_hash);
        let in_test = in_test || in_test_item;
        match tree {
            TokenTree::Group(group) => {
                if hash_before && is_cfg_test(&group) {
                    in_test_item = true;
                } else if group.delimiter() == Delimiter::Brace {
                    in_test_item = false;
                }
                tokens.push(Token { text: opening(&group).to_owned(), line, in_test });
                flatten(group.stream(), in_test, tokens);
            }
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#';
                if punct.as_char() == ';' {
                    in_test_item = false;
                }
                tokens.push(Token { text: punct.as_char().to_string(), line, in_test });
            }
            other => tokens.push(Token { text: other.to_string(), line, in_test }),
        }
    }
}

fn is_cfg_test(group: &Group) -> bool {
    let text: String = group.stream().to_string().split_whitespace().collect();
    group.delimiter() == Delimiter::Bracket && text == "cfg(test)"
}

fn opening(group: &Group) -> &'static str {
    match group.delimiter() {
        Delimiter::Parenthesis => "(",
        Delimiter::Brace => "{",
        Delimiter::Bracket => "[",
        Delimiter::None => "",
    }
}

#[test]
fn code_is_told_from_comments_strings_and_tests() {
    let source = "// sqlx::a\nfn f() { g(\"sqlx::b\"); }\n#[cfg(test)]\nmod tests {\n    use sqlx::c;\n}\nuse sqlx::d;";
    let found: Vec<(usize, bool)> = tokens(source)
        .expect("the snippet is Rust")
        .into_iter()
        .filter(|token| token.text == "sqlx")
        .map(|token| (token.line, token.in_test))
        .collect();
    assert_eq!(found, [(5, true), (7, false)]);
}

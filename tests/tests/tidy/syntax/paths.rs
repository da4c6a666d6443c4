//! Finds paths in the trees of `use` items, and in tokens that `syn` leaves unread: macro calls and attributes.

use proc_macro2::{Literal, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::{ItemUse, UseTree};

use super::items::{Binds, MacroCall};

/// A path, and where it begins.
pub(super) struct FoundPath {
    pub(super) segments: Vec<String>,
    /// Written with `::` before it.
    pub(super) is_global: bool,
    pub(super) at: Span,
}

/// What a list of tokens names.
#[derive(Default)]
pub(super) struct FoundInTokens {
    /// Paths of at least two segments.
    pub(super) paths: Vec<FoundPath>,
    pub(super) uses: Vec<ItemUse>,
    pub(super) macro_calls: Vec<MacroCall>,
}

/// Every path that a `use` imports, with the name that it binds.
pub(super) fn paths_of_use(item: &ItemUse) -> Vec<(FoundPath, Binds)> {
    let mut found = Vec::new();
    walk_use(&item.tree, &mut Vec::new(), &mut found);
    for (path, _) in &mut found {
        path.is_global = item.leading_colon.is_some();
    }
    found
}

fn walk_use(tree: &UseTree, prefix: &mut Vec<(String, Span)>, found: &mut Vec<(FoundPath, Binds)>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push((path.ident.unraw().to_string(), path.ident.span()));
            walk_use(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                walk_use(tree, prefix, found);
            }
        }
        UseTree::Glob(glob) => {
            let at = glob.star_token.spans[0];
            found.push((joined(prefix, None, at), Binds::Everything));
        }
        UseTree::Name(name) => {
            let last = name.ident.unraw().to_string();
            let path = joined(prefix, Some(last), name.ident.span());
            let bound = path.segments.last().cloned().unwrap_or_default();
            found.push((path, Binds::Name(bound)));
        }
        UseTree::Rename(rename) => {
            let last = rename.ident.unraw().to_string();
            let path = joined(prefix, Some(last), rename.ident.span());
            found.push((path, Binds::Name(rename.rename.unraw().to_string())));
        }
    }
}

/// `prefix::last`; `prefix::{self}` is `prefix`.
fn joined(prefix: &[(String, Span)], last: Option<String>, last_at: Span) -> FoundPath {
    let last = last.filter(|last| prefix.is_empty() || last != "self");
    let at = prefix.first().map_or(last_at, |(_, span)| *span);
    let segments = prefix.iter().map(|(segment, _)| segment.clone()).chain(last).collect();
    FoundPath { segments, is_global: false, at }
}

/// Paths, `use` items and macro calls in `tokens`; with `with_strings`, paths in string literals, too.
pub(super) fn paths_in_tokens(tokens: TokenStream, with_strings: bool) -> FoundInTokens {
    let mut found = FoundInTokens::default();
    search(tokens, with_strings, &mut found);
    found
}

fn search(tokens: TokenStream, with_strings: bool, found: &mut FoundInTokens) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut index = 0;
    while let Some(tree) = trees.get(index) {
        index += 1;
        match tree {
            TokenTree::Group(group) => search(group.stream(), with_strings, found),
            TokenTree::Literal(literal) if with_strings => found.paths.extend(path_in_string(literal)),
            TokenTree::Ident(ident) if ident == "use" => {
                if let Some((item, length)) = use_item(&trees[index - 1..]) {
                    found.uses.push(item);
                    index += length - 1;
                }
            }
            TokenTree::Ident(ident) => {
                let segments = path_from(&trees[index - 1..]);
                let is_global = ends_with_colons(&trees[..index - 1]);
                index += 3 * (segments.len() - 1);
                found.macro_calls.extend(macro_call(&segments, ident.span(), &trees[index..]));
                if segments.len() > 1 {
                    found.paths.push(FoundPath { segments, is_global, at: ident.span() });
                }
            }
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// The segments of the path that begins with the identifier `trees[0]`.
fn path_from(trees: &[TokenTree]) -> Vec<String> {
    let mut segments = Vec::new();
    let mut rest = trees;
    while let Some(TokenTree::Ident(ident)) = rest.first() {
        segments.push(ident.unraw().to_string());
        match rest {
            [_, TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(_), ..]
                if first.as_char() == ':' && second.as_char() == ':' =>
            {
                rest = &rest[3..];
            }
            _ => break,
        }
    }
    segments
}

/// True before what `::` begins, and before what follows the generic arguments of a path: neither is relative.
fn ends_with_colons(trees: &[TokenTree]) -> bool {
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(trees, [.., first, second] if is_colon(first) && is_colon(second))
}

/// The `use …;` at the beginning of `trees`, and how many trees it takes.
fn use_item(trees: &[TokenTree]) -> Option<(ItemUse, usize)> {
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
    let length = trees.iter().position(is_end)? + 1;
    let tokens: TokenStream = trees[..length].iter().cloned().collect();
    Some((syn::parse2(tokens).ok()?, length))
}

/// The call of the macro `segments`, if `rest` goes on with `!` and brackets.
fn macro_call(segments: &[String], at: Span, rest: &[TokenTree]) -> Option<MacroCall> {
    match rest {
        [TokenTree::Punct(punct), TokenTree::Group(group), ..] if punct.as_char() == '!' => Some(MacroCall {
            name: segments.last()?.clone(),
            line: at.start().line,
            first_argument: first_token(group.stream()),
        }),
        _ => None,
    }
}

/// The path that a string holds, as in `#[serde(with = "crate::path")]`.
fn path_in_string(literal: &Literal) -> Option<FoundPath> {
    let text: syn::LitStr = syn::parse2(TokenTree::from(literal.clone()).into()).ok()?;
    let path: syn::Path = text.parse().ok()?;
    let segments: Vec<String> =
        path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
    (segments.len() > 1).then(|| FoundPath {
        segments,
        is_global: path.leading_colon.is_some(),
        at: literal.span(),
    })
}

pub(super) fn first_token(tokens: TokenStream) -> String {
    tokens.into_iter().next().map(|token| token.to_string()).unwrap_or_default()
}

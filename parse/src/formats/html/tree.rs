//! Builds the tree of a page, and stops where that would cost too much.
//!
//! Building a tree searches the open elements again and again: a page that opens one hundred thousand of them, or makes
//! the builder open them anew, would take minutes. What counts is what the builder does, not what the tags look like: a
//! shape in a picture, a comparison in a script or an item whose end is left out cost nothing.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use dom_query::{Document, NodeId};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, ParseOpts, Parser, QualName, local_name, ns, parse_document, parse_fragment};

use crate::error::ParseError;
use crate::formats::html::attributes::AttributeCount;

/// Maximum depth of a tree. Browsers have the same limit, far above the depth of real pages.
const MAX_DEPTH: u32 = 512;

/// Maximum number of steps of the builder for each byte of the page. Pages with a hundred levels of boxes take ten.
const MAX_STEPS_PER_BYTE: u64 = 100;

/// Steps that any page may take, however short it is.
const MIN_STEPS: u64 = 1_000_000;

/// The builder's steps are counted after each piece: a tag, or this many bytes.
const PIECE_BYTES: usize = 4096;

/// Maximum number of attributes of one tag: each is compared with all before it.
const MAX_ATTRIBUTES: usize = 2_000;

/// Builds the tree of a page.
///
/// # Errors
/// `Failed` where elements are nested too deeply, `TooCostly`.
pub(crate) fn page(html: &str) -> Result<Document, ParseError> {
    build(parse_document(Counted::new(Document::default()), options(false)), html)
}

/// Builds the tree of a part of a page.
///
/// # Errors
/// As with [`page`].
pub(crate) fn fragment(html: &str) -> Result<Document, ParseError> {
    let body = QualName::new(None, ns!(html), local_name!("body"));
    let sink = Counted::new(Document::fragment_sink());
    build(parse_fragment(sink, options(true), body, Vec::new(), false), html)
}

fn options(drop_doctype: bool) -> ParseOpts {
    let tree_builder =
        TreeBuilderOpts { scripting_enabled: false, drop_doctype, ..TreeBuilderOpts::default() };
    ParseOpts { tokenizer: TokenizerOpts::default(), tree_builder }
}

fn build(mut parser: Parser<Counted>, html: &str) -> Result<Document, ParseError> {
    let max_steps = MIN_STEPS.max(html.len() as u64 * MAX_STEPS_PER_BYTE);
    let mut attributes = AttributeCount::default();
    for piece in pieces(html) {
        let before = parser.tokenizer.sink.sink.steps.get();
        parser.process(StrTendril::from(piece));
        let sink = &parser.tokenizer.sink.sink;
        if sink.is_too_deep.get() {
            return Err(ParseError::Failed(format!("HTML elements are nested more than {MAX_DEPTH} deep")));
        }
        let steps = sink.steps.get();
        // Without a step the piece is inside a tag, or inside a comment.
        let count = if steps == before { attributes.add(piece) } else { attributes.restart() };
        if steps > max_steps || count > MAX_ATTRIBUTES {
            return Err(ParseError::TooCostly { resource: "time".into() });
        }
    }
    Ok(parser.finish())
}

/// Divides a page so that each piece begins where a tag may begin, and none is long.
fn pieces(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let mut end = rest.len().min(PIECE_BYTES);
        if let Some(next) = memchr::memchr(b'<', &rest.as_bytes()[1.min(end)..end]) {
            end = next + 1;
        }
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A document that counts what is done to it while it is built.
struct Counted {
    document: Document,
    steps: Cell<u64>,
    depths: RefCell<HashMap<NodeId, u32>>,
    is_too_deep: Cell<bool>,
    merged_attributes: Cell<usize>,
}

impl Counted {
    fn new(document: Document) -> Self {
        let (steps, depths, is_too_deep) = (Cell::new(0), RefCell::default(), Cell::new(false));
        Self { document, steps, depths, is_too_deep, merged_attributes: Cell::new(0) }
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    /// Notes how deep a new child is.
    fn place(&self, child: &NodeOrText<NodeId>, depth_of: &NodeId, below: u32) {
        self.step();
        if let NodeOrText::AppendNode(child) = child {
            let mut depths = self.depths.borrow_mut();
            let depth = depths.get(depth_of).copied().unwrap_or_default() + below;
            depths.insert(*child, depth);
            if depth > MAX_DEPTH {
                self.is_too_deep.set(true);
            }
        }
    }
}

impl TreeSink for Counted {
    type Handle = NodeId;
    type Output = Document;
    type ElemName<'a> = <Document as TreeSink>::ElemName<'a>;

    fn finish(self) -> Document {
        self.document
    }

    /// Errors are not kept: a hostile page has one in every byte.
    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        self.document.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Self::ElemName<'a> {
        self.step();
        self.document.elem_name(target)
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> NodeId {
        self.step();
        self.document.create_element(name, attributes, flags)
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.step();
        self.document.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> NodeId {
        self.step();
        self.document.create_pi(target, data)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.place(&child, parent, 1);
        self.document.append(parent, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        self.place(&child, previous, 1);
        self.document.append_based_on_parent_node(element, previous, child);
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        self.place(&child, sibling, 0);
        self.document.append_before_sibling(sibling, child);
    }

    fn append_doctype_to_document(&self, name: StrTendril, public_id: StrTendril, system_id: StrTendril) {
        self.step();
        self.document.append_doctype_to_document(name, public_id, system_id);
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        let contents = self.document.get_template_contents(target);
        let mut depths = self.depths.borrow_mut();
        let depth = depths.get(target).copied().unwrap_or_default();
        depths.insert(contents, depth);
        contents
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        self.step();
        self.document.same_node(one, other)
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.document.set_quirks_mode(mode);
    }

    /// A page may name the attributes of its root again and again. Behind the maximum no more are taken.
    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        self.step();
        let merged = self.merged_attributes.get() + attributes.len();
        self.merged_attributes.set(merged);
        if merged <= MAX_ATTRIBUTES {
            self.document.add_attrs_if_missing(target, attributes);
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.step();
        self.document.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.step();
        self.document.reparent_children(node, new_parent);
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &NodeId) -> bool {
        self.document.is_mathml_annotation_xml_integration_point(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> Result<String, ParseError> {
        page(html).map(|document| document.select("body").text().to_string())
    }

    #[test]
    fn ordinary_pages_are_never_refused() {
        for (name, filler) in [
            ("shapes", "<svg>".to_owned() + &"<path d='M0 0'/>".repeat(600) + "</svg>"),
            ("a script", "<script>".to_owned() + &"for(i=0;i<n;i++);".repeat(600) + "</script>"),
            ("a comment", "<!--".to_owned() + &"<b ".repeat(600) + "-->"),
            ("items", "<ul>".to_owned() + &"<li>x".repeat(5_000) + "</ul>"),
            ("cells", "<table>".to_owned() + &"<tr><td>x<td>y".repeat(5_000) + "</table>"),
            ("annotations", "<ruby>".to_owned() + &"<rb>漢<rt>한".repeat(5_000) + "</ruby>"),
            ("choices", "<select>".to_owned() + &"<optgroup label=a><option>x".repeat(5_000) + "</select>"),
            ("a picture", format!("<img src='data:image/png;base64,{}'>", "iVBO/Rw0 ".repeat(100_000))),
            ("a long comment", format!("<!-- {} -->", "a b c ".repeat(100_000))),
        ] {
            let page = format!("<!doctype html><body>{filler}<p>끝</p></body>");
            assert!(text(&page).unwrap_or_else(|error| panic!("{name}: {error}")).ends_with('끝'), "{name}");
        }
    }

    #[test]
    fn what_would_take_too_long_is_refused_however_it_is_done() {
        let fonts: String = (0..500).map(|number| format!("<font color={number}>")).collect();
        let names: String = (0..20_000).map(|number| format!("a{number} ")).collect();
        for (name, html) in [
            ("open elements", "<span></x>".repeat(20_000)),
            ("boxes", "<div>".repeat(20_000)),
            ("annotations in boxes", "<div><rt>".repeat(20_000)),
            ("groups in boxes", "<div><optgroup>".repeat(20_000)),
            ("formatting", (0..20_000).map(|number| format!("<b id={number}>")).collect()),
            ("formatting opened anew", format!("<p>{fonts}</p>{}", "<p>x</p>".repeat(20_000))),
            ("attributes", format!("<a {names}>x")),
            ("attributes without spaces", format!("<a {}>x", names.replace(' ', "/"))),
            ("attributes of an end", format!("</a {names}>x")),
        ] {
            assert!(page(&html).is_err(), "{name}");
            assert!(fragment(&html).is_err(), "{name}");
        }
    }

    #[test]
    fn pieces_change_nothing() {
        let html =
            "<p title='a<b'>가 &amp; 나<!-- <i> --><script>if (a<b) {}</script><b>다</p>라".repeat(200);
        assert_eq!(page(&html).expect("a page").html(), Document::from(html.as_str()).html());
        assert_eq!(fragment(&html).expect("a part").html(), Document::fragment(html.as_str()).html());
        assert_eq!(pieces(&html).collect::<String>(), html);
    }
}

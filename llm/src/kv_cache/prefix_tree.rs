//! Which blocks hold which tokens, and whose they are.
//!
//! A radix tree over whole blocks: an edge is the sixteen tokens of a block, so that the way from the root to a node
//! is a text whose keys and values are known. Sequences that begin with the same text use the same nodes.
//!
//! Invariants, checked in tests after every step:
//! * A block is free, or one lease's own, or one node's; nothing else, and never two of them.
//! * A node that a lease uses is never given up, nor are those above it: a lease uses the whole way.
//! * What nobody uses stays until its room is needed; then what was used longest ago goes first, leaves before stems.

use std::collections::{BTreeSet, HashMap};

use super::{BLOCK_TOKENS, BlockId};

type Tokens = [u32; BLOCK_TOKENS];

/// The blocks of one sequence, from its admission to its end. To be given back by [`PrefixTree::release`].
#[derive(Debug)]
pub(crate) struct Lease {
    /// In the order of the text: first those of the tree, then the sequence's own.
    blocks: Vec<BlockId>,
    /// The nodes of the first blocks.
    nodes: Vec<NodeId>,
}

impl Lease {
    /// Where the sequence's keys and values are.
    pub(crate) fn blocks(&self) -> &[BlockId] {
        &self.blocks
    }

    /// Tokens whose keys and values are in the tree.
    pub(crate) fn shared_tokens(&self) -> usize {
        self.nodes.len() * BLOCK_TOKENS
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct NodeId(usize);

#[derive(Debug)]
struct Node {
    block: BlockId,
    tokens: Tokens,
    parent: Option<NodeId>,
    children: HashMap<Tokens, NodeId>,
    /// Leases that use it.
    users: usize,
    last_used: u64,
}

/// The tree, and all blocks there are.
#[derive(Debug)]
pub(crate) struct PrefixTree {
    nodes: Vec<Option<Node>>,
    vacant: Vec<NodeId>,
    roots: HashMap<Tokens, NodeId>,
    free: Vec<BlockId>,
    /// Leaves that nobody uses, longest unused first.
    expendable: BTreeSet<(u64, NodeId)>,
    /// Nodes that nobody uses, leaves or not.
    unused: usize,
    /// Counts admissions and releases; it stands for time.
    clock: u64,
}

impl PrefixTree {
    /// A tree over blocks `0..blocks`, all free.
    pub(crate) fn new(blocks: usize) -> Self {
        Self {
            nodes: Vec::new(),
            vacant: Vec::new(),
            roots: HashMap::new(),
            free: (0..blocks as u32).rev().map(BlockId).collect(),
            expendable: BTreeSet::new(),
            unused: 0,
            clock: 0,
        }
    }

    /// Blocks for `tokens` tokens that begin with `prompt`: those of its longest known beginning, and new ones. At
    /// least the prompt's last token is never taken as known, because it has to be computed for what follows it.
    /// `None` if there is no room until someone releases a lease.
    pub(crate) fn lease(&mut self, prompt: &[u32], tokens: usize) -> Option<Lease> {
        self.clock += 1;
        let nodes = self.known(&prompt[..prompt.len().saturating_sub(1)]);
        for &node in &nodes {
            self.pin(node);
        }
        let mut lease = Lease { blocks: nodes.iter().map(|&node| self.node(node).block).collect(), nodes };
        let missing = tokens.div_ceil(BLOCK_TOKENS).saturating_sub(lease.blocks.len());
        // What is known is not given up for someone who would not have room all the same.
        if self.free.len() + self.unused < missing {
            self.release(lease);
            return None;
        }
        while self.free.len() < missing && self.give_up_one() {}
        let from = self.free.len() - missing;
        lease.blocks.extend(self.free.drain(from..).rev());
        Some(lease)
    }

    /// Takes what has become known of `prompt` since it got its lease: of several sequences that begin alike and
    /// arrive together, the first computes and the others take.
    pub(crate) fn adopt(&mut self, lease: &mut Lease, prompt: &[u32]) {
        let known = self.known(&prompt[..prompt.len().saturating_sub(1)]);
        for node in known.into_iter().skip(lease.nodes.len()) {
            self.replace(lease, node);
        }
    }

    /// Tells that the keys and values of `tokens`, which is all of the sequence so far, are computed: whole blocks of
    /// them can be shared from now on. Where another sequence was first, its block takes the place of this one's.
    pub(crate) fn share(&mut self, lease: &mut Lease, tokens: &[u32]) {
        let (blocks, _) = tokens.as_chunks::<BLOCK_TOKENS>();
        for (at, tokens) in blocks.iter().enumerate().skip(lease.nodes.len()) {
            let parent = lease.nodes.last().copied();
            if let Some(&node) = self.children(parent).get(tokens) {
                self.replace(lease, node);
            } else {
                let node = self.add(parent, *tokens, lease.blocks[at]);
                self.pin(node);
                lease.nodes.push(node);
            }
        }
    }

    /// Uses `node` in the place of the first block that is the lease's own.
    fn replace(&mut self, lease: &mut Lease, node: NodeId) {
        let at = lease.nodes.len();
        let block = std::mem::replace(&mut lease.blocks[at], self.node(node).block);
        self.free.push(block);
        self.pin(node);
        lease.nodes.push(node);
    }

    /// Takes a lease back. What it shared stays known as long as there is room.
    pub(crate) fn release(&mut self, lease: Lease) {
        self.clock += 1;
        self.free.extend(&lease.blocks[lease.nodes.len()..]);
        // From the leaf up, so that of one text the end goes first.
        for node in lease.nodes.into_iter().rev() {
            self.unpin(node);
        }
    }

    /// The nodes that `tokens` begin with.
    fn known(&self, tokens: &[u32]) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        let (blocks, _) = tokens.as_chunks::<BLOCK_TOKENS>();
        for tokens in blocks {
            match self.children(nodes.last().copied()).get(tokens) {
                Some(&node) => nodes.push(node),
                None => break,
            }
        }
        nodes
    }

    fn add(&mut self, parent: Option<NodeId>, tokens: Tokens, block: BlockId) -> NodeId {
        let node = Node { block, tokens, parent, children: HashMap::new(), users: 0, last_used: self.clock };
        let id = self.vacant.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            NodeId(self.nodes.len() - 1)
        });
        self.nodes[id.0] = Some(node);
        self.unused += 1;
        match parent {
            Some(parent) => self.node_mut(parent).children.insert(tokens, id),
            None => self.roots.insert(tokens, id),
        };
        id
    }

    fn pin(&mut self, id: NodeId) {
        let clock = self.clock;
        let node = self.node_mut(id);
        let unused = (node.last_used, id);
        node.users += 1;
        node.last_used = clock;
        if node.users == 1 {
            self.unused -= 1;
            self.expendable.remove(&unused);
        }
    }

    fn unpin(&mut self, id: NodeId) {
        let clock = self.clock;
        let node = self.node_mut(id);
        node.users -= 1;
        node.last_used = clock;
        self.unused += usize::from(node.users == 0);
        self.offer(id);
    }

    /// Puts a node among those that may go, if it is a leaf that nobody uses.
    fn offer(&mut self, id: NodeId) {
        let node = self.node(id);
        if node.users == 0 && node.children.is_empty() {
            let unused = (node.last_used, id);
            self.expendable.insert(unused);
        }
    }

    /// Frees the block of the leaf that was used longest ago. Returns whether there was one.
    fn give_up_one(&mut self) -> bool {
        let Some((_, id)) = self.expendable.pop_first() else { return false };
        let Some(node) = self.nodes[id.0].take() else { return false };
        self.vacant.push(id);
        self.unused -= 1;
        self.free.push(node.block);
        match node.parent {
            Some(parent) => {
                self.node_mut(parent).children.remove(&node.tokens);
                self.offer(parent);
            }
            None => {
                self.roots.remove(&node.tokens);
            }
        }
        true
    }

    fn children(&self, parent: Option<NodeId>) -> &HashMap<Tokens, NodeId> {
        parent.map_or(&self.roots, |parent| &self.node(parent).children)
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes[id.0].as_ref().expect("ids are of nodes that are there")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id.0].as_mut().expect("ids are of nodes that are there")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Checks the module's invariants.
    fn check(tree: &PrefixTree, blocks: usize, leases: &[Lease]) {
        let nodes = || (0..).zip(&tree.nodes).filter_map(|(id, node)| Some((NodeId(id), node.as_ref()?)));
        let own = leases.iter().flat_map(|lease| &lease.blocks[lease.nodes.len()..]);
        let owned: Vec<BlockId> =
            tree.free.iter().chain(own).copied().chain(nodes().map(|(_, node)| node.block)).collect();
        assert_eq!(owned.len(), blocks, "every block is somebody's");
        assert_eq!(owned.iter().collect::<HashSet<_>>().len(), blocks, "and nobody else's");
        for (id, node) in nodes() {
            let users = leases.iter().filter(|lease| lease.nodes.contains(&id)).count();
            assert_eq!(node.users, users);
            assert_eq!(
                tree.expendable.contains(&(node.last_used, id)),
                users == 0 && node.children.is_empty()
            );
            assert_eq!(tree.children(node.parent).get(&node.tokens), Some(&id));
        }
        assert_eq!(tree.unused, nodes().filter(|(_, node)| node.users == 0).count());
        for lease in leases {
            for (node, block) in lease.nodes.iter().zip(&lease.blocks) {
                assert_eq!(tree.node(*node).block, *block);
            }
        }
    }

    fn text(length: usize) -> Vec<u32> {
        (0..length as u32).collect()
    }

    #[test]
    fn a_text_once_read_is_known_up_to_its_last_whole_block() {
        let mut tree = PrefixTree::new(8);
        let mut lease = tree.lease(&text(50), 60).expect("room");
        assert_eq!((lease.blocks().len(), lease.shared_tokens()), (4, 0));
        tree.share(&mut lease, &text(50));
        assert_eq!(lease.shared_tokens(), 48);
        tree.release(lease);
        let again = tree.lease(&text(48), 48).expect("room");
        assert_eq!(again.shared_tokens(), 32, "the last token is to be computed");
        check(&tree, 8, &[again]);
    }

    #[test]
    fn what_was_used_longest_ago_goes_first_and_what_is_used_stays() {
        let mut tree = PrefixTree::new(4);
        let other: Vec<u32> = (100..132).collect();
        for prompt in [text(32), other.clone()] {
            let mut lease = tree.lease(&prompt, 32).expect("room");
            tree.share(&mut lease, &prompt);
            tree.release(lease);
        }
        let held =
            tree.lease(&[text(32), vec![7]].concat(), 48).expect("room, at the cost of the other's end");
        assert_eq!(held.shared_tokens(), 32);
        assert!(tree.lease(&[5; 32], 32).is_none(), "one block is left, and two are in use");
        check(&tree, 4, std::slice::from_ref(&held));
        let rest = tree.lease(&[other, vec![7]].concat(), 16).expect("its first block is still there");
        assert_eq!(rest.shared_tokens(), 16);
        check(&tree, 4, &[held, rest]);
    }

    proptest! {
        #[test]
        fn no_block_is_lost_and_none_is_shared_by_mistake(
            steps in prop::collection::vec((0u8..5, 0usize..6, 1usize..90, 0u32..3), 1..80),
        ) {
            let mut tree = PrefixTree::new(12);
            let mut leases: Vec<Lease> = Vec::new();
            let mut texts: Vec<Vec<u32>> = Vec::new();
            for (step, at, length, kind) in steps {
                match step {
                    0 | 1 => {
                        // Texts of a kind begin alike.
                        let text: Vec<u32> = (0..length as u32).map(|n| n + kind * u32::from(n > 20)).collect();
                        if let Some(lease) = tree.lease(&text, length + 5) {
                            leases.push(lease);
                            texts.push(text);
                        }
                    }
                    2 if at < leases.len() => tree.share(&mut leases[at], &texts[at]),
                    3 if at < leases.len() => tree.adopt(&mut leases[at], &texts[at]),
                    4 if at < leases.len() => {
                        tree.release(leases.swap_remove(at));
                        texts.swap_remove(at);
                    }
                    _ => {}
                }
                check(&tree, 12, &leases);
            }
            leases.into_iter().for_each(|lease| tree.release(lease));
            while tree.give_up_one() {}
            prop_assert_eq!(tree.free.len(), 12);
        }
    }
}

//! The prefix cache: tracks which KV blocks hold which tokens, and which sequences use them.
//!
//! A radix tree over whole blocks: an edge is the sixteen tokens of a block, so that the path from the root to a node
//! is a prefix whose keys and values are computed. Sequences with the same prefix use the same nodes.
//!
//! Invariants, checked in tests after every step:
//! * A block is free, or owned by one sequence, or owned by one node; never two of them.
//! * A node that a sequence uses is not evicted, nor are its ancestors: a sequence uses the whole path.
//! * A node that no sequence uses stays until its block is needed. The least recently used leaf is evicted first.

use std::collections::{BTreeSet, HashMap};

use crate::kv_cache::blocks::{BLOCK_TOKENS, BlockId};

type BlockTokens = [u32; BLOCK_TOKENS];

/// The blocks of one sequence, from its admission to its end. To be given back by [`PrefixTree::release`].
#[derive(Debug)]
pub(crate) struct BlockTable {
    /// In the order of the tokens: first the shared blocks, then the sequence's own.
    blocks: Vec<BlockId>,
    /// The nodes of the shared blocks.
    nodes: Vec<NodeId>,
}

impl BlockTable {
    /// The blocks that hold the sequence's keys and values.
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
    tokens: BlockTokens,
    parent: Option<NodeId>,
    children: HashMap<BlockTokens, NodeId>,
    /// Sequences that use it.
    users: usize,
    last_used: u64,
}

/// The tree, and the owner of every block.
#[derive(Debug)]
pub(crate) struct PrefixTree {
    nodes: Vec<Option<Node>>,
    /// Indices of `nodes` that are `None`.
    vacant_nodes: Vec<NodeId>,
    roots: HashMap<BlockTokens, NodeId>,
    free_blocks: Vec<BlockId>,
    /// Leaves that no sequence uses, the least recently used first.
    evictable: BTreeSet<(u64, NodeId)>,
    /// Nodes that no sequence uses, leaves or not.
    unused_nodes: usize,
    /// Counts admissions and releases; stands for time.
    clock: u64,
}

impl PrefixTree {
    /// A tree over blocks `0..blocks`, all of them free.
    pub(crate) fn new(blocks: usize) -> Self {
        Self {
            nodes: Vec::new(),
            vacant_nodes: Vec::new(),
            roots: HashMap::new(),
            free_blocks: (0..blocks as u32).rev().map(BlockId).collect(),
            evictable: BTreeSet::new(),
            unused_nodes: 0,
            clock: 0,
        }
    }

    /// Allocates blocks for a sequence of `tokens` tokens that begins with `prompt`: those of its longest cached
    /// prefix, and new ones. The prompt's last token never counts as cached, because its logits have to be computed.
    /// `None` if there is no room until another sequence is released.
    pub(crate) fn allocate(&mut self, prompt: &[u32], tokens: usize) -> Option<BlockTable> {
        self.clock += 1;
        let nodes = self.longest_prefix(without_last(prompt));
        for &node in &nodes {
            self.pin(node);
        }
        let blocks = nodes.iter().map(|&node| self.node(node).block).collect();
        let mut table = BlockTable { blocks, nodes };
        let missing = tokens.div_ceil(BLOCK_TOKENS).saturating_sub(table.blocks.len());
        // Nothing is evicted for a sequence that would not fit all the same.
        if self.free_blocks.len() + self.unused_nodes < missing {
            self.release(table);
            return None;
        }
        while self.free_blocks.len() < missing && self.evict_one() {}
        let from = self.free_blocks.len() - missing;
        table.blocks.extend(self.free_blocks.drain(from..).rev());
        Some(table)
    }

    /// Extends the shared prefix of `table` by what other sequences have computed of `prompt` since: of several
    /// sequences with the same prefix that arrive together, the first computes it for all.
    pub(crate) fn extend_prefix(&mut self, table: &mut BlockTable, prompt: &[u32]) {
        let nodes = self.longest_prefix(without_last(prompt));
        for node in nodes.into_iter().skip(table.nodes.len()) {
            self.replace(table, node);
        }
    }

    /// Adds the whole blocks of `tokens`, all computed tokens of the sequence, to the tree, for others to share. Where
    /// another sequence was first, its block replaces this one's.
    pub(crate) fn insert(&mut self, table: &mut BlockTable, tokens: &[u32]) {
        let (blocks, _) = tokens.as_chunks::<BLOCK_TOKENS>();
        for (at, tokens) in blocks.iter().enumerate().skip(table.nodes.len()) {
            let parent = table.nodes.last().copied();
            if let Some(&node) = self.children(parent).get(tokens) {
                self.replace(table, node);
            } else {
                let node = self.add(parent, *tokens, table.blocks[at]);
                self.pin(node);
                table.nodes.push(node);
            }
        }
    }

    /// Replaces the first block that the sequence owns by that of `node`.
    fn replace(&mut self, table: &mut BlockTable, node: NodeId) {
        let at = table.nodes.len();
        let block = std::mem::replace(&mut table.blocks[at], self.node(node).block);
        self.free_blocks.push(block);
        self.pin(node);
        table.nodes.push(node);
    }

    /// Releases the blocks of a sequence. Shared ones stay cached until they are evicted.
    pub(crate) fn release(&mut self, table: BlockTable) {
        self.clock += 1;
        self.free_blocks.extend(&table.blocks[table.nodes.len()..]);
        // From the leaf up, so that the end of a sequence is evicted first.
        for node in table.nodes.into_iter().rev() {
            self.unpin(node);
        }
    }

    /// The nodes of the longest cached prefix of `tokens`.
    fn longest_prefix(&self, tokens: &[u32]) -> Vec<NodeId> {
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

    fn add(&mut self, parent: Option<NodeId>, tokens: BlockTokens, block: BlockId) -> NodeId {
        let node = Node { block, tokens, parent, children: HashMap::new(), users: 0, last_used: self.clock };
        let id = self.vacant_nodes.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            NodeId(self.nodes.len() - 1)
        });
        self.nodes[id.0] = Some(node);
        self.unused_nodes += 1;
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
            self.unused_nodes -= 1;
            self.evictable.remove(&unused);
        }
    }

    fn unpin(&mut self, id: NodeId) {
        let clock = self.clock;
        let node = self.node_mut(id);
        node.users -= 1;
        node.last_used = clock;
        self.unused_nodes += usize::from(node.users == 0);
        self.mark_evictable(id);
    }

    /// Makes a node evictable if it is a leaf that no sequence uses.
    fn mark_evictable(&mut self, id: NodeId) {
        let node = self.node(id);
        if node.users == 0 && node.children.is_empty() {
            let unused = (node.last_used, id);
            self.evictable.insert(unused);
        }
    }

    /// Evicts every node that no sequence uses.
    pub(crate) fn evict_unused(&mut self) {
        while self.evict_one() {}
    }

    /// Evicts the least recently used leaf. Returns whether there was one.
    fn evict_one(&mut self) -> bool {
        let Some((_, id)) = self.evictable.pop_first() else { return false };
        let Some(node) = self.nodes[id.0].take() else { return false };
        self.vacant_nodes.push(id);
        self.unused_nodes -= 1;
        self.free_blocks.push(node.block);
        match node.parent {
            Some(parent) => {
                self.node_mut(parent).children.remove(&node.tokens);
                self.mark_evictable(parent);
            }
            None => {
                self.roots.remove(&node.tokens);
            }
        }
        true
    }

    fn children(&self, parent: Option<NodeId>) -> &HashMap<BlockTokens, NodeId> {
        parent.map_or(&self.roots, |parent| &self.node(parent).children)
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes[id.0].as_ref().expect("ids name existing nodes")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id.0].as_mut().expect("ids name existing nodes")
    }
}

/// All tokens of a prompt that can come from the cache.
fn without_last(prompt: &[u32]) -> &[u32] {
    &prompt[..prompt.len().saturating_sub(1)]
}

#[cfg(test)]
mod tests;

//! Checks the prefix tree's invariants after every step.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Checks the invariants of the module.
fn check(tree: &PrefixTree, blocks: usize, tables: &[BlockTable]) {
    let nodes = || (0..).zip(&tree.nodes).filter_map(|(id, node)| Some((NodeId(id), node.as_ref()?)));
    let own = tables.iter().flat_map(|table| &table.blocks[table.nodes.len()..]);
    let owned: Vec<BlockId> =
        tree.free_blocks.iter().chain(own).copied().chain(nodes().map(|(_, node)| node.block)).collect();
    assert_eq!(owned.len(), blocks, "every block is somebody's");
    assert_eq!(owned.iter().collect::<HashSet<_>>().len(), blocks, "and nobody else's");
    for (id, node) in nodes() {
        let users = tables.iter().filter(|table| table.nodes.contains(&id)).count();
        assert_eq!(node.users, users);
        assert_eq!(tree.evictable.contains(&(node.last_used, id)), users == 0 && node.children.is_empty());
        assert_eq!(tree.children(node.parent).get(&node.tokens), Some(&id));
    }
    assert_eq!(tree.unused_nodes, nodes().filter(|(_, node)| node.users == 0).count());
    for table in tables {
        for (node, block) in table.nodes.iter().zip(&table.blocks) {
            assert_eq!(tree.node(*node).block, *block);
        }
    }
}

fn text(length: usize) -> Vec<u32> {
    (0..length as u32).collect()
}

#[test]
fn a_computed_prompt_is_cached_up_to_its_last_whole_block() {
    let mut tree = PrefixTree::new(8);
    let mut table = tree.allocate(&text(50), 60).expect("room");
    assert_eq!((table.blocks().len(), table.shared_tokens()), (4, 0));
    tree.insert(&mut table, &text(50));
    assert_eq!(table.shared_tokens(), 48);
    tree.release(table);
    let again = tree.allocate(&text(48), 48).expect("room");
    assert_eq!(again.shared_tokens(), 32, "the last token is to be computed");
    check(&tree, 8, &[again]);
}

#[test]
fn the_least_recently_used_is_evicted_first_and_what_is_in_use_stays() {
    let mut tree = PrefixTree::new(4);
    let other: Vec<u32> = (100..132).collect();
    for prompt in [text(32), other.clone()] {
        let mut table = tree.allocate(&prompt, 32).expect("room");
        tree.insert(&mut table, &prompt);
        tree.release(table);
    }
    let held =
        tree.allocate(&[text(32), vec![7]].concat(), 48).expect("room, at the cost of the other's end");
    assert_eq!(held.shared_tokens(), 32);
    assert!(tree.allocate(&[5; 32], 32).is_none(), "one block is left, and two are in use");
    check(&tree, 4, std::slice::from_ref(&held));
    let rest = tree.allocate(&[other, vec![7]].concat(), 16).expect("its first block is still there");
    assert_eq!(rest.shared_tokens(), 16);
    check(&tree, 4, &[held, rest]);
}

proptest! {
    #[test]
    fn no_block_is_lost_and_none_is_shared_by_mistake(
        steps in prop::collection::vec((0u8..5, 0usize..6, 1usize..90, 0u32..3), 1..80),
    ) {
        let mut tree = PrefixTree::new(12);
        let mut tables: Vec<BlockTable> = Vec::new();
        let mut texts: Vec<Vec<u32>> = Vec::new();
        for (step, at, length, kind) in steps {
            match step {
                0 | 1 => {
                    // Texts of a kind share a prefix.
                    let text: Vec<u32> = (0..length as u32).map(|n| n + kind * u32::from(n > 20)).collect();
                    if let Some(table) = tree.allocate(&text, length + 5) {
                        tables.push(table);
                        texts.push(text);
                    }
                }
                2 if at < tables.len() => tree.insert(&mut tables[at], &texts[at]),
                3 if at < tables.len() => tree.extend_prefix(&mut tables[at], &texts[at]),
                4 if at < tables.len() => {
                    tree.release(tables.swap_remove(at));
                    texts.swap_remove(at);
                }
                _ => {}
            }
            check(&tree, 12, &tables);
        }
        tables.into_iter().for_each(|table| tree.release(table));
        tree.evict_unused();
        prop_assert_eq!(tree.free_blocks.len(), 12);
    }
}

use super::{
    Frontier, Hash, ProofError, consistency, inclusion, inclusion_grouped, leaf, leaf_parts, node, root, verify_consistency,
    verify_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// Where trees are apt to be wrong: around nothing, one, powers of two, tiles.
const SIZES: [u64; 9] = [0, 1, 2, 7, 8, 255, 256, 257, 70_000];

type Oracle = MemoryBackedTree<Sha256, [u8; 8]>;

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|number| leaf(&number.to_be_bytes())).collect()
}

fn oracle(size: u64) -> Oracle {
    let mut tree = Oracle::new();
    (0..size).for_each(|number| tree.push(number.to_be_bytes()));
    tree
}

fn bytes(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

fn at(number: u64) -> usize {
    usize::try_from(number).expect("small")
}

/// Both proofs of a tree are the other implementation's, and are taken.
fn check(tree: &Oracle, leaves: &[Hash], older: u64, index: u64) {
    let size = tree.len();
    let whole = root(leaves.iter().copied());
    assert_eq!(whole.0, **tree.root().as_bytes(), "root of {size}");
    if index < size {
        let path = inclusion(leaves, index).expect("a leaf");
        assert_eq!(bytes(&path), tree.prove_inclusion(at(index)).as_bytes(), "leaf {index} of {size}");
        verify_inclusion(&leaves[at(index)], index, size, &path, &whole).expect("included");
    }
    if (1..size).contains(&older) {
        let path = consistency(leaves, older).expect("older");
        assert_eq!(bytes(&path), tree.prove_consistency(at(size - older)).as_bytes(), "{older} in {size}");
        let first = root(leaves[..at(older)].iter().copied());
        verify_consistency(older, size, &path, &first, &whole).expect("consistent");
    }
}

#[test]
fn hashes_are_those_of_rfc_6962() {
    // The reference values of Certificate Transparency's own tests.
    assert_eq!(root([]).to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(leaf(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    for (input, expected) in inputs.iter().zip(roots) {
        frontier.append(leaf(input));
        assert_eq!(frontier.root().to_string(), expected);
    }
}

#[test]
fn every_size_agrees_with_another_implementation() {
    for size in SIZES {
        let (tree, leaves) = (oracle(size), leaves(size));
        // Every place of a small tree is looked at below, any place of a middling one by chance.
        let numbers = if size > 1000 { vec![65_536, size - 1] } else { vec![0, 1, 6, 7, 254, 255, 256, size / 2] };
        numbers.into_iter().for_each(|number| check(&tree, &leaves, number, number));
    }
}

#[test]
fn all_small_trees_agree_in_every_leaf_and_every_past() {
    for size in 0..=33 {
        let (tree, leaves) = (oracle(size), leaves(size));
        (0..=size).for_each(|number| check(&tree, &leaves, number, number));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_agrees(size in 1_u64..1200, older in any::<prop::sample::Index>(), index in any::<prop::sample::Index>()) {
        check(&oracle(size), &leaves(size), older.index(at(size)) as u64, index.index(at(size)) as u64);
    }

    #[test]
    fn nothing_else_is_proven(size in 2_u64..300, index in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let leaves = leaves(size);
        let whole = root(leaves.iter().copied());
        let index = index.index(at(size)) as u64;
        let path = inclusion(&leaves, index).expect("a leaf");
        let verify = |index, size, path: &[Hash]| verify_inclusion(&leaves[at(index)], index, size, path, &whole);
        // Another place, more or fewer hashes, one bit.
        let other = (index + 1) % size;
        prop_assert!(verify_inclusion(&leaves[at(index)], other, size, &path, &whole).is_err());
        prop_assert!(verify(index, size, &path[1..]).is_err());
        prop_assert!(verify(index, size, &[path.clone(), vec![whole]].concat()).is_err());
        let mut flipped = path.clone();
        let bit = bit.index(path.len() * 256);
        flipped[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verify(index, size, &flipped), Err(ProofError::Root));

        let older = index.max(1);
        let first = root(leaves[..at(older)].iter().copied());
        let path = consistency(&leaves, older).expect("older");
        prop_assert!(verify_consistency(older, size, &path, &whole, &first).is_err());
        prop_assert!(verify_consistency(older, size, &[path.clone(), vec![whole]].concat(), &first, &whole).is_err());
        prop_assert!(verify_consistency(older, size, &path[1..], &first, &whole).is_err());
        let bit = bit % (path.len() * 256);
        let mut flipped = path;
        flipped[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verify_consistency(older, size, &flipped, &first, &whole), Err(ProofError::Root));
    }

    #[test]
    fn hostile_sizes_end_in_an_answer(
        index in any::<u64>(), size in any::<u64>(), older in any::<u64>(), path in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
    ) {
        prop_assert!(verify_inclusion(&Hash::EMPTY, index, size, &path, &Hash::EMPTY).is_err());
        let same = older == size || older == 0;
        prop_assert!(same || verify_consistency(older, size, &path, &Hash::EMPTY, &Hash::EMPTY).is_err());
    }

    #[test]
    fn a_frontier_read_back_goes_on(size in 0_u64..3000, more in 0_u64..40, cut in 0_usize..200) {
        let mut whole = Frontier::new();
        leaves(size).into_iter().for_each(|leaf| whole.append(leaf));
        let bytes = whole.to_bytes();
        let mut read = Frontier::read(&bytes).expect("read back");
        prop_assert_eq!(&read, &whole);
        leaves(more).into_iter().for_each(|leaf| { whole.append(leaf); read.append(leaf); });
        prop_assert_eq!(read.root(), whole.root());
        prop_assert_eq!(read.size(), size + more);
        if cut < bytes.len() {
            prop_assert!(Frontier::read(&bytes[..cut]).is_none_or(|read| read.size() != size));
        }
    }

    #[test]
    fn leaves_in_groups_give_the_same_root_and_the_same_path(height in 0_u32..6, size in 1_u64..400, index in any::<prop::sample::Index>()) {
        let leaves = leaves(size);
        let groups: Vec<&[Hash]> = leaves.chunks(1 << height).collect();
        let roots: Vec<Hash> = groups.iter().map(|group| root(group.iter().copied())).collect();
        prop_assert_eq!(root(roots.iter().copied()), root(leaves.iter().copied()));
        let index = index.index(at(size)) as u64;
        let (group, within) = (index >> height, index % (1 << height));
        let path = inclusion_grouped(groups[at(group)], within, &roots, group, height).expect("grouped");
        prop_assert_eq!(&path, &inclusion(&leaves, index).expect("a leaf"));
        // A group that is not the one its root was made of, or not as large as a group is.
        let refused = Err(ProofError::Group { group });
        prop_assert_eq!(inclusion_grouped(&[], 0, &roots, group, height), refused.clone());
        prop_assert_eq!(inclusion_grouped(&[Hash::EMPTY], 0, &roots, group, height), refused);
    }
}

#[test]
fn a_leaf_in_parts_is_the_leaf() {
    for length in [0, 1, 1022, 1023, 1024, 5000] {
        let entry = vec![7; length];
        let (one, two) = entry.split_at(length / 3);
        assert_eq!(leaf_parts(&[one, &[], two]), leaf(&entry), "{length} bytes");
    }
    assert_ne!(leaf(&[b"\x01".as_slice(), &[0; 64]].concat()), node(&Hash([0; 32]), &Hash([0; 32])));
}

#[test]
fn what_cannot_be_proven_is_said() {
    let three = leaves(3);
    assert_eq!(inclusion(&three, 3), Err(ProofError::NoLeaf { index: 3, size: 3 }));
    assert_eq!(inclusion(&[], 0), Err(ProofError::NoLeaf { index: 0, size: 0 }));
    assert_eq!(consistency(&three, 4), Err(ProofError::Shrunk { older: 4, newer: 3 }));
    assert_eq!(inclusion_grouped(&three[..2], 0, &three, 3, 1), Err(ProofError::NoLeaf { index: 3, size: 3 }));
    // Trees of nothing, and a tree and itself.
    let whole = root(three.iter().copied());
    assert_eq!(verify_consistency(0, 3, &[], &Hash::EMPTY, &whole), Ok(()));
    assert_eq!(verify_consistency(0, 3, &[], &whole, &whole), Err(ProofError::Root));
    assert_eq!(verify_consistency(3, 3, &[], &whole, &whole), Ok(()));
    assert_eq!(verify_consistency(3, 3, &[whole], &whole, &whole), Err(ProofError::Length { given: 1, needed: 0 }));
    assert_eq!(verify_consistency(4, 3, &[], &whole, &whole), Err(ProofError::Shrunk { older: 4, newer: 3 }));
    assert_eq!(Frontier::read(b"short"), None);
}

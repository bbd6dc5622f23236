"""RFC 6962 / 9162 hashing and proofs: the published vectors, and every small tree in full."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.domain import merkle
from workstation.domain.merkle import EMPTY_ROOT, Frontier, Tree, consistency_holds, inclusion_holds, leaf_hash

# The eight entries, roots and proofs of the certificate-transparency reference tests.
ENTRIES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(n.to_bytes(4, "big")) for n in range(count)]


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162 section 2.1.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(slow_root(leaves[:split]), slow_root(leaves[split:]))


def test_the_empty_tree_and_the_empty_leaf() -> None:
    assert Tree([]).root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == EMPTY_ROOT
    assert leaf_hash(b"").hex() == ROOTS[0]


def test_published_roots() -> None:
    tree, frontier = Tree(LEAVES), Frontier()
    for size, root in enumerate(ROOTS, start=1):
        frontier.append(LEAVES[size - 1])
        assert tree.root(size).hex() == frontier.root().hex() == slow_root(LEAVES[:size]).hex() == root


@pytest.mark.parametrize(("place", "path"), INCLUSION.items())
def test_published_inclusion_proofs(place: tuple[int, int], path: tuple[str, ...]) -> None:
    index, size = place
    assert tuple(part.hex() for part in Tree(LEAVES).inclusion(index, size)) == path
    parts = [bytes.fromhex(part) for part in path]
    assert inclusion_holds(LEAVES[index], index, size, parts, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("sizes", "path"), CONSISTENCY.items())
def test_published_consistency_proofs(sizes: tuple[int, int], path: tuple[str, ...]) -> None:
    old, size = sizes
    assert tuple(part.hex() for part in Tree(LEAVES).consistency(old, size)) == path
    parts, roots = [bytes.fromhex(part) for part in path], [bytes.fromhex(root) for root in ROOTS]
    assert consistency_holds(old, roots[old - 1], size, roots[size - 1], parts)


def test_every_leaf_of_every_tree_to_forty_and_nothing_else() -> None:
    """Each proof holds for its own leaf, place, size and root only."""
    leaves = numbered(41)
    tree = Tree(leaves)
    for size in range(1, 41):
        root = tree.root(size)
        assert root == slow_root(leaves[:size])
        for index in range(size):
            path = tree.inclusion(index, size)
            assert inclusion_holds(leaves[index], index, size, path, root)
            others = [n for n in range(size + 1) if n != index]
            assert not any(inclusion_holds(leaves[index], other, size, path, root) for other in others)
            assert not any(inclusion_holds(leaves[other], index, size, path, root) for other in others)
            assert not inclusion_holds(leaves[index], index, size, (*path, root), root)
            assert not (path and inclusion_holds(leaves[index], index, size, path[:-1], root))
            assert not inclusion_holds(leaves[index], index, size, path, tree.root(size + 1))


def test_every_pair_of_sizes_to_forty_and_nothing_else() -> None:
    leaves = numbered(41)
    tree = Tree(leaves)
    for size in range(41):
        for old in range(size + 1):
            path, then, now = tree.consistency(old, size), tree.root(old), tree.root(size)
            assert consistency_holds(old, then, size, now, path), (old, size)
            assert not consistency_holds(old, then, size, leaf_hash(b"x"), path) or old == 0
            assert not consistency_holds(old, leaf_hash(b"x"), size, now, path)
            assert not consistency_holds(old, then, size, now, (*path, now))
            if path:
                assert not consistency_holds(old, then, size, now, path[1:])
                assert not consistency_holds(old, then, size, now, path[:-1])
                assert not consistency_holds(old + 1, then, size, now, path)


@given(st.integers(1, 40), st.data())
def test_no_changed_bit_of_a_proof_holds(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    tree = Tree(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = list(tree.inclusion(index))
    if path:
        which, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        path[which] = (int.from_bytes(path[which], "big") ^ (1 << bit)).to_bytes(32, "big")
        assert not inclusion_holds(leaves[index], index, size, path, tree.root())
    old = data.draw(st.integers(0, size))
    chain = list(tree.consistency(old))
    if chain:
        which, bit = data.draw(st.integers(0, len(chain) - 1)), data.draw(st.integers(0, 255))
        chain[which] = (int.from_bytes(chain[which], "big") ^ (1 << bit)).to_bytes(32, "big")
        assert not consistency_holds(old, tree.root(old), size, tree.root(), chain)


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_frontier_grows_like_the_tree(entries: list[bytes]) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    frontier = Frontier()
    for size, leaf in enumerate(leaves, start=1):
        frontier.append(leaf)
        assert frontier.root() == slow_root(leaves[:size])
    twin = frontier.copy()
    twin.append(leaf_hash(b"more"))
    assert (frontier.size, twin.size) == (len(leaves), len(leaves) + 1)
    assert frontier.root() == merkle.root_of(leaves) == Tree(leaves).root()


@pytest.mark.parametrize("call", [lambda t: t.root(4), lambda t: t.inclusion(3), lambda t: t.consistency(4)])
def test_what_is_not_in_the_tree_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match="leaves"):
        call(Tree(numbered(3)))  # type: ignore[operator]


def test_a_leaf_is_never_taken_for_a_node() -> None:
    """Second-preimage safety: the concatenation of two leaf hashes as an entry gives another root."""
    leaves = numbered(2)
    assert leaf_hash(leaves[0] + leaves[1]) != Tree(leaves).root()


def test_150_000_leaves_take_about_a_second_at_most() -> None:
    entries = [n.to_bytes(32, "big") for n in range(150_000)]
    start = time.process_time()
    root = merkle.root_of([leaf_hash(entry) for entry in entries])
    took = time.process_time() - start
    assert len(root) == 32
    assert took < 3.0, took

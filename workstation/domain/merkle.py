"""Merkle tree hashing and its proofs, as RFC 6962 section 2.1 and RFC 9162 section 2.1 define them.

A leaf is SHA-256(0x00 || entry), a node SHA-256(0x01 || left || right); a tree of n leaves splits at the largest power
of two below n; the root of no leaf is SHA-256 of nothing. Everything here is pure and works on leaf hashes (32 bytes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256().digest()
_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree that keeps only the roots of its full subtrees: O(log n) memory, O(1) amortised for each leaf."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        place = self.size
        while place & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            place >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The root over every leaf so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        twin = Frontier()
        twin.size, twin._peaks = self.size, list(self._peaks)
        return twin


class Tree:
    """A tree with every full subtree kept, so that any root and any proof of any of its sizes is O(log n) hashes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.size = len(leaves)
        self._levels: list[list[bytes]] = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            pairs = zip(below[0::2], below[1::2], strict=False)
            self._levels.append([_sha256(b"\x01" + left + right).digest() for left, right in pairs])

    def root(self, size: int | None = None) -> bytes:
        """The root of the first ``size`` leaves, or of all. Raises: ValueError when the tree is smaller."""
        size = self._checked(size)
        return EMPTY_ROOT if size == 0 else self._root(0, size)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of leaf ``index`` (from 0) in the tree of the first ``size`` leaves (RFC 9162 2.1.3.1).

        Raises:
            ValueError: there is no such leaf in that tree.
        """
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError(f"a tree of {size} leaves has no leaf {index}")
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._root(middle, high))
                high = middle
            else:
                path.append(self._root(low, middle))
                low = middle
        return tuple(reversed(path))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Proof that the first ``old`` leaves are a prefix of the first ``size`` leaves (RFC 9162 2.1.4.1).

        Raises:
            ValueError: ``old`` is no size of an earlier tree.
        """
        size = self._checked(size)
        if not 0 <= old <= size:
            raise ValueError(f"a tree of {size} leaves has no earlier tree of {old}")
        if old in (0, size):
            return ()
        path: list[bytes] = []
        low, high, whole = 0, size, True
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                path.append(self._root(middle, high))
                high = middle
            else:
                path.append(self._root(low, middle))
                low, whole = middle, False
        if not whole:
            path.append(self._root(low, high))
        return tuple(reversed(path))

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return size

    def _root(self, low: int, high: int) -> bytes:
        """Root of leaves low..high; ``low`` is always a multiple of the power of two that covers the range."""
        count = high - low
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._levels[level][low >> level]
        middle = low + _split(count)
        return node_hash(self._root(low, middle), self._root(middle, high))


def _split(count: int) -> int:
    """The largest power of two smaller than ``count`` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves leaf hash ``leaf`` at ``index`` of ``size`` leaves under ``root`` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or any(len(part) != 32 for part in path):
        return False
    place, last, made = index, size - 1, leaf
    for part in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            made = node_hash(part, made)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            made = node_hash(made, part)
        place, last = place >> 1, last >> 1
    return last == 0 and made == root


def consistency_holds(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves the tree (``old``, ``old_root``) a prefix of (``size``, ``root``) (RFC 9162 2.1.4.2).

    The empty tree is a prefix of every tree and needs no proof; equal sizes need equal roots and no proof.
    """
    if old < 0 or size < old or any(len(part) != 32 for part in path):
        return False
    if old == size:
        return not path and old_root == root and (old > 0 or root == EMPTY_ROOT)
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    parts = list(path)
    if old & (old - 1) == 0:
        parts.insert(0, old_root)
    if not parts:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, part)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == root

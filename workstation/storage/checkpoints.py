"""Signed checkpoints of a case's chain: the Merkle tree beside it, proofs, and signing and opening notes (E7).

The tree's leaves are the hashes of the events in order. Beside an open case only the tree's frontier is kept, so that a
new event costs a few hashes; proofs read every hash again.
"""

from __future__ import annotations

import threading

from sqlalchemy import Connection, select

from workstation.domain.checkpoints import (
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    NoteSignature,
    SignedNote,
    VerifierKey,
    key_id,
    origin_of,
)
from workstation.domain.custody import GENESIS, CustodyHead
from workstation.domain.errors import IntegrityMismatch, NotFound
from workstation.domain.merkle import Frontier, Tree, leaf_hash
from workstation.storage.keys import LedgerKey, signed_by
from workstation.storage.tables import Custody

_NEWER = "SELECT seq, hash FROM custody WHERE seq > ? ORDER BY seq"


class Ledger:
    """The head of one open case with its Merkle root, kept up with what is committed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frontier = Frontier()
        self._seq, self._hash = 0, GENESIS

    def head(self, connection: Connection) -> CustodyHead:
        """Number of events, hash of the last one and Merkle root, as this connection sees them."""
        with self._lock:
            for seq, digest in connection.exec_driver_sql(_NEWER, (self._seq,)).all():
                if seq <= self._seq:
                    continue
                self._seq, self._hash = int(seq), bytes(digest)
                self._frontier.append(leaf_hash(self._hash))
            return CustodyHead(self._seq, self._hash, self._frontier.root())


def tree_of(connection: Connection) -> Tree:
    """The whole tree over the chain as it stands."""
    hashes = connection.execute(select(Custody.hash).order_by(Custody.seq)).scalars()
    return Tree([leaf_hash(bytes(digest)) for digest in hashes])


def inclusion(connection: Connection, seq: int) -> InclusionProof:
    """Prove that event ``seq`` (from 1) stands in the chain as it is now. Raises: NotFound."""
    tree = tree_of(connection)
    digest = connection.execute(select(Custody.hash).where(Custody.seq == seq)).scalar()
    if digest is None or not 0 < seq <= tree.size:
        raise NotFound(f"There is no custody event {seq}; the chain has {tree.size}.", "Name one of them.")
    return InclusionProof(seq - 1, tree.size, leaf_hash(bytes(digest)), tree.inclusion(seq - 1), tree.root())


def consistency(connection: Connection, old: int) -> ConsistencyProof:
    """Prove that the chain as it is now continues the one of ``old`` events. Raises: NotFound."""
    tree = tree_of(connection)
    if not 0 <= old <= tree.size:
        raise NotFound(f"The chain has {tree.size} events and never had {old}.", "Name a number up to that.")
    return ConsistencyProof(old, tree.root(old), tree.size, tree.root(), tree.consistency(old))


def verifier_key(case_id: str, public_key: bytes) -> VerifierKey:
    """Who signs a case's checkpoints: a ledger key under the case's own name."""
    return VerifierKey(origin_of(case_id), public_key)


def sign_checkpoint(case_id: str, head: CustodyHead, key: LedgerKey, extensions: tuple[str, ...] = ()) -> str:
    """Return the signed note for a head whose root is known."""
    origin = origin_of(case_id)
    text = Checkpoint(origin, head.count, head.root, extensions).text()
    signature = NoteSignature(origin, key_id(origin, key.public_key), key.sign(text.encode()))
    return SignedNote(text, (signature,)).whole()


def open_checkpoint(whole: str, key: VerifierKey) -> Checkpoint:
    """Check a signed note and return what it says.

    Raises:
        IntegrityMismatch: it is no checkpoint of this log, or ``key`` did not sign it as it stands.
    """
    note = SignedNote.parse(whole)
    claim = note.by(key)
    if claim is None:
        raise IntegrityMismatch("The checkpoint is not signed by this key.", "Name the key of the case it belongs to.")
    if not signed_by(key.public_key, claim.signature, note.text.encode()):
        raise IntegrityMismatch("The checkpoint was altered: its signature does not fit.", "Take a sound copy of it.")
    found = Checkpoint.parse(note.text)
    if found.origin != key.name:
        raise IntegrityMismatch("The checkpoint belongs to another log.", "Name the checkpoint of this case.")
    return found

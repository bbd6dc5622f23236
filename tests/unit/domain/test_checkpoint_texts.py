"""Checkpoints and signed notes as text: the published example, round trips, and everything misshapen refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from workstation.domain.checkpoints import Checkpoint, NoteSignature, SignedNote, VerifierKey, key_id, origin_of
from workstation.domain.errors import IntegrityMismatch

# The worked example of the C2SP signed-note specification.
PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ROOT = bytes(range(32))


def test_the_published_note_is_read_and_its_signature_holds() -> None:
    key, note = VerifierKey.parse(PUBLISHED_KEY), SignedNote.parse(PUBLISHED_NOTE)
    assert (key.name, key_id(key.name, key.public_key).hex()) == ("example.com/foo", "530d903a")
    found = note.by(key)
    assert found is not None
    Ed25519PublicKey.from_public_bytes(key.public_key).verify(found.signature, note.text.encode())
    assert note.whole() == PUBLISHED_NOTE
    assert key.text() == PUBLISHED_KEY


def test_a_checkpoint_has_three_lines_and_its_extensions() -> None:
    made = Checkpoint(origin_of("a" * 8), 7, ROOT, ("code AAAAA",))
    assert made.text() == f"workstation/case/aaaaaaaa\n7\n{base64.b64encode(ROOT).decode()}\ncode AAAAA\n"
    assert Checkpoint.parse(made.text()) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n7\n",
        "origin\n7\nAAAA\n",
        "origin\n07\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n+1\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\nseven\n" + base64.b64encode(ROOT).decode() + "\n",
        "\n7\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n7\n" + base64.b64encode(ROOT).decode(),
        "origin\n7\n" + base64.b64encode(ROOT).decode() + "\n\n",
        "origin\n7\n" + base64.b64encode(ROOT).decode().replace("A", "*", 1) + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(IntegrityMismatch):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "whole",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nname AAAAAAAA\n",
        "text\n\n— name\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAA*AAA\n",
        "text\n\n— name AAAAAAAA",
        "te\tt\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
    ],
)
def test_what_is_no_note_is_refused(whole: str) -> None:
    with pytest.raises(IntegrityMismatch):
        SignedNote.parse(whole)


@pytest.mark.parametrize("change", ["example.com/fop", "530d903b", "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l"])
def test_a_key_whose_parts_do_not_belong_together_is_refused(change: str) -> None:
    parts = PUBLISHED_KEY.split("+", 2)
    place = 0 if "." in change else 1 if len(change) == 8 else 2
    parts[place] = change
    with pytest.raises(IntegrityMismatch):
        VerifierKey.parse("+".join(parts))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**60), st.lists(st.sampled_from(["a b", "key 00"])))
def test_notes_come_back_as_they_were(root: bytes, size: int, extensions: list[str]) -> None:
    made = Checkpoint("workstation/case/x", size, root, tuple(extensions))
    note = SignedNote(made.text(), (NoteSignature("a", b"1234", bytes(64)), NoteSignature("b", b"5678", bytes(64))))
    again = SignedNote.parse(note.whole())
    assert again == note
    assert Checkpoint.parse(again.text) == made

"""Signed heads, proofs and logs that verify without the case; what v1 and v2 events are hashed over (E7, C3)."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import storage_samples as samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workstation.domain.checkpoints import Checkpoint, SignedNote, VerifierKey
from workstation.domain.custody import (
    CustodyHead,
    CustodyKind,
    body_digest,
    event_hash,
    event_hash_of,
    event_hash_v1,
)
from workstation.domain.errors import InputError, IntegrityMismatch, NotFound
from workstation.domain.merkle import consistency_holds, inclusion_holds, leaf_hash
from workstation.storage import custody_log
from workstation.storage.anchor import read_anchor, write_anchor
from workstation.storage.case_store import CaseStore
from workstation.storage.checkpoints import open_checkpoint
from workstation.storage.closing import file_digest
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case


def filled(store: CaseStore, events: int) -> CaseStore:
    for number in range(events):
        store.record(CustodyKind.EXPORTED, {"number": number, "path": f"/secret/place/{number}"})
    return store


def test_every_body_has_purpose_authority_and_salt(case_folder: Path, key: LedgerKey) -> None:
    with CaseStore.create(
        case_folder, number="1", title="", examiner="A", question="", key=key, purpose="review", authority="order 7"
    ) as store:
        store.record(CustodyKind.EXPORTED, {})
        store.record(CustodyKind.EXPORTED, {}, purpose="court", authority="")
        store.record(CustodyKind.EXPORTED, {"purpose": "own words"})
        bodies = [json.loads(event.body) for event in store.custody()]
    said = [(body["purpose"], body["authority"]) for body in bodies]
    assert said == [("review", "order 7"), ("review", "order 7"), ("court", ""), ("own words", "order 7")]
    assert len({body["salt"] for body in bodies}) == 4
    with CaseStore.open(case_folder, key=key, purpose="appeal", authority="order 9") as store:
        opened = json.loads(store.custody()[-1].body)
    assert (opened["purpose"], opened["authority"]) == ("appeal", "order 9")


def test_a_new_hash_follows_from_the_digest_of_the_body(store: CaseStore) -> None:
    event = store.record(CustodyKind.EXPORTED, {"a": 1})
    digest = hashlib.sha256(event.body.encode()).digest()
    assert body_digest(event.body) == digest
    assert event.hash == event_hash_of(event.seq, event.at, event.actor, event.kind.value, digest, event.prev)
    fields = (event.seq, event.at, event.actor, event.kind.value, event.body, event.prev)
    assert event.hash == event_hash(*fields) != event_hash_v1(*fields)


def test_the_checkpoint_is_signed_over_the_whole_chain(store: CaseStore) -> None:
    filled(store, 5)
    key, text = store.verifier_key(), store.checkpoint()
    found = open_checkpoint(text, VerifierKey.parse(key.text()))
    leaves = [leaf_hash(event.hash) for event in store.custody()]
    assert (found.size, found.root) == (6, store.custody_head().root)
    for seq in range(1, 7):
        proof = store.prove_inclusion(seq)
        assert proof.leaf == leaves[seq - 1]
        assert inclusion_holds(proof.leaf, proof.index, proof.size, proof.path, found.root)
    for size in range(7):
        earlier = store.prove_consistency(size)
        assert consistency_holds(earlier.old, earlier.old_root, earlier.size, found.root, earlier.path)
    for wrong in (0, 7):
        with pytest.raises(NotFound):
            store.prove_inclusion(wrong)
    with pytest.raises(NotFound):
        store.prove_consistency(7)


def test_the_root_kept_beside_the_case_follows_every_event(store: CaseStore) -> None:
    """The frontier grows with what is committed, and never with a transaction that was rolled back."""
    from workstation.storage.checkpoints import tree_of

    for number in range(9):
        with pytest.raises(TypeError):
            store.record(CustodyKind.EXPORTED, {"no": object()})
        store.record(CustodyKind.EXPORTED, {"number": number})
        head = store.custody_head()
        assert head.root == store._open.read(tree_of).root()
        assert read_anchor(store.folder / "custody.head").head.root == head.root


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("\n6\n", "\n5\n"), "altered"),
        (lambda text: text.replace("workstation/case/", "workstation/cese/"), "not signed by this key"),
        (lambda text: text.split("\n\n")[0], "no signed note"),
    ],
)
def test_a_changed_checkpoint_is_refused(store: CaseStore, change: Callable[[str], str], words: str) -> None:
    filled(store, 5)
    with pytest.raises(IntegrityMismatch, match=words):
        open_checkpoint(change(store.checkpoint()), store.verifier_key())


def test_a_checkpoint_by_another_key_or_of_another_case_is_refused(store: CaseStore, tmp_path: Path) -> None:
    other = LedgerKey.load_or_create(tmp_path / "other")
    key = store.verifier_key()
    with pytest.raises(IntegrityMismatch, match="not signed by this key"):
        open_checkpoint(store.checkpoint(), VerifierKey(key.name, other.public_key))
    with pytest.raises(IntegrityMismatch, match="not signed by this key"):
        open_checkpoint(store.checkpoint(), VerifierKey("workstation/case/other", key.public_key))


def test_a_case_open_for_reading_hands_out_the_last_signed_head(store: CaseStore) -> None:
    filled(store, 2)
    store.close()
    with CaseStore.open(store.folder, key=None, read_only=True) as reader:
        found = open_checkpoint(reader.checkpoint(), reader.verifier_key())
        assert (found.size, found.root) == (4, reader.custody_head().root)
        assert reader.head_code() == reader.custody_head().code


def test_the_closed_case_is_sealed_and_an_open_one_is_not(store: CaseStore, key: LedgerKey) -> None:
    folder = store.folder
    samples.take_in(store, folder.parent / "clip.mp4", b"bytes")
    assert read_anchor(folder / "custody.head").closed is None
    store.close()
    closed = read_anchor(folder / "custody.head").closed
    assert closed is not None
    assert (closed.database, closed.files) == (file_digest(folder / "case.sqlite"), 1)
    with CaseStore.open(folder, key=key):
        assert read_anchor(folder / "custody.head").closed is None


def test_a_byte_in_free_space_of_the_closed_database_is_seen(store: CaseStore) -> None:
    """No record speaks of it, and SQLite's own check does not see it: the digest of the closed file does."""
    store.close()
    database = store.folder / "case.sqlite"
    data = bytearray(database.read_bytes())
    page = next(p for p in range(1, len(data) // 4096) if not any(data[p * 4096 + 200 : p * 4096 + 300]))
    data[page * 4096 + 250] ^= 0xFF
    database.write_bytes(data)
    bad = verify_case(store.folder).bad
    assert [line.subject for line in bad] == ["database file"], bad


@pytest.mark.parametrize("name", ["notes.txt", "evidence/ab/" + "c" * 64, "reports/extra.pdf", "maps/.hidden"])
def test_a_file_put_into_a_closed_case_is_named(store: CaseStore, name: str) -> None:
    store.close()
    path = store.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    line = verify_case(store.folder).bad[0]
    assert (line.subject, name in line.detail) == ("case folder", True)


def test_an_older_head_beside_a_closed_case_is_named(store: CaseStore) -> None:
    """The chain is whole; but beside a closed case lies the head it was closed with, or at most the one before."""
    filled(store, 4)
    kept = (store.folder / "custody.head").read_bytes()
    store.close()
    assert verify_case(store.folder).ok
    (store.folder / "custody.head").write_bytes(kept)
    assert verify_case(store.folder).ok, "killed between the closing and its head"
    raw = connect(store.folder / "case.sqlite", "ro")
    digest = raw.execute("SELECT hash FROM custody WHERE seq = 2").fetchone()[0]
    raw.close()
    key = LedgerKey.load_or_create(store.folder.parent / "keys")
    write_anchor(store.folder / "custody.head", store.case.id, CustodyHead(2, digest), key)
    line = verify_case(store.folder).bad[0]
    assert (line.subject, "older" in line.detail) == ("custody head", True)


def test_a_head_that_cannot_be_written_leaves_no_closing_behind(
    store: CaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space left on device")

    filled(store, 3)
    with monkeypatch.context() as broken:
        broken.setattr("workstation.storage.open_case.write_anchor", full)
        assert store.close() is None
    assert verify_case(store.folder).ok, verify_case(store.folder).bad


def test_what_a_file_manager_leaves_is_told_and_is_no_tampering(store: CaseStore) -> None:
    store.close()
    (store.folder / "evidence" / ".DS_Store").write_bytes(b"x")
    outcome = verify_case(store.folder)
    assert outcome.ok, outcome.bad
    assert any("evidence/.DS_Store" in line.detail for line in outcome.lines)


def test_the_first_form_of_the_head_is_still_read(tmp_path: Path, key: LedgerKey) -> None:
    head = CustodyHead(3, b"\x07" * 32)
    write_anchor(tmp_path / "custody.head", samples.EvidenceId("a" * 32), head, key)
    assert (tmp_path / "custody.head").read_text().startswith("workstation custody head v1\n")
    found = read_anchor(tmp_path / "custody.head")
    assert (found.head, found.head.root, found.closed) == (head, b"", None)


# Logs


@pytest.fixture
def logs(store: CaseStore, tmp_path: Path) -> tuple[Path, Path, CaseStore]:
    filled(store, 6)
    for name, redacted in (("full", False), ("redacted", True)):
        events = store.custody()
        custody_log.write(tmp_path / name, store.case.id, events, store.checkpoint(), redacted=redacted)
    return tmp_path / "full", tmp_path / "redacted", store


@pytest.mark.parametrize("which", [0, 1])
def test_a_log_verifies_without_its_case(logs: tuple[Path, Path, CaseStore], which: int) -> None:
    path, store = logs[which], logs[2]
    outcome = custody_log.verify(path, key=store.verifier_key())
    assert outcome.ok, outcome.bad
    assert ("/secret/place" in path.read_text(), which) in ((True, 0), (False, 1))


def test_a_log_is_held_against_a_checkpoint_kept_elsewhere(logs: tuple[Path, Path, CaseStore], tmp_path: Path) -> None:
    full, redacted, store = logs
    early = store.checkpoint()
    filled(store, 3)
    late = store.checkpoint()
    assert custody_log.verify(redacted, checkpoint=early).ok
    line = custody_log.verify(full, checkpoint=late).bad[0]
    assert (line.subject, "3 of the last are gone" in line.detail) == ("custody tail", True)
    other = LedgerKey.load_or_create(tmp_path / "other")
    key = VerifierKey(store.verifier_key().name, other.public_key)
    assert {line.subject for line in custody_log.verify(full, key=key).bad} == {"checkpoint"}


def test_a_rewritten_log_meets_the_checkpoint_kept_elsewhere(store: CaseStore, key: LedgerKey, tmp_path: Path) -> None:
    """Another history by the same key is perfect in itself; only what was kept outside shows it."""
    kept = filled(store, 4).checkpoint()
    twin = CaseStore.create(tmp_path / "twin", number="9", title="", examiner="A", question="", key=key)
    filled(twin, 9)
    custody_log.write(tmp_path / "log", store.case.id, twin.custody(), store.checkpoint(), redacted=False)
    twin.close()
    text = (tmp_path / "log").read_text()
    head, *lines, _ = text.splitlines()
    from workstation.storage.checkpoints import sign_checkpoint

    forged = sign_checkpoint(store.case.id, twin_head(lines), key)
    (tmp_path / "log").write_text("\n".join([head, *lines, json.dumps({"checkpoint": forged})]) + "\n")
    assert custody_log.verify(tmp_path / "log").ok
    assert [line.subject for line in custody_log.verify(tmp_path / "log", checkpoint=kept).bad] == ["given checkpoint"]


def twin_head(lines: list[str]) -> CustodyHead:
    from workstation.domain.merkle import root_of

    hashes = [bytes.fromhex(json.loads(line)["hash"]) for line in lines]
    return CustodyHead(len(hashes), hashes[-1], root_of([leaf_hash(digest) for digest in hashes]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_changed_member_of_a_log_verifies(logs: tuple[Path, Path, CaseStore], data: st.DataObject) -> None:
    """Every member of every line, and lines lost, doubled and swapped."""
    path = logs[data.draw(st.integers(0, 1))]
    lines = path.read_text().splitlines()
    act = data.draw(st.sampled_from(["member", "lost", "doubled", "swapped"]))
    place = data.draw(st.integers(1, len(lines) - 2))
    if act == "lost":
        lines.pop(place)
    elif act == "doubled":
        lines.insert(place, lines[place])
    elif act == "swapped":
        lines[place], lines[place - 1 or 2] = lines[place - 1 or 2], lines[place]
    else:
        facts = json.loads(lines[place])
        name = data.draw(st.sampled_from(sorted(facts)))
        facts[name] = changed(facts[name])
        lines[place] = json.dumps(facts)
    target = path.with_name("changed")
    target.write_text("\n".join(lines) + "\n")
    assert not custody_log.verify(target).ok, (act, place)


def changed(value: object) -> object:
    if isinstance(value, int):
        return value + 1
    text = str(value)
    return ("1" if text[:1] != "1" else "2") + text[1:]


def test_a_log_cut_short_or_of_another_kind_gives_one_line(logs: tuple[Path, Path, CaseStore], tmp_path: Path) -> None:
    text = logs[0].read_text()
    for broken in (text[:-20], "", "{}\n", '{"log": "other", "events": 0}\n', text + "more\n", "[1]\n"):
        (tmp_path / "broken").write_text(broken)
        assert [line.subject for line in custody_log.verify(tmp_path / "broken").bad] == ["log"]
    with pytest.raises(InputError):
        custody_log.verify(tmp_path / "missing")


def as_first_format(folder: Path, key: LedgerKey) -> None:
    """Rewrite a chain as format 1.0 hashed it: the body itself, tag v1."""
    raw = connect(folder / "case.sqlite")
    rows = raw.execute("SELECT seq, at, actor, kind, body FROM custody ORDER BY seq").fetchall()
    names = [name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()]
    statements = [sql for (sql,) in raw.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()]
    for name in names:
        raw.execute(f"DROP TRIGGER {name}")
    prev = bytes(32)
    for row in rows:
        digest = event_hash_v1(*row, prev)
        values = (prev, digest, key.sign(digest), row[0])
        raw.execute("UPDATE custody SET prev = ?, hash = ?, signature = ? WHERE seq = ?", values)
        prev = digest
    for sql in statements:
        raw.execute(sql)
    case = raw.execute("SELECT id FROM case_facts").fetchone()[0]
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    write_anchor(folder / "custody.head", case, CustodyHead(len(rows), prev), key)


def test_events_of_the_first_format_stay_valid_and_new_ones_follow_them(
    store: CaseStore, key: LedgerKey, tmp_path: Path
) -> None:
    filled(store, 3)
    store.close()
    as_first_format(store.folder, key)
    assert verify_case(store.folder).ok, verify_case(store.folder).bad
    with CaseStore.open(store.folder, key=key) as again:
        events = again.custody()
        text = again.checkpoint(custody_log.first_form_line(events))
        custody_log.write(tmp_path / "full", again.case.id, events, text, redacted=False)
        custody_log.write(tmp_path / "redacted", again.case.id, events, text, redacted=True)
        plain = again.checkpoint()
        custody_log.write(tmp_path / "unsaid", again.case.id, events, plain, redacted=True)
    assert verify_case(store.folder).ok
    assert custody_log.verify(tmp_path / "full").ok
    outcome = custody_log.verify(tmp_path / "redacted")
    assert outcome.ok, outcome.bad
    assert "5 of format 1.0 whose content needs its body" in outcome.lines[0].detail
    assert [line.subject for line in custody_log.verify(tmp_path / "unsaid").bad] == ["custody event 1"]


def test_an_edited_row_of_the_first_format_is_named(store: CaseStore, key: LedgerKey) -> None:
    filled(store, 2)
    store.close()
    as_first_format(store.folder, key)
    shutil.copytree(store.folder, store.folder.with_name("copy"))
    raw: sqlite3.Connection = connect(store.folder.with_name("copy") / "case.sqlite")
    raw.execute("DROP TRIGGER custody_no_update")
    raw.execute("UPDATE custody SET body = replace(body, '\"number\":1', '\"number\":7') WHERE seq = 3")
    raw.close()
    subjects = [line.subject for line in verify_case(store.folder.with_name("copy")).bad]
    assert "custody event 3" in subjects


def test_the_text_of_the_head_is_what_the_specification_says(store: CaseStore) -> None:
    """Byte by byte, from the parts alone: origin, size, root, and a signature line with its key id."""
    note = SignedNote.parse(store.checkpoint())
    head, key = store.custody_head(), store.public_key
    origin = f"workstation/case/{store.case.id}"
    assert note.text == f"{origin}\n{head.count}\n{base64.b64encode(head.root).decode()}\n"
    assert Checkpoint.parse(note.text).extensions == ()
    identity = hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]
    line = store.checkpoint().splitlines()[-1]
    assert line.startswith(f"— {origin} ")
    assert base64.b64decode(line.rsplit(" ", 1)[1])[:4] == identity

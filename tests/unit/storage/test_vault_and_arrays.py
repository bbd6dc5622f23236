"""Originals are copied by one read and never changed; arrays come back exactly or not at all (E1, E3)."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import storage_samples as samples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workstation.domain.errors import Cancelled, EmptyFile, EvidenceError, InputError, IntegrityMismatch, NotFound
from workstation.storage.arrays import ArrayStore, canonical_bytes
from workstation.storage.case_store import CaseStore
from workstation.storage.vault import EvidenceVault, hash_file


@pytest.fixture
def vault(tmp_path: Path) -> EvidenceVault:
    (tmp_path / "case" / "evidence").mkdir(parents=True)
    return EvidenceVault(tmp_path / "case")


def test_a_file_is_hashed_while_it_is_copied(vault: EvidenceVault, tmp_path: Path) -> None:
    data = os.urandom((9 << 20) + 17)
    source = tmp_path / "clip.mp4"
    source.write_bytes(data)
    os.utime(source, ns=(1_000_000_000, 2_000_000_000))
    seen: list[tuple[int, int]] = []
    stored = vault.take_in(source, lambda done, total: seen.append((done, total)))
    digest = hashlib.sha256(data).hexdigest()
    assert (stored.sha256, stored.size, stored.already_there) == (digest, len(data), False)
    assert stored.relative_path == f"evidence/{digest[:2]}/{digest}"
    path = vault.path(stored.relative_path)
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert [done for done, _ in seen] == [4 << 20, 8 << 20, len(data)]
    assert {total for _, total in seen} == {len(data)}
    assert source.stat().st_mtime_ns == 2_000_000_000
    assert vault.take_in(source).already_there
    assert hash_file(path) == (digest, len(data))


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="the system has no way to read without an access time")
def test_reading_leaves_even_the_access_time_alone(vault: EvidenceVault, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"x" * 100)
    os.utime(source, ns=(1_000_000_000, 2_000_000_000))
    vault.take_in(source)
    assert source.stat().st_atime_ns == 1_000_000_000


def test_what_is_no_whole_file_is_refused_and_leaves_nothing(vault: EvidenceVault, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EmptyFile):
        vault.take_in(tmp_path / "empty")
    for name in ("nowhere", "case", "pipe", "empty/below"):
        with pytest.raises(InputError):
            vault.take_in(tmp_path / name)
    source = tmp_path / "clip"
    source.write_bytes(bytes(9 << 20))
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        vault.take_in(source, cancelled=lambda: next(calls))

    def grow(done: int, total: int) -> None:
        with source.open("ab") as file:
            file.write(b"more") if done < 10 << 20 else None

    with pytest.raises(EvidenceError, match="changed"):
        vault.take_in(source, grow)
    assert list((tmp_path / "case" / "evidence").rglob("*")) == []


def test_an_altered_copy_is_not_reused(vault: EvidenceVault, tmp_path: Path) -> None:
    source = tmp_path / "clip"
    source.write_bytes(b"evidence")
    path = vault.path(vault.take_in(source).relative_path)
    path.chmod(0o644)
    path.write_bytes(b"Evidence")
    with pytest.raises(IntegrityMismatch):
        vault.take_in(source)


def test_only_what_belongs_to_no_exhibit_can_be_discarded(store: CaseStore, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a", b"exhibit")
    with pytest.raises(InputError):
        store.vault.discard(item.stored_path)
    (tmp_path / "b").write_bytes(b"no media")
    stored = store.vault.take_in(tmp_path / "b")
    store.vault.discard(stored.relative_path)
    assert not store.vault.path(stored.relative_path).parent.exists()
    assert store.vault.path(item.stored_path).is_file()
    with pytest.raises(InputError):
        store.vault.discard(stored.relative_path)


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "evidence/../../out", ""])
def test_no_name_leads_out_of_the_case(vault: EvidenceVault, name: str) -> None:
    with pytest.raises(InputError):
        vault.path(name)


@given(
    hnp.arrays(
        dtype=st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes()),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    )
)
def test_canonical_bytes_do_not_depend_on_layout(array: np.ndarray) -> None:
    """Same values, same bytes: whatever the byte order and the order in memory."""
    plain = canonical_bytes(array)
    assert canonical_bytes(np.asfortranarray(array).reshape(array.shape)) == plain
    assert canonical_bytes(array.astype(array.dtype.newbyteorder(">"))) == plain
    back = np.load(io.BytesIO(plain), allow_pickle=False)
    assert back.shape == array.shape
    assert back.astype(array.dtype).tobytes() == np.ascontiguousarray(array).tobytes()


def test_arrays_are_kept_by_content(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    array = samples.fakeness(1)
    digest = store.put(array)
    assert digest == hashlib.sha256(canonical_bytes(array)).hexdigest()
    path = store.path(digest)
    before = path.stat().st_mtime_ns
    assert store.put(array.copy(order="F")) == digest
    assert path.stat().st_mtime_ns == before
    store.flush()
    back = store.get(digest)
    assert back.dtype == np.float16
    assert np.array_equal(back, array)
    with pytest.raises(ValueError, match="read-only"):
        back[0, 0] = 1
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [f"{digest}.npy.z"]


def test_an_altered_or_cut_array_is_refused_and_replaced_by_a_good_one(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    array = samples.fakeness(1)
    digest = store.put(array)
    path = store.path(digest)
    whole = path.read_bytes()
    other = store.path(store.put(samples.fakeness(2))).read_bytes()
    for broken in (b"", whole[:-1], whole + b"x", whole[:100] + b"\x00" + whole[101:], other):
        path.write_bytes(broken)
        with pytest.raises(IntegrityMismatch):
            store.get(digest)
        assert store.put(array) == digest
        assert path.read_bytes() == whole
    for name in ("0" * 64, "nonsense", "../../x"):
        with pytest.raises(NotFound):
            store.get(name)

"""Hashing and copying from one read: values, order, short writes, cancel, and no thread left (E1)."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workstation.domain.errors import Cancelled, InputError
from workstation.storage.copying import CHUNK, SECOND_DIGESTS, ReadFault, read_once
from workstation.storage.vault import EvidenceVault


@contextmanager
def reading(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def noise(path: Path, size: int, seed: int = 3) -> bytes:
    data = random.Random(seed).randbytes(size)
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("size", [1, 4095, CHUNK - 1, CHUNK, CHUNK + 1, 6 * CHUNK + 17])
def test_what_is_hashed_is_what_is_handed_on_in_order(tmp_path: Path, size: int) -> None:
    data = noise(tmp_path / "in", size)
    got = bytearray()
    seen: list[tuple[int, int]] = []
    with reading(tmp_path / "in") as descriptor:
        read = read_once(
            descriptor, size, sink=got.extend, on_progress=lambda *at: seen.append(at), others=SECOND_DIGESTS
        )
    assert bytes(got) == data
    assert (read.sha256, read.size) == (hashlib.sha256(data).hexdigest(), size)
    assert read.others == {name: hashlib.new(name, data).hexdigest() for name in SECOND_DIGESTS}
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_slow_writer_never_gets_a_buffer_that_is_filled_again(tmp_path: Path) -> None:
    size = 9 * CHUNK
    data = noise(tmp_path / "in", size)
    digest = hashlib.sha256()

    def slow(piece: memoryview) -> None:
        half = len(piece) // 2
        digest.update(piece[:half])
        os.sched_yield()
        digest.update(piece[half:])

    with reading(tmp_path / "in") as descriptor:
        read = read_once(descriptor, size, sink=slow)
    assert digest.hexdigest() == read.sha256 == hashlib.sha256(data).hexdigest()


def test_cancel_and_a_full_disk_end_the_hashing_thread(tmp_path: Path) -> None:
    size = 5 * CHUNK
    noise(tmp_path / "in", size)
    calls = iter([False, False, True])
    with reading(tmp_path / "in") as descriptor, pytest.raises(Cancelled):
        read_once(descriptor, size, cancelled=lambda: next(calls))

    def full(_: memoryview) -> None:
        raise OSError(28, "No space left on device")

    with reading(tmp_path / "in") as descriptor, pytest.raises(OSError, match="No space"):
        read_once(descriptor, size, sink=full)


def test_only_known_digests(tmp_path: Path) -> None:
    noise(tmp_path / "in", 10)
    with reading(tmp_path / "in") as descriptor, pytest.raises(InputError, match="crc32"):
        read_once(descriptor, 10, others=("crc32",))


def test_the_vault_gives_the_second_digest_of_the_same_read(tmp_path: Path) -> None:
    data = noise(tmp_path / "in", 3 * CHUNK)
    (tmp_path / "case" / "evidence").mkdir(parents=True)
    stored = EvidenceVault(tmp_path / "case").take_in(tmp_path / "in", others=("md5",))
    assert stored.others == {"md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
    assert stored.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("total", [10, 5 * CHUNK])
def test_a_source_that_cannot_be_read_on_is_told_apart_from_a_copy_that_cannot_be_written(
    tmp_path: Path, total: int
) -> None:
    with reading(tmp_path) as folder, pytest.raises(ReadFault, match="directory"):
        read_once(folder, total)

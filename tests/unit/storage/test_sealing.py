"""Sealed files: what goes in comes out, and nothing that was touched does (E7 at rest)."""

from __future__ import annotations

import io
import os
import random
import time
from pathlib import Path

import pytest

from workstation.domain.errors import SealedFileDamaged
from workstation.domain.sealed import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, SealedHeader, read_header
from workstation.media.sealed_file import SealedFile
from workstation.storage.sealing import CaseSeal, SealedWriter, header_of, open_descriptor, plain_chunks, sealed_bytes

NAME = "evidence/ab/abcd"
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 77)


def written(path: Path, seal: CaseSeal, plain: bytes, name: str = NAME, step: int = 100_000) -> Path:
    with path.open("wb") as file:
        writer = SealedWriter(file, seal, len(plain))
        for start in range(0, len(plain), step):
            writer.write(plain[start : start + step])
        writer.finish(name)
    return path


def read_by_storage(path: Path, seal: CaseSeal, name: str = NAME) -> bytes:
    with open_descriptor(path) as descriptor:
        header = header_of(descriptor, seal, name)
        return b"".join(plain_chunks(descriptor, seal.file_key(header.file_id)))


def read_by_media(path: Path, seal: CaseSeal) -> bytes:
    with open_descriptor(path) as descriptor:
        header = read_header(os.pread(descriptor, HEADER_BYTES, 0), path.stat().st_size)
        with SealedFile(descriptor, seal.file_key(header.file_id)) as file:
            return file.read()


@pytest.mark.parametrize("size", SIZES)
def test_both_readers_give_back_what_was_written(tmp_path: Path, size: int) -> None:
    seal, plain = CaseSeal.fresh(), random.Random(size).randbytes(size)
    path = written(tmp_path / "a", seal, plain)
    assert read_by_storage(path, seal) == plain == read_by_media(path, seal)
    (tmp_path / "b").write_bytes(sealed_bytes(plain, seal, NAME))
    assert read_by_storage(tmp_path / "b", seal) == plain
    assert path.stat().st_size == SealedHeader(bytes(16), size).sealed_size


def test_random_access_is_that_of_a_plain_file(tmp_path: Path) -> None:
    seal, chance = CaseSeal.fresh(), random.Random(3)
    plain = chance.randbytes(4 * CHUNK_BYTES + 5)
    path = written(tmp_path / "a", seal, plain)
    twin = io.BytesIO(plain)
    with open_descriptor(path) as descriptor:
        header = read_header(os.pread(descriptor, HEADER_BYTES, 0), path.stat().st_size)
        file = SealedFile(descriptor, seal.file_key(header.file_id))
        for _ in range(300):
            whence = chance.choice([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
            offset = chance.randrange(-len(plain), len(plain) + 999)
            try:
                there = twin.seek(offset, whence) if whence == 0 else twin.seek(max(0, twin.tell() + offset))
            except ValueError:
                with pytest.raises((OSError, ValueError)):
                    file.seek(offset, whence)
                continue
            assert file.seek(there) == there
            wanted = chance.choice([0, 1, 4096, CHUNK_BYTES, 2 * CHUNK_BYTES + 1, -1])
            assert file.read(wanted) == twin.read(wanted)
            assert file.tell() == twin.tell()


def refused(path: Path, seal: CaseSeal) -> bool:
    try:
        read_by_storage(path, seal)
    except SealedFileDamaged:
        return True
    return False


def test_every_kind_of_change_is_noticed(tmp_path: Path) -> None:
    seal, chance = CaseSeal.fresh(), random.Random(5)
    plain = chance.randbytes(3 * CHUNK_BYTES + 40)
    good = written(tmp_path / "good", seal, plain).read_bytes()
    path, step = tmp_path / "bad", CHUNK_BYTES + TAG_BYTES

    def chunk(number: int) -> bytes:
        return good[HEADER_BYTES + number * step : HEADER_BYTES + (number + 1) * step]

    head = good[:HEADER_BYTES]
    shorter = SealedHeader(good[16:32], 3 * CHUNK_BYTES, CHUNK_BYTES, good[40:72]).pack()
    other = written(tmp_path / "other", seal, plain).read_bytes()
    changed = {
        "cut in a chunk": good[:-1],
        "cut at a chunk": good[: HEADER_BYTES + 3 * step],
        "cut at a chunk, header made to fit": shorter + good[HEADER_BYTES : HEADER_BYTES + 3 * step],
        "longer": good + b"x",
        "two chunks swapped": head + chunk(1) + chunk(0) + chunk(2) + chunk(3),
        "a chunk twice": head + chunk(0) + chunk(0) + chunk(2) + chunk(3),
        "a chunk of another file": head + other[HEADER_BYTES : HEADER_BYTES + step] + good[HEADER_BYTES + step :],
        "header only": head,
        "nothing": b"",
        "plain": plain,
    }
    for what, data in changed.items():
        path.write_bytes(data)
        assert refused(path, seal), what
    for _ in range(60):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        assert refused(path, seal)


def test_every_byte_of_the_header_counts(tmp_path: Path) -> None:
    seal = CaseSeal.fresh()
    good = sealed_bytes(b"a small secret", seal, NAME)
    for position in range(len(good)):
        data = bytearray(good)
        data[position] ^= 1
        (tmp_path / "bad").write_bytes(data)
        assert refused(tmp_path / "bad", seal), position


def test_another_key_or_another_place_is_refused(tmp_path: Path) -> None:
    seal = CaseSeal.fresh()
    path = written(tmp_path / "a", seal, b"secret" * 9)
    assert refused(path, CaseSeal.fresh())
    with pytest.raises(SealedFileDamaged, match="another place"):
        read_by_storage(path, seal, "evidence/cd/cdef")
    with open_descriptor(path) as descriptor, pytest.raises(SealedFileDamaged):
        SealedFile(descriptor, bytes(32))


def test_a_stream_of_another_size_than_said_is_no_file(tmp_path: Path) -> None:
    seal = CaseSeal.fresh()
    with (tmp_path / "a").open("wb") as file:
        writer = SealedWriter(file, seal, 10)
        writer.write(b"123456789")
        with pytest.raises(ValueError, match="fewer"):
            writer.finish(NAME)
        with pytest.raises(ValueError, match="more"):
            writer.write(b"ab")
    assert refused(tmp_path / "a", seal)


def test_nothing_of_the_plaintext_is_in_the_file(tmp_path: Path) -> None:
    seal, marker = CaseSeal.fresh(), b"PLAINTEXT-MARKER-0123456789"
    path = written(tmp_path / "a", seal, marker * 40_000)
    data = path.read_bytes()
    assert marker not in data
    assert all(data.find(marker[i : i + 8]) < 0 for i in range(8))


def test_sealed_reading_keeps_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the ratio; it fails only where sealed reading would be the bottleneck of hashing an exhibit."""
    import hashlib

    seal, plain = CaseSeal.fresh(), os.urandom(64 << 20)
    path = written(tmp_path / "a", seal, plain, step=4 << 20)
    (tmp_path / "plain").write_bytes(plain)

    def best(work: object) -> float:
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            work()  # type: ignore[operator]
            times.append(time.perf_counter() - begin)
        return min(times)

    def plain_read() -> None:
        with (tmp_path / "plain").open("rb", buffering=0) as file:
            while file.read(CHUNK_BYTES):
                pass

    def sealed_read() -> None:
        with open_descriptor(path) as descriptor:
            header = read_header(os.pread(descriptor, HEADER_BYTES, 0), path.stat().st_size)
            with SealedFile(descriptor, seal.file_key(header.file_id)) as file:
                while file.read(CHUNK_BYTES):
                    pass

    def hashing() -> None:
        hashlib.sha256(plain).hexdigest()

    simple, sealed, digest = best(plain_read), best(sealed_read), best(hashing)
    with capsys.disabled():
        print(  # noqa: T201 (a measurement to read)
            f"\nsealed read {64 / sealed:.0f} MiB/s, plain read {64 / simple:.0f} MiB/s, ratio {simple / sealed:.2f};"
            f" SHA-256 {64 / digest:.0f} MiB/s"
        )
    assert sealed < 4 * digest

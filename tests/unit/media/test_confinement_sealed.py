"""Sealed exhibits are read in the confined child as plain ones are, and their key is seen nowhere on the way."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.fakes import clips
from workstation.domain.errors import EvidenceError, SealedFileDamaged
from workstation.domain.media import Frame, MediaLocation
from workstation.domain.sealed import HEADER_BYTES
from workstation.media.probing import probe
from workstation.media.reader import open_media
from workstation.media.streams import stream_digests
from workstation.media.tasks import run_task
from workstation.media.thumbnails import thumbnail_png
from workstation.storage.sealing import CaseSeal, header_of, sealed_bytes

NAME = "evidence/aa/aaaa"


def _sealed(plain: Path, seal: CaseSeal | None = None) -> MediaLocation:
    seal = seal or CaseSeal.fresh()
    path = plain.with_name(f"sealed-{plain.stem}")
    path.write_bytes(sealed_bytes(plain.read_bytes(), seal, NAME))
    with path.open("rb") as file:
        return MediaLocation(path, seal.file_key(header_of(file.fileno(), seal, NAME).file_id))


def _picture(path: Path, form: str) -> Path:
    import pillow_heif

    pillow_heif.register_heif_opener()
    Image.fromarray(clips.astronaut_rgb(96)).save(path, form)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".h264"])
def test_a_sealed_video_gives_the_same_frames(tmp_path: Path, suffix: str) -> None:
    plain = clips.write_barcode_clip(tmp_path / f"clip{suffix}", 30, codec="mpeg4" if suffix == ".avi" else "libx264")
    sealed = _sealed(plain)
    info = probe(plain)
    assert probe(sealed) == info
    with open_media(plain, info) as one, open_media(sealed, info) as other:
        assert one.index == other.index
        refs = [frame.ref for frame in one.frames(range(30)) if isinstance(frame, Frame)]
        assert refs == [frame.ref for frame in other.frames(range(30)) if isinstance(frame, Frame)]
        assert len(refs) == 30
        assert clips.read_barcode(other.frame(17).rgb) == 17
        assert clips.read_barcode(other.frame(3).rgb) == 3
    assert stream_digests(sealed) == stream_digests(plain)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF", "GIF", "BMP"])
def test_a_sealed_picture_gives_the_same_picture(tmp_path: Path, form: str) -> None:
    plain = _picture(tmp_path / "picture", form)
    sealed = _sealed(plain)
    info = probe(plain)
    assert probe(sealed) == info
    with open_media(plain, info) as one, open_media(sealed, info) as other:
        assert one.frame(0).ref == other.frame(0).ref
    assert thumbnail_png(sealed, info) == thumbnail_png(plain, info)
    assert run_task(sealed, "metadata")["format"] == run_task(plain, "metadata")["format"]


def test_a_wrong_key_and_an_altered_file_are_one_typed_error(clip: Path, tmp_path: Path) -> None:
    plain = tmp_path / "clip.mp4"
    plain.write_bytes(clip.read_bytes() + random.Random(1).randbytes(3 << 20))
    sealed = _sealed(plain)
    with pytest.raises(SealedFileDamaged):
        probe(MediaLocation(sealed.path, bytes(32)))
    with pytest.raises(EvidenceError):
        probe(MediaLocation(sealed.path))
    data = bytearray(sealed.path.read_bytes())
    data[HEADER_BYTES + 40] ^= 1
    sealed.path.write_bytes(data)
    with pytest.raises(EvidenceError):
        probe(sealed)
    sealed.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SealedFileDamaged):
        probe(sealed)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_key_is_in_no_command_line_and_no_environment(clip: Path, tmp_path: Path) -> None:
    plain = tmp_path / "clip.mp4"
    plain.write_bytes(clip.read_bytes())
    sealed = _sealed(plain)
    assert sealed.key is not None
    with open_media(sealed, probe(sealed)) as reader:
        reader.frame(1)
        assert reader.child_pid is not None
        for name in ("cmdline", "environ"):
            for pid in (reader.child_pid, os.getpid()):
                text = Path(f"/proc/{pid}/{name}").read_bytes()
                assert sealed.key not in text
                assert sealed.key.hex().encode() not in text
    assert sealed.key.hex() not in repr(sealed)

"""Clips shared by the tests of this room, each written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import clips


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 barcode frames, H.264 with B-frames, a keyframe every 12, in MP4."""
    return clips.write_barcode_clip(tmp_path_factory.mktemp("clips") / "plain.mp4")

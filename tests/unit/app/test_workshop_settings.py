"""A detector is loaded once for each choice of its settings, and an unknown setting is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from workstation.app.workshop import Workshop
from workstation.domain.errors import DetectorError


def test_each_choice_of_settings_is_loaded_by_itself_and_kept(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / "detectors", tmp_path / "weights", "cpu", "float32")
    plain = shop.detector("fakelocator-small")
    assert shop.detector("fakelocator-small", settings={}) is plain
    assert shop.detector("fakelocator-small", plain.card.card_sha256) is plain
    with pytest.raises(DetectorError, match='has no setting "sharpness"'):
        shop.detector("fakelocator-small", settings={"sharpness": "1"})
    assert shop.detector("fakelocator-small") is plain
    assert shop.detector("fakelocator-small", "0" * 64) is not plain

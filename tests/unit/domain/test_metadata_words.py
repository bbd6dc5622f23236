"""Metadata as canonical JSON and back; nothing it says is a conclusion (X2, X4)."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from tests.fakes import described_media as media
from tests.fakes.credentials import make_authority, sign
from workstation.domain.metadata import MediaMetadata, Observation, Part
from workstation.domain.metadata_json import from_json, from_plain, to_json, to_plain

_VERDICT = re.compile(
    r"\b(real|fake[sd]?|authentic(ity)?|genuine|proved|proves|proof|forged|forgery|deepfake|tampered|manipulated|original|"
    r"suspicious|likely|probably|untouched|unaltered)\b",
    re.IGNORECASE,
)


def everything() -> list[MediaMetadata]:
    from PIL import Image

    odd = Image.new("RGB", (300, 220), (90, 120, 30))
    odd.paste(media.picture(), (20, 20))
    clip = media.video("mp4", frames=12)
    return [
        media.read(data)
        for data in (
            media.full_jpeg() + b"PK\3\4 more", media.jpeg(odd, quality=70), media.full_png(), media.gif(), clip,
            clip[:-300], media.video("mov", frames=8, movflags="faststart"), media.video("matroska", frames=8),
            sign(media.jpeg(), make_authority()), media.saved("BMP"), b"nothing known",
        )
    ]  # fmt: skip


def test_there_and_back_is_the_same_and_canonical() -> None:
    for metadata in everything():
        text = to_json(metadata)
        assert from_json(text) == metadata
        assert to_json(from_json(text)) == text
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text.encode()


def test_no_observation_reason_or_note_is_a_verdict() -> None:
    words: list[str] = []
    for metadata in everything():
        words += [one.text for one in metadata.observations]
        words += metadata.caveats
        if metadata.jpeg is not None:
            words.append(metadata.jpeg.encoder_note)
            if metadata.jpeg.history is not None:
                words.append(metadata.jpeg.history.words)
        if metadata.provenance is not None:
            p = metadata.provenance
            words += [one.reason for one in (p.present, p.intact, p.trusted, p.time)]
    assert len(words) > 40
    assert [line for line in words if _VERDICT.search(line)] == []


def test_the_word_list_would_notice() -> None:
    assert _VERDICT.search("The file is authentic.")
    assert _VERDICT.search("This was probably edited")


@pytest.mark.parametrize(
    "change",
    [
        {"size": "12"}, {"size": True}, {"size": 1.5}, {"format": None}, {"structure": [{"name": "x"}]},
        {"groups": "none"}, {"times": [1]}, {"tools": [["a"]]}, {"warnings": [b"x".hex(), 3]}, {"format": "\ud800"},
        {"jpeg": {}}, {"extra": 1},
    ],
)  # fmt: skip
def test_values_of_another_type_are_refused(change: dict[str, object]) -> None:
    plain = to_plain(MediaMetadata("JPEG", 3)) | change
    with pytest.raises(ValueError):
        from_plain(plain)


def test_missing_key_too_deep_and_no_number_are_refused() -> None:
    plain = to_plain(MediaMetadata("JPEG", 3))
    del plain["caveats"]
    with pytest.raises(ValueError):
        from_plain(plain)
    part = Part("x", 0, 1)
    for _ in range(100):
        part = Part("x", 0, 1, "", (part,))
    with pytest.raises(ValueError):
        from_json(to_json(MediaMetadata("x", 1, structure=(part,))))
    with pytest.raises(ValueError):
        from_json("[]")
    with pytest.raises(ValueError):
        from_json('{"format": NaN}')


def test_words_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Observation("a", "b").text = "c"  # type: ignore[misc]

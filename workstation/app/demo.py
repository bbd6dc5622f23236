"""The demonstration: two clips made at run time from scikit-image's public-domain portrait of an astronaut.

One clip is untouched. In the other, the regions of eyes and mouth carry material from the mirrored face: moved,
resampled, shifted in colour and blended with a soft edge. Both are filmed by the same moving camera and compressed
alike (H.264), so that neither camera nor compression tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workstation.app.engine import Engine
from workstation.app.reporting import check
from workstation.app.session import CaseSession
from workstation.domain.custody import Verification
from workstation.domain.errors import CaseExists, DetectorError
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip

FRAMES = 75
RATE = 25
SIZE = (640, 480)
NOTE = "Made by the demonstration from a public-domain portrait (scikit-image, astronaut)."
MEANING = (
    "What the numbers mean: a score is a detector's raw output between 0 and 1, higher where its training says that a",
    "face was manipulated. It is uncalibrated: neither a probability nor a conclusion, and the embedded detectors are",
    "small baselines. The spread is over the frames of this clip, not an error rate. The map runs from 0 (black) to 1",
    "(white). Where a detector is validated for no kind of forgery, words stand in place of its score; --json and the",
    "results embedded in the report have the numbers.",
)


@dataclass(frozen=True, slots=True)
class Clips:
    untouched: Path
    manipulated: Path

    @property
    def files(self) -> tuple[Path, Path]:
        return self.untouched, self.manipulated


def make_room(folder: Path) -> None:
    """Refuse a folder that holds something else; a demo case of before is moved aside, never overwritten.

    Raises:
        CaseExists: the folder is not empty and is no demo case.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "case.sqlite").is_file():
        raise CaseExists(f"{folder} is not empty.", "Choose another folder with --output.")
    number = 1
    while (aside := folder.with_name(f"{folder.name}-before-{number}")).exists():
        number += 1
    folder.rename(aside)


def make_case(engine: Engine, folder: Path) -> CaseSession:
    """Make the demo case."""
    return engine.create_case(
        folder,
        number="DEMO-1",
        title="Demonstration: an untouched and a manipulated clip",
        examiner="Demo examiner",
        question="Was the face in either clip manipulated, and where?",
    )


def make_clips(folder: Path) -> Clips:
    """Write both clips into ``folder`` (H.264 in MP4, 640 x 480, 25 frames a second, 3 s) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = _portrait()
    marks = _landmarks(portrait)
    clips = Clips(folder / "untouched.mp4", folder / "manipulated.mp4")
    write_clip(clips.untouched, _filmed(lambda _: portrait), rate=RATE, crf=20)
    write_clip(clips.manipulated, _filmed(lambda i: replace_features(portrait, marks, i)), rate=RATE, crf=20)
    return clips


def verify(engine: Engine, report: Path, case: Path) -> Verification:
    """Verify the report against its case, and the case itself."""
    return Verification(check(engine, report, case).lines + engine.verify_case(case).lines)


def replace_features(portrait: RgbArray, marks: tuple[Point, ...], number: int) -> RgbArray:
    """Return the portrait with eyes and mouth replaced, as in frame ``number``.

    Args:
        portrait: (height, width, 3) uint8.
        marks: eye, eye, nose, mouth corner, mouth corner in pixels.
        number: frame number; the replaced material sways with it.
    """
    height, width = portrait.shape[:2]
    eye, other, _, corner, far = marks
    apart = math.hypot(other.x - eye.x, other.y - eye.y)
    sway = math.sin(2 * math.pi * number / RATE) * 0.03 * apart
    mask = np.zeros((height, width), np.float32)
    mouth = ((corner.x + far.x) / 2, (corner.y + far.y) / 2)
    for (x, y), (rx, ry) in (
        ((eye.x, eye.y), (0.36, 0.24)),
        ((other.x, other.y), (0.36, 0.24)),
        (mouth, (0.58, 0.34)),
    ):
        axes = (round(rx * apart), round(ry * apart))
        cv2.ellipse(mask, (round(x), round(y)), axes, 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.05 * apart)[..., None]
    donor = _donor(portrait, marks, sway)
    mixed = portrait.astype(np.float32) * (1 - soft) + donor * soft
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _donor(portrait: RgbArray, marks: tuple[Point, ...], sway: float) -> npt.NDArray[np.float32]:
    height, width = portrait.shape[:2]
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    flipped = [(width - 1 - marks[i].x, marks[i].y) for i in (1, 0, 2, 4, 3)]
    source = np.array(flipped, np.float32)
    target = np.array([(m.x, m.y + sway) for m in marks], np.float32)
    matrix, _ = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)
    placed = cv2.warpAffine(mirrored, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    small = cv2.resize(placed, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return soft * np.array([1.05, 0.98, 0.94], np.float32) + 4


def _portrait() -> RgbArray:
    import skimage.data

    return np.asarray(skimage.data.astronaut(), dtype=np.uint8)


def _landmarks(portrait: RgbArray) -> tuple[Point, ...]:
    from workstation.faces.finder import load_finder

    found = load_finder("mtcnn").find([portrait])[0]
    if not found:
        raise DetectorError("The face finder does not find the face of the demonstration portrait.", "Run diagnose.")
    return found[0].landmarks


def _filmed(picture: Callable[[int], RgbArray]) -> Iterator[RgbArray]:
    """Film the picture with a camera that pans, turns and zooms, with a little sensor noise (fixed seed)."""
    noise = np.random.default_rng(7)
    width, height = SIZE
    for number in range(FRAMES):
        t = number / FRAMES
        zoom = 2.0 + 0.15 * math.sin(2 * math.pi * t)
        angle = math.radians(3 * math.sin(2 * math.pi * t + 1))
        centre_x = 232 + 18 * math.sin(2 * math.pi * t)
        centre_y = 150 + 8 * math.cos(4 * math.pi * t)
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        matrix = np.array(
            [
                [cos, -sin, width / 2 - cos * centre_x + sin * centre_y],
                [sin, cos, height / 2 - sin * centre_x - cos * centre_y],
            ]
        )
        seen = cv2.warpAffine(
            picture(number), matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        grain = noise.normal(0, 1.2, seen.shape)
        yield np.clip(np.rint(seen + grain), 0, 255).astype(np.uint8)

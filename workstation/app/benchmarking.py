"""The first benchmark: our path against the published one under the same protocol, interleaved in one run.

Same clip, same frames, same random weights of ViT-L/14, same largest face. Seconds are shown only as parts of a ratio:
they belong to this machine and this moment.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workstation.domain.detectors import Detector
from workstation.domain.faces import FaceCrop
from workstation.domain.media import Frame, RgbArray
from workstation.domain.sampling import even_sample
from workstation.media.clips import write_clip
from workstation.media.probing import probe
from workstation.media.reader import open_media

WIDTH, HEIGHT, FRAMES, RATE = 1280, 720, 250, 25
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Side:
    """Seconds of one path: whole, and its parts (for ours the parts overlap, so only the whole counts)."""

    total: float
    decode: float
    find: float
    score: float

    def as_facts(self) -> dict[str, float]:
        return {name: round(getattr(self, name), 3) for name in ("total", "decode", "find", "score")}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Outcome of all rounds. ``ratio`` is the median over rounds of published total over our total."""

    published: tuple[Side, ...]
    ours: tuple[Side, ...]
    frames: int
    faces_published: int
    faces_ours: int
    largest_score_difference: float
    score_range: tuple[float, float]
    decode_alone_fps: float
    ceiling_float32: float
    ceiling_bfloat16: float
    tower: str
    device: str

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(a.total / b.total for a, b in zip(self.published, self.ours, strict=True))

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    def as_facts(self) -> dict[str, object]:
        return {
            "ratio": round(self.ratio, 2),
            "ratios": [round(r, 2) for r in self.ratios],
            "published": [side.as_facts() for side in self.published],
            "ours": [side.as_facts() for side in self.ours],
            "clip": {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, "rate": RATE, "codec": "H.264"},
            "frames_examined": self.frames,
            "faces": {"published": self.faces_published, "ours": self.faces_ours},
            "largest_score_difference": self.largest_score_difference,
            "score_range_published": list(self.score_range),
            "decode_alone_frames_per_second": round(self.decode_alone_fps, 1),
            "matrix_product_ceiling_gflops": {
                "float32": round(self.ceiling_float32, 1),
                "bfloat16": round(self.ceiling_bfloat16, 1),
            },
            "tower": self.tower,
            "device": self.device,
        }

    def lines(self) -> list[str]:
        """The outcome for a person."""
        a, b = self.published[-1], self.ours[-1]
        return [
            f"{self.frames} frames spread over {FRAMES} of {WIDTH} x {HEIGHT}, {self.tower}, ours on {self.device}",
            f"published path {a.total:.1f} s: read {a.decode:.1f}, find {a.find:.1f}, score {a.score:.1f}",
            f"our path       {b.total:.1f} s: wait for frames {b.decode:.1f}, find {b.find:.1f}, score {b.score:.1f}",
            f"ratio {self.ratio:.2f} (each round: {', '.join(f'{r:.2f}' for r in self.ratios)})",
            f"faces: published {self.faces_published}, ours {self.faces_ours}; largest score difference "
            f"{self.largest_score_difference:.4f} (published scores span {self.score_range[0]:.4f} to "
            f"{self.score_range[1]:.4f}; random weights, so the scores mean nothing)",
            f"decoding alone {self.decode_alone_fps:.0f} frames/s; matrix product ceiling "
            f"{self.ceiling_float32:.0f} GFLOP/s in float32, {self.ceiling_bfloat16:.0f} in bfloat16",
        ]


def run(*, frames: int = 32, rounds: int = 1, tell: Callable[[str], None] = lambda _: None) -> Benchmark:
    """Make the clip, load both sides, run them in turn.

    Args:
        frames: frames examined per side and round.
        rounds: how often each side runs; the order changes from round to round.
        tell: gets one line before each part.
    """
    from workstation.detectors import runtime
    from workstation.detectors.ceiling import matrix_ceiling
    from workstation.detectors.clip_ln.random_tower import centre, random_vit_l14
    from workstation.detectors.published import PublishedFinder, run_published
    from workstation.faces.finder import load_finder

    device = runtime.pick_device()
    precision = runtime.pick_precision(device)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "benchmark.mp4"
        tell("Making the clip ...")
        write_clip(clip, _frames(), rate=RATE, crf=20)
        tell("Loading ViT-L/14 twice (float32 for the published path, ours as this device runs it) ...")
        plain, own = random_vit_l14(0, device=device, precision="float32", lean=False), random_vit_l14(0, device=device)
        finder, published_finder = load_finder("mtcnn", device=device), PublishedFinder(device)
        ordinals = even_sample(FRAMES, frames)
        _warm(finder, published_finder, plain, own, clip)
        centre(_first_crop(finder, clip), plain, own)
        theirs: list[Side] = []
        ours: list[Side] = []
        their_scores: tuple[float | None, ...] = ()
        our_scores: tuple[float | None, ...] = ()
        for number in range(rounds):
            for side in ("published", "ours") if number % 2 == 0 else ("ours", "published"):
                tell(f"Round {number + 1} of {rounds}: {side} ...")
                if side == "published":
                    seen = run_published(clip, ordinals, published_finder, plain)
                    theirs.append(Side(seen.total_s, seen.decode_s, seen.find_s, seen.score_s))
                    their_scores = seen.scores
                else:
                    times, our_scores = run_ours(clip, ordinals, finder, own)
                    ours.append(times)
        decode = _decode_alone(clip)
    pairs = [(a, b) for a, b in zip(their_scores, our_scores, strict=True) if a is not None and b is not None]
    known = [a for a in their_scores if a is not None]
    return Benchmark(
        tuple(theirs),
        tuple(ours),
        len(ordinals),
        len(known),
        sum(b is not None for b in our_scores),
        max((abs(a - b) for a, b in pairs), default=float("nan")),
        (min(known, default=float("nan")), max(known, default=float("nan"))),
        decode,
        matrix_ceiling(device, "float32"),
        matrix_ceiling(device, "bfloat16"),
        "ViT-L/14 with random weights (seed 0)",
        f"{device}, {precision}",
    )


def run_ours(
    clip: Path, ordinals: tuple[int, ...], finder: object, tower: Detector
) -> tuple[Side, tuple[float | None, ...]]:
    """Our path: exact frames from the decoder child while the networks work, faces batched across frames."""
    from workstation.faces.alignment import align

    start = time.perf_counter()
    waited = found = scored = 0.0
    scores: list[float | None] = []
    info = probe(clip)
    with open_media(clip, info) as reader:
        answers = iter(reader.frames(ordinals))
        while True:
            mark = time.perf_counter()
            batch = [a for _, a in zip(range(_BATCH), answers, strict=False) if isinstance(a, Frame)]
            waited += time.perf_counter() - mark
            if not batch:
                break
            mark = time.perf_counter()
            faces = finder.find([frame.rgb for frame in batch])  # type: ignore[attr-defined]  # a FaceFinder; its room is loaded late
            crops = [align(f.rgb, seen[0].landmarks) if seen else None for f, seen in zip(batch, faces, strict=True)]
            found += time.perf_counter() - mark
            mark = time.perf_counter()
            values = iter(tower.read([crop for crop in crops if crop is not None]))
            scores.extend(next(values).value if crop is not None else None for crop in crops)
            scored += time.perf_counter() - mark
    return Side(time.perf_counter() - start, waited, found, scored), tuple(scores)


def _warm(finder: object, published: object, plain: Detector, own: Detector, clip: Path) -> None:
    """Let every network allocate and choose its kernels before the clock runs."""
    from workstation.faces.alignment import align

    with open_media(clip, probe(clip)) as reader:
        frame = reader.frame(0).rgb
    found = finder.find([frame] * _BATCH)[0]  # type: ignore[attr-defined]  # as in run_ours
    published.landmarks(frame)  # type: ignore[attr-defined]  # as in run_ours
    if found:
        crop = align(frame, found[0].landmarks)
        plain.read([crop])
        own.read([crop] * _BATCH)


def _first_crop(finder: object, clip: Path) -> FaceCrop:
    from workstation.faces.alignment import align

    with open_media(clip, probe(clip)) as reader:
        frame = reader.frame(0).rgb
    return align(frame, finder.find([frame])[0][0].landmarks)  # type: ignore[attr-defined]  # as in run_ours


def _decode_alone(clip: Path) -> float:
    start = time.perf_counter()
    with open_media(clip, probe(clip)) as reader:
        count = sum(isinstance(answer, Frame) for answer in reader.frames(range(len(reader.index))))
    return count / (time.perf_counter() - start)


def _frames() -> Iterator[RgbArray]:
    """A portrait drifting over a textured ground: public-domain picture, fixed seed."""
    import skimage.data

    picture = np.asarray(skimage.data.astronaut(), dtype=np.uint8)
    portrait = cv2.resize(picture, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    ground = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 5)
    for number in range(FRAMES):
        frame = np.asarray(ground, dtype=np.uint8).copy()
        left = round((WIDTH - HEIGHT) / 2 * (1 + np.sin(2 * np.pi * number / FRAMES)))
        frame[:, left : left + HEIGHT] = portrait
        yield frame

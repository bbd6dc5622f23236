"""How many tokens merge after each block, and what that saves. No torch here: the command line asks, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workstation.domain.errors import DetectorError

EVEN, ORGANS = "even", "organs"
_FALLING = "-falling"
SCHEDULES = (EVEN, ORGANS, EVEN + _FALLING, ORGANS + _FALLING)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What merging does to a tower.

    Attributes:
        r: tokens fewer after each block, on average over the blocks; 0 when the tower is as it was.
        schedule: one of ``SCHEDULES``, "" when ``r`` is 0. "even" takes the most similar tokens wherever they lie,
            "organs" (ours) takes those outside the organs of the face first; "-falling" merges much in the first
            blocks and nothing in the last.
        steps: tokens fewer after each block, at most half of the unprotected ones that are left there.
        tokens: length of the sequence before the first block, with the protected ones.
        prefix: how many of them, at the start, are protected (class token, registers).
        grid: rows and columns of the patches behind them.
    """

    r: int
    schedule: str
    steps: tuple[int, ...]
    tokens: int
    prefix: int
    grid: tuple[int, int]

    @property
    def left(self) -> int:
        """Tokens after the last block."""
        return self.tokens - sum(self.steps)

    @property
    def by_organs(self) -> bool:
        return self.schedule.startswith(ORGANS)

    def facts(self) -> dict[str, str]:
        """What was really done, for the record of an exhibit: how much was asked for, where, and what was left."""
        if not self.r:
            return {"merge": "0"}
        return {"merge": str(self.r), "schedule": self.schedule, "tokens": f"{self.tokens} to {self.left}"}


NO_MERGING = MergePlan(0, "", (), 0, 0, (0, 0))


def check(r: int, schedule: str) -> None:
    """Raises: DetectorError for a negative ``r`` or a schedule that is not known."""
    if r < 0:
        raise DetectorError(f"{r} tokens cannot merge after a block.", "Give 0 or more.")
    if r and schedule not in SCHEDULES:
        raise DetectorError(f'There is no merging schedule "{schedule}".', f"Known: {', '.join(SCHEDULES)}.")


def plan(layers: int, tokens: int, prefix: int, grid: tuple[int, int], r: int, schedule: str) -> MergePlan:
    """Share ``r`` times ``layers`` merges out over the blocks. Raises: DetectorError as :func:`check`."""
    check(r, schedule)
    if r == 0:
        return MergePlan(0, "", (0,) * layers, tokens, prefix, grid)
    wanted = _falling(layers, r) if schedule.endswith(_FALLING) else (r,) * layers
    steps, left = [], tokens - prefix
    for number in wanted:
        steps.append(min(number, left // 2))
        left -= steps[-1]
    return MergePlan(r, schedule, tuple(steps), tokens, prefix, grid)


def _falling(layers: int, r: int) -> tuple[int, ...]:
    """From 2 r in the first block to none in the last along a line, rounded so that the sum is r times the blocks."""
    if layers == 1:
        return (r,)
    so_far = [2 * r * (k * (layers - 1) - k * (k - 1) / 2) / (layers - 1) for k in range(layers + 1)]
    whole = [math.floor(value + 0.5) for value in so_far]
    return tuple(whole[k + 1] - whole[k] for k in range(layers))


def multiply_accumulates(
    layers: int,
    width: int,
    tokens: int,
    r: int | Sequence[int] = 0,
    *,
    prefix: int = 1,
    mlp_ratio: float = 4.0,
    patch_values: int = 588,
) -> int:
    """Products of a vision transformer for one picture, without normalisations, activations and the matching itself.

    A block that gets n tokens and hands m on (m = n - r, at most half of the unprotected ones fewer) costs
    4 n width² (queries, keys, values, output) + 2 n² width (logits and weighted sum) + 2 mlp_ratio m width²; the patch
    embedding adds (tokens - prefix) patch_values width. ViT-L/14: 24 layers, width 1024, 257 tokens, 588 = 3 x 14 x 14.

    Args:
        r: the same in every block, or one number for each.
    """
    wanted = (r,) * layers if isinstance(r, int) else tuple(r)
    total = (tokens - prefix) * patch_values * width
    for number in wanted:
        total += 4 * tokens * width * width + 2 * tokens * tokens * width
        tokens -= min(number, (tokens - prefix) // 2)
        total += round(2 * mlp_ratio * tokens * width * width)
    return total

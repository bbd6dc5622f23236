"""When merging may be used: off, unless the card has a figure that was measured with just this much of it (X9).

What merging averages away is the local texture that a detector of forgeries may live on, and no figure on that is
published; so a figure without merging says nothing of a score with it. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from workstation.detectors.merging.schedule import check
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import DetectorError
from workstation.domain.merging import validated_merging

MERGE, SCHEDULE = "merge", "schedule"
SETTINGS = (MERGE, SCHEDULE)
_MEASURING = ContextVar("merging_measuring", default=False)


def parse(settings: Mapping[str, str]) -> tuple[int, str]:
    """``merge`` and ``schedule`` of a detector's settings; (0, "") when there is no merging. Other keys are not read.

    Raises:
        DetectorError: the number is none, or the schedule is missing or not known.
    """
    text = settings.get(MERGE, "0")
    if not text.isascii() or not text.isdigit():
        raise DetectorError(f'The setting merge is "{text}", not a whole number.', "Give 0 for no merging.")
    r, schedule = int(text), settings.get(SCHEDULE, "")
    check(r, schedule)
    return (r, schedule) if r else (0, "")


def allowed(card: DetectorCard) -> frozenset[tuple[int, str]]:
    """How much merging, where, the card has measured figures for; not merging is always allowed and not listed."""
    return frozenset((merging.tokens, merging.schedule) for merging in validated_merging(card))


def check_allowed(card: DetectorCard, r: int, schedule: str) -> None:
    """Raises: DetectorError that names what is allowed, unless the card has a figure measured with this merging."""
    if r == 0 or _MEASURING.get() or (r, schedule) in allowed(card):
        return
    known = ", ".join(f"{number} {name}" for number, name in sorted(allowed(card)))
    raise DetectorError(
        f"{card.id} has no figure measured with {r} tokens merged after each block ({schedule}).",
        f"Measured: {known}." if known else "It was never measured with merging; leave merge at 0.",
    )


@contextmanager
def measuring() -> Iterator[None]:
    """Lift the rule inside the block, on this thread: to take the figures that it asks for."""
    token = _MEASURING.set(True)
    try:
        yield
    finally:
        _MEASURING.reset(token)

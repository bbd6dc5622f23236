"""One act on a disk that fails, what it says, what is left, and the same act once the disk is well again."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from tests.harness.aftermath import finished, look
from tests.harness.kills import Act, Bases
from tests.harness.workbench import Outcome, Place
from workstation.domain.errors import WorkstationError
from workstation.storage.case_store import CaseStore

# Exit codes of the README: 3 the case (read-only), 4 disk full or not permitted, 8 the report, 0 it did not matter.
ALLOWED = {
    "ENOSPC": frozenset({0, 4}),
    "EDQUOT": frozenset({0, 4}),
    "EROFS": frozenset({0, 3, 4}),
    "EACCES": frozenset({0, 3, 4}),
    "EIO": frozenset({0, 3, 4, 8}),
}


@dataclass
class FaultFigures:
    """What many failing disks came to."""

    by_act: Counter[str] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    events: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [
            f"faults injected {sum(self.by_act.values())}",
            "by act: " + ", ".join(f"{name} {count}" for name, count in sorted(self.by_act.items())),
            "outcomes: " + ", ".join(f"{name} {count}" for name, count in sorted(self.by_code.items())),
            f"acknowledged events {self.events}, lost {self.lost}",
            f"faults {len(self.faults)}",
            *self.faults[:40],
        ]


def judge(
    figures: FaultFigures, act: Act, what: str, where: str, place: Place, outcome: Outcome, *, passing: bool = False
) -> None:
    """Hold an act that met a failing disk against what it must do: one typed line, nothing half made, nothing lost.

    Args:
        passing: the disk failed for a moment only; nobody can say afterwards why, but that it did (exit code 3).
    """
    figures.by_act[act.name] += 1
    figures.by_code[f"{what} -> {outcome.code}"] += 1
    allowed = ALLOWED[what] | ({3} if passing else frozenset())
    told = [line for line in outcome.stderr.splitlines() if line.strip()]
    if outcome.code not in allowed:
        figures.faults.append(f"{where}: ended with {outcome.code}: {outcome.stderr[-400:]}")
    elif outcome.code and len([line for line in told if line.startswith("workstation: ") or act.call]) != 1:
        figures.faults.append(f"{where}: told in {len(told)} lines: {outcome.stderr[-400:]}")
    found = look(place, outcome, act.secrets)
    if act.name == "create" and not outcome.of("event"):
        found = type(found)(0, 0, tuple(f for f in found.faults if f.startswith("still")), False)
        if what in ("ENOSPC", "EDQUOT") and _half_made(place):
            figures.faults.append(f"{where}: a case that was not made left {[p.name for p in place.case.iterdir()]}")
    figures.events += found.events
    figures.lost += found.lost
    figures.faults += [f"{where}: {fault}" for fault in found.faults]


def _half_made(place: Place) -> bool:
    """Whether a case that could not be made left files. One that could only not be entered among the known is whole."""
    if not place.case.exists() or not any(place.case.iterdir()):
        return False
    try:
        CaseStore.open(place.case, key=None, read_only=True).close()
    except WorkstationError:
        return True
    return False


def again(figures: FaultFigures, bases: Bases, act: Act, where: str, place: Place) -> None:
    """The disk is well again: the act goes on to its end, and the case verifies."""
    outcome = bases.run(act, place, again=True)
    if outcome.code not in act.fine:
        figures.faults.append(f"{where}: done again it ended with {outcome.code}: {outcome.stderr[-400:]}")
    figures.faults += [f"{where}: after it was done again: {fault}" for fault in finished(place, act.secrets)]


def fail_once(bases: Bases, act: Act, what: str, chance: random.Random, figures: FaultFigures) -> None:
    """From one call on the disk refuses: every call, or only some (a quota that is raised, a cable pushed back)."""
    place = bases.base_of(act).copy(bases.root / "work")
    try:
        number = chance.randint(1, max(1, bases.measure_deep(act).calls))
        count = chance.choice((1_000_000, 1_000_000, 1, 5))
        outcome = bases.run_deep(act, place, fail_at=number, fail_for=count, fail_with=what)
        where = f"{act.name}, {what} from call {number} ({count} times)"
        judge(figures, act, what, where, place, outcome, passing=count < 10)
        again(figures, bases, act, where, place)
    finally:
        place.remove()

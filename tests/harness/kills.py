"""Killing one act at one place, looking at what is left, and doing the act to its end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.aftermath import finished, look
from tests.harness.instruments import Plan
from tests.harness.quick_engine import write_face_clip
from tests.harness.workbench import Nursery, Outcome, Place
from workstation.app.passphrases import VARIABLE
from workstation.cli.passphrases import NEW_VARIABLE
from workstation.domain.errors import WorkstationError
from workstation.domain.examinations import ExaminationState
from workstation.storage.case_store import CaseStore

FRAMES = 24
CLIPS = 2
OLD, NEW = "a first long passphrase", "another long passphrase"


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does with the product.

    Attributes:
        base: the name of the act after which the case is as this one needs it.
        arguments: of the command line, or of ``call``.
        again: arguments that bring the interrupted act to its end, given how it was left.
        call: an act of :mod:`tests.harness.acts` instead of a command.
        fine: exit codes that are right when it is done again (what is there already is refused).
        secrets: passphrase of the case and the new one it is given, for acts on encrypted cases.
    """

    name: str
    base: str
    arguments: Callable[[Place], Sequence[object]]
    again: Callable[[Place], Sequence[object]] | None = None
    call: str = ""
    fine: tuple[int, ...] = (0,)
    secrets: tuple[str, str] = ("", "")


def _media(place: Place) -> Path:
    return place.root.parent / "media"


def _unfinished(place: Place) -> bool:
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        return any(run.state is not ExaminationState.DONE for run in case.examinations())


def _examine_again(place: Place) -> Sequence[object]:
    if _unfinished(place):
        return ("examine", place.case, "--resume")
    return ("examine", place.case, "--frames", "all")


def _opens(place: Place, passphrase: str | None) -> bool:
    try:
        CaseStore.open(place.case, key=None, read_only=True, passphrase=passphrase).close()
    except WorkstationError:
        return False
    return True


def _encrypt_again(place: Place) -> Sequence[object]:
    if _opens(place, None):
        return ("case", "encrypt", place.case)
    return ("case", "verify", place.case, "--record")


def _decrypt_again(place: Place) -> Sequence[object]:
    if _opens(place, None):
        return ("case", "verify", place.case, "--record")
    return ("case", "decrypt", place.case)


def _rekey_again(place: Place) -> Sequence[object]:
    """It has either the old passphrase or the new one, and is used with that one."""
    if _opens(place, OLD):
        return ("case", "rekey", place.case, "--full")
    secret = place.root / "secret"
    secret.write_text(f"{NEW}\n", encoding="utf-8")
    return ("--passphrase-file", secret, "case", "verify", place.case, "--record")


def _create_again(place: Place) -> Sequence[object]:
    """Make it again; a case that was whole already is opened for writing instead."""
    try:
        CaseStore.open(place.case, key=None, read_only=True).close()
    except WorkstationError:
        return ("case", "create", place.case)
    return ("case", "verify", place.case, "--record")


ACTS = (
    Act("create", "", lambda p: ("case", "create", p.case), again=_create_again),
    Act(
        "import",
        "create",
        lambda p: ("evidence", "add", p.case, _media(p) / "clip-0.mp4", _media(p) / "folder"),
        fine=(0, 5),
    ),
    Act("examine", "import", lambda p: ("examine", p.case, "--frames", "all"), again=_examine_again),
    Act("report", "examine", lambda p: ("report", "build", p.case, "-o", p.exports / "report.pdf")),
    Act("export frames", "examine", lambda p: (p.case, p.exports, 4), call="export_frames"),
    Act("verify", "examine", lambda p: ("case", "verify", p.case, "--record")),
    Act("edit", "examine", lambda p: (p.case, 6), call="edit_case"),
    Act("backup", "examine", lambda p: ("case", "backup", p.case, p.exports / "backup"), fine=(0, 2, 3)),
    Act("pack", "examine", lambda p: ("case", "export", p.case, p.exports / "case.zip"), fine=(0, 2, 3)),
    Act("encrypt", "examine", lambda p: ("case", "encrypt", p.case), again=_encrypt_again, secrets=(OLD, "")),
    Act("rekey", "encrypt", lambda p: ("case", "rekey", p.case, "--full"), again=_rekey_again, secrets=(OLD, NEW)),
    Act("examine encrypted", "encrypt", lambda p: ("examine", p.case, "--frames", "all"), secrets=(OLD, "")),
    Act("decrypt", "encrypt", lambda p: ("case", "decrypt", p.case), again=_decrypt_again, secrets=(OLD, "")),
)
# What the others start from; it is also what a run of all tests has time for.
FIRST = ACTS[:3]


def environment(act: Act) -> dict[str, str]:
    """The passphrases of an act, as the command line takes them from the environment."""
    old, new = act.secrets
    return {**({VARIABLE: old} if old else {}), **({NEW_VARIABLE: new} if new else {})}


@dataclass
class Bases:
    """Cases as each act needs them, made once, with how long the act takes and how many points it has."""

    nursery: Nursery
    root: Path
    places: dict[str, Place] = field(default_factory=dict)
    deep: dict[str, Outcome] = field(default_factory=dict)
    measured: dict[str, Outcome] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the media and the case of the first acts."""
        media = self.root / "media"
        (media / "folder").mkdir(parents=True)
        write_face_clip(media / "clip-0.mp4", FRAMES, 0)
        for number in range(1, CLIPS):
            write_face_clip(media / "folder" / f"clip-{number}.mp4", FRAMES, number)
        (media / "folder" / "note.txt").write_text("no media")
        first = Place(self.root / "base")
        self.nursery.run(first.home, "case", "list")
        self.places[""] = first
        for act in FIRST:
            self.made(act)

    def base_of(self, act: Act) -> Place:
        """A case as the act needs it; the acts before it are carried out first."""
        if act.base not in self.places:
            self.made(next(other for other in ACTS if other.name == act.base))
        return self.places[act.base]

    def made(self, act: Act) -> Outcome:
        """The act once, uninterrupted, with how long it takes and how many points it has."""
        if act.name not in self.measured:
            place = self.base_of(act).copy(self.root / f"base-{act.name.replace(' ', '-')}")
            outcome = self.run(act, place)
            assert outcome.code == 0, (act.name, outcome.stderr)
            self.places[act.name] = place
            self.measured[act.name] = outcome
        return self.measured[act.name]

    def run(self, act: Act, place: Place, *, again: bool = False, **options: Any) -> Outcome:
        """Run an act with the passphrases it needs; ``again`` as it is done after it was interrupted."""
        arguments = (act.again if again and act.again else act.arguments)(place)
        return self.nursery.run(place.home, *arguments, act=act.call, environment=environment(act), **options)

    def run_deep(self, act: Act, place: Place, **plan: Any) -> Outcome:
        """Run an act counting the C library's calls on ``place``."""
        return self.run(act, place, plan=Plan(deep=True, under=str(place.root), **plan))

    def measure_deep(self, act: Act) -> Outcome:
        """How many such calls the act makes when nothing happens to it; measured once."""
        if act.name not in self.deep:
            place = self.base_of(act).copy(self.root / "measure")
            self.deep[act.name] = self.run_deep(act, place)
            place.remove()
        return self.deep[act.name]


@dataclass
class Figures:
    """What many kills came to."""

    by_act: Counter[str] = field(default_factory=Counter)
    by_point: Counter[str] = field(default_factory=Counter)
    events: int = 0
    lost: int = 0
    resumed: int = 0
    ended_before: int = 0
    faults: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        total = sum(self.by_act.values())
        return [
            f"kills {total - self.ended_before} ({self.ended_before} more acts had ended before their kill)",
            "by act: " + ", ".join(f"{name} {count}" for name, count in sorted(self.by_act.items())),
            "by place: " + ", ".join(f"{name} {count}" for name, count in self.by_point.most_common()),
            f"acknowledged events {self.events}, lost {self.lost}, interrupted examinations resumed {self.resumed}",
            f"faults {len(self.faults)}",
            *self.faults[:40],
        ]


def kill_once(bases: Bases, act: Act, plan: Plan, kill_after: float, figures: Figures) -> None:
    """Kill ``act`` once, check what is left, do it to its end, and check again."""
    place = bases.base_of(act).copy(bases.root / "work")
    try:
        outcome = bases.run(act, place, plan=plan, kill_after=kill_after)
        if not outcome.killed:
            figures.ended_before += 1
        figures.by_act[act.name] += 1
        figures.by_point[outcome.killed_at if outcome.killed else "ended"] += 1
        if plan.deep and outcome.killed:
            figures.by_point["moment"] -= 1
            figures.by_point["a call into the C library"] += 1
        where = f"{act.name} at {outcome.killed_at} {plan.kill_at or f'{kill_after:.3f} s'}"
        found = look(place, outcome, act.secrets)
        if act.name == "create" and not outcome.of("event"):
            found = type(found)(0, 0, tuple(f for f in found.faults if f.startswith("still")), False)
        figures.events += found.events
        figures.lost += found.lost
        figures.faults += [f"{where}: {fault}" for fault in found.faults]
        rows = {tuple(row) for line in outcome.of("rows") for row in line["rows"]}
        resuming = act.name == "examine" and found.unfinished
        again = bases.run(act, place, again=True)
        if again.code not in act.fine:
            figures.faults.append(f"{where}: done again it ended with {again.code}: {again.stderr[-300:]}")
        if resuming:
            figures.resumed += 1
            redone = sum(int(line["frames"]) for line in again.of("batch"))
            if redone > FRAMES * CLIPS - len(rows):
                figures.faults.append(f"{where}: {redone} frames examined again, {len(rows)} were stored")
        figures.faults += [f"{where}: after it was done again: {fault}" for fault in finished(place, act.secrets)]
    finally:
        place.remove()


def draw(bases: Bases, act: Act, chance: random.Random) -> tuple[Plan, float]:
    """A place for a kill: a moment spread evenly over the act, a point of the disk as Python sees it, or one inside the
    C library, where SQLite writes."""
    measured = bases.made(act)
    group, kind = chance.random() < 0.5, chance.choice(("moment", "point", "deep"))
    if kind == "moment":
        return Plan(group=group), chance.uniform(0.01, measured.seconds)
    if kind == "deep" and bases.nursery.deep:
        points = bases.measure_deep(act).points
        return Plan(kill_at=chance.randint(1, points), group=group, deep=True, under=str(bases.root / "work")), 0.0
    return Plan(kill_at=chance.randint(1, max(1, measured.points)), group=group), 0.0

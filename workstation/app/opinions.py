"""Opinions before scores, and a second examiner who knows neither (X5, X6, X7, G5).

Where the case asks for it, the scores of an exhibit are sealed until two competing propositions and a visual opinion
are on record. A second examiner sees the pictures and the propositions, and neither name nor score nor the first
opinion; the two are then compared, and a disagreement is resolved with a reason. Everything here is an edit of the
examiner: in the journal, in the chain of custody, in the order it was done.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from workstation.app.hub import Hub
from workstation.domain.custody import CustodyKind
from workstation.domain.edits import Change, Edit, ObjectKind
from workstation.domain.errors import InputError, WorkstationError
from workstation.domain.events import CaseChanged
from workstation.domain.ids import EvidenceId, ObjectId, new_id

OPINION_FIRST = "opinion_first"
SCORES_SEEN = "scores shown"
LEVELS = (
    "administrative review",
    "proofreading",
    "sense review",
    "conceptual review",
    "verification of samples",
    "full verification",
    "re-examination",
)

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore
"""The steps of peer review, from 1 to 7 (Horsman and Sunde 2020, as in X7b)."""
_LONGEST_LABEL = 80


class Role(StrEnum):
    FIRST = "first"
    SECOND = "second"


class OpinionOutcome(StrEnum):
    """What an opinion may come to; none of them says what the exhibit is (X2)."""

    WITH_FIRST = "consistent with the first proposition"
    WITH_SECOND = "consistent with the second proposition"
    INCONCLUSIVE = "inconclusive"


class Agreement(StrEnum):
    """How the two opinions stand to one another."""

    OPEN = "not yet two opinions"
    AGREES = "agreement"
    DISAGREES = "disagreement"
    RESOLVED = "disagreement, resolved"


@dataclass(frozen=True, slots=True)
class Propositions:
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """``blind``: no score was open to this examiner for this exhibit when it was recorded; of the second examiner, also
    no context. ``against``: what speaks against it (X8)."""

    role: Role
    by: str
    outcome: OpinionOutcome
    words: str
    against: str
    blind: bool


@dataclass(frozen=True, slots=True)
class Resolution:
    """``level`` is a place in `LEVELS`, from 1."""

    outcome: OpinionOutcome
    reason: str
    by: str
    level: int


@dataclass(frozen=True, slots=True)
class OpinionState:
    """How far an exhibit is. ``sealed``: its scores may not be shown yet. ``missing``: what would unseal them."""

    propositions: Propositions | None
    first: Opinion | None
    second: Opinion | None
    resolution: Resolution | None
    agreement: Agreement
    sealed: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlindFace:
    """A face track as the second examiner may know it: its number and when it is on screen, in seconds."""

    number: int
    first_seconds: float
    last_seconds: float


@dataclass(frozen=True, slots=True)
class BlindExhibit:
    """All that a second examiner is given of an exhibit: no file name, no source, no score, no name of a person, no
    exclusion, nothing of the first opinion."""

    evidence: EvidenceId
    exhibit: str
    frames: int
    seconds: float | None
    width: int
    height: int
    propositions: Propositions
    faces: tuple[BlindFace, ...]


class Opinions:
    """Opinions on the exhibits of one case. Thread-safe as the case is.

    Raises, in every method that writes: CaseReadOnly; InputError with one line when it cannot be done as asked;
    NotFound when the exhibit is not in the case.
    """

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store, self._hub = store, hub
        self._lock = threading.Lock()
        self._seen: set[EvidenceId] = set()

    @property
    def wanted(self) -> bool:
        """Whether this case asks for propositions and an opinion before scores are shown."""
        return any(
            o.body["field"] == OPINION_FIRST and o.body["on"] is True
            for o in self._store.edits.objects(ObjectKind.POLICY)
        )

    def want(self, on: bool) -> Edit:
        """Ask for opinions before scores, or no longer."""
        words = "Opinions before scores" if on else "Scores without opinions"
        return self._put(words, ObjectKind.POLICY, {"field": OPINION_FIRST, "on": on}, "field")

    def state(self, evidence: EvidenceId) -> OpinionState:
        """How far an exhibit is."""
        objects = [o for o in self._store.edits.objects() if o.body.get("evidence") == evidence]
        told = {o.kind: o.body for o in objects}
        opinions = {str(o.body["role"]): _opinion(o.body) for o in objects if o.kind is ObjectKind.OPINION}
        first, second = opinions.get(Role.FIRST), opinions.get(Role.SECOND)
        propositions = _propositions(told.get(ObjectKind.PROPOSITIONS))
        resolution = _resolution(told.get(ObjectKind.RESOLUTION))
        missing = []
        if propositions is None:
            missing.append("two competing propositions")
        if first is None:
            missing.append("a visual opinion")
        opened = any(o.kind is ObjectKind.UNSEALING and o.body["what"] == "scores" for o in objects)
        sealed = self.wanted and bool(missing) and not opened
        return OpinionState(
            propositions,
            first,
            second,
            resolution,
            _agreement(first, second, resolution),
            sealed,
            tuple(missing) if sealed else (),
        )

    def sealed(self, evidence: EvidenceId) -> bool:
        """Whether the scores of an exhibit may not be shown yet."""
        return self.state(evidence).sealed

    def propose(self, evidence: EvidenceId, first: str, second: str) -> Edit:
        """Write the two competing propositions (X5). Raises: InputError: one is blank, or they are the same."""
        body = {"evidence": evidence, "first": _said(first, "proposition"), "second": _said(second, "proposition")}
        if str(body["first"]).casefold() == str(body["second"]).casefold():
            raise InputError("The two propositions say the same.", "Write two that compete with one another.")
        return self._put(f"Propositions on {self._exhibit(evidence)}", ObjectKind.PROPOSITIONS, body, "evidence")

    def opine(
        self, evidence: EvidenceId, role: Role, by: str, outcome: OpinionOutcome, words: str, against: str
    ) -> Edit:
        """Record an opinion on what is to be seen (X6, X7). What speaks against it is part of it (X8).

        Raises:
            InputError: propositions, words, or what speaks against it are missing, or the second examiner is the first.
        """
        state = self.state(evidence)
        if state.propositions is None:
            raise InputError("An opinion is held against two propositions.", "Write the propositions first.")
        name = " ".join(_said(by, "name of the examiner").split())
        if role is Role.SECOND:
            if state.first is None:
                raise InputError(
                    "There is no first opinion to compare with.", "The first examiner records an opinion first."
                )
            if state.first.by.casefold() == name.casefold():
                raise InputError("The second examiner is not the first.", "Another person examines a second time.")
        body = {
            "evidence": evidence,
            "role": role.value,
            "by": name,
            "outcome": outcome.value,
            "words": _said(words, "opinion"),
            "against": _said(against, "against-column"),
            "blind": self._blind(evidence, role, name),
        }
        label = f"{'Opinion' if role is Role.FIRST else 'Second opinion'} on {self._exhibit(evidence)}"
        return self._put(label, ObjectKind.OPINION, body, "evidence", "role")

    def unseal(self, evidence: EvidenceId, what: str, by: str, reason: str) -> Edit:
        """Open what is sealed before its time, with a reason that stays on record.

        Args:
            what: "scores", for the first examiner; "context", for the second.
        """
        if what not in ("scores", "context"):
            raise InputError(f'"{what}" is nothing that is sealed.', "Sealed: scores, context.")
        body = {
            "evidence": evidence,
            "what": what,
            "by": " ".join(_said(by, "name of the examiner").split()),
            "reason": _said(reason, "reason for opening"),
        }
        change = Change(ObjectId(new_id()), ObjectKind.UNSEALING, None, body)
        return self._do(f"Open the {what} of {self._exhibit(evidence)}", [change])

    def context(self, evidence: EvidenceId, by: str, reason: str) -> Mapping[str, str]:
        """Open the case's context for the second examiner: it is recorded first, then given."""
        self.unseal(evidence, "context", by, reason)
        case, item = self._store.case, self._store.evidence_item(evidence)
        return {"title": case.title, "question": case.question, "file": item.name, "note": item.note}

    def blind(self, evidence: EvidenceId) -> BlindExhibit:
        """What the second examiner is given. Raises: InputError: there are no propositions, or no picture."""
        state, item = self.state(evidence), self._store.evidence_item(evidence)
        if state.propositions is None or item.media is None:
            raise InputError(
                f"{item.exhibit} cannot be examined a second time yet.",
                "The first examiner writes propositions and an opinion first.",
            )
        index = self._store.frame_index(evidence)
        width, height = item.media.video.shown_size
        frames = len(index) if index is not None else max(1, item.media.video.frame_count or 1)
        return BlindExhibit(
            evidence,
            item.exhibit,
            frames,
            item.media.duration_s,
            width,
            height,
            state.propositions,
            self._faces(evidence),
        )

    def for_second(self) -> tuple[EvidenceId, ...]:
        """Exhibits with a first opinion and no second one, in the order of the case."""
        found = []
        for item in self._store.evidence():
            state = self.state(item.id)
            if state.first is not None and state.second is None and item.media is not None:
                found.append(item.id)
        return tuple(found)

    def resolve(self, evidence: EvidenceId, outcome: OpinionOutcome, reason: str, by: str, level: int) -> Edit:
        """Resolve a disagreement with a reason (X7), at a level of review (X7b).

        Raises:
            InputError: the opinions do not disagree, the reason is blank, or there is no such level.
        """
        if self.state(evidence).agreement not in (Agreement.DISAGREES, Agreement.RESOLVED):
            raise InputError("Only a disagreement is resolved.", "Both examiners record their opinions first.")
        if not 1 <= level <= len(LEVELS):
            raise InputError(f"There is no level of review {level}.", f"Levels: 1 to {len(LEVELS)}.")
        body = {
            "evidence": evidence,
            "outcome": outcome.value,
            "reason": _said(reason, "reason"),
            "by": " ".join(_said(by, "name of the examiner").split()),
            "level": level,
        }
        return self._put(f"Resolution on {self._exhibit(evidence)}", ObjectKind.RESOLUTION, body, "evidence")

    def agreement(self) -> tuple[int, int]:
        """(exhibits on which two opinions agree, exhibits with two opinions). A count, not a rate: cases are small."""
        states = [self.state(item.id) for item in self._store.evidence()]
        both = [s for s in states if s.first is not None and s.second is not None]
        return sum(s.agreement is Agreement.AGREES for s in both), len(both)

    def note_scores_seen(self, evidence: EvidenceId) -> None:
        """Record, once in a session, that scores of an exhibit came on screen, where the case asks for an order (X6).

        Looking goes on where it cannot be recorded."""
        with self._lock:
            if self._store.read_only or evidence in self._seen:
                return
            self._seen.add(evidence)
        item = self._store.evidence_item(evidence)
        body = {"evidence": item.id, "exhibit": item.exhibit, "sha256": item.sha256, "what": SCORES_SEEN}
        try:
            self._store.record(CustodyKind.EVIDENCE_ACCESSED, body)
        except WorkstationError:
            self._seen.discard(evidence)

    def _blind(self, evidence: EvidenceId, role: Role, by: str) -> bool:
        """Whether the examiner has not been shown what is sealed, as far as this case can know."""
        opened = [o.body for o in self._store.edits.objects(ObjectKind.UNSEALING) if o.body["evidence"] == evidence]
        if role is Role.SECOND:
            return not any(str(body["by"]).casefold() == by.casefold() for body in opened)
        return self.state(evidence).sealed

    def _faces(self, evidence: EvidenceId) -> tuple[BlindFace, ...]:
        runs = [run for run in self._store.examinations() if evidence in run.plan.evidence]
        for run in reversed(runs):
            spans: dict[int, tuple[float, float]] = {}
            for face in self._store.readings.faces(run.id, evidence):
                first, last = spans.get(face.track_number, (face.seconds, face.seconds))
                spans[face.track_number] = (min(first, face.seconds), max(last, face.seconds))
            if spans:
                return tuple(BlindFace(number, *spans[number]) for number in sorted(spans))
        return ()

    def _exhibit(self, evidence: EvidenceId) -> str:
        return self._store.evidence_item(evidence).exhibit

    def _put(self, label: str, kind: ObjectKind, body: Mapping[str, object], *subject: str) -> Edit:
        for there in self._store.edits.objects(kind):
            if all(there.body[name] == body[name] for name in subject):
                return self._do(label, [Change(there.id, kind, there.body, body)])
        return self._do(label, [Change(ObjectId(new_id()), kind, None, body)])

    def _do(self, label: str, changes: list[Change]) -> Edit:
        short = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1].rstrip() + "…"
        edit = self._store.edits.do(short, changes)
        self._hub.publish(CaseChanged(self._store.case.id))
        return edit


def _agreement(first: Opinion | None, second: Opinion | None, resolution: Resolution | None) -> Agreement:
    if first is None or second is None:
        return Agreement.OPEN
    if first.outcome is second.outcome:
        return Agreement.AGREES
    return Agreement.DISAGREES if resolution is None else Agreement.RESOLVED


def _opinion(body: Mapping[str, object]) -> Opinion:
    return Opinion(
        Role(str(body["role"])),
        str(body["by"]),
        OpinionOutcome(str(body["outcome"])),
        str(body["words"]),
        str(body["against"]),
        bool(body["blind"]),
    )


def _propositions(body: Mapping[str, object] | None) -> Propositions | None:
    return None if body is None else Propositions(str(body["first"]), str(body["second"]))


def _resolution(body: Mapping[str, object] | None) -> Resolution | None:
    if body is None:
        return None
    outcome = OpinionOutcome(str(body["outcome"]))
    return Resolution(outcome, str(body["reason"]), str(body["by"]), int(str(body["level"])))


def _said(words: str, what: str) -> str:
    """Raises: InputError: there are none."""
    if not words.strip():
        raise InputError(f"The {what} is empty.", "Write it in your own words; it stays on record.")
    return words.strip()

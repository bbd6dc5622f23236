"""What the chain of custody says, by kind of event: read once, asked by every check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workstation.domain.custody import CustodyKind
from workstation.storage.checks.chain import ReadEvent

Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One event with its body as facts."""

    seq: int
    kind: str
    facts: dict[str, object]


class Said:
    """Statements in the order they were made."""

    def __init__(self, events: Sequence[ReadEvent]) -> None:
        self.count = len(events)
        self.last_kind = events[-1].kind if events else ""
        self._by_kind: dict[str, list[Statement]] = {}
        for event in events:
            self._by_kind.setdefault(event.kind, []).append(Statement(event.seq, event.kind, event.facts()))

    def of(self, *kinds: CustodyKind) -> list[Statement]:
        """Every statement of these kinds, in order."""
        found: Iterable[Statement] = (s for kind in kinds for s in self._by_kind.get(kind.value, ()))
        return sorted(found, key=lambda statement: statement.seq)

    def described(self, what: str) -> Iterator[Statement]:
        """Statements ``evidence_described`` about one ``what``."""
        return (s for s in self.of(CustodyKind.EVIDENCE_DESCRIBED) if s.facts.get("what") == what)

    def newest_described(self, what: str) -> dict[str, Statement]:
        """The statement in force for one ``what``, by the id of the exhibit."""
        return {str(s.facts.get("evidence")): s for s in self.described(what)}

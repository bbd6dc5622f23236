"""What stands in the case tree, grown from the contents of the case: nodes with a key that lasts, and plain entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from workstation.app.contents import Contents, TrackEntry
from workstation.app.findings import children as findings_under
from workstation.domain.derived import DerivedItem
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.reports import ReportRecord
from workstation.ui.words import clock, tr


class Branch(StrEnum):
    EXHIBITS = "Exhibits"
    FINDINGS = "Findings"
    BOOKMARKS = "Bookmarks"
    TAGS = "Tags"
    REPORTS = "Reports"


@dataclass(frozen=True, slots=True)
class ExhibitEntry:
    item: EvidenceItem


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: ``second`` qualifies ``text``; ``stamp`` is an ISO time, for the tool tip."""

    text: str
    second: str = ""
    picture: str = ""
    tip: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class ReportEntry(Line):
    report: ReportRecord | None = None


@dataclass(frozen=True, slots=True)
class DerivedEntry(Line):
    derived: DerivedItem | None = None


@dataclass(frozen=True, slots=True)
class TrackLine(Line):
    track: TrackEntry | None = None


@dataclass(frozen=True, slots=True)
class ObjectEntry(Line):
    """A finding or a bookmark."""

    thing: ExaminerObject | None = None


@dataclass(frozen=True, slots=True)
class TagEntry(Line):
    """A level of tags, or under it an exhibit that carries the tag (``evidence``)."""

    path: str = ""
    evidence: str = ""


Entry = Line
AnyEntry = Line | ExhibitEntry | Branch


@dataclass(slots=True, eq=False)
class Node:
    """``number`` is given by the model that holds the node."""

    key: str
    entry: AnyEntry
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    number: int = 0

    def add(self, key: str, entry: AnyEntry) -> Node:
        made = Node(key, entry, self)
        self.children.append(made)
        return made

    def every(self) -> Iterator[Node]:
        for child in self.children:
            yield child
            yield from child.every()

    def find(self, key: str) -> Node | None:
        return next((node for node in self.every() if node.key == key), None)


def grow(contents: Contents) -> Node:
    """The whole tree of a case. Keys last: ids, or the path of a tag."""
    root = Node("", Branch.EXHIBITS)
    branches = {branch: root.add(f"branch-{branch.value}", branch) for branch in Branch}
    for item in contents.items:
        node = branches[Branch.EXHIBITS].add(item.id, ExhibitEntry(item))
        for made in contents.derived:
            if contents.exhibit_of(made) == item.id:
                node.add(made.id, _derived(made))
        for track in contents.tracks:
            if track.evidence == item.id:
                node.add(f"{item.id}/{track.track}", _track(track))
    _findings(branches[Branch.FINDINGS], contents, "")
    for mark in contents.of_kind(ObjectKind.BOOKMARK):
        owner = contents.item(str(mark.body.get("evidence", "")))
        label = str(mark.body.get("label", ""))
        note = str(mark.body.get("note", "") or "")
        second = note or (owner.exhibit if owner is not None and owner.exhibit not in label else "")
        branches[Branch.BOOKMARKS].add(mark.id, ObjectEntry(label, second, "bookmark", thing=mark))
    _tags(branches[Branch.TAGS], contents)
    for report in contents.reports:
        text = tr("Report {n}").format(n=report.number)
        second = f"{clock(report.built_at)} · PDF"
        tip = f"{report.path}\nSHA-256 {report.sha256}"
        branches[Branch.REPORTS].add(report.id, ReportEntry(text, second, "report", tip, report.built_at, report))
    return root


def _derived(made: DerivedItem) -> DerivedEntry:
    tip = f"{made.path}\nSHA-256 {made.sha256}"
    return DerivedEntry(f"{made.number} {made.operation}", made.kind.value, "film", tip, made.made_at, made)


def _track(track: TrackEntry) -> TrackLine:
    second = f"{track.first:.1f}–{track.last:.1f} s" if track.last > track.first else ""
    return TrackLine(f"{track.label} {track.name}".strip(), second, "finder", track=track)


def _findings(parent: Node, contents: Contents, under: str) -> None:
    for finding in findings_under(contents.of_kind(ObjectKind.FINDING), under):
        about = contents.item(str(finding.body.get("about", "")))
        outcome = str(finding.body.get("outcome", "")) or tr("open")
        second = f"{about.exhibit} · {outcome}" if about is not None else outcome
        text, tip = str(finding.body.get("title", "")), str(finding.body.get("text", ""))
        _findings(parent.add(finding.id, ObjectEntry(text, second, "search", tip, thing=finding)), contents, finding.id)


def _tags(branch: Node, contents: Contents) -> None:
    for tag in contents.of_kind(ObjectKind.TAG):
        at, path = branch, ""
        for level in str(tag.body.get("path", "")).split("/"):
            path = f"{path}/{level}" if path else level
            key = f"tag-{path}"
            at = next((node for node in at.children if node.key == key), None) or at.add(
                key, TagEntry(level, path=path)
            )
        about = contents.item(str(tag.body.get("about", "")))
        text = about.exhibit if about is not None else tr("in the case")
        second = about.name if about is not None else ""
        at.add(tag.id, TagEntry(text, second, path=path, evidence=about.id if about is not None else ""))

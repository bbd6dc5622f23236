"""Find anything in a case by words, numbers or the beginning of a hash; every result knows where it leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from workstation.app.contents import Contents, Reader
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, ObjectId, ReportId, TrackId

SHORTEST_HASH = 6
_TEXTS = ("title", "label", "note", "text", "path", "name", "reason", "for", "against", "outcome")


class HitKind(StrEnum):
    """What was found. The order is the order of the results."""

    EXHIBIT = "Exhibit"
    DERIVED = "Derived item"
    TRACK = "Track"
    FINDING = "Finding"
    BOOKMARK = "Bookmark"
    NOTE = "Note"
    TAG = "Tag"
    EXCLUSION = "Exclusion"
    REPORT = "Report"


_KINDS = {
    ObjectKind.FINDING: HitKind.FINDING,
    ObjectKind.BOOKMARK: HitKind.BOOKMARK,
    ObjectKind.NOTE: HitKind.NOTE,
    ObjectKind.TAG: HitKind.TAG,
    ObjectKind.EXCLUSION: HitKind.EXCLUSION,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """``title`` is one line, ``detail`` what qualifies it. Where it leads: a frame of an exhibit (``evidence``,
    ``ordinal``), there a track or an examiner's object, or a report."""

    kind: HitKind
    title: str
    detail: str
    evidence: EvidenceId | None = None
    ordinal: int = 0
    track: TrackId | None = None
    thing: ObjectId | None = None
    report: ReportId | None = None


def search(contents: Contents, reader: Reader, words: str, most: int = 200) -> tuple[Hit, ...]:
    """Entries that hold every word of ``words``, whatever their case; a word of six hexadecimal digits or more also
    finds what has a digest that begins with it (exhibit, elementary stream, derived item, report).

    Args:
        most: results given back at most; a search for nothing finds nothing.
    """
    wanted = words.casefold().split()
    if not wanted:
        return ()
    found = [hit for hit, text, hashes in _entries(contents, reader) if all(_in(w, text, hashes) for w in wanted)]
    order = list(HitKind)
    return tuple(sorted(found, key=lambda hit: order.index(hit.kind))[:most])


def _in(word: str, text: str, hashes: tuple[str, ...]) -> bool:
    if word in text:
        return True
    is_hash = len(word) >= SHORTEST_HASH and all(c in "0123456789abcdef" for c in word)
    return is_hash and any(one.startswith(word) for one in hashes)


def _entries(contents: Contents, reader: Reader) -> Iterable[tuple[Hit, str, tuple[str, ...]]]:
    for item in contents.items:
        digests = (item.sha256, *(d for e, s in contents.streams if e == item.id for d in (s.sha256, s.normal_sha256)))
        detail = f"SHA-256 {item.sha256[:16]}… · {item.work.value}"
        hit = Hit(HitKind.EXHIBIT, f"{item.exhibit} {item.name}", detail, item.id)
        yield hit, f"{hit.title} {item.work.value} {item.problem}".casefold(), tuple(d for d in digests if d)
    for made in contents.derived:
        title = f"{made.number} {made.operation}"
        hit = Hit(HitKind.DERIVED, title, f"{made.path} · SHA-256 {made.sha256[:16]}…", contents.exhibit_of(made))
        yield hit, f"{title} {made.path} {made.note} {made.kind.value}".casefold(), (made.sha256,)
    for track in contents.tracks:
        owner = contents.item(track.evidence)
        exhibit = owner.exhibit if owner is not None else ""
        title = f"{exhibit} {track.label} {track.name}".strip()
        detail = f"{track.first:.3f} s to {track.last:.3f} s"
        hit = Hit(HitKind.TRACK, title, detail, track.evidence, track.ordinal, track.track)
        yield hit, f"{title} track {track.number}".casefold(), ()
    for thing in contents.objects:
        kind = _KINDS.get(thing.kind)
        if kind is not None:
            hit = _of_object(contents, reader, thing, kind)
            yield hit, f"{hit.title} {hit.detail} {kind.value} {words_of(thing)}".casefold(), ()
    for report in contents.reports:
        hit = Hit(HitKind.REPORT, f"Report {report.number}", f"SHA-256 {report.sha256[:16]}…", report=report.id)
        yield hit, f"{hit.title} {report.path} {report.built_at}".casefold(), (report.sha256,)


def words_of(thing: ExaminerObject) -> str:
    """Every word of an examiner's object, for finding it."""
    return " ".join(str(thing.body[name]) for name in _TEXTS if thing.body.get(name))


def _of_object(contents: Contents, reader: Reader, thing: ExaminerObject, kind: HitKind) -> Hit:
    body = thing.body
    about = str(body.get("evidence") or body.get("about") or "")
    owner = contents.item(about) or _through(contents, about)
    lines = words_of(thing).split("\n")
    detail = owner.exhibit if owner is not None else ""
    if owner is None:
        return Hit(kind, lines[0], detail, thing=thing.id)
    track = TrackId(str(body["track"])) if body.get("track") else None
    ordinal = 0
    pts = body.get("pts")
    if isinstance(pts, int):
        ordinal = reader.ordinal_of(owner.id, pts)
        index = reader.index(owner.id)
        if index is not None and len(index) > 1:
            detail += f" · {index.seconds(ordinal):.3f} s"
    elif track is not None:
        ordinal = next((t.ordinal for t in contents.tracks if t.track == track and t.evidence == owner.id), 0)
    return Hit(kind, lines[0], detail, owner.id, ordinal, track, thing.id)


def _through(contents: Contents, about: str) -> EvidenceItem | None:
    """The exhibit that an object about another object, or about a derived item, belongs to."""
    thing = next((t for t in contents.objects if t.id == about), None)
    if thing is not None:
        return contents.item(str(thing.body.get("evidence") or thing.body.get("about") or ""))
    made = next((d for d in contents.derived if d.id == about), None)
    exhibit = contents.exhibit_of(made) if made is not None else None
    return contents.item(exhibit) if exhibit is not None else None

"""Disclosure packs (G15, C3, C5): some exhibits in full, everything else by its proofs alone, and still verifying.

Every custody event of the case is in the pack as its head (who, when, which kind, hash, signature, proof of its place
under the signed checkpoint). Its body is a member of its own and is only there when it speaks of nothing withheld. So
is every record of an exhibit: whatever is taken out later leaves the rest verifying.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from workstation.domain.custody import CustodyEvent, CustodyHead, CustodyKind, body_digest, event_hash
from workstation.domain.errors import InputError, IntegrityMismatch, NotFound, PackInvalid
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.merkle import Tree, leaf_hash
from workstation.domain.reports import ReportRecord
from workstation.domain.results import FrameRow, TrackReading
from workstation.storage.case_files import CaseFiles
from workstation.storage.case_store import CaseStore
from workstation.storage.checkpoints import sign_checkpoint
from workstation.storage.durable import file_error, flush_folder, part_name
from workstation.storage.portable.container import Container
from workstation.storage.portable.exporting import CHECKPOINT, Exported, Handover, PackWriter, hand_over, pack_facts
from workstation.storage.portable.manifest import FRAME, MANIFEST, REDACTIONS, redactions_bytes
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.snapshot import Cancel, Progress, writing_key
from workstation.storage.portable.verifying import BODY, EVENTS
from workstation.storage.vault import hash_file

# Events that say when and by whom the case was open; they name no exhibit.
_ALWAYS = frozenset({CustodyKind.CASE_CREATED, CustodyKind.CASE_OPENED, CustodyKind.CASE_CLOSED})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is disclosed.

    Attributes:
        exhibits: those given in full.
        media: with the originals and the fakeness maps; without, only what was recorded about them.
        extras: (name, content) of what explains the rest: cards, the re-run command, how to verify.
    """

    exhibits: tuple[EvidenceId, ...]
    media: bool = True
    extras: tuple[tuple[str, bytes], ...] = ()
    handover: Handover = dataclasses.field(default_factory=Handover)


def disclose(
    store: CaseStore,
    target: Path,
    wanted: Disclosure,
    on_progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Exported:
    """Write a disclosure pack and record that it left the case, with purpose, authority and recipient (E6).

    Raises:
        InputError: no exhibit was chosen.
        NotFound: one is not in the case.
        IntegrityMismatch: an original is not what was taken in.
        CaseExists, CaseReadOnly, StorageFull, PermissionRefused, Cancelled: nothing stays behind.
    """
    key = writing_key(store)
    if not wanted.exhibits:
        raise InputError("No exhibit was chosen to be disclosed.", "Name them with --only EX-01,EX-02.")
    chosen = [store.evidence_item(exhibit) for exhibit in dict.fromkeys(wanted.exhibits)]
    events = store.custody()
    head, tree = _head(events)
    writer = PackWriter(target, _estimate(chosen, wanted.media), on_progress, cancelled)
    try:
        note = sign_checkpoint(store.case.id, head, key)
        writer.add_bytes(CHECKPOINT, note.encode())
        told = _events(writer, events, tree, _Withheld.of(store, chosen))
        for item in chosen:
            _exhibit(writer, store, item, wanted.media)
        _examinations(writer, store, chosen)
        withheld_reports = _reports(writer, store, chosen)
        for name, data in wanted.extras:
            writer.add_bytes(name, data)
        counts = {
            "exhibits": (len(chosen), _folders(writer, "exhibits/")),
            "custody events": (
                len(events),
                sum(m.name.startswith(EVENTS) and BODY not in m.name for m in writer.members),
            ),
            "custody events in full": (told, sum(m.name.endswith(BODY) for m in writer.members)),
        }
        facts = pack_facts(store, head, note, wanted.handover)
        custody = facts["custody"]
        assert isinstance(custody, dict)
        facts |= {
            "custody": custody | {"keys": _keys(events)},
            "counts": {name: pair[1] for name, pair in counts.items()},
            "withheld": {"exhibits": len(store.evidence()) - len(chosen), "reports": withheld_reports},
        }
        sha256, size = writer.seal("disclosure", facts, key)
        done = Exported(writer.target, sha256, size, len(writer.members), head, counts)
        said = {"what": "disclosure pack", "exhibits": [item.exhibit for item in chosen], "media": wanted.media}
        hand_over(store, writer, done, wanted.handover, said)
    finally:
        writer.close()
    return done


def redact_pack(path: Path, without: Sequence[str], target: Path, reason: str) -> tuple[str, ...]:
    """Take members out of a disclosure pack; no key is needed, and the rest goes on verifying.

    Args:
        without: names of members, or of folders in the pack ("exhibits/EX-02").

    Returns:
        The names taken out, those taken out before among them.

    Raises:
        InputError: nothing in the pack has such a name.
        PackInvalid: it is no sound disclosure pack.
        StorageFull, PermissionRefused.
    """
    part = part_name(target)
    with Pack(path) as pack:
        if pack.manifest.kind != "disclosure":
            raise PackInvalid("Only from a disclosure pack can something be taken out.", "Make one with --disclose.")
        gone = set(pack.withheld)
        for wish in without:
            found = {m.name for m in pack.present() if m.name == wish or m.name.startswith(wish.rstrip("/") + "/")}
            if not found or CHECKPOINT in found:
                raise InputError(f"The pack holds no {wish} that could be taken out.", "List it with: unzip -l PACK")
            gone |= found
        try:
            with part.open("x+b") as file:
                container = Container(file)
                for member in pack.present():
                    if member.name not in gone:
                        deflate = next(e.method for e in pack.entries if e.name == member.name) != 0
                        container.add(member.name, pack.chunks(member), member.size, deflate=deflate)
                for name in FRAME:
                    data = pack.frame(name)
                    container.add(name, iter((data,)), len(data), deflate=name == MANIFEST)
                data = redactions_bytes(sorted(gone), reason)
                container.add(REDACTIONS, iter((data,)), len(data), deflate=True)
                container.finish()
                file.flush()
                os.fsync(file.fileno())
            Pack(part).close()
            if target.exists():
                raise InputError(f"{target} is there already.", "Choose another name.")
            part.rename(target)
            flush_folder(target.absolute().parent)
        except OSError as fault:
            raise file_error(fault, target) from fault
        finally:
            part.unlink(missing_ok=True)
    return tuple(sorted(gone))


class _Withheld:
    """Decides which bodies may be read: those that name a chosen exhibit, or none, and nothing that is withheld."""

    def __init__(self, names: Sequence[str], secrets: Sequence[str]) -> None:
        self._names = tuple(names)
        self._secrets = tuple(secrets)

    @classmethod
    def of(cls, store: CaseStore, chosen: Sequence[EvidenceItem]) -> _Withheld:
        ids = {item.id for item in chosen}
        secrets: set[str] = set()
        shared = {text for item in chosen for text in _marks(item)}
        for item in store.evidence():
            if item.id not in ids:
                secrets.update(_marks(item))
        return cls([text for item in chosen for text in (item.id, json.dumps(item.exhibit))], sorted(secrets - shared))

    def may_show(self, event: CustodyEvent) -> bool:
        if any(secret in event.body for secret in self._secrets):
            return False
        return event.kind in _ALWAYS or any(name in event.body for name in self._names)


def _marks(item: EvidenceItem) -> tuple[str, ...]:
    """What names an exhibit in the text of an event, as JSON writes it."""
    quoted = (json.dumps(text, ensure_ascii=False)[1:-1] for text in (item.name, item.source_path) if len(text) > 2)
    return (item.id, item.sha256, json.dumps(item.exhibit), *quoted)


def _head(events: Sequence[CustodyEvent]) -> tuple[CustodyHead, Tree]:
    tree = Tree([leaf_hash(event.hash) for event in events])
    return CustodyHead(len(events), events[-1].hash, tree.root()), tree


def _keys(events: Sequence[CustodyEvent]) -> list[str]:
    found: dict[str, None] = {}
    for event in events:
        if event.kind in (CustodyKind.CASE_CREATED, CustodyKind.CASE_OPENED):
            named = json.loads(event.body).get("ledger_key")
            if isinstance(named, str):
                found[named] = None
    return list(found)


def _events(writer: PackWriter, events: Sequence[CustodyEvent], tree: Tree, withheld: _Withheld) -> int:
    told = 0
    for event in events:
        fields = (event.seq, event.at, event.actor, event.kind.value)
        current = event_hash(*fields, event.body, event.prev) == event.hash
        head: dict[str, object] = {
            "seq": event.seq,
            "at": event.at,
            "actor": event.actor,
            "kind": event.kind.value,
            "body_sha256": body_digest(event.body).hex(),
            "prev": event.prev.hex(),
            "hash": event.hash.hex(),
            "signature": event.signature.hex(),
            "form": 2 if current else 1,
            "proof": [part.hex() for part in tree.inclusion(event.seq - 1)],
        }
        name = f"{EVENTS}{event.seq:06d}"
        writer.add_bytes(f"{name}.json", _json(head))
        if withheld.may_show(event):
            writer.add_bytes(name + BODY, event.body.encode())
            told += 1
    return told


def _exhibit(writer: PackWriter, store: CaseStore, item: EvidenceItem, media: bool) -> None:
    top = f"exhibits/{item.exhibit}"
    writer.add_bytes(f"{top}/record.json", _json(plain(item)))
    index = store.frame_index(item.id)
    if index is not None:
        writer.add_bytes(f"{top}/frame-index.json", _json(plain(index)))
    streams = store.descriptions.streams(item.id)
    if streams is not None:
        writer.add_bytes(f"{top}/stream-digests.json", _json(plain(streams)))
    metadata = store.descriptions.metadata(item.id)
    if metadata is not None:
        writer.add_bytes(f"{top}/metadata.json", metadata.encode())
    maps: dict[str, None] = {}
    for run in store.examinations():
        if item.id not in run.plan.evidence:
            continue
        place = f"{top}/examination-{run.number}"
        rows = store.frame_rows(run.id, item.id)
        summary = {
            "coverage": plain(store.coverage(run.id, item.id, len(index) if index else 0)),
            "tracks": plain(store.summaries(run.id, item.id)),
            "note": "scores are uncalibrated; the spread is over frames and is not an error rate",
        }
        writer.add_bytes(f"{place}/summary.json", _json(summary))
        writer.add_bytes(f"{place}/frames.jsonl", _lines(_frame(row) for row in rows))
        readings = store.readings.of(run.id, item.id)
        for number in sorted({face.track_number for row in rows for face in row.faces}):
            writer.add_bytes(f"{place}/track-{number:02d}.jsonl", _lines(_track(rows, readings, number)))
        maps |= dict.fromkeys(r.map_digest for row in rows for f in row.faces for r in f.results if r.map_digest)
    if not media:
        return
    files = CaseFiles(store.folder, seal=store.seal, read_only=True)
    digest, size = hash_file(store.vault.open_location(item.stored_path))
    if (digest, size) != (item.sha256, item.size):
        raise IntegrityMismatch(f"{item.exhibit} is not what was taken in; it is not disclosed.", "Run case verify.")
    writer.add(f"{top}/original", files.chunks(item.stored_path), item.size)
    for digest in maps:
        try:
            data = files.read(f"maps/{digest[:2]}/{digest}.npy.z")
        except NotFound:
            continue
        writer.add_bytes(f"{top}/maps/{digest}.npy.z", data)


def _frame(row: FrameRow) -> dict[str, object]:
    faces = [face.track_number for face in row.faces]
    return {"frame": plain(row.frame), "tracks": faces, "error": row.error}


def _track(rows: Sequence[FrameRow], readings: Sequence[TrackReading], number: int) -> Iterator[dict[str, object]]:
    """A line for each frame with its scores, then one for each reading of the whole track."""
    for row in rows:
        for face in row.faces:
            if face.track_number == number:
                yield {"frame": plain(row.frame), "face": plain(face)}
    yield from ({"reading": plain(reading)} for reading in readings if reading.track_number == number)


def _examinations(writer: PackWriter, store: CaseStore, chosen: Sequence[EvidenceItem]) -> None:
    ids = {item.id: item.exhibit for item in chosen}
    hidden = [item.id for item in store.evidence() if item.id not in ids]
    for run in store.examinations():
        shown = [ids[exhibit] for exhibit in run.plan.evidence if exhibit in ids]
        if not shown:
            continue
        facts = plain(run)
        assert isinstance(facts, dict)
        facts["plan"]["evidence"] = shown
        facts["plan"]["evidence_withheld"] = len(run.plan.evidence) - len(shown)
        if len(shown) < len(run.plan.evidence):
            facts["error"] = ""  # it may name an exhibit that is withheld
        for use in facts["plan"]["detectors"]:
            _withhold_gallery(use["settings"], hidden)
        writer.add_bytes(f"examinations/examination-{run.number}.json", _json(facts))


def _withhold_gallery(settings: dict[str, str], hidden: Sequence[EvidenceId]) -> None:
    """References that lie in a withheld exhibit are not told of; the digest of the text stays."""
    text = settings.get("gallery", "")
    if any(identifier in text for identifier in hidden):
        settings["gallery"] = "withheld, SHA-256 " + hashlib.sha256(text.encode()).hexdigest()


def _reports(writer: PackWriter, store: CaseStore, chosen: Sequence[EvidenceItem]) -> list[dict[str, object]]:
    """Put in the reports that speak of chosen exhibits alone; returns number and digest of the others."""
    left_out: list[dict[str, object]] = []
    files = CaseFiles(store.folder, seal=store.seal, read_only=True)
    for record in store.reports():
        if _covers_only(store, record, chosen):
            writer.add(f"reports/{Path(record.path).name}", files.chunks(record.path), record.size)
        else:
            left_out.append({"number": record.number, "sha256": record.sha256})
    return left_out


def _covers_only(store: CaseStore, record: ReportRecord, chosen: Sequence[EvidenceItem]) -> bool:
    """A report tells of every exhibit that was in the case when it was built."""
    ids = {item.id for item in chosen}
    return all(item.id in ids for item in store.evidence() if item.taken_in_at <= record.built_at)


def _folders(writer: PackWriter, top: str) -> int:
    return len({member.name.split("/")[1] for member in writer.members if member.name.startswith(top)})


def _estimate(chosen: Sequence[EvidenceItem], media: bool) -> int:
    return sum(item.size for item in chosen) + (1 << 20) if media else 4 << 20


def plain(value: object) -> object:
    """Frozen words as JSON values: field names stay, enums become their text, tuples lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity; "inf" and "nan" are what Python and C read back
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _lines(rows: Iterator[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n" for row in rows)

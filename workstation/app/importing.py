"""Taking exhibits in: hash while copying, probe in the decoder child, thumbnail, one custody event each (E1)."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workstation.app.environment import user_name
from workstation.app.hub import Hub
from workstation.app.paths import refused
from workstation.domain.clock import now_utc
from workstation.domain.errors import (
    Cancelled,
    CaseReadOnly,
    DamagedMedia,
    DecoderStopped,
    DuplicateEvidence,
    EmptyFile,
    EvidenceError,
    InputError,
    MediaTooLarge,
    PermissionRefused,
    StorageFull,
    UnreadableMedia,
    WorkstationError,
)
from workstation.domain.events import CaseChanged, EvidenceChanged
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import EvidenceId, new_id
from workstation.domain.jobs import JobContext
from workstation.domain.media import MediaInfo
from workstation.media.probing import probe
from workstation.media.reader import open_media
from workstation.media.thumbnails import thumbnail_png
from workstation.storage.case_store import CaseStore


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken in, and why, in one line."""

    path: str
    code: str
    line: str


@dataclass(frozen=True, slots=True)
class Intake:
    """What an import did. Every file asked for is in exactly one of the two."""

    added: tuple[EvidenceItem, ...]
    refused: tuple[Refusal, ...]

    def as_result(self) -> dict[str, object]:
        return {
            "added": [item.id for item in self.added],
            "refused": [{"path": r.path, "code": r.code, "line": r.line} for r in self.refused],
        }


def expand(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files named, folders replaced by every file in them (hidden ones left out), in name order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.rglob("*")) if p.is_file())
            found.extend(p for p in inside if not any(part.startswith(".") for part in p.relative_to(path).parts))
        else:
            found.append(path)
    return tuple(found)


def import_files(store: CaseStore, hub: Hub, paths: Sequence[Path], note: str, context: JobContext) -> Intake:
    """Take files into the case one by one. A refused file never stops the others; a full disk does.

    Raises:
        Cancelled: between files or inside a copy; what was taken in stays.
        StorageFull, CaseReadOnly, InputError: nothing more can be taken in.
    """
    files = expand(paths)
    if not files:
        raise InputError("There is no file to take in.", "Name at least one picture or video.")
    added: list[EvidenceItem] = []
    turned_away: list[Refusal] = []
    for number, path in enumerate(files):
        context.raise_if_cancelled()
        context.progress(number, len(files), path.name)
        try:
            item = take_in(store, path, note, context)
        except (StorageFull, CaseReadOnly, Cancelled):
            raise
        except WorkstationError as error:
            turned_away.append(Refusal(str(path), error.code, error.line()))
            store.refuse_evidence(str(path), f"{error.code}: {error.message}")
            continue
        added.append(item)
        hub.publish(EvidenceChanged(store.case.id, item.id))
    context.progress(len(files), len(files))
    hub.publish(CaseChanged(store.case.id))
    return Intake(tuple(added), tuple(turned_away))


def take_in(store: CaseStore, path: Path, note: str, context: JobContext) -> EvidenceItem:
    """Take one file in. A file that cannot be decoded is kept as an exhibit with its problem stated.

    Raises:
        EvidenceError: the file is missing, empty, already in the case or no media at all.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    if not path.is_file():
        raise InputError(f"{path} is not a file.")
    if path.stat().st_size == 0:
        raise EmptyFile(f"{path.name} is empty (0 bytes).", "Ask for the file again.")
    try:
        stored = store.vault.take_in(
            path,
            on_progress=lambda done, total: context.progress(done, total, f"{path.name}: hashing"),
            cancelled=context.cancelled,
        )
    except PermissionError as error:
        raise PermissionRefused(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    except OSError as error:
        raise refused(error, store.folder) from error
    known = store.find_by_digest(stored.sha256)
    if known is not None:
        raise DuplicateEvidence(f"{path.name} is already in the case as {known.exhibit} (same SHA-256).")
    try:
        info, problem = _probe(store.vault.path(stored.relative_path), path.name)
    except EvidenceError:
        if not stored.already_there:
            store.vault.discard(stored.relative_path)
        raise
    item = EvidenceItem(
        id=EvidenceId(new_id()),
        exhibit=store.next_exhibit(),
        name=path.name,
        source_path=str(path.resolve()),
        stored_path=stored.relative_path,
        sha256=stored.sha256,
        size=stored.size,
        taken_in_at=now_utc(),
        taken_in_by=f"{store.case.examiner} ({user_name()})",
        machine=platform.node(),
        media=info,
        problem=problem,
        note=note,
        integrity=IntegrityState.VERIFIED,
        verified_at=now_utc(),
    )
    store.add_evidence(item, {"duplicate_of_stored_file": stored.already_there, "problem": problem})
    if info is not None:
        _prepare(store, item, info)
    return item


def _probe(stored: Path, name: str) -> tuple[MediaInfo | None, str]:
    """Probe the stored copy, after hashing (E1). Damage is kept as the exhibit's problem; no media at all is refused.

    Raises:
        UnreadableMedia: the file is neither a picture nor a video.
    """
    try:
        return probe(stored), ""
    except (DamagedMedia, MediaTooLarge, DecoderStopped) as error:
        return None, _named(error.message, stored.name, name)
    except UnreadableMedia as error:
        raise UnreadableMedia(_named(error.message, stored.name, name), error.advice) from error


def _named(message: str, stored: str, name: str) -> str:
    """A message about the stored copy, told about the file the examiner knows."""
    told = message.replace(stored, name)
    return told if name in told else f"{name}: {told[:1].lower()}{told[1:]}"


def _prepare(store: CaseStore, item: EvidenceItem, info: MediaInfo) -> None:
    """Frame index and thumbnail are conveniences: a file that only fails here stays examinable frame by frame."""
    path = store.vault.path(item.stored_path)
    try:
        with open_media(path, info) as reader:
            store.put_frame_index(item.id, reader.index)
        store.put_thumbnail(item.id, thumbnail_png(path, info))
    except EvidenceError:
        return

"""One file into the case: hash while copying, then probe the copy in the decoder child, then describe it (E1)."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import workstation
from workstation.app.describing import describe
from workstation.app.environment import machine_id, user_name, zone_name
from workstation.app.listing import shown
from workstation.app.origins import DIGEST
from workstation.app.paths import Home, refused
from workstation.domain.clock import now_utc
from workstation.domain.errors import (
    DamagedMedia,
    DecoderStopped,
    EmptyFile,
    EvidenceError,
    InputError,
    MediaTooLarge,
    PermissionRefused,
    UnreadableMedia,
)
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import EvidenceId, new_id
from workstation.domain.jobs import JobContext
from workstation.domain.media import MediaInfo, MediaLocation
from workstation.media.probing import probe
from workstation.media.reader import open_media
from workstation.media.thumbnails import thumbnail_from
from workstation.storage.case_store import CaseStore


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from. ``source`` is its path as it is stored and printed; ``facts`` go into its custody event;
    ``second_digest`` is computed from the same read besides SHA-256, empty for none."""

    path: Path
    source: str
    note: str
    facts: Mapping[str, object]
    second_digest: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The exhibit a file became, or, with ``duplicate``, the one that holds the same bytes already."""

    item: EvidenceItem
    duplicate: bool


def take_in(
    store: CaseStore, origin: Origin, on_bytes: Callable[[int, int], None], cancelled: Callable[[], bool]
) -> Taken:
    """Take one file in. A file that cannot be decoded is kept as an exhibit with its problem stated.

    Raises:
        EvidenceError, InputError: the file is missing, empty, changing or no media at all.
        Cancelled, StorageFull, CaseReadOnly, PermissionRefused.
    """
    path, name = origin.path, shown(origin.path.name)
    _must_be_a_file(path, origin.source, name, store.folder)
    others = (origin.second_digest,) if origin.second_digest else ()
    try:
        stored = store.vault.take_in(path, on_progress=on_bytes, cancelled=cancelled, others=others)
    except PermissionError as error:
        raise PermissionRefused(f"{name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    except OSError as error:
        raise refused(error, store.folder) from error
    known = store.find_by_digest(stored.sha256)
    if known is not None:
        return Taken(known, duplicate=True)
    try:
        info, problem = _probe(store.vault.open_location(stored.relative_path), name)
    except EvidenceError:
        if not stored.already_there:
            store.vault.discard(stored.relative_path)
        raise
    now = now_utc()
    item = EvidenceItem(
        id=EvidenceId(new_id()),
        exhibit=store.next_exhibit(),
        name=name,
        source_path=origin.source,
        stored_path=stored.relative_path,
        sha256=stored.sha256,
        size=stored.size,
        taken_in_at=now,
        taken_in_by=f"{store.case.examiner} ({user_name()})",
        machine=platform.node(),
        media=info,
        problem=problem,
        note=origin.note,
        integrity=IntegrityState.VERIFIED,
        verified_at=now,
    )
    facts = dict(origin.facts) | {
        "duplicate_of_stored_file": stored.already_there,
        "problem": problem,
        "zone": zone_name(),
        "machine_id": machine_id(),
        "tool": f"workstation {workstation.__version__}",
    }
    facts |= {f"{DIGEST}{kind}": digest for kind, digest in stored.others.items()}
    if path.is_symlink():
        facts["link_to"] = shown(path.resolve())
    store.add_evidence(item, facts)
    return Taken(item, duplicate=False)


def prepare(store: CaseStore, item: EvidenceItem, context: JobContext, home: Home) -> tuple[str, ...]:
    """Make what an exhibit still lacks: frame index, thumbnail, stream digests, metadata (E2, X4).

    Returns:
        A line for everything that could not be made; such an exhibit stays an exhibit, examinable frame by frame.

    Raises:
        Cancelled, CaseReadOnly, StorageFull: what was made before stays.
    """
    told: list[str] = []
    index, shown_small = store.frame_index(item.id), store.thumbnail(item.id) is not None
    if item.media is not None and (index is None or not shown_small):
        try:
            # One child and one look through the file for both.
            with open_media(store.vault.open_location(item.stored_path), item.media, index=index) as reader:
                if index is None:
                    store.put_frame_index(item.id, reader.index)
                if not shown_small:
                    store.put_thumbnail(item.id, thumbnail_from(reader))
        except EvidenceError as error:
            told.append(f"{item.exhibit}: {error.message}")
    told.extend(describe(store, item, context, home=home))
    return tuple(told)


def _must_be_a_file(path: Path, source: str, name: str, case: Path) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise InputError(f"{source} does not exist.") from None
    except PermissionError as error:
        raise PermissionRefused(f"{source} cannot be read ({error.strerror}).", "Check its permissions.") from error
    except OSError as error:
        raise EvidenceError(f"{source} cannot be looked at ({error.strerror}).", "Check the disk.") from error
    if not path.is_file():
        raise InputError(f"{source} is not a file.")
    if size == 0:
        raise EmptyFile(f"{name} is empty (0 bytes).", "Ask for the file again.")
    free = shutil.disk_usage(case).free
    if size > free:
        # A file with holes can announce any size; it must not fill the disk and so end the whole import.
        raise MediaTooLarge(
            f"{name} has {size / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free where the case lies.",
            "Free some space, or put it into a case on a larger disk.",
        )


def _probe(stored: MediaLocation, name: str) -> tuple[MediaInfo | None, str]:
    """Probe the stored copy, after hashing (E1). Damage is kept as the exhibit's problem; no media at all is refused.

    Raises:
        UnreadableMedia: the file is neither a picture nor a video.
    """
    try:
        return probe(stored), ""
    except (DamagedMedia, MediaTooLarge, DecoderStopped) as error:
        return None, _called(error.message, stored.name, name)
    except UnreadableMedia as error:
        raise UnreadableMedia(_called(error.message, stored.name, name), error.advice) from error


def _called(message: str, stored: str, name: str) -> str:
    """A message about the stored copy, told about the file the examiner knows."""
    told = message.replace(stored, name)
    return told if name in told else f"{name}: {told[:1].lower()}{told[1:]}"

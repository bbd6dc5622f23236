"""What an exhibit says about itself, read in the confined decoder child and kept in the case (E2, X4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from workstation.app.paths import Home
from workstation.domain.errors import CaseDamaged, EvidenceError
from workstation.domain.events import EvidenceChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.jobs import JobContext
from workstation.domain.media import MediaLocation
from workstation.domain.metadata import MediaMetadata
from workstation.domain.metadata_json import from_json, to_json
from workstation.media.metadata.facade import read_metadata
from workstation.media.streams import stream_digests
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_log = logging.getLogger(__name__)
_MOST_ANCHORS = 4 << 20


@dataclass(frozen=True, slots=True)
class TrustList:
    """The certificates this workstation's keeper trusts for content credentials.

    Attributes:
        pem: all of them as one text; empty when none is installed.
        files: what was read; ``problems``: one line for each file that could not be used.
    """

    pem: str
    files: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def trust_folder(home: Home) -> Path:
    """Where the keeper puts PEM files with trusted certificates; need not exist."""
    return home.root / "trust" / "c2pa"


def trust_list(home: Home | None = None) -> TrustList:
    """Read the installed trust list. A file that cannot be used costs only itself."""
    folder = trust_folder(home or Home.default())
    parts: list[str] = []
    files: list[str] = []
    problems: list[str] = []
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".pem", ".crt", ".cer"))
    except OSError:
        return TrustList("")
    for path in found:
        try:
            text = path.read_text("ascii") if path.stat().st_size <= _MOST_ANCHORS else ""
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: {type(error).__name__}")
            continue
        try:
            sound = bool(x509.load_pem_x509_certificates(text.encode()))
        except ValueError:
            sound = False
        if not sound:
            problems.append(f"{path.name}: no certificates in PEM form, or larger than {_MOST_ANCHORS} bytes")
            continue
        parts.append(text.strip())
        files.append(path.name)
    return TrustList("\n".join(parts) + "\n" if parts else "", tuple(files), tuple(problems))


def describe(
    store: CaseStore, item: EvidenceItem, context: JobContext | None = None, *, again: bool = False,
    home: Home | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """Read stream digests and metadata of an exhibit and keep them; what is there already is left, unless ``again``.

    Returns:
        One line for everything that could not be read; an exhibit without a description stays usable.

    Raises:
        Cancelled: nothing of the part that was being read is kept.
        CaseReadOnly, StorageFull.
    """
    location = store.vault.open_location(item.stored_path)
    told: list[str] = []

    def beat() -> None:
        if context is not None:
            context.raise_if_cancelled()

    beat()
    if again or store.descriptions.streams(item.id) is None:
        _try(item, told, lambda: _streams(store, item, location, beat))
    beat()
    if again or store.descriptions.metadata(item.id) is None:
        _try(item, told, lambda: _metadata(store, item, location, beat, home))
    return tuple(told)


def describe_all(
    engine: Engine, store: CaseStore, evidence: Sequence[EvidenceId] | None, context: JobContext, *, again: bool = False
) -> dict[str, object]:
    """Describe several exhibits, one after the other; all when ``evidence`` is None.

    Returns:
        ``{"described": [ids], "problems": [lines]}``.

    Raises:
        NotFound, Cancelled, CaseReadOnly, StorageFull: exhibits described before keep their description.
    """
    items = store.evidence() if evidence is None else tuple(store.evidence_item(one) for one in evidence)
    described: list[str] = []
    problems: list[str] = []
    for number, item in enumerate(items):
        context.progress(number, len(items), item.exhibit)
        problems += describe(store, item, context, again=again, home=engine.home)
        described.append(item.id)
        engine.hub.publish(EvidenceChanged(store.case.id, item.id))
    context.progress(len(items), len(items))
    return {"described": described, "problems": problems}


def metadata(store: CaseStore, evidence: EvidenceId) -> MediaMetadata | None:
    """The kept metadata of an exhibit; None when it was never read.

    Raises:
        NotFound: there is no such exhibit.
        CaseDamaged: what is kept is no metadata.
    """
    text = store.descriptions.metadata(evidence)
    if text is None:
        return None
    try:
        return from_json(text)
    except ValueError as error:
        raise CaseDamaged(
            "The metadata kept for an exhibit cannot be read.",
            "Verify the case; read the metadata again with: workstation evidence metadata --again.",
        ) from error


def _streams(store: CaseStore, item: EvidenceItem, location: MediaLocation, beat: Callable[[], None]) -> None:
    store.descriptions.put_streams(item.id, stream_digests(location, on_beat=beat))


def _metadata(
    store: CaseStore, item: EvidenceItem, location: MediaLocation, beat: Callable[[], None], home: Home | None
) -> None:
    trusted = trust_list(home)
    for problem in trusted.problems:
        _log.warning("trust list: %s", problem)
    store.descriptions.put_metadata(item.id, to_json(read_metadata(location, anchors=trusted.pem, on_beat=beat)))


def _try(item: EvidenceItem, told: list[str], work: Callable[[], None]) -> None:
    try:
        work()
    except EvidenceError as error:
        told.append(f"{item.exhibit}: {error.message}")

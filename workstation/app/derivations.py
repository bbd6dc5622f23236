"""Clips and lists of frames made from an exhibit, and every derived item made again from its recipe (E4, G9)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.exporting import FrameExport, redraw
from workstation.app.recipes import check_folder, note_export, number, text, ticks
from workstation.domain.derived import DerivedItem, ParentKind
from workstation.domain.errors import EvidenceError, FrameNotFound, InputError, IntegrityMismatch
from workstation.domain.events import CaseChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, ExaminationId, JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.map_scale import PLAIN_LOOK, Layer, Look, MapColours
from workstation.domain.media import Frame, FrameIndex, MediaInfo, MediaLocation, RgbArray
from workstation.media.clips import write_clip
from workstation.media.framehash import FrameList, write_framehash
from workstation.media.reader import FrameFailure, open_media
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

# Suffix of a clip -> codec and pixel format. FFV1 keeps the shown pixels exactly; H.264 is for looking at.
_CODECS = {".mkv": ("ffv1", "bgr0"), ".mp4": ("libx264", "yuv420p")}
_CRF = 14
_GOP = 12


@dataclass(frozen=True, slots=True)
class Remade:
    """A derived item made again. ``same`` when its bytes have the recorded SHA-256."""

    number: str
    recorded: str
    found: str

    @property
    def same(self) -> bool:
        return self.recorded == self.found


def submit_framehash(engine: Engine, session: CaseSession, evidence: EvidenceId, output: Path) -> JobId:
    """Write the list of an exhibit's frames (io lane).

    Result: ``{"path", "sha256", "frames", "damaged", "stream", "decoder", "command", "derived"}``.
    """

    def work(context: JobContext) -> dict[str, object]:
        result = export_framehash(session.store, evidence, output, context)
        engine.hub.publish(CaseChanged(session.case.id))
        return result

    return session.submit(Lane.IO, f"List the frames of {session.evidence_item(evidence).exhibit}", work, "frames")


def submit_clip(
    engine: Engine, session: CaseSession, evidence: EvidenceId, first: int, last: int, output: Path
) -> JobId:
    """Write the frames ``first`` to ``last`` (both included) as a clip (report lane). Result: as for a frame."""

    def work(context: JobContext) -> dict[str, object]:
        result = export_clip(session.store, evidence, first, last, output, context)
        engine.hub.publish(CaseChanged(session.case.id))
        return result

    title = f"Export frames {first} to {last} of {session.evidence_item(evidence).exhibit}"
    return session.submit(Lane.REPORT, title, work, "frames")


def export_framehash(
    store: CaseStore, evidence: EvidenceId, output: Path, context: JobContext | None = None
) -> dict[str, object]:
    """Write the list of frames and record it as a derived item.

    Raises:
        InputError: the exhibit is a picture.
        NotFound, StorageFull, PermissionRefused, EvidenceError, Cancelled.
    """
    check_folder(output)
    item, location, info, index = _exhibit(store, evidence)
    written = _list(location, info, index, output, context)
    parameters: dict[str, object] = {
        "what": "list of frames",
        "exhibit": item.exhibit,
        "stream": written.stream,
        "time_base": ticks(written.time_base),
        "frames": written.frames,
        "damaged": list(written.damaged[:1000]),
        "command": written.command,
    }
    made = note_export(store, item, "framehash", parameters, written.decoder, output)
    return {
        "path": str(output),
        "sha256": written.sha256,
        "frames": written.frames,
        "damaged": len(written.damaged),
        "stream": written.stream,
        "decoder": written.decoder,
        "command": written.command,
        "derived": made.number if made else "",
    }


def export_clip(
    store: CaseStore, evidence: EvidenceId, first: int, last: int, output: Path, context: JobContext | None = None
) -> dict[str, object]:
    """Write a stretch of frames as shown, with the distances of their time stamps, and record it as a derived item.

    ``.mkv`` keeps every pixel (FFV1, RGB), ``.mp4`` is a copy for looking at (H.264, quality 14). Time stamps begin at
    zero; Matroska rounds them to a millisecond. There is no sound.

    Raises:
        InputError: another suffix, or a stretch that is empty.
        FrameNotFound, EvidenceError: a frame of the stretch cannot be had; a clip never has a hole.
        NotFound, StorageFull, Cancelled.
    """
    check_folder(output)
    if output.suffix.lower() not in _CODECS:
        raise InputError(f"Clips are not written as {output.suffix or 'a file without suffix'}.", "Use .mkv or .mp4.")
    item, location, info, index = _exhibit(store, evidence)
    decoder, stamps = _clip(location, info, index, first, last, output, context)
    codec, pixel_format = _CODECS[output.suffix.lower()]
    parameters: dict[str, object] = {
        "what": "clip",
        "exhibit": item.exhibit,
        "stream": info.primary,
        "first": first,
        "last": last,
        "first_pts": stamps[0],
        "last_pts": stamps[1],
        "time_base": ticks(info.video.time_base),
        "container": output.suffix.lower(),
        "codec": codec,
        "pixel_format": pixel_format,
        "crf": _CRF,
        "gop": _GOP,
    }
    made = note_export(store, item, "clip", parameters, decoder, output)
    digest = made.sha256 if made else hashlib.sha256(output.read_bytes()).hexdigest()
    return {"path": str(output), "sha256": digest, "derived": made.number if made else ""}


def remake(store: CaseStore, frame: Callable[[EvidenceId, int], Frame], item: DerivedItem) -> Remade:
    """Make a derived item again from its recipe, in a temporary folder, and compare. Records nothing.

    Args:
        frame: gives a frame of an exhibit by its ordinal.

    Raises:
        InputError: the recipe is of a kind, or from a version, that this program does not know.
        IntegrityMismatch: the exhibit is not the one it was made from, or decodes to another frame.
        EvidenceError, StorageFull.
    """
    recipes: dict[str, Callable[[CaseStore, Callable[[EvidenceId, int], Frame], DerivedItem, Path], None]] = {
        "frame": _frame_again,
        "clip": _clip_again,
        "framehash": _framehash_again,
    }
    if item.operation not in recipes or item.parent_kind is not ParentKind.EVIDENCE:
        raise InputError(f"{item.number} ({item.operation}) cannot be made again by this program.")
    parent = store.evidence_item(EvidenceId(item.parent))
    if parent.sha256 != item.parent_sha256:
        raise IntegrityMismatch(f"{item.number} was made from another file than {parent.exhibit} is now.")
    # What is made again from an encrypted case must not reach a disk in the clear, not even for a moment.
    memory = Path("/dev/shm") if store.encrypted and Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="remake-", dir=memory) as folder:
        output = Path(folder) / f"again{Path(item.path).suffix}"
        recipes[item.operation](store, frame, item, output)
        return Remade(item.number, item.sha256, hashlib.sha256(output.read_bytes()).hexdigest())


def _frame_again(store: CaseStore, frame: Callable[[EvidenceId, int], Frame], item: DerivedItem, output: Path) -> None:
    wanted = item.parameters
    got = frame(EvidenceId(item.parent), number(wanted, "ordinal"))
    if got.ref.digest != text(wanted, "frame_sha256"):
        raise IntegrityMismatch(f"Frame {got.ref.ordinal} decodes to other samples than when {item.number} was made.")
    examination = text(wanted, "examination")
    opacity = wanted.get("opacity")
    request = FrameExport(
        EvidenceId(item.parent),
        got,
        output,
        ExaminationId(examination) if examination else None,
        text(wanted, "detector") or None,
        float(opacity) if isinstance(opacity, int | float) else 0.45,
        # Recipes from before this was asked have no word on it: their pictures have scores.
        wanted.get("validated", True) is not False,
        _look(wanted),
    )
    redraw(store, request, number(wanted, "frames_examined"), number(wanted, "frames_total"))


def _look(wanted: Mapping[str, object]) -> Look:
    """What was drawn over a frame. Recipes from before layers could be chosen have no word on it."""
    layers = wanted.get("layers")
    if not isinstance(layers, list):
        return PLAIN_LOOK
    threshold = wanted.get("threshold")
    try:
        return Look(
            frozenset(Layer(str(name)) for name in layers),
            MapColours(text(wanted, "colours") or MapColours.GREY),
            float(threshold) if isinstance(threshold, int | float) else None,
        )
    except ValueError as error:
        raise InputError(f"The recipe draws what this program does not know ({error}).") from error


def _clip_again(store: CaseStore, frame: Callable[[EvidenceId, int], Frame], item: DerivedItem, output: Path) -> None:
    _, location, info, index = _exhibit(store, EvidenceId(item.parent))
    again = output.with_suffix(text(item.parameters, "container") or output.suffix)
    _clip(location, info, index, number(item.parameters, "first"), number(item.parameters, "last"), again, None)
    again.replace(output)


def _framehash_again(
    store: CaseStore, frame: Callable[[EvidenceId, int], Frame], item: DerivedItem, output: Path
) -> None:
    _, location, info, index = _exhibit(store, EvidenceId(item.parent))
    _list(location, info, index, output, None)


def _exhibit(
    store: CaseStore, evidence: EvidenceId
) -> tuple[EvidenceItem, MediaLocation, MediaInfo, FrameIndex | None]:
    item = store.evidence_item(evidence)
    if item.media is None:
        raise EvidenceError(f"{item.exhibit} cannot be decoded: {item.problem}")
    return item, store.vault.open_location(item.stored_path), item.media, store.frame_index(evidence)


def _list(
    location: MediaLocation, info: MediaInfo, index: FrameIndex | None, output: Path, context: JobContext | None
) -> FrameList:
    total = len(index) if index else info.video.frame_count or 0

    def told(done: int) -> None:
        if context is not None:
            context.raise_if_cancelled()
            context.progress(done, max(done, total))

    return write_framehash(location, info, output, on_frames=told)


def _clip(
    location: MediaLocation,
    info: MediaInfo,
    index: FrameIndex | None,
    first: int,
    last: int,
    output: Path,
    context: JobContext | None,
) -> tuple[str, tuple[int, int]]:
    """Write the clip; returns the decoder's name and the first and last time stamp in the exhibit."""
    codec, pixel_format = _CODECS[output.suffix.lower()]
    with open_media(location, info, index=index) as reader:
        known = reader.index
        if first < 0 or last < first:
            raise InputError(f"Frames {first} to {last} are no stretch.", "Give the first and the last frame.")
        if last >= len(known):
            raise FrameNotFound(f"There is no frame {last}: the exhibit has {len(known)}, counted from 0.")
        stamps = known.pts[first : last + 1]
        base = Fraction(known.time_base.num, known.time_base.den)
        rate = 1 / (Fraction(stamps[-1] - stamps[0], len(stamps) - 1) * base) if len(stamps) > 1 else Fraction(25)

        def pictures() -> Iterator[RgbArray]:
            for done, got in enumerate(reader.frames(range(first, last + 1))):
                if context is not None:
                    context.raise_if_cancelled()
                    context.progress(done, len(stamps))
                if isinstance(got, FrameFailure):
                    raise got.error
                yield got.rgb

        write_clip(
            output,
            pictures(),
            rate=rate.limit_denominator(100_000),
            codec=codec,
            crf=_CRF,
            gop=_GOP,
            pts=[stamp - stamps[0] for stamp in stamps],
            time_base=base,
            pixel_format=pixel_format,
        )
        return reader.decoder, (stamps[0], stamps[-1])

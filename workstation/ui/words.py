"""Short renderings of facts, the same wherever the window shows them. No rendering draws a conclusion (X2)."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication

from workstation.domain.case import WorkState
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.kinds_of_forgery import ForgeryClass, name_of
from workstation.domain.media import FrameRef, MediaKind


def tr(text: str) -> str:
    """Translate in the context "words"."""
    return QCoreApplication.translate("words", text)


def clock(stamp: str) -> str:
    """Time of day on this machine's clock, "10:42"; empty for an empty or broken stamp."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%H:%M")
    except ValueError:
        return ""


def moment(stamp: str) -> str:
    """Date and time on this machine's clock with its zone, "2026-01-31 10:42:07 CET"."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return stamp


def integrity(item: EvidenceItem) -> str:
    """The integrity state in words (3.4)."""
    at = clock(item.verified_at)
    if item.integrity is IntegrityState.VERIFIED:
        return tr("verified {time}").format(time=at) if at else tr("verified")
    if item.integrity is IntegrityState.NOT_VERIFIED:
        return tr("not verified since {time}").format(time=at) if at else tr("not verified yet")
    return item.integrity.value


def broken(item: EvidenceItem) -> bool:
    """Whether the stored original is not what was taken in: the only thing shown in red."""
    return item.integrity in (IntegrityState.MISMATCH, IntegrityState.MISSING)


def work_state(state: WorkState) -> str:
    return {
        WorkState.TO_DO: tr("to do"),
        WorkState.EXAMINED: tr("examined"),
        WorkState.REPORTED: tr("reported"),
    }[state]


def kind(item: EvidenceItem) -> str:
    """ "video · 3.0 s · 640 x 480" as far as it is known."""
    media = item.media
    if media is None:
        return tr("cannot be decoded")
    width, height = media.video.shown_size
    parts = [tr("video") if media.kind is MediaKind.VIDEO else tr("image")]
    if media.duration_s:
        parts.append(f"{media.duration_s:.1f} s")
    if width:
        parts.append(f"{width} × {height}")
    return " · ".join(parts)


def size(count: int) -> str:
    """Bytes for people, the exact number always beside it."""
    value, unit = float(count), "bytes"
    for name in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, name
    exact = f"{count:,}".replace(",", " ")
    return f"{exact} bytes" if unit == "bytes" else f"{value:.1f} {unit} ({exact} bytes)"


def brief(count: int) -> str:
    """Bytes in three digits, for progress."""
    value, unit = float(count), "bytes"
    for name in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, name
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def time_stamp(ref: FrameRef) -> str:
    """Presentation time in seconds and in ticks of its time base."""
    base = ref.time_base
    return f"PTS {ref.seconds:.3f} s · {ref.pts} × {base.num}/{base.den}"


def score(value: float | None) -> str:
    """Two decimals; an en dash where there is none. The caller puts "uncalibrated" beside it (X11)."""
    return "–" if value is None else f"{value:.2f}"


def uncalibrated(falling: bool = False) -> str:
    """The word that goes with every score; of a score that is lower where something is manipulated, that too (L1)."""
    if falling:
        return QCoreApplication.translate("words", "uncalibrated · lower = manipulated")
    return QCoreApplication.translate("words", "uncalibrated")


def short_uncalibrated(falling: bool = False) -> str:
    """The same for a narrow column; its tip has the whole."""
    return f"{uncalibrated()} ↓" if falling else uncalibrated()


def not_validated() -> str:
    """What stands in place of a score that is validated for no kind of forgery, where a line must do."""
    return QCoreApplication.translate("words", "not validated")


def kind_name(kind: ForgeryClass) -> str:
    """A kind of forgery in plain words."""
    return QCoreApplication.translate("words", name_of(kind))


def plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"

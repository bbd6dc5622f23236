"""Words of the gallery. None of them draws a conclusion (X2), and no order follows what detectors gave."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.app.face_listing import FaceEntry, FaceOrder
from workstation.domain.case import WorkState
from workstation.ui.words import work_state


def tr(text: str) -> str:
    """Translate in the context "faces"."""
    return QCoreApplication.translate("faces", text)


def order_name(order: FaceOrder) -> str:
    return {
        FaceOrder.EXHIBIT: tr("Exhibit and number"),
        FaceOrder.TIME: tr("Exhibit and time"),
        FaceOrder.DURATION: tr("Duration"),
        FaceOrder.FACES: tr("Examined frames"),
        FaceOrder.HEIGHT: tr("Face height"),
        FaceOrder.SHARPNESS: tr("Sharpness"),
        FaceOrder.POSE: tr("Turn of the head"),
        FaceOrder.QUALITY: tr("Faces through the gates"),
        FaceOrder.NAME: tr("Name"),
        FaceOrder.WORK: tr("Work state"),
        FaceOrder.EXCLUDED: tr("Excluded"),
        FaceOrder.ABSTAINED: tr("Abstentions"),
    }[order]


def falls_first(order: FaceOrder) -> bool:
    """Whether the large end of an order is of interest first."""
    return order in (
        FaceOrder.DURATION,
        FaceOrder.FACES,
        FaceOrder.HEIGHT,
        FaceOrder.SHARPNESS,
        FaceOrder.QUALITY,
        FaceOrder.EXCLUDED,
        FaceOrder.ABSTAINED,
    )


def title(entry: FaceEntry) -> str:
    """ "EX-01 T2", with its name where it has one."""
    return f"{entry.exhibit} {entry.label}"


def place(entry: FaceEntry) -> str:
    """When it is on screen."""
    if entry.first_ordinal == entry.last_ordinal:
        return tr("{time} s").format(time=f"{entry.first_seconds:.2f}")
    return tr("{first}–{last} s").format(first=f"{entry.first_seconds:.1f}", last=f"{entry.last_seconds:.1f}")


def state(entry: FaceEntry) -> str:
    """What stands out, in a few words: exclusion first, then abstentions."""
    if entry.excluded:
        return tr("partly excluded") if entry.partly else tr("excluded")
    readings = entry.scored + entry.abstained + entry.errors
    if entry.abstained and entry.abstained == readings:
        return tr("all abstained")
    if entry.abstained:
        return tr("abstained {n} of {all}").format(n=entry.abstained, all=readings)
    return ""


def shown_by(entry: FaceEntry, by: FaceOrder) -> str:
    """The value a list is sorted by, on the tile; when it is on screen where that is no number of its own."""
    match by:
        case FaceOrder.DURATION:
            return tr("{time} s long").format(time=f"{entry.seconds:.1f}")
        case FaceOrder.FACES:
            return tr("{n} frames").format(n=entry.faces)
        case FaceOrder.HEIGHT:
            return tr("{n} px").format(n=round(entry.height))
        case FaceOrder.SHARPNESS:
            return _measured(entry.sharpness, tr("sharpness {n}"))
        case FaceOrder.POSE:
            return _measured(entry.turn, tr("turn {n}°"))
        case FaceOrder.QUALITY:
            return tr("{n} of {all} passed").format(n=round(entry.passed * entry.faces), all=entry.faces)
        case FaceOrder.WORK:
            return work_state(entry.work)
    return place(entry)


def tip(entry: FaceEntry) -> str:
    """Everything the list knows of a face, line by line."""
    lines = [
        f"{title(entry)}" + (f" · {entry.name}" if entry.name else ""),
        tr("Examination {n} · {place} · {frames} examined frames").format(
            n=entry.run, place=place(entry), frames=entry.faces
        ),
        tr("Face height {n} px (median)").format(n=round(entry.height)),
        _measured(entry.sharpness, tr("Best sharpness {n}")),
        _measured(entry.turn, tr("Least turn of the head {n}°")),
        tr("{n} of {all} faces passed the quality gates").format(n=round(entry.passed * entry.faces), all=entry.faces),
        tr("Readings of frames: {scored} scored, {abstained} abstained, {errors} errors").format(
            scored=entry.scored, abstained=entry.abstained, errors=entry.errors
        ),
    ]
    if entry.excluded:
        lines.append(tr("Excluded: {reason}").format(reason=entry.reason))
    return "\n".join(line for line in lines if line)


def spoken(entry: FaceEntry) -> str:
    """What a screen reader says of a tile."""
    return ", ".join(filter(None, (title(entry), entry.name, place(entry), state(entry))))


def count(shown: int, every: int) -> str:
    if shown == every:
        return tr("1 face") if every == 1 else tr("{n} faces").format(n=every)
    return tr("{n} of {all} faces").format(n=shown, all=every)


def work_states() -> list[tuple[str, WorkState | None]]:
    """Choices of a filter by work state."""
    return [(tr("any"), None), *((work_state(state), state) for state in WorkState)]


def _measured(value: float | None, words: str) -> str:
    return tr("not measured") if value is None else words.format(n=round(value))

"""Readings of whole tracks of one exhibit: values, abstentions with their reasons, and measures (X9, X10, X11)."""

from __future__ import annotations

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from workstation.domain.detectors import Measure
from workstation.domain.reports import ExhibitFacts
from workstation.domain.results import ItemStatus, TrackReading
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import heading, note, para, rows_table
from workstation.reporting.content import Content, followed
from workstation.reporting.sections import by_kind
from workstation.reporting.wording import phrase, say


def flow(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    """A table for each detector that reads whole tracks; nothing where none does."""
    readers = _readers(entry)
    if not readers:
        return []
    title = heading(say("whole.heading"), 2)
    if not entry.readings:
        return [*title, note(say("whole.mismatch")) if entry.tracks else para(say("whole.none"))]
    blocks: list[Flowable] = [*title, para(say("whole.intro"), styles.SMALL)]
    for number, detector in enumerate(readers):
        blocks.append(Spacer(0, (2 if number == 0 else 4) * mm))
        readings = [reading for reading in entry.readings if reading.detector == detector]
        blocks += _detector(content, entry, detector, readings)
    if not _whole(entry):
        blocks.append(note(say("whole.mismatch")))
    return blocks


def counted(entry: ExhibitFacts) -> list[tuple[str, str]]:
    """The line of the coverage table; nothing where no detector reads whole tracks."""
    if not _readers(entry):
        return []
    count = {status: sum(reading.status is status for reading in entry.readings) for status in ItemStatus}
    read, abstained, errors = count[ItemStatus.OK], count[ItemStatus.ABSTAINED], count[ItemStatus.ERROR]
    told = say(
        "results.coverage.whole.value", read=read, abstained=abstained, errors=errors, sum=read + abstained + errors
    )
    return [(say("results.coverage.whole"), told)]


def _readers(entry: ExhibitFacts) -> list[str]:
    planned = [use.id for use in entry.examination.plan.detectors if use.sequence > 0]
    return list(dict.fromkeys([*planned, *(reading.detector for reading in entry.readings)]))


def _whole(entry: ExhibitFacts) -> bool:
    """Whether every track has its reading by every detector that was to read it (G14)."""
    return len(entry.readings) == followed(entry) * len(_readers(entry))


def _detector(content: Content, entry: ExhibitFacts, detector: str, readings: list[TrackReading]) -> list[Flowable]:
    name, card = content.detector_name(detector), content.card(detector)
    key = "whole.detector.calibrated" if content.calibrated(detector) else "whole.detector"
    told = say(key, name=name, direction=content.direction(detector))
    if card is not None and card.output.scale:
        told = f"{told} {say('whole.detector.scale', scale=card.output.scale)}"
    rows = [_row(content, entry, reading) for reading in readings]
    head = [say(f"whole.{key}") for key in ("track", "frames", "value", "scale", "words")]
    blocks: list[Flowable] = [
        CondPageBreak(40 * mm),
        para(told, styles.LEAD),
        rows_table(head, rows, [13, 20, 24, 46, 63], right=(1, 2)),
    ]
    blocks += _kinds(content, entry, readings)
    measures = [(reading, measure) for reading in readings for measure in reading.measures]
    if measures:
        keys = ("track", "measure", "measure.value", "measure.spread", "measure.about")
        table = rows_table(
            [say(f"whole.{key}") for key in keys],
            [_measure(reading, measure) for reading, measure in measures],
            [13, 58, 20, 30, 45],
            right=(2, 3),
        )
        blocks += [para(say("whole.measures"), styles.SMALL), table]
    if any(measure.exploratory for _, measure in measures):
        blocks.append(para(say("whole.measures.exploratory"), styles.SMALL))
    return blocks


def _kinds(content: Content, entry: ExhibitFacts, readings: list[TrackReading]) -> list[Flowable]:
    """The values by kind of forgery; nothing where the detector is validated for none."""
    lines = [
        (one.track_number, one.detector, by_kind.alone(content, one.detector, one.value))
        for one in readings
        if one.value is not None
    ]
    found = by_kind.table(content, entry, lines)
    return [*found, para(say("results.kinds.note.whole"), styles.SMALL)] if found else []


def _row(content: Content, entry: ExhibitFacts, reading: TrackReading) -> list[str]:
    value, scale, words = "–", "–", [reading.note] if reading.note else []
    if reading.value is not None and not entry.validated.get(reading.detector):
        scale = say("kinds.for_any")
    elif reading.value is not None:
        value = formatting.score(reading.value)
        calibrated = content.calibrated(reading.detector)
        said = say("results.scale.calibrated" if calibrated else "results.scale.uncalibrated")
        scale = f"{said}; {content.direction(reading.detector)}"
    elif reading.status is ItemStatus.OK:
        words.insert(0, say("whole.value.none"))
    else:
        words.insert(0, _refusal(reading))
    if any(e.seconds is None and e.track_number in (0, reading.track_number) for e in entry.exclusions):
        words.append(say("whole.excluded"))
    return [f"T{reading.track_number}", str(len(reading.frames)), value, scale, " · ".join(words) or "–"]


def _refusal(reading: TrackReading) -> str:
    why = reading.abstention
    key = "whole.error" if reading.status is ItemStatus.ERROR else "whole.abstained"
    reason = phrase("reason", why.reason.value) if why is not None else "–"
    if why is None or not why.detail:
        return say("whole.error", reason=reason) if key == "whole.error" else say("whole.abstained", reason=reason)
    return say(f"{key}.detail", reason=reason, detail=why.detail)


def _measure(reading: TrackReading, measure: Measure) -> list[str]:
    label = say("whole.measure.exploratory", label=measure.label) if measure.exploratory else measure.label
    value = say("whole.measure.missing")
    if measure.value is not None:
        value = formatting.measure(measure.value, measure.low, measure.high)
    spread = formatting.span(measure.low, measure.high)
    return [f"T{reading.track_number}", label, value, spread, measure.about or "–"]

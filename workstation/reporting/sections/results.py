"""Results by exhibit: coverage that adds up (X10), scores by track (X11), abstentions, timeline and key frames."""

from __future__ import annotations

import io
from collections import Counter

from PIL import Image as PillowImage
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Image, KeepTogether, PageBreak, Spacer, Table, TableStyle

from workstation.domain.media import RgbArray
from workstation.domain.reports import ExhibitFacts, KeyFrame, Series
from workstation.domain.results import TrackSummary
from workstation.reporting import formatting, styles, timeline
from workstation.reporting.blocks import facts_table, heading, note, para, rows_table
from workstation.reporting.close_up import close_up
from workstation.reporting.content import Content, followed, scores_frames
from workstation.reporting.figures import burn_in
from workstation.reporting.fonts import REGULAR
from workstation.reporting.sections import by_kind, whole_tracks
from workstation.reporting.wording import phrase, say

# Two figures of an ordinary clip fit a page; header and legend take about 28 mm of each.
_FIGURE_HEIGHT = 108 * mm
_FIGURE_WIDTH = 78 * mm
_WIDEST = 108 * mm
_STRIPS = 28 * mm
_GUTTER = 4 * mm
_CAPTION = 5.5 * mm
# 240 pixels an inch; letters of the header come out at about 7 points.
_DENSITY = 240 / 72
_LETTER = 0.46


def flow(content: Content) -> list[Flowable]:
    if not content.facts.exhibits:
        return [para(say("results.none"))]
    blocks: list[Flowable] = []
    for number, entry in enumerate(content.facts.exhibits):
        if number:
            blocks.append(PageBreak())
        blocks += _exhibit(content, entry)
    return blocks


def _exhibit(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    run = entry.examination
    opened = say("results.run", number=run.number, state=run.state.value, started=formatting.moment(run.started_at))
    return [
        *heading(say("results.exhibit", exhibit=entry.item.exhibit, name=_short(entry.item.name))),
        para(opened, styles.SMALL),
        *_coverage(entry),
        *_tracks(content, entry),
        *by_kind.of_tracks(content, entry),
        *whole_tracks.flow(content, entry),
        *_exclusions(entry),
        *_abstentions(entry),
        *_timeline(content, entry),
        *_key_frames(content, entry),
    ]


def _coverage(entry: ExhibitFacts) -> list[Flowable]:
    cover = entry.coverage
    split = cover.with_face + cover.without_face + cover.unreadable
    readings = cover.scored + cover.abstained + cover.errors
    rule = entry.examination.plan.sampling
    table = facts_table(
        [
            (
                say("results.coverage.frames"),
                say("results.coverage.frames.value", examined=cover.examined, total=cover.frames_total, rule=rule),
            ),
            (
                say("results.coverage.split"),
                say(
                    "results.coverage.split.value",
                    with_face=cover.with_face,
                    without=cover.without_face,
                    unreadable=cover.unreadable,
                    sum=split,
                ),
            ),
            (
                say("results.coverage.readings"),
                say(
                    "results.coverage.readings.value",
                    scored=cover.scored,
                    abstained=cover.abstained,
                    errors=cover.errors,
                    sum=readings,
                )
                if scores_frames(entry)
                else say("results.coverage.readings.whole"),
            ),
            *_excluded_count(entry),
            *whole_tracks.counted(entry),
        ]
    )
    counted = sum(t.frames_scored + t.frames_abstained + t.frames_error for t in entry.tracks)
    fits = split == cover.examined and (counted == readings or not entry.tracks)
    warning = [] if fits else [note(say("results.coverage.mismatch"))]
    return [*heading(say("results.coverage"), 2), table, *warning]


def _tracks(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    title = heading(say("results.tracks"), 2)
    if not entry.tracks:
        return [*title, para(say("results.tracks.whole" if followed(entry) else "results.tracks.none"))]
    keys = (
        "track",
        "detector",
        "seen",
        "frames",
        "frames.abstained",
        "frames.error",
        "mean",
        "median",
        "spread",
        "scale",
    )
    ordered = sorted(entry.tracks, key=lambda track: (track.track_number, track.detector))
    falling = sorted({track.detector for track in ordered if content.falling(track.detector)})
    wordy = [n for n, track in enumerate(ordered) if track.mean is not None and not entry.validated.get(track.detector)]
    table = rows_table(
        [say(f"results.{key}") for key in keys],
        [_track_row(content, track, number in wordy) for number, track in enumerate(ordered)],
        [13, 35, 24, 15, 12, 10, 13, 17, 22, 30] if falling else [13, 39, 25, 15, 13, 11, 13, 17, 23, 22],
        right=(3, 4, 5, 6, 7, 8),
        spans=[(number, keys.index("mean"), keys.index("scale")) for number in wordy],
    )
    told = [para(say("results.unvalidated.note"), styles.SMALL)] if wordy else []
    if len(wordy) == len(ordered):
        return [*title, table, *told]
    return [*title, table, *told, para(_meaning(content, falling, {track.detector for track in ordered}), styles.SMALL)]


def _meaning(content: Content, falling: list[str], shown: set[str]) -> str:
    """Which way the scores of a table point."""
    if not falling:
        return say("results.tracks.note")
    if len(falling) == len(shown):
        return say("results.tracks.note.falling")
    return say("results.tracks.note.both", names=", ".join(content.detector_name(name) for name in falling))


def _track_row(content: Content, track: TrackSummary, wordy: bool) -> list[str]:
    low, high = track.low, track.high
    counted = [
        f"T{track.track_number}",
        content.detector_name(track.detector),
        f"{track.first_seconds:.2f}–{track.last_seconds:.2f}",
        str(track.frames_scored),
        str(track.frames_abstained),
        str(track.frames_error),
    ]
    if wordy:
        return [*counted, say("kinds.for_any"), "", "", ""]
    return [
        *counted,
        formatting.score(track.mean, low, high),
        formatting.score(track.median, low, high),
        formatting.spread(low, high) if track.frames_scored > 1 else "–",
        content.scale(track.detector) if track.mean is not None else "–",
    ]


def _excluded_count(entry: ExhibitFacts) -> list[tuple[str, str]]:
    if not entry.exclusions or not scores_frames(entry):
        return []
    return [(say("results.coverage.excluded"), say("results.coverage.excluded.value", count=entry.excluded))]


def _exclusions(entry: ExhibitFacts) -> list[Flowable]:
    """What the examiner does not rely on, and why; counted, never hidden (X10)."""
    if not entry.exclusions:
        return []
    rows = []
    for exclusion in entry.exclusions:
        where = f"T{exclusion.track_number}" if exclusion.track_number else say("results.excluded.all")
        if exclusion.seconds is not None:
            where = say("results.excluded.at", track=where, seconds=formatting.seconds(exclusion.seconds))
        rows.append([where, exclusion.reason, str(exclusion.readings)])
    head = [say(f"results.excluded.{key}") for key in ("where", "reason", "count")]
    table = rows_table(head, rows, [34, 112, 20], right=(2,))
    return [*heading(say("results.excluded"), 2), table, para(say("results.excluded.note"), styles.SMALL)]


def _abstentions(entry: ExhibitFacts) -> list[Flowable]:
    counts: Counter[str] = Counter()
    for track in entry.tracks:
        for reason, count in track.abstentions:
            counts[reason.value] += count
    if not counts:
        return []
    rows = [[phrase("reason", reason), str(count)] for reason, count in sorted(counts.items())]
    head = [say("results.abstentions.reason"), say("results.abstentions.count")]
    return [*heading(say("results.abstentions"), 2), rows_table(head, rows, [146, 20], right=(1,))]


def _timeline(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    series = [line for line in entry.series if line.points]
    if len({point.seconds for line in series for point in line.points}) < 2:
        return []
    length = entry.item.media.duration_s if entry.item.media is not None else None
    span = timeline.span_of(series, length)
    step = timeline.sampling_step(series, length, entry.coverage.examined)
    look = timeline.looks(content.detectors)
    tracks: dict[int, list[Series]] = {}
    for line in series:
        tracks.setdefault(line.track_number, []).append(line)
    shown = {name: look[name] for name in look if any(line.detector == name for line in series)}
    panels = [
        timeline.panel(number, sorted(lines, key=lambda line: line.detector), look, span, step)
        for number, lines in sorted(tracks.items())
    ]
    names = {name: f"{content.detector_name(name)} ({_marked(content, entry, name)})" for name in shown}
    opening = [
        *heading(say("results.timeline"), 2)[1:],
        timeline.legend(shown, names),
        Spacer(0, 1.5 * mm),
        panels[0],
    ]
    rest: list[Flowable] = []
    for panel in panels[1:]:
        rest += [Spacer(0, 2.5 * mm), panel]
    return [KeepTogether(opening), *rest, Spacer(0, 1.5 * mm), para(say("results.timeline.note"), styles.SMALL)]


def _marked(content: Content, entry: ExhibitFacts, detector: str) -> str:
    scale = content.scale(detector)
    return scale if entry.validated.get(detector) else say("kinds.mark", words=scale)


def _key_frames(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    if not entry.key_frames:
        return []
    opening = [
        *heading(say("results.key_frames"), 2)[1:],
        para(say("results.key_frames.note"), styles.SMALL),
    ]
    figures = [_figure(content, entry, key_frame) for key_frame in entry.key_frames]
    first = KeepTogether([*opening, *figures[0]])
    return [first, *(KeepTogether(figure) for figure in figures[1:])]


def _figure(content: Content, entry: ExhibitFacts, key: KeyFrame) -> list[Flowable]:
    rows, columns = key.burn.rgb.shape[:2]
    wide = min(_WIDEST, max(_FIGURE_WIDTH, (_FIGURE_HEIGHT - _STRIPS) * columns / rows))
    rgb = burn_in(key.burn, width=round(wide * _DENSITY), unit=_DENSITY * _LETTER)
    scale = min(wide / rgb.shape[1], styles.HEIGHT * 0.85 / rgb.shape[0])
    picture = _picture(rgb, rgb.shape[1] * scale, rgb.shape[0] * scale)
    beside = _beside(key, picture.drawHeight, styles.WIDTH - picture.drawWidth - _GUTTER)
    whole = _side_by_side(picture, beside) if beside else picture
    ref = key.burn.frame
    words = "results.key_frame.falling" if content.falling(key.detector) else "results.key_frame"
    if not entry.validated.get(key.detector):
        words = "results.key_frame.unvalidated"
    caption = say(
        words,
        track=f"T{key.track_number}",
        detector=content.detector_name(key.detector),
        score=formatting.score(key.score),
        seconds=formatting.seconds(ref.seconds),
        reason=key.reason,
    )
    name = say("results.key_frame.ref", pts=ref.pts, digest=ref.digest)
    return [whole, para(caption, styles.CAPTION), para(name, styles.CAPTION_MONO)]


def _beside(key: KeyFrame, height: float, width: float) -> list[Flowable]:
    """The enlarged face and the map alone, one over the other, as large as the column and the frame's height allow."""
    side = min(width, height / 2 - _CAPTION - 1 * mm)
    enlarged = close_up(key.burn, key.track_number, max(64, round(side * _DENSITY)))
    if enlarged is None:
        return []
    blocks: list[Flowable] = [_picture(enlarged.plain, side, side), para(say("results.close_up.plain"), styles.BESIDE)]
    if enlarged.field is not None:
        blocks += [_picture(enlarged.field, side, side), para(say("results.close_up.field"), styles.BESIDE)]
    return blocks


def _picture(rgb: RgbArray, width: float, height: float) -> Image:
    # For reading only, hence JPEG at its finest, colour not subsampled; evidence is named by digest, never by figure.
    buffer = io.BytesIO()
    PillowImage.fromarray(rgb).save(buffer, "JPEG", quality=95, subsampling=0)
    buffer.seek(0)
    return Image(buffer, width, height, hAlign="LEFT")


def _side_by_side(picture: Image, beside: list[Flowable]) -> Flowable:
    rest = styles.WIDTH - picture.drawWidth
    table = Table([[picture, beside]], colWidths=[picture.drawWidth, rest], hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, 0), 0),
                ("LEFTPADDING", (1, 0), (1, 0), _GUTTER),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
                ("FONT", (0, 0), (-1, -1), REGULAR),
            ]
        )
    )
    return table


def _short(name: str, limit: int = 60) -> str:
    return name if len(name) <= limit else name[: limit // 2] + "…" + name[-(limit // 2 - 1) :]

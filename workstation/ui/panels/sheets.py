"""What the inspector says about a detector and about an exhibit, as sections of facts."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.domain.detectors import DetectorCard, Direction, InstalledDetector, ValidationRecord
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.kinds_of_forgery import NOT_FOR_THIS, ForgeryClass, KindFigure, validated_kinds
from workstation.domain.media import FrameIndex, StreamInfo
from workstation.domain.results import Coverage
from workstation.ui.widgets.fact_sheet import Fact, Section
from workstation.ui.words import broken, integrity, kind_name, moment, size, work_state


def tr(text: str) -> str:
    return QCoreApplication.translate("sheets", text)


def card_sections(package: InstalledDetector | None, name: str) -> list[Section]:
    """The card in short (P4). What the detector was trained on and its limits stand in full."""
    if package is None:
        return [Section(name, text=tr("The package of this detector is not on this machine any more."))]
    card = package.card
    title = f"{card.name} {card.version}"
    sections = [
        Section(title, text=card.summary, facts=_card_facts(card, package)),
        Section(tr("Trained on"), text=card.training),
    ]
    if card.limits:
        sections.append(Section(tr("Limits"), points=card.limits))
    sections.append(_kinds(card))
    sections.append(Section(tr("Threshold"), text=_threshold(card)))
    if card.validation:
        sections.append(Section(tr("Measured"), facts=tuple(_measured(record) for record in card.validation)))
    else:
        sections.append(Section(tr("Measured"), text=tr("Nothing was measured for these weights.")))
    return sections


def _kinds(card: DetectorCard) -> Section:
    """Every kind of forgery: the figures it rests on, or that the detector is not validated for it."""
    title = tr("Kinds of forgery")
    if not card.kinds:
        return Section(title, text=tr("Not validated for any kind of forgery: nothing was measured by kind."))
    standing = validated_kinds(card.kinds)
    facts = []
    for kind in ForgeryClass:
        figures = [_kind_figure(figure) for figure in card.kinds if figure.kind == kind]
        state = tr("validated") if kind in standing else tr(NOT_FOR_THIS)
        told = "; ".join(figures) or tr("nothing was measured")
        name = kind_name(kind)
        facts.append(Fact(name[:1].upper() + name[1:], f"{state}: {told}"))
    return Section(title, facts=tuple(facts))


def _kind_figure(figure: KindFigure) -> str:
    words = tr("{set}: AUC {v} [{low}–{high}], {rule} alone {s}, {a} untouched, {b} manipulated, {how}")
    return words.format(
        set=figure.dataset,
        v=f"{figure.auc:.3f}",
        low=f"{figure.low:.3f}",
        high=f"{figure.high:.3f}",
        rule=figure.shortcut.replace("_", " "),
        s=f"{figure.shortcut_auc:.3f}",
        a=figure.items_genuine,
        b=figure.items_manipulated,
        how=figure.conditions,
    )


def _threshold(card: DetectorCard) -> str:
    limit = card.threshold
    if limit is None:
        return tr("None set. No score is turned into a decision.")
    below = card.output.direction is Direction.LOWER_IS_MANIPULATED
    words = tr(
        "below {v}, uncalibrated: {rate} of untouched faces pass it [{low}–{high}], {n} faces in {g} groups. {set}."
    )
    if not below:
        words = tr(
            "above {v}, uncalibrated: {rate} of untouched faces pass it [{low}–{high}], {n} faces in {g} groups. {set}."
        )
    return words.format(
        v=f"{limit.value:.3f}",
        rate=f"{limit.false_alarm_rate:.1%}",
        low=f"{limit.low:.1%}",
        high=f"{limit.high:.1%}",
        n=limit.items,
        g=limit.groups,
        set=limit.dataset,
    )


def _card_facts(card: DetectorCard, package: InstalledDetector) -> tuple[Fact, ...]:
    direction = tr("higher where manipulated")
    if card.output.direction is Direction.LOWER_IS_MANIPULATED:
        direction = tr("lower where manipulated")
    facts = [
        Fact(tr("Status"), tr("baseline: a first, small model") if card.baseline else tr("not a baseline")),
        Fact(tr("Score"), f"{card.output.scale}, {direction}"),
        Fact(tr("Calibration"), tr("calibrated") if card.output.calibrated else tr("uncalibrated")),
        Fact(tr("Looks for"), card.trace),
    ]
    if card.output.map_size:
        facts.append(Fact(tr("Fakeness map"), f"{card.output.map_size} × {card.output.map_size}"))
    if card.paper:
        facts.append(Fact(tr("Source"), card.paper))
    facts += [
        Fact(tr("Licence"), card.weights.licence),
        Fact(tr("Weights"), card.weights.sha256, mono=True),
    ]
    if package.problem:
        facts.insert(0, Fact(tr("Problem"), package.problem))
    return tuple(facts)


def _measured(record: ValidationRecord) -> Fact:
    items = tr("{a} untouched, {b} manipulated").format(a=record.items_genuine, b=record.items_manipulated)
    value = f"{record.measure} {record.value:.3f} [{record.low:.3f}–{record.high:.3f}], {items}"
    if record.merge:
        how = tr("with {n} tokens merged after each block ({schedule})")
        value = f"{value}, {how.format(n=record.merge, schedule=record.schedule)}"
    return Fact(record.dataset, f"{value}. {record.note}" if record.note else value)


def exhibit_sections(
    item: EvidenceItem, index: FrameIndex | None, run: Examination | None, coverage: Coverage | None
) -> list[Section]:
    sections = [
        Section(
            f"{item.exhibit} · {item.name}",
            (
                Fact(tr("Integrity"), integrity(item), alarm=broken(item)),
                Fact("SHA-256", item.sha256, mono=True),
                Fact(tr("Size"), size(item.size)),
                Fact(tr("Work state"), work_state(item.work)),
            ),
        )
    ]
    if item.problem:
        sections.append(Section(tr("Problem"), text=item.problem))
    sections.append(
        Section(
            tr("Intake"),
            (
                Fact(tr("Taken in"), moment(item.taken_in_at)),
                Fact(tr("By"), item.taken_in_by),
                Fact(tr("Machine"), item.machine),
                Fact(tr("From"), item.source_path),
                *((Fact(tr("Note"), item.note),) if item.note else ()),
            ),
        )
    )
    if item.media is not None:
        sections.append(_media_section(item, index))
        sections.extend(_stream_section(stream, stream.index == item.media.primary) for stream in item.media.streams)
        if item.media.warnings:
            sections.append(Section(tr("Decoder's remarks"), points=item.media.warnings))
    if run is not None and coverage is not None:
        sections.append(coverage_section(run, coverage))
    return sections


def coverage_section(run: Examination, coverage: Coverage) -> Section:
    """Every frame and every result has a status; the totals add up (X10)."""
    return Section(
        tr("Examination {n}: what was looked at").format(n=run.number),
        (
            Fact(tr("Sampling"), _sampling(run)),
            Fact(tr("Frames"), tr("{n} of {m} examined").format(n=coverage.examined, m=coverage.frames_total)),
            Fact(tr("With a face"), str(coverage.with_face)),
            Fact(tr("Without a face"), str(coverage.without_face)),
            Fact(tr("Unreadable"), str(coverage.unreadable)),
            Fact(
                tr("Results"),
                tr("{s} scored · {a} abstained · {e} errors").format(
                    s=coverage.scored, a=coverage.abstained, e=coverage.errors
                ),
            ),
        ),
    )


def _sampling(run: Examination) -> str:
    if run.plan.frames == 0:
        return tr("every frame")
    return tr("{n} frames spread evenly ({rule})").format(n=run.plan.frames, rule=run.plan.sampling)


def _media_section(item: EvidenceItem, index: FrameIndex | None) -> Section:
    media = item.media
    if media is None:
        return Section(tr("Media"))
    facts = [Fact(tr("Container"), media.container)]
    if media.duration_s:
        facts.append(Fact(tr("Duration"), f"{media.duration_s:.3f} s"))
    if index is not None:
        facts.append(Fact(tr("Frames"), tr("{n}, {k} key frames").format(n=len(index), k=len(index.keyframes))))
    facts.append(Fact(tr("Decoder"), media.decoder))
    return Section(tr("Media"), tuple(facts))


def _stream_section(stream: StreamInfo, primary: bool) -> Section:
    name = tr("Stream {n}, {kind}").format(n=stream.index, kind=stream.kind)
    facts = [Fact(tr("Codec"), stream.codec)]
    if stream.width:
        shown = stream.shown_size
        facts.append(Fact(tr("Picture"), f"{shown[0]} × {shown[1]}, {stream.pixel_format}, {stream.bit_depth} bit"))
        if stream.orientation.turn or stream.orientation.mirror:
            mirrored = tr(", mirrored") if stream.orientation.mirror else ""
            facts.append(Fact(tr("Orientation"), tr("turned {n}°").format(n=stream.orientation.turn) + mirrored))
        facts.append(Fact(tr("Time base"), f"{stream.time_base.num}/{stream.time_base.den}"))
    if stream.average_rate:
        facts.append(Fact(tr("Average rate"), stream.average_rate))
    return Section(f"{name} · {tr('examined')}" if primary else name, tuple(facts))

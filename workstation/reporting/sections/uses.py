"""How each detector was used: crop, level, settings, and what its card says was held against the publication."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reportlab.platypus import Flowable

from workstation.domain.detectors import Level
from workstation.domain.examinations import DetectorUse, ExaminationPlan
from workstation.domain.measured_here import SETTING, read
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import bullets, facts_table, heading, para
from workstation.reporting.content import Content
from workstation.reporting.wording import say

_SAID = ("merge", "schedule", "gallery", SETTING)


def flow(content: Content) -> list[Flowable]:
    """One table for each way in which a detector was used; nothing where none was."""
    used: dict[tuple[object, ...], tuple[DetectorUse, ExaminationPlan]] = {}
    for run in content.relied:
        for use in run.plan.detectors:
            key = (use.id, use.card_sha256, _crop(use, run.plan), use.level, tuple(sorted(use.settings.items())))
            used.setdefault(key, (use, run.plan))
    blocks: list[Flowable] = []
    for use, plan in used.values():
        name = say("use.title", name=content.detector_name(use.id), version=use.version)
        blocks += [*heading(name, 2), facts_table(_rows(content, use, plan))]
    return [*heading(say("use.heading")), *blocks] if blocks else []


def _crop(use: DetectorUse, plan: ExaminationPlan) -> tuple[int, float]:
    return use.crop_size or plan.crop_size, use.crop_margin or plan.crop_margin


def _rows(content: Content, use: DetectorUse, plan: ExaminationPlan) -> list[tuple[str, Flowable | str]]:
    size, margin = _crop(use, plan)
    rows: list[tuple[str, Flowable | str]] = [
        (say("use.crop"), say("use.crop.value", size=size, margin=formatting.number(margin))),
        (say("use.level"), _level(use)),
        (say("use.direction"), content.direction(use.id)),
        (say("use.merge"), _merging(use.settings)),
    ]
    if use.sequence or use.settings.get("gallery"):
        rows.append((say("use.gallery"), _gallery(use.settings.get("gallery", ""))))
    if SETTING in use.settings:
        rows.append((say("use.measured"), _measured(use)))
    others = [f"{name} {value}" for name, value in sorted(use.settings.items()) if name not in _SAID]
    if others:
        rows.append((say("use.settings"), " · ".join(others)))
    card = content.card(use.id)
    if card is None or card.card_sha256 != use.card_sha256:
        return [*rows, (say("use.verified"), say("use.card.none"))]
    for key, lines in (("verified", card.verified), ("unverified", card.unverified)):
        told = bullets(lines) if lines else para(say(f"use.{key}.none"), styles.CELL)
        rows.append((say(f"use.{key}"), told))
    return rows


def _measured(use: DetectorUse) -> Flowable | str:
    """What the examination relied on beside the card, each figure with the record it is from."""
    found = read(use.settings.get(SETTING, ""))
    if not found:
        return say("use.measured.unreadable")
    return bullets(
        [
            say(
                "use.measured.value",
                kind=say(f"kind.{one.figure.kind.value}"),
                auc=formatting.figure(one.figure.auc),
                low=formatting.figure(one.figure.low),
                high=formatting.figure(one.figure.high),
                set=one.figure.dataset,
                record=one.record,
                sha256=one.sha256,
                signer=one.signer,
                at=formatting.moment(one.made_at),
            )
            for one in found
        ]
    )


def _level(use: DetectorUse) -> str:
    sequence = say("use.sequence", most=use.sequence, least=use.least) if use.sequence else ""
    if use.level == Level.TRACK:
        return say("use.level.whole", sequence=sequence) if sequence else say("use.level.track")
    return say("use.level.both", sequence=sequence) if sequence else say("use.level.face")


def _merging(settings: Mapping[str, str]) -> str:
    count = settings.get("merge", "0")
    if count in ("", "0"):
        return say("use.merge.off")
    return say("use.merge.on", count=count, schedule=settings.get("schedule", "–"))


def _gallery(text: str) -> str:
    """Persons, references and claims of a frozen gallery: how many, and no name."""
    if not text:
        return say("use.gallery.none")
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        return say("use.gallery.unreadable")
    references = _list(held, "references")
    return say(
        "use.gallery.value",
        persons=len(_list(held, "persons")),
        references=len(references),
        pictures=sum(len(_list(one, "frames")) for one in references if isinstance(one, dict)),
        claims=len(_list(held, "claims")),
    )


def _list(held: Mapping[str, object], part: str) -> list[object]:
    found = held.get(part)
    return found if isinstance(found, list) else []

"""The plain-language summary: at most one page, no score in it (P12)."""

from __future__ import annotations

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from workstation.domain.media import MediaKind
from workstation.domain.reports import ExhibitFacts
from workstation.domain.results import ItemStatus
from workstation.reporting import styles
from workstation.reporting.blocks import bullets, note, para
from workstation.reporting.content import Content, followed, scores_frames
from workstation.reporting.wording import say

_EXHIBITS_NAMED = 6
_QUESTION_ROOM = 420
_NAMES_ROOM = 160
_NAME_ROOM = 60


def flow(content: Content) -> list[Flowable]:
    facts = content.facts
    question = " ".join(facts.case.question.split())
    if len(question) > _QUESTION_ROOM:
        question = question[: _QUESTION_ROOM - 1] + "…"
    asked = say("summary.asked", question=question) if question else say("summary.asked.none")
    blocks: list[Flowable] = [para(asked, styles.LEAD), para(_looked(content), styles.LEAD)]
    sentences = [_sentence(entry) for entry in facts.exhibits[:_EXHIBITS_NAMED]]
    if len(facts.exhibits) > _EXHIBITS_NAMED:
        sentences.append(say("summary.exhibit.more", count=len(facts.exhibits) - _EXHIBITS_NAMED))
    if sentences:
        blocks += [bullets(sentences, styles.BODY), Spacer(0, 2 * mm)]
    if len(facts.not_examined) == 1:
        blocks.append(para(say("summary.not_examined.one"), styles.LEAD))
    elif facts.not_examined:
        blocks.append(para(say("summary.not_examined", count=len(facts.not_examined)), styles.LEAD))
    if not all(content.calibrated(detector) for detector in content.detectors) or not content.detectors:
        blocks.append(para(_meaning(content), styles.LEAD))
    if content.detectors:
        blocks.append(para(_validated(content), styles.LEAD))
    if any(card.baseline for card in facts.cards):
        blocks.append(para(say("summary.baseline"), styles.LEAD))
    return [*blocks, note(say("summary.conclusion")), para(say("summary.verify"), styles.LEAD)]


def _looked(content: Content) -> str:
    count = len(content.facts.exhibits)
    if not count:
        return say("summary.looked.none")
    names = ", ".join(content.detector_name(detector) for detector in content.detectors)
    if len(names) > _NAMES_ROOM:
        names = names[: _NAMES_ROOM - 1] + "…"
    kind = {0: "none", 1: "one"}.get(len(content.detectors), "many")
    detectors = say(f"summary.detectors.{kind}", count=len(content.detectors), names=names)
    return say("summary.looked.one" if count == 1 else "summary.looked.many", count=count, detectors=detectors)


def _sentence(entry: ExhibitFacts) -> str:
    cover = entry.coverage
    media = entry.item.media
    if media is not None and media.kind is MediaKind.IMAGE:
        frames = say("summary.frames.image")
    else:
        whole = cover.examined >= cover.frames_total
        key = "summary.frames.all" if whole else "summary.frames.some"
        frames = say(key, examined=cover.examined, total=cover.frames_total)
    tracks = followed(entry)
    faces = say(f"summary.faces.{ {0: 'none', 1: 'one'}.get(tracks, 'many') }", count=tracks)
    return say(
        "summary.exhibit.faces", exhibit=entry.item.exhibit, frames=frames, faces=faces, readings=_readings(entry)
    )


def _readings(entry: ExhibitFacts) -> str:
    """How often detectors answered: for faces of frames, for whole tracks, or both."""
    cover = entry.coverage
    read = sum(reading.status is ItemStatus.OK for reading in entry.readings)
    abstained = sum(reading.status is ItemStatus.ABSTAINED for reading in entry.readings)
    if cover.scored:
        key = "summary.readings.some" if cover.abstained else "summary.readings.all"
        frames = say(key, scored=cover.scored, abstained=cover.abstained)
    elif read and not scores_frames(entry):
        return say("summary.readings.whole", read=read, abstained=abstained)
    else:
        frames = say("summary.readings.none" if not read else "summary.readings.none.frames")
    if not entry.readings or not (read or cover.scored):
        return frames
    return say("summary.readings.both", frames=frames, read=read, abstained=abstained)


def _meaning(content: Content) -> str:
    falling = ", ".join(content.detector_name(name) for name in content.detectors if content.falling(name))
    return say("summary.meaning.falling", names=falling) if falling else say("summary.meaning")


def _validated(content: Content) -> str:
    """For which kinds of forgery scores are printed: those of every exhibit that a detector read."""
    told = []
    for detector in content.detectors:
        kinds = content.validated(detector)
        if kinds:
            words = ", ".join(say(f"kind.{kind.value}") for kind in kinds)
            told.append(say("summary.validated.one", name=_short_name(content, detector), kinds=words))
    return say("summary.validated", names="; ".join(told)) if told else say("summary.unvalidated")


def _short_name(content: Content, detector: str) -> str:
    name = content.detector_name(detector)
    return name if len(name) <= _NAME_ROOM else name[: _NAME_ROOM - 1] + "…"

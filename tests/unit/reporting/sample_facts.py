"""Facts as the app would gather them, made from a public-domain portrait, in every shape a report has to stand."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
from skimage.data import astronaut

from tests.fakes.kind_figures import FAILING, THRESHOLD, standing
from workstation.domain.case import Case
from workstation.domain.custody import GENESIS, CustodyEvent, CustodyHead, CustodyKind, canonical_json, event_hash
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, ValidationRecord, WeightsSpec
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import DetectorUse, Environment, Examination, ExaminationPlan, ExaminationState
from workstation.domain.geometry import Box
from workstation.domain.ids import CaseId, EvidenceId, ExaminationId, ReportId, TrackId
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.media import FrameRef, MediaInfo, MediaKind, RgbArray, StreamInfo, TimeBase
from workstation.domain.reports import BurnFace, BurnIn, ExhibitFacts, KeyFrame, ReportFacts, Series, SeriesPoint
from workstation.domain.results import Abstention, AbstentionReason, Coverage, ItemStatus, TrackSummary
from workstation.domain.standing import standing as standing_of

BASE = TimeBase(1, 12800)
TOTAL, EXAMINED = 840, 28
LENGTH = 33.6


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def portrait(width: int = 512) -> RgbArray:
    """The astronaut on a wider ground, as a frame of a clip would be."""
    face = np.asarray(astronaut(), dtype=np.uint8)
    if width < 512:
        step = 512 // width
        return np.ascontiguousarray(face[::step, ::step])
    frame = np.full((512, width, 3), 96, dtype=np.uint8)
    start = (width - 512) // 2
    frame[:, start : start + 512] = face
    return frame


def frame_map(rgb: RgbArray, box: Box) -> np.ndarray:
    """A map that is bright at the mouth of ``box``, NaN outside it."""
    rows, columns = rgb.shape[:2]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    peak = np.exp(
        -(((x - box.centre.x) / (box.width / 3)) ** 2 + ((y - box.y0 - 0.75 * box.height) / (box.height / 5)) ** 2)
    )
    inside = (x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)
    return np.where(inside, peak, np.nan).astype(np.float32)


def burn(
    exhibit: str = "EX-01", *, seconds: float = 12.48, width: int = 896, with_map: bool = True, total: int = TOTAL
) -> BurnIn:
    rgb = portrait(width)
    left = (width - 512) / 2 + 170 if width >= 512 else width * 0.33
    size = 110.0 if width >= 512 else width * 0.22
    box = Box(left, size * 0.6, left + size, size * 2.0)
    pts = round(Fraction(seconds).limit_denominator(1000) / Fraction(BASE.num, BASE.den))
    ref = FrameRef(0, pts, BASE, digest(f"frame {exhibit} {seconds}"), round(seconds * 25))
    return BurnIn(
        exhibit=exhibit,
        exhibit_sha256=digest(exhibit),
        frame=ref,
        rgb=rgb,
        faces=(BurnFace(box, 1, "fakelocator-small", 0.8731),),
        map=frame_map(rgb, box) if with_map else None,
        map_title="Fakeness map · fakelocator-small · 0 to 1 · uncalibrated" if with_map else "",
        frames_examined=min(EXAMINED, total),
        frames_total=total,
    )


def card(name: str = "clip_ln-small", family: str = "clip_ln", *, validated: bool = True) -> DetectorCard:
    records = (
        ValidationRecord(
            "own-dev-2026-11, H.264 CRF 23", 120, 118, "AUC", 0.8314, 0.771, 0.884, "video level, 28 frames"
        ),
        ValidationRecord("own-dev-2026-11, H.264 CRF 32", 120, 118, "AUC", 0.7219, 0.655, 0.786),
        ValidationRecord("own-dev-2026-11, rate of readings above 0.9 on untouched", 300, 0, "share", 0.0, 0.0, 0.0099),
    )
    return DetectorCard(
        id=name,
        name=name,
        version="0.1.0",
        family=family,
        summary="Reads one aligned face and answers how closely it resembles manipulated training faces.",
        trace="Blending and generator traces in the appearance of a single face.",
        paper="Layer-normalised features of a frozen image tower, linear probe (arXiv 2503.19683, section 3)",
        baseline=True,
        input=InputSpec(224, 256, 1.3, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28), "bicubic"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, "softmax of two outputs", False, 256 if family == "fakelocator" else 0
        ),
        weights=WeightsSpec("weights.safetensors", digest(name), 12_582_912, "Apache-2.0", "trained by the project"),
        network={"tower": "small"},
        training="Public-domain portraits and pseudo-forgeries made from them; 3,200 faces, H.264 at four rates.",
        limits=(
            "Faces under 48 pixels in height were never seen in training.",
            "Whole-face synthesis was not part of the training material.",
        ),
        validation=records if validated else (),
        card_sha256=digest(name + " card"),
        kinds=(*standing(ForgeryClass.FACE_SWAP), FAILING) if validated else (),
        threshold=THRESHOLD if validated else None,
    )


def case(title: str = "Interview clip of 14 October", number: str = "2026-0417") -> Case:
    return Case(
        CaseId("c" * 32),
        number,
        title,
        "A. Ruiz",
        "Was the face of the speaker in the submitted clip changed after it was recorded?",
        "2026-11-20T08:12:44.120+00:00",
        "case",
    )


def item(number: int, name: str, *, image: bool = False, problem: str = "") -> EvidenceItem:
    exhibit = f"EX-{number:02d}"
    stream = StreamInfo(
        0,
        "video",
        "png" if image else "h264",
        1280,
        720,
        "yuv420p",
        8,
        TimeBase(1, 1) if image else BASE,
        frame_count=1 if image else TOTAL,
    )
    media = MediaInfo(
        MediaKind.IMAGE if image else MediaKind.VIDEO,
        "png" if image else "mov,mp4",
        (stream,),
        0,
        None if image else LENGTH,
        "PyAV 18.1.0 · libavcodec 62.3.100",
    )
    return EvidenceItem(
        EvidenceId(digest(exhibit)[:32]),
        exhibit,
        name,
        f"E:/received/{name}",
        f"evidence/{digest(exhibit)}",
        digest(exhibit),
        18_734_221,
        "2026-11-20T08:15:02.481+00:00",
        "A. Ruiz",
        "lab-03",
        None if problem else media,
        problem,
        integrity=IntegrityState.VERIFIED,
        verified_at="2026-11-21T09:00:11.000+00:00",
    )


def examination(number: int, evidence: tuple[EvidenceId, ...], cards: tuple[DetectorCard, ...]) -> Examination:
    uses = tuple(DetectorUse(c.id, c.version, c.card_sha256, c.weights.sha256) for c in cards)
    plan = ExaminationPlan(
        evidence, uses, "mtcnn", digest("mtcnn"), EXAMINED, finder_settings={"min_face": 40.0, "threshold": 0.9}
    )
    facts = {
        "product": "workstation 0.1.0",
        "device": "cpu",
        "precision": "bfloat16",
        "threads": "2",
        "torch": "2.15.0",
    }
    return Examination(
        ExaminationId(digest(f"run {number}")[:32]),
        CaseId("c" * 32),
        number,
        plan,
        Environment(facts),
        ExaminationState.DONE,
        "2026-11-21T09:01:00.000+00:00",
        "2026-11-21T09:03:12.000+00:00",
    )


def _points(track: int, detector: int, *, abstain_all: bool, times: list[float]) -> tuple[SeriesPoint, ...]:
    points = []
    for index, time in enumerate(times):
        if track % 3 == 2 and 9 <= index <= 13:
            continue
        if abstain_all or (track % 2 == 1 and 17 <= index <= 20):
            refusal = Abstention(AbstentionReason.FACE_TOO_SMALL, "face height 31 px, limit 48 px")
            points.append(SeriesPoint(time, ItemStatus.ABSTAINED, None, refusal))
        elif detector == 1 and 3 <= index <= 5:
            refusal = Abstention(AbstentionReason.FACE_BLURRED, "sharpness 8, limit 12")
            points.append(SeriesPoint(time, ItemStatus.ABSTAINED, None, refusal))
        elif detector == 0 and track == 1 and index == 24:
            points.append(
                SeriesPoint(time, ItemStatus.ERROR, None, Abstention(AbstentionReason.DETECTOR_FAILED, "out"))
            )
        else:
            value = 0.5 + 0.32 * math.sin(index / 4 + track) + 0.12 * math.cos(index * 1.7 + detector * 2)
            points.append(SeriesPoint(time, ItemStatus.OK, min(1.0, max(0.0, value))))
    return tuple(points)


def _summary(track: int, detector: str, points: tuple[SeriesPoint, ...]) -> TrackSummary:
    scores = [p.score for p in points if p.score is not None]
    reasons: dict[AbstentionReason, int] = {}
    for point in points:
        if point.status is ItemStatus.ABSTAINED and point.abstention is not None:
            reasons[point.abstention.reason] = reasons.get(point.abstention.reason, 0) + 1
    low, high = (float(v) for v in np.percentile(scores, [5, 95])) if scores else (None, None)
    return TrackSummary(
        TrackId(f"{track:032d}"),
        track,
        detector,
        len(scores),
        sum(reasons.values()),
        sum(p.status is ItemStatus.ERROR for p in points),
        float(np.mean(scores)) if scores else None,
        float(np.median(scores)) if scores else None,
        low,
        high,
        points[0].seconds,
        points[-1].seconds,
        None,
        tuple(sorted(reasons.items())),
    )


def exhibit(
    evidence: EvidenceItem, run: Examination, cards: tuple[DetectorCard, ...], *, tracks: int, abstain_all: bool = False
) -> ExhibitFacts:
    image = evidence.media is not None and evidence.media.kind is MediaKind.IMAGE
    times = [0.0] if image else [i * LENGTH / (EXAMINED - 1) for i in range(EXAMINED)]
    series = tuple(
        Series(track, c.id, _points(track, index, abstain_all=abstain_all, times=times))
        for track in range(1, tracks + 1)
        for index, c in enumerate(cards)
    )
    summaries = tuple(_summary(s.track_number, s.detector, s.points) for s in series)
    examined, total = (1, 1) if image else (EXAMINED, TOTAL)
    cover = Coverage(
        total,
        examined,
        examined if tracks else 0,
        0 if tracks else examined,
        0,
        sum(s.frames_scored for s in summaries),
        sum(s.frames_abstained for s in summaries),
        sum(s.frames_error for s in summaries),
    )
    frames: tuple[KeyFrame, ...] = ()
    if tracks and not abstain_all:
        seconds = 0.0 if image else 12.48
        chosen = [
            KeyFrame(
                burn(evidence.exhibit, seconds=seconds, total=total),
                1,
                cards[-1].id,
                0.8731,
                "highest score here",
            )
        ]
        if tracks > 1:
            plain = burn(evidence.exhibit, seconds=18.72, width=128, with_map=False)
            chosen.append(KeyFrame(plain, 2, cards[0].id, 0.61, "highest score here"))
        frames = tuple(chosen)
    return ExhibitFacts(evidence, run, cover, summaries, series, frames, validated=standing_of(run, cards))


def custody() -> tuple[tuple[CustodyEvent, ...], CustodyHead]:
    kinds = [
        CustodyKind.CASE_CREATED,
        CustodyKind.EVIDENCE_TAKEN_IN,
        CustodyKind.EVIDENCE_TAKEN_IN,
        CustodyKind.EVIDENCE_VERIFIED,
        CustodyKind.EXAMINATION_STARTED,
        CustodyKind.EXAMINATION_ENDED,
    ]
    events, prev = [], GENESIS
    for seq, kind in enumerate(kinds, start=1):
        at, body = f"2026-11-2{seq // 4}T08:1{seq}:00.000+00:00", canonical_json({"n": seq})
        made = event_hash(seq, at, "A. Ruiz", kind, body, prev)
        events.append(CustodyEvent(seq, at, "A. Ruiz", kind, body, prev, made, bytes(64)))
        prev = made
    return tuple(events), CustodyHead(len(events), prev)


def report_facts(
    *,
    title: str = "Interview clip of 14 October",
    number: str = "2026-0417",
    tracks: int = 2,
    exhibits: int = 2,
    abstain_all: bool = False,
    name: str = "interview_2026-10-14.mp4",
    validated: bool = True,
) -> ReportFacts:
    cards = (card("clip_ln-small", validated=validated), card("fakelocator-small", "fakelocator", validated=validated))
    items = [item(i + 1, name if i == 0 else f"still_{i}.png", image=i > 0) for i in range(exhibits)]
    refused = item(exhibits + 1, "notes.mp4", problem="The file is text, not a picture or a video.")
    run = examination(2, tuple(i.id for i in items), cards)
    earlier = replace(examination(1, (items[0].id,) if items else (), cards[:1]), state=ExaminationState.CANCELLED)
    events, head = custody()
    return ReportFacts(
        report=ReportId("f" * 32),
        number=3,
        case=case(title, number),
        built_at="2026-11-21T10:20:30.400+00:00",
        examinations=(earlier, run),
        relied_on=(run.id,) if exhibits else (),
        exhibits=tuple(
            exhibit(entry, run, cards, tracks=tracks if i == 0 else min(1, tracks), abstain_all=abstain_all)
            for i, entry in enumerate(items)
        ),
        not_examined=(refused,),
        cards=cards if exhibits else (),
        custody=events,
        custody_head=head,
        ledger_public_key=digest("ledger key"),
        product="workstation 0.1.0",
        environment=(
            ("product", "workstation 0.1.0"),
            ("python", "3.11.7"),
            ("system", "Linux 6.1"),
            ("processor", "2 cores"),
            ("torch", "2.15.0"),
            ("reportlab", "5.1.0"),
        ),
    )

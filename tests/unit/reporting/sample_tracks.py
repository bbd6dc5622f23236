"""Facts with readings of whole tracks: beside scores of frames, or alone; one detector's scores point down."""

from __future__ import annotations

from dataclasses import replace

from sample_facts import card, digest, report_facts

from tests.fakes.kind_figures import standing
from workstation.domain.custody import canonical_json
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, Level, Measure, OutputSpec
from workstation.domain.examinations import DetectorUse
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.kinds_of_forgery import ForgeryClass, validated_kinds
from workstation.domain.reports import Exclusion, ReportFacts
from workstation.domain.results import Abstention, AbstentionReason, Coverage, ItemStatus, TrackReading

GALLERY = canonical_json(
    {
        "format": 1,
        "persons": [{"name": "A. Speaker"}, {"name": "B. Listener"}],
        "references": [
            {"person": name, "exhibit": "EX-02", "track": track, "frames": [{"ordinal": 0, "digest": "d"}] * 4}
            for name, track in (("A. Speaker", "T1"), ("A. Speaker", "T2"), ("B. Listener", "T3"))
        ],
        "claims": [{"person": "A. Speaker", "exhibit": "EX-01", "track": ""}],
    }
)
MEASURES = (
    Measure(
        "reference_median", "similarity to the reference, median", 0.61234, 0.48, 0.7321, "5 % to 95 % of 32 frames"
    ),
    Measure("pairs_median", "similarity of frames among themselves", -0.0412, exploratory=True),
    Measure("outside", "gap between inner and outer face", None, about="no reference shows the outer face"),
)


def whole_card(name: str = "identity", direction: Direction = Direction.LOWER_IS_MANIPULATED) -> DetectorCard:
    """A detector that reads whole tracks and nothing else."""
    return replace(
        card(name, "identity", validated=False),
        name=name.title(),
        input=InputSpec(112, 112, 1.6, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bilinear", "bgr"),
        output=OutputSpec(direction, "similarity to the reference, 0 to 1", False, 0, Level.TRACK, 32, 8),
        verified=("Number of parameters, to the digit", "Order of the layers"),
        unverified=("Scores on the published test set",),
        kinds=standing(ForgeryClass.FACE_SWAP, ForgeryClass.REENACTMENT),
    )


def use_of(made: DetectorCard, **settings: str) -> DetectorUse:
    return DetectorUse(
        made.id,
        made.version,
        made.card_sha256,
        made.weights.sha256,
        made.input.crop_size,
        made.input.crop_margin,
        made.output.direction.value,
        made.output.level.value,
        made.output.sequence,
        made.output.least,
        settings,
    )


def _reading(run: ExaminationId, evidence: EvidenceId, track: int, detector: str) -> TrackReading:
    place = (run, evidence, TrackId(f"{track:032d}"), track, detector)
    if track == 2:
        why = Abstention(AbstentionReason.TOO_FEW_FRAMES, "5 usable frames, 8 are needed")
        return TrackReading(*place, ItemStatus.ABSTAINED, (), abstention=why)
    if track == 3:
        why = Abstention(AbstentionReason.DETECTOR_FAILED, "Frame 7 can no longer be decoded.")
        return TrackReading(*place, ItemStatus.ERROR, (0, 4), abstention=why)
    value = None if track == 4 else 0.2345
    return TrackReading(*place, ItemStatus.OK, tuple(range(0, 320, 10)), value, MEASURES, "Read with the gallery.")


def whole_facts(*, frames: bool = True, tracks: int = 4, falling: bool = False) -> ReportFacts:
    """One exhibit. ``frames``: detectors of single frames too; ``falling``: the first of those points down."""
    facts = report_facts(exhibits=1, tracks=tracks)
    run, entry = facts.relied_on[0], facts.exhibits[0]
    whole = (whole_card(), whole_card("pace", Direction.HIGHER_IS_MANIPULATED))
    cards = (*facts.cards, *whole) if frames else whole
    uses = [use_of(made, **({"gallery": GALLERY} if made.id == "identity" else {})) for made in cards]
    if frames:
        lower = Direction.LOWER_IS_MANIPULATED.value if falling else Direction.HIGHER_IS_MANIPULATED.value
        uses[0] = replace(uses[0], direction=lower, settings={"merge": "8", "schedule": "organs"})
    plan = replace(entry.examination.plan, detectors=tuple(uses))
    made = replace(entry.examination, plan=plan)
    readings = tuple(_reading(run, entry.item.id, t, c.id) for t in range(1, tracks + 1) for c in whole)
    validated = {c.id: validated_kinds(c.kinds) for c in cards}
    told = replace(entry, examination=made, readings=readings, exclusions=(Exclusion(4, None, "A poster", 0),))
    told = replace(told, validated=validated)
    if not frames:
        c = entry.coverage
        cover = Coverage(c.frames_total, c.examined, c.with_face, c.without_face, c.unreadable, 0, 0, 0)
        told = replace(told, coverage=cover, tracks=(), series=(), key_frames=())
    assert digest("x")
    others = tuple(made if one.id == run else one for one in facts.examinations)
    return replace(facts, cards=cards, exhibits=(told,), examinations=others)

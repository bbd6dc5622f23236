"""Persons of a case: references, claims, what is refused, and the frozen gallery and its crops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.editing import Editing
from workstation.app.gallery import MOST, Gallery
from workstation.app.hub import Hub
from workstation.app.track_crops import TrackCrops
from workstation.domain.detectors import InputSpec
from workstation.domain.edits import ObjectKind
from workstation.domain.errors import EvidenceError, InputError, NotFound
from workstation.domain.events import CaseChanged, Event
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.faces import FaceCrop, FaceQuality, GateReading
from workstation.domain.geometry import Affine, Point
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, TrackId
from workstation.domain.results import FrameRow
from workstation.domain.sampling import even_sample
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey

SPEC = InputSpec(112, 224, 2.0, (0.5,) * 3, (0.5,) * 3, "area")
FRAMES = 20
T1, T2 = TrackId("track-1"), TrackId("track-2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as made:
        yield made


@pytest.fixture
def items(store: CaseStore, tmp_path: Path) -> tuple[EvidenceItem, EvidenceItem]:
    return tuple(samples.take_in(store, tmp_path / f"{n}.mp4", n.encode()) for n in ("a", "b"))  # type: ignore[return-value]


@pytest.fixture
def run(store: CaseStore, items: tuple[EvidenceItem, EvidenceItem]) -> Examination:
    made = store.start_examination(samples.plan(*(item.id for item in items)), samples.ENVIRONMENT)
    for item, (first, second) in zip(items, ((T1, T2), (TrackId("other-1"), TrackId("other-2"))), strict=True):
        store.append_rows([row(made.id, item.id, n, first, second) for n in range(FRAMES)])
    return made


@pytest.fixture
def gallery(store: CaseStore) -> Gallery:
    return Gallery(store, Hub(), cut=stand_in)


def row(run: ExaminationId, evidence: EvidenceId, ordinal: int, first: TrackId, second: TrackId) -> FrameRow:
    """A frame with a clear face, and one that failed a gate."""
    made = samples.full_row(run, evidence, ordinal)
    clear, poor = made.faces
    passed = FaceQuality(tuple(GateReading(r.gate, r.value, r.limit, True) for r in clear.quality.readings))
    faces = (
        replace(clear, track=first, quality=passed, results=tuple(replace(r, track=first) for r in clear.results)),
        replace(poor, track=second, results=tuple(replace(r, track=second) for r in poor.results)),
    )
    return replace(made, faces=faces)


def stand_in(
    store: CaseStore, run: ExaminationId, evidence: EvidenceId, track: TrackId, spec: InputSpec, most: int
) -> TrackCrops:
    """What `crops_of` gives, of plain pictures: their value is the frame's ordinal."""
    ordinals = even_sample(FRAMES, most)
    points = tuple(Point(float(n), float(n)) for n in range(5))
    side = spec.crop_size
    crops = tuple(
        FaceCrop(np.full((side, side, 3), n, np.uint8), Affine(1, 0, 0, 0, 1, 0), points)  # type: ignore[arg-type]
        for n in ordinals
    )
    digests = tuple(samples.frame(n).digest for n in ordinals)
    return TrackCrops(crops, ordinals, tuple(n / 25 for n in ordinals), digests)


def test_a_person_with_reference_and_claim_and_all_taken_back(
    gallery: Gallery, store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    first, second = items
    made = [
        gallery.add_person("  Ada   Lovelace "),
        gallery.attribute(run.id, first.id, T1, "ada lovelace"),
        gallery.claim(second.id, "", "Ada Lovelace"),
        gallery.claim(second.id, "T2", "Ada Lovelace"),
    ]
    assert [edit.label for edit in made] == [
        "Person Ada Lovelace",
        "EX-01 T1 shows Ada Lovelace",
        "EX-02 is said to show Ada Lovelace",
        "EX-02 T2 is said to show Ada Lovelace",
    ]
    (person,) = gallery.people()
    assert [(one.exhibit, one.label, one.number, one.pictures) for one in person.references] == [
        ("EX-01", "T1", 1, MOST)
    ]
    assert [(one.exhibit, one.track) for one in person.claims] == [("EX-02", ""), ("EX-02", "T2")]
    assert gallery.remove(person.id).label == "Remove person Ada Lovelace"
    assert store.edits.objects() == ()
    editing = Editing(store, Hub())
    editing.undo()
    assert gallery.people() == (person,)
    for _ in made:
        editing.undo()
    assert gallery.people() == ()
    assert [edit.action for edit in store.edits.journal()].count("do") == 5


def test_a_claim_is_said_anew_not_twice(
    gallery: Gallery, items: tuple[EvidenceItem, EvidenceItem], store: CaseStore
) -> None:
    gallery.add_person("A")
    gallery.add_person("B")
    gallery.claim(items[0].id, "", "A")
    gallery.claim(items[0].id, "", "B")
    assert [(person.name, len(person.claims)) for person in gallery.people()] == [("A", 0), ("B", 1)]
    assert len(store.edits.objects(ObjectKind.CLAIM)) == 1
    (claim,) = gallery.find("B").claims
    assert gallery.remove(claim.id).label == "Remove claim for B"


def test_what_cannot_be_attributed_is_refused(
    gallery: Gallery, store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    gallery.add_person("A")
    gallery.attribute(run.id, items[0].id, T1, "A")
    before = store.edits.journal()
    gallery.find("A")
    refused = [
        lambda: gallery.add_person("a"),
        lambda: gallery.add_person("  "),
        lambda: gallery.find("Nobody"),
        lambda: gallery.attribute(run.id, items[0].id, T1, "A"),
        lambda: gallery.attribute(run.id, items[0].id, T2, "A"),
        lambda: gallery.attribute(run.id, items[0].id, TrackId("track-9"), "A"),
        lambda: gallery.attribute(ExaminationId("x"), items[0].id, T1, "A"),
        lambda: gallery.attribute(run.id, EvidenceId("x"), T1, "A"),
        lambda: gallery.claim(EvidenceId("x"), "", "A"),
        lambda: gallery.claim(items[0].id, "track-1", "A"),
        lambda: gallery.claim(items[0].id, "", "B"),
        lambda: gallery.remove(ObjectId("x")),
        lambda: Editing(store, Hub()).remove(gallery.find("A").id),
    ]
    for attempt in refused:
        with pytest.raises((InputError, NotFound)) as told:
            attempt()
        assert "\n" not in told.value.line()
    assert store.edits.journal() == before
    with pytest.raises(InputError, match="passed the quality gates"):
        gallery.attribute(run.id, items[0].id, T2, "A")
    with pytest.raises(InputError, match="about a person who is not in the case"):
        Editing(store, Hub()).remove(gallery.find("A").id)


def test_edits_are_told_and_removing_a_reference_leaves_the_person(
    store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    hub, seen = Hub(), list[Event]()
    hub.subscribe(seen.append)
    gallery = Gallery(store, hub, cut=stand_in)
    gallery.add_person("A")
    gallery.attribute(run.id, items[0].id, T1, "A")
    (reference,) = gallery.find("A").references
    gallery.remove(reference.id)
    assert gallery.find("A").references == ()
    assert seen == [CaseChanged(store.case.id)] * 3


def test_the_frozen_gallery_names_persons_pictures_and_claims(
    gallery: Gallery, store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    first, second = items
    gallery.add_person("A")
    gallery.add_person("Unused")
    gallery.claim(second.id, "", "A")
    assert gallery.frozen([second.id]) == ""
    gallery.attribute(run.id, first.id, T1, "A")
    text = gallery.frozen([second.id])
    told = json.loads(text)
    assert text == gallery.frozen([second.id])
    assert list(told) == sorted(told)
    assert told["persons"] == [{"name": "A"}]
    (reference,) = told["references"]
    assert (reference["exhibit"], reference["track"], reference["examination"]) == ("EX-01", "T1", 1)
    assert (reference["sha256"], reference["evidence"]) == (first.sha256, first.id)
    ordinals = even_sample(FRAMES, MOST)
    assert reference["frames"] == [{"ordinal": n, "digest": samples.frame(n).digest} for n in ordinals]
    assert told["claims"] == [{"person": "A", "evidence": second.id, "exhibit": "EX-02", "track": ""}]
    assert json.loads(gallery.frozen([first.id]))["claims"] == []


def test_the_frozen_text_gives_the_persons_back_with_their_crops(
    gallery: Gallery, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    first, second = items
    for name in ("A", "B", "C"):
        gallery.add_person(name)
    gallery.attribute(run.id, first.id, T1, "A")
    gallery.attribute(run.id, second.id, TrackId("other-1"), "B")
    gallery.claim(second.id, "", "A")
    gallery.claim(second.id, "T2", "C")
    text = gallery.frozen([first.id, second.id])
    one = gallery.persons(text, second.id, TrackId("other-1"), SPEC)
    assert [(p.name, p.claimed, len(p.crops)) for p in one] == [("A", True, MOST), ("B", False, 0), ("C", False, 0)]
    assert [int(crop.rgb[0, 0, 0]) for crop in one[0].crops] == list(even_sample(FRAMES, MOST))
    two = gallery.persons(text, second.id, TrackId("other-2"), SPEC)
    assert [(p.name, p.claimed) for p in two] == [("A", False), ("B", False), ("C", True)]
    own = gallery.persons(text, first.id, T1, SPEC)
    assert [(p.name, p.claimed, len(p.crops)) for p in own] == [("A", False, 0), ("B", False, MOST), ("C", False, 0)]


def test_the_frozen_gallery_outlives_later_edits(
    gallery: Gallery, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    gallery.add_person("A")
    gallery.attribute(run.id, items[0].id, T1, "A")
    gallery.claim(items[1].id, "", "A")
    text = gallery.frozen([items[1].id])
    gallery.remove(gallery.find("A").id)
    (person,) = gallery.persons(text, items[1].id, TrackId("other-1"), SPEC)
    assert (person.name, person.claimed, len(person.crops)) == ("A", True, MOST)


def test_pictures_that_are_no_longer_those_frozen_are_refused(
    gallery: Gallery, store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    gallery.add_person("A")
    gallery.attribute(run.id, items[0].id, T1, "A")
    text = gallery.frozen([items[1].id])
    other = text.replace(samples.frame(0).digest, "f" * 64)
    assert other != text
    with pytest.raises(EvidenceError, match="not those"):
        gallery.persons(other, items[1].id, TrackId("other-1"), SPEC)
    lacking = text.replace('"track_id"', '"track_ids"')
    for bad in (lacking, "", "[]", '{"format":1}', '{"format":2,"persons":[],"references":[],"claims":[]}'):
        with pytest.raises(InputError):
            gallery.persons(bad, items[1].id, TrackId("other-1"), SPEC)
    assert len(gallery.persons(text, items[1].id, TrackId("other-1"), SPEC)[0].crops) == MOST


def test_crops_are_cut_once_for_all_tracks(
    store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], run: Examination
) -> None:
    cuts = []

    def counted(*where: object) -> TrackCrops:
        cuts.append(where)
        return stand_in(*where)  # type: ignore[arg-type]

    gallery = Gallery(store, Hub(), cut=counted)
    gallery.add_person("A")
    gallery.attribute(run.id, items[0].id, T1, "A")
    text = gallery.frozen([items[1].id])
    for track in ("other-1", "other-2", "other-1"):
        gallery.persons(text, items[1].id, TrackId(track), SPEC)
    assert len(cuts) == 1
    gallery.persons(text, items[1].id, TrackId("other-1"), replace(SPEC, crop_margin=1.5))
    assert len(cuts) == 2

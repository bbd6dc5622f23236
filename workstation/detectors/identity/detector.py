"""Running an identity package: a track's identity consistency and its likeness to the claimed person."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from workstation.detectors.identity.drift import drift
from workstation.detectors.identity.encoder import Embeddings, Encoder, face_frame, open_encoder, scaling
from workstation.detectors.identity.inner_outer import halves, inner_outer
from workstation.detectors.identity.measures import (
    OURS,
    TOP,
    Basis,
    Person,
    Threshold,
    reference,
    retrieval,
    to_own_median,
    to_references,
    within,
)
from workstation.detectors.identity.pose import poses
from workstation.detectors.identity.splice import two_people
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.domain.custody import CheckLine, CheckState
from workstation.domain.detectors import (
    DetectorCard,
    DetectorReading,
    Direction,
    GalleryPerson,
    Level,
    Measure,
    SequenceReading,
    TrackContext,
)
from workstation.domain.errors import CardInvalid, DetectorError, InputError
from workstation.domain.faces import FaceCrop

_ENTRIES = frozenset({"mean", "scale", "top", "threshold", "threshold_set"})
_KEPT = 8192


class IdentityDetector:
    """Reads whole tracks (see `workstation.domain.detectors.SequenceDetector`); it says nothing on a single frame.

    ``value`` is (cosine + 1) / 2, lower for a manipulated face: of the median likeness to the claimed person where the
    gallery has references of one, else of the mean likeness of any two frames of the same pose.
    """

    precision = "float32"

    def __init__(self, card: DetectorCard, encoder: Encoder) -> None:
        self.card = card
        self.device = encoder.device
        self._encoder = encoder
        self._top = _top(card)
        self._threshold = _threshold(card)
        self._name = f"{card.weights.file} ({card.weights.sha256[:8]}…)"
        self._known: dict[bytes, Embeddings] = {}

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Raises: DetectorError, always: identity is read over a track."""
        raise DetectorError(f"{self.card.id} reads whole tracks and says nothing on a single face.")

    def embed(self, crops: Sequence[FaceCrop]) -> Embeddings:
        """Unit embeddings (n, width) of crops of the card's size. Raises: InputError, DetectorError, DeviceFault."""
        return self._encoder.embed([face_frame(crop, self.card.input) for crop in crops])[0]

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        """Read one track. Raises: InputError, DetectorError, DeviceFault."""
        if not crops or len(crops) != len(context.seconds):
            raise InputError(f"{len(crops)} crops and {len(context.seconds)} times are no track.")
        faces, posed = self.embed(crops), poses(crops)
        persons = [self._person(person) for person in context.gallery]
        claimed = next((person for person in persons if person.claimed and len(person.references)), None)
        basis = Basis(self._name, len(crops), exploratory=not self.card.validation)
        measures = within(faces, posed.bins, basis)
        if claimed is None:
            likeness, of_what, images = to_own_median(faces), "likeness to the track's own median", "no reference image"
        else:
            likeness = to_references(faces, claimed.references, self._top)
            of_what, images = f"likeness to {claimed.name}", claimed.images
            measures += reference(likeness, claimed, self._threshold, basis, self._top)
        measures += retrieval(faces, persons, basis, self._top)
        measures += drift(likeness, posed, of_what, basis, images)
        measures += self._inner_outer(crops, context, claimed, basis)
        measures += two_people(faces, posed, context.seconds, basis)
        value, note = _value(measures, claimed)
        return SequenceReading(value, tuple(measures), note)

    def _inner_outer(
        self, crops: Sequence[FaceCrop], context: TrackContext, claimed: Person | None, basis: Basis
    ) -> list[Measure]:
        shown = next((p for p in context.gallery if claimed is not None and p.claimed and p.crops), None)
        bank = None if shown is None else halves(self._encoder, shown.crops, self.card.input)
        return inner_outer(
            halves(self._encoder, crops, self.card.input), bank, "" if shown is None else shown.name, basis
        )

    def _person(self, person: GalleryPerson) -> Person:
        """Embeddings of a person's crops, kept from track to track."""
        keys = [hashlib.sha256(crop.rgb.tobytes()).digest() for crop in person.crops]
        if len(self._known) + len(keys) > _KEPT:
            self._known.clear()
        for key, crop in zip(keys, person.crops, strict=True):
            if key not in self._known:
                self._known[key] = self.embed([crop])[0]
        rows = [self._known[key] for key in keys]
        found = np.stack(rows) if rows else np.zeros((0, max(1, self._encoder.shape.width)), np.float32)
        return Person(person.name, person.claimed, found)


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> IdentityDetector:
    """Load a package; embeddings are always float32.

    The setting "gallery" names what the gallery was made of; the crops themselves come with each track.

    Raises: CardInvalid, WeightsInvalid, DetectorError.
    """
    refuse_unknown(card, settings, ("gallery",))
    _check_card(card)
    return IdentityDetector(card, open_encoder(card, folder, device))


def check(card: DetectorCard, folder: Path) -> list[CheckLine]:
    """Check that the weights are the recogniser the card describes: one line for its ends, one for an answer.

    Raises: CardInvalid, WeightsInvalid, DetectorError.
    """
    _check_card(card)
    encoder = open_encoder(card, folder)
    ends = f"{encoder.shape.input} to {', '.join(encoder.shape.outputs)}"
    given = encoder.embed([np.full((112, 112, 3), 128, np.uint8)])
    width = given[0].shape[1]
    subject = f"detector {card.id}: recogniser"
    return [CheckLine(subject, CheckState.OK, f"{ends}; embeddings of {width} numbers")]


def _check_card(card: DetectorCard) -> None:
    """Raises: CardInvalid naming what does not fit this family."""
    unknown = sorted(set(card.network) - _ENTRIES)
    if unknown:
        raise CardInvalid(f"{card.id}: an identity package has no network.{unknown[0]}.")
    scaling(card)
    _top(card)
    _threshold(card)
    if card.output.direction is not Direction.LOWER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: output.direction must be {Direction.LOWER_IS_MANIPULATED}.")
    if card.output.level is not Level.TRACK or card.output.sequence < 1:
        raise CardInvalid(f"{card.id}: output.level must be track and output.sequence at least 1.")


def _top(card: DetectorCard) -> int:
    top = card.network.get("top", TOP)
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise CardInvalid(f"{card.id}: network.top must be a whole number of at least 1.")
    return top


def _threshold(card: DetectorCard) -> Threshold | None:
    value, named = card.network.get("threshold"), card.network.get("threshold_set")
    if value is None and named is None:
        return None
    good = isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value <= 1
    if not good or not isinstance(named, str) or not named.strip():
        raise CardInvalid(
            f"{card.id}: network.threshold is a cosine, and network.threshold_set names where it is from."
        )
    return Threshold(float(str(value)), named.strip())


def _value(measures: Sequence[Measure], claimed: Person | None) -> tuple[float | None, str]:
    """The one number of a reading and the sentence that says which it is."""
    found = {measure.name: measure.value for measure in measures}
    if claimed is not None:
        return _half(found["reference_median"]), f"{OURS}: the median likeness to {claimed.name}, (cosine + 1) / 2."
    for name, words in (
        ("within_pose_mean", "any two frames of the same pose"),
        ("within_mean", "any two frames"),
    ):
        if (value := found.get(name)) is not None:
            said = f"the mean likeness of {words}, (cosine + 1) / 2, as no reference of a claimed person was given."
            return _half(value), f"{OURS}: {said}"
    return None, "One frame and no reference of a claimed person: there is nothing to compare it with."


def _half(cosine: float | None) -> float | None:
    return None if cosine is None else min(1.0, max(0.0, (cosine + 1) / 2))

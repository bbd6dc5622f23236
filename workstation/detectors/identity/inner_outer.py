"""The identity of the inner face against that of what is around it: chin line, hair, head.

A swap changes the inside of a face and keeps the outside. Here the same recogniser reads the same picture twice, once
with everything outside the region of the face replaced by grey and once with the inside replaced, after the idea of ICT
(arXiv 2203.01318). An ordinary recogniser was not trained on such pictures, so this is exploratory.

What we saw with one small recogniser, on 102 photographs with the face of another person pasted in: the likeness of
inside to outside tells nothing (about 0 with and without, AUC 0.46, 0.39 to 0.54); what tells is that the inside is no
longer alike to the references while the outside still is. So without references these measures say little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.detectors.identity.encoder import SIDE, Embeddings, Encoder, face_frame, smaller
from workstation.detectors.identity.ict import ict, ict_ref
from workstation.detectors.identity.measures import Basis, counted, to_references
from workstation.domain.detectors import InputSpec, Measure
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.faces.organs import organ_regions

GREY = 128.0


@dataclass(frozen=True, slots=True)
class Halves:
    """Inner and outer embeddings of the same faces, (n, width) each.

    ``trained`` when the network itself gives both; else they are an ordinary recogniser's, of masked pictures.
    """

    inner: Embeddings
    outer: Embeddings
    trained: bool


def halves(encoder: Encoder, crops: Sequence[FaceCrop], spec: InputSpec) -> Halves:
    """Embed inside and outside of each face.

    Raises:
        InputError: a crop is not of the card's size.
        LandmarksUnusable: the landmarks of a crop are no numbers.
    """
    if len(encoder.shape.outputs) == 2:
        inner, outer = encoder.embed([face_frame(crop, spec) for crop in crops])
        return Halves(inner, outer, trained=True)
    pictures = [masked(crop, spec) for crop in crops]
    (inner,) = encoder.embed([one for one, _ in pictures])
    (outer,) = encoder.embed([other for _, other in pictures])
    return Halves(inner, outer, trained=False)


def masked(crop: FaceCrop, spec: InputSpec) -> tuple[RgbArray, RgbArray]:
    """The face alone in the ArcFace frame, and the head around it without the face: two (112, 112, 3) pictures.

    The face is `organ_regions`' "face", with its soft edge; what is left out is grey. The head is the whole crop made
    smaller, so that hair is in it where the card's margin has it.
    """
    region = organ_regions(crop.landmarks, crop.size, crop.size)["face"][..., None]
    picture = crop.rgb.astype(np.float32)
    inside = _bytes(picture * region + GREY * (1 - region))
    outside = _bytes(picture * (1 - region) + GREY * region)
    kept = FaceCrop(inside, crop.crop_from_frame, crop.landmarks)
    return face_frame(kept, spec), smaller(outside, SIDE)


def inner_outer(track: Halves, references: Halves | None, name: str, basis: Basis) -> list[Measure]:
    """INNER/OUTER: likeness of inside to outside over the track, the same of the references, each part's likeness to
    the same part of the references, and ICT's distance and score.

    Args:
        references: of the claimed person, or None.
        name: the claimed person's.
    """
    what = (
        "inner and outer output of the network"
        if track.trained
        else "masked pictures, on which the recogniser was not trained"
    )
    images = (
        "no reference image" if references is None else f"{counted(len(references.inner), 'reference image')} of {name}"
    )
    about = basis.about(what, "spread 5 % to 95 % of frames", references=images)
    found = [
        _spread("inner_outer", "likeness of inner face to outer face, mean", _cosine(track), about),
        _spread(
            "ict_d1", "ICT distance of inner to outer face, median", ict(track.inner, track.outer), about, median=True
        ),
    ]
    if references is None:
        return found
    scores = ict_ref(track.inner, track.outer, references.inner, references.outer).score
    own = basis.about(what, "spread 5 % to 95 % of reference images", references=images)
    return [
        *found,
        _spread("inner_outer_references", f"the same for the references of {name}, mean", _cosine(references), own),
        _spread(
            "inner_to_reference",
            f"likeness of the inner face to {name}, median",
            to_references(track.inner, references.inner),
            about,
            median=True,
        ),
        _spread(
            "outer_to_reference",
            f"likeness of the outer face to {name}, median",
            to_references(track.outer, references.outer),
            about,
            median=True,
        ),
        _spread("ict_score", f"ICT score against {name}, median; higher speaks for a swap", scores, about, median=True),
    ]


def _cosine(parts: Halves) -> npt.NDArray[np.float64]:
    return np.asarray(np.sum(parts.inner.astype(np.float64) * parts.outer.astype(np.float64), axis=1), np.float64)


def _spread(name: str, label: str, values: npt.NDArray[np.float64], about: str, *, median: bool = False) -> Measure:
    low, high = (float(v) for v in np.percentile(values, (5, 95)))
    middle = float(np.median(values) if median else np.mean(values))
    return Measure(name, label, middle, low, high, about, exploratory=True)


def _bytes(values: npt.NDArray[np.float32]) -> RgbArray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)

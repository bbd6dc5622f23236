"""How alike the faces of a track are to one another, and to reference faces of the person it is said to show.

These are identity consistency as defined by this program, after the idea of WSC-swap (arXiv 2307.07928, ICCV 2023),
whose own formula we do not know. All similarities are cosines of unit embeddings, -1..1, 1 for equal ones. None is
calibrated: how high the same person scores depends on the recogniser, the pictures and the pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.detectors.identity.encoder import Embeddings
from workstation.domain.detectors import Measure

Numbers = npt.NDArray[np.float64]

TOP = 3
OURS = "Identity consistency as defined by this program, after the idea of WSC-swap (arXiv 2307.07928)"


@dataclass(frozen=True, slots=True)
class Basis:
    """What every measure of one track rests on, printed with each of them.

    Attributes:
        encoder: name of the recogniser with its weights' digest.
        frames: faces of the track that were read.
        exploratory: the package has no record of a validation.
    """

    encoder: str
    frames: int
    exploratory: bool

    def about(self, *parts: str, references: str = "no reference image") -> str:
        """One line: ``parts``, how many frames and reference images, and with which recogniser."""
        rest = (counted(self.frames, "frame"), references, f"recogniser {self.encoder}")
        return "; ".join([part for part in parts if part] + list(rest))


@dataclass(frozen=True, slots=True)
class Person:
    """Reference embeddings (m, width) of one person of the case; m may be 0."""

    name: str
    claimed: bool
    references: Embeddings

    @property
    def images(self) -> str:
        """ "12 reference images of A. Person"."""
        return f"{counted(len(self.references), 'reference image')} of {self.name}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A similarity below which a frame counts as unlike, and the named set it was calibrated on."""

    value: float
    calibration_set: str


def counted(number: int, thing: str) -> str:
    """ "1 pair", "6 pairs"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def cosines(one: Embeddings, other: Embeddings) -> Numbers:
    """(n, width) and (m, width) of unit rows to (n, m) float64 within -1..1."""
    return np.asarray(np.clip(one.astype(np.float64) @ other.astype(np.float64).T, -1.0, 1.0), np.float64)


def pairs(embeddings: Embeddings, bins: npt.NDArray[np.int64] | None = None) -> Numbers:
    """Similarities of every two different rows; with ``bins`` only of rows in the same bin."""
    first, second = np.triu_indices(len(embeddings), 1)
    if bins is not None:
        same = bins[first] == bins[second]
        first, second = first[same], second[same]
    return np.asarray(cosines(embeddings, embeddings)[first, second], np.float64)


def to_references(embeddings: Embeddings, references: Embeddings, top: int = TOP) -> Numbers:
    """s_i: mean similarity of each row to the ``top`` references nearest to it; (n,) float64.

    With fewer references all of them count. Raises: ValueError without any.
    """
    if len(references) == 0:
        raise ValueError("there is no reference to compare with")
    nearest = np.sort(cosines(embeddings, references), axis=1)[:, ::-1]
    return np.asarray(nearest[:, : max(1, top)].mean(axis=1), np.float64)


def to_own_median(embeddings: Embeddings) -> Numbers:
    """Similarity of each row to the track's own median embedding (number by number, then length 1); (n,) float64."""
    middle = np.median(embeddings.astype(np.float64), axis=0)
    length = max(float(np.linalg.norm(middle)), 1e-12)
    return np.asarray(np.clip(embeddings.astype(np.float64) @ (middle / length), -1.0, 1.0), np.float64)


def within(embeddings: Embeddings, bins: npt.NDArray[np.int64], basis: Basis) -> list[Measure]:
    """WITHIN: mean, minimum and 5th percentile over pairs of faces of the track; over all pairs, and over pairs in the
    same bin of yaw, so that a turned head does not pass for another person."""
    found: list[Measure] = []
    for key, words, chosen in (
        ("within", "any two frames", pairs(embeddings)),
        ("within_pose", "frames of the same pose", pairs(embeddings, bins)),
    ):
        stratum = f"in {counted(len(np.unique(bins)), 'bin')} of yaw, a proxy from five landmarks"
        stratum = stratum if key == "within_pose" else ""
        if len(chosen) == 0:
            reason = "no two frames have the same pose" if len(embeddings) > 1 else "one frame has no pair"
            found.append(_none(f"{key}_mean", f"likeness of {words}, mean", basis, basis.about(reason, stratum)))
            continue
        low, high = (float(v) for v in np.percentile(chosen, (5, 95)))
        spread = basis.about(f"{counted(len(chosen), 'pair')}, spread 5 % to 95 % of them", stratum)
        brief = basis.about(counted(len(chosen), "pair"))
        found += [
            Measure(
                f"{key}_mean", f"likeness of {words}, mean", float(chosen.mean()), low, high, spread, basis.exploratory
            ),
            _plain(f"{key}_minimum", f"likeness of {words}, least", float(chosen.min()), basis, brief),
            _plain(f"{key}_low", f"likeness of {words}, 5th percentile", low, basis, brief),
        ]
    return found


def reference(
    similarities: Numbers, person: Person, threshold: Threshold | None, basis: Basis, top: int = TOP
) -> list[Measure]:
    """REF: median and 5th percentile of s_i over the frames, and the share of frames under a calibrated threshold.

    Without a threshold from a named set there is no share.
    """
    low, high = (float(v) for v in np.percentile(similarities, (5, 95)))
    how = f"each frame against its {counted(min(top, len(person.references)), 'nearest reference')}"
    about = basis.about(f"spread 5 % to 95 % of frames; {how}", references=person.images)
    name = person.name
    found = [
        Measure(
            "reference_median",
            f"likeness to {name}, median",
            float(np.median(similarities)),
            low,
            high,
            about,
            basis.exploratory,
        ),
        _plain(
            "reference_low",
            f"likeness to {name}, 5th percentile",
            low,
            basis,
            basis.about(how, references=person.images),
        ),
    ]
    label = f"share of frames unlike {name}"
    if threshold is None:
        reason = "no threshold: none was calibrated for this recogniser on a named set"
        found.append(_none("reference_under", label, basis, basis.about(reason, references=person.images)))
    else:
        share = float(np.mean(similarities < threshold.value))
        said = f"under {threshold.value:g}, calibrated on {threshold.calibration_set}"
        found.append(_plain("reference_under", label, share, basis, basis.about(said, references=person.images)))
    return found


def retrieval(embeddings: Embeddings, persons: Sequence[Person], basis: Basis, top: int = TOP) -> list[Measure]:
    """RETRIEVAL: in which share of the frames the claimed person is the likest of the gallery, and the likest other.

    Ties count against the claimed person. Without a claim the likest person of all is named.
    """
    known = [person for person in persons if len(person.references)]
    claimed = next((person for person in known if person.claimed), None)
    others = [person for person in known if person is not claimed]
    images = ", ".join(person.images for person in known) or "no reference image"
    found: list[Measure] = []
    if claimed is not None:
        label = f"share of frames in which {claimed.name} is the likest of the gallery"
        if others:
            own = to_references(embeddings, claimed.references, top)
            rival = np.max([to_references(embeddings, person.references, top) for person in others], axis=0)
            ranks = 1 + np.sum([to_references(embeddings, p.references, top) >= own for p in others], axis=0)
            said = f"rank of {claimed.name} among {len(known)}: median {np.median(ranks):g}, worst {ranks.max():g}"
            about = basis.about(said, references=images)
            found.append(_plain("retrieval_first", label, float(np.mean(own > rival)), basis, about))
        else:
            found.append(
                _none("retrieval_first", label, basis, basis.about("a gallery of one ranks nothing", references=images))
            )
    if others:
        scored = [(float(np.median(to_references(embeddings, person.references, top))), person) for person in others]
        value, best = max(scored, key=lambda pair: (pair[0], pair[1].name))
        label = f"likest {'other ' if claimed else ''}person of the gallery: {best.name}, median likeness"
        about = basis.about("not a finding that it is this person", references=images)
        found.append(_plain("retrieval_other", label, value, basis, about))
    return found


def _plain(name: str, label: str, value: float, basis: Basis, about: str) -> Measure:
    return Measure(name, label, value, about=about, exploratory=basis.exploratory)


def _none(name: str, label: str, basis: Basis, about: str) -> Measure:
    return Measure(name, label, None, about=about, exploratory=basis.exploratory)

"""What a pseudo-forgery is: its kind, how it was put in, by which network, which organs it touched, and MFCLIP's words.

The hierarchy is that of :mod:`workstation.detectors.mfclip.labels` (authenticity, forgery type, family, generator). No
pseudo-forgery is known to come from one of the ten published generators, so the fourth level is never known; the
network that resynthesised a face is told by `Maker` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum

from workstation.detectors.mfclip.labels import Family, ForgeryLabel, ForgeryType, manipulated


class Kind(StrEnum):
    """Kinds of pseudo-forgery; validation is reported for each. The order is that of the codes in a pool."""

    SELF_BLEND = "self-blend"
    OTHER_ORGANS = "other-organs"
    OTHER_FACE = "other-face"
    OWN_ORGANS = "own-organs"
    WARPED = "warped"
    REMADE_REGION = "remade-region"
    REMADE_FACE = "remade-face"
    # A whole picture by a generator, of nobody; there is no genuine picture that it was made of.
    MADE_FACE = "made-face"


GENERATED = (Kind.REMADE_REGION, Kind.REMADE_FACE)
WITHOUT_NETWORKS = tuple(kind for kind in Kind if kind not in (*GENERATED, Kind.MADE_FACE))


class Blend(StrEnum):
    """How the changed part was put into the target."""

    ALPHA = "alpha"
    POISSON = "poisson"
    PYRAMID = "pyramid"


class Maker(StrEnum):
    """The network that resynthesised: an auto-encoder, or one trained against a critic, and how it enlarges.

    "given" is any other, whose pictures came ready-made.
    """

    NONE = "none"
    AE_NEAREST = "ae-nearest"
    AE_BILINEAR = "ae-bilinear"
    AE_TRANSPOSED = "ae-transposed"
    AE_SHUFFLE = "ae-shuffle"
    GAN_NEAREST = "gan-nearest"
    GAN_BILINEAR = "gan-bilinear"
    GAN_TRANSPOSED = "gan-transposed"
    GAN_SHUFFLE = "gan-shuffle"
    GIVEN = "given"

    @property
    def adversarial(self) -> bool:
        return self.value.startswith("gan-")


class Organ(IntFlag):
    """Bits of the organs a forgery touched; left is the picture's left. ``SKIN`` is the face between the organs."""

    LEFT_EYE = 1
    RIGHT_EYE = 2
    LEFT_BROW = 4
    RIGHT_BROW = 8
    NOSE = 16
    MOUTH = 32
    SKIN = 64


_NO_ORGANS = Organ(0)


_TYPES: dict[Kind, ForgeryType | None] = {
    # Somebody's own face, blended into itself: neither swapped nor altered in any attribute.
    Kind.SELF_BLEND: None,
    Kind.OTHER_ORGANS: ForgeryType.ATTRIBUTE_MANIPULATION,
    Kind.OTHER_FACE: ForgeryType.IDENTITY_SWAP,
    Kind.OWN_ORGANS: ForgeryType.ATTRIBUTE_MANIPULATION,
    Kind.WARPED: ForgeryType.ATTRIBUTE_MANIPULATION,
    Kind.REMADE_REGION: ForgeryType.ATTRIBUTE_MANIPULATION,
    Kind.REMADE_FACE: ForgeryType.ENTIRE_SYNTHESIS,
    Kind.MADE_FACE: ForgeryType.ENTIRE_SYNTHESIS,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """All that is known of one pseudo-forgery."""

    kind: Kind
    blend: Blend = Blend.ALPHA
    maker: Maker = Maker.NONE
    organs: Organ = _NO_ORGANS

    @property
    def label(self) -> ForgeryLabel:
        """MFCLIP's label; the family is known of adversarial networks alone (its words know no auto-encoders)."""
        return words(self.kind, self.maker)


def words(kind: Kind, maker: Maker = Maker.NONE) -> ForgeryLabel:
    """The hierarchical label of a kind of pseudo-forgery."""
    return manipulated(_TYPES[kind], Family.GAN if maker.adversarial else None)


def mirrored(organs: Organ) -> Organ:
    """The bits after the picture was mirrored."""
    turned = organs & (Organ.NOSE | Organ.MOUTH | Organ.SKIN)
    for left, right in ((Organ.LEFT_EYE, Organ.RIGHT_EYE), (Organ.LEFT_BROW, Organ.RIGHT_BROW)):
        turned |= (right if organs & left else Organ(0)) | (left if organs & right else Organ(0))
    return turned

"""What is known about how a face came about, on the four levels that MFCLIP's words have.

The levels and their generators are those of the GenFace set (IEEE TIFS 2024, arXiv 2402.02003).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.errors import InputError

LEVELS = 4
Codes = tuple[int, int, int, int]


class Authenticity(StrEnum):
    GENUINE = "genuine"
    MANIPULATED = "manipulated"


class ForgeryType(StrEnum):
    ENTIRE_SYNTHESIS = "entire_synthesis"
    IDENTITY_SWAP = "identity_swap"
    ATTRIBUTE_MANIPULATION = "attribute_manipulation"


class Family(StrEnum):
    DIFFUSION = "diffusion"
    GAN = "gan"


class Generator(StrEnum):
    """The generators in the order of the published prompts; the values are their names there."""

    DDPM = "DDPM"
    LATDIFF = "LatDiff"
    COLLDIFF = "CollDiff"
    STYLEGAN3 = "StyleGAN3"
    DIFFFACE = "DiffFace"
    FSLSD = "FSLSD"
    FACESWAPPER = "FaceSwapper"
    DIFFAE = "Diffae"
    LATENT_TRANSFORMER = "LatentTransformer"
    IA_FACES = "IA-FaceS"


_WHOLE, _SWAP, _PART = ForgeryType.ENTIRE_SYNTHESIS, ForgeryType.IDENTITY_SWAP, ForgeryType.ATTRIBUTE_MANIPULATION
KINDS: dict[Generator, tuple[ForgeryType, Family]] = {
    Generator.DDPM: (_WHOLE, Family.DIFFUSION),
    Generator.LATDIFF: (_WHOLE, Family.DIFFUSION),
    Generator.COLLDIFF: (_WHOLE, Family.DIFFUSION),
    Generator.STYLEGAN3: (_WHOLE, Family.GAN),
    Generator.DIFFFACE: (_SWAP, Family.DIFFUSION),
    Generator.FSLSD: (_SWAP, Family.GAN),
    Generator.FACESWAPPER: (_SWAP, Family.GAN),
    Generator.DIFFAE: (_PART, Family.DIFFUSION),
    Generator.LATENT_TRANSFORMER: (_PART, Family.GAN),
    Generator.IA_FACES: (_PART, Family.GAN),
}

# Codes of one level: 0 unknown, 1 genuine, from 2 on the values in their order. Level 1 has manipulated as its 2.
SIZES: Codes = (3, 2 + len(ForgeryType), 2 + len(Family), 2 + len(Generator))


@dataclass(frozen=True, slots=True)
class ForgeryLabel:
    """Genuine, or manipulated with as much of type, family and generator as is known; None is "not known".

    Raises:
        InputError: a genuine face with a forgery, or a generator with another type or family than its own.
    """

    authenticity: Authenticity
    forgery: ForgeryType | None = None
    family: Family | None = None
    generator: Generator | None = None

    def __post_init__(self) -> None:
        if self.authenticity is Authenticity.GENUINE and (self.forgery or self.family or self.generator):
            raise InputError("A genuine face has no type, family or generator of a forgery.", "Correct the label.")
        if self.generator and (self.forgery, self.family) != KINDS[self.generator]:
            wanted = " and ".join(KINDS[self.generator])
            raise InputError(f"{self.generator} is known as {wanted}.", "Give the label that type and family.")

    def codes(self, levels: int = LEVELS) -> Codes:
        """What each level says, as numbers (`SIZES`); levels beyond ``levels`` are unknown (0).

        A genuine face is known to be genuine on every level.
        """
        if self.authenticity is Authenticity.GENUINE:
            known = (1, 1, 1, 1)
        else:
            known = (
                2,
                2 + list(ForgeryType).index(self.forgery) if self.forgery else 0,
                2 + list(Family).index(self.family) if self.family else 0,
                2 + list(Generator).index(self.generator) if self.generator else 0,
            )
        one, two, three, four = (code if level < levels else 0 for level, code in enumerate(known))
        return one, two, three, four


def genuine() -> ForgeryLabel:
    return ForgeryLabel(Authenticity.GENUINE)


def manipulated(forgery: ForgeryType | None = None, family: Family | None = None) -> ForgeryLabel:
    return ForgeryLabel(Authenticity.MANIPULATED, forgery, family)


def made_by(generator: Generator) -> ForgeryLabel:
    """The full label of a generator."""
    return ForgeryLabel(Authenticity.MANIPULATED, *KINDS[generator], generator)


def leaves(levels: int) -> tuple[Codes, ...]:
    """The codes of every kind of face that ``levels`` levels (1..4) tell apart, genuine first: 11 kinds at four."""
    found = [genuine().codes(levels)] + [made_by(generator).codes(levels) for generator in Generator]
    return tuple(dict.fromkeys(found))


def compatible(one: Codes, two: Codes) -> bool:
    """Whether the same face may bear both: they agree on every level that both know."""
    return all(a == b or not (a and b) for a, b in zip(one, two, strict=True))

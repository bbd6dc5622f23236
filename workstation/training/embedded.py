"""The cards of the two packages that ship with the program: what they are, what they were made from, their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD
from workstation.detectors.fakelocator.network import LocatorShape
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec
from workstation.training.packaging import no_weights
from workstation.training.runs.cards import SMALL_VISION

LOCATOR, CLIP = "fakelocator-small", "clip-ln-small"
_CROP, _MARGIN = 256, 1.3
_VERSION = "0.1"
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

_PICTURES = (
    "Face Research Lab London Set (CC BY 4.0 / CC0), official portraits of members of the United States Congress "
    "(works of the US Government), portraits collected by Voteview (probably public domain, not checked one by one)"
)
_FORGERIES = (
    "pseudo-forgeries made from them: self-blended faces, organs of the own face moved and resampled, organs and inner "
    "faces pasted from another picture"
)
_LIMITS = (
    "A baseline: trained for about an hour on two CPU cores. No conclusion rests on it alone.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "Trained on posed portraits, mostly of people in the public life of one country; other people, ages, light and "
    "cameras are hardly covered, and how it differs between groups of people was not measured.",
    "Trained on still pictures, not on video: compression of moving pictures was never shown to it.",
    "Trained without a single generated or swapped face: only blends and pastes made by a program. Faces generated "
    "whole have no blend to find.",
    "The weights kept are those that did best on the held-out people, so the figures on these people are chosen ones.",
    "Of the 129 people held out 15 were trained on under another name, which was found afterwards.",
    "In pasted forgeries the other picture may be of the same person (the London set shows each person neutral and "
    "smiling).",
    "Some forgeries with another person's inner face give themselves away by colour, so the figure of that kind "
    "flatters.",
)


@dataclass(frozen=True, slots=True)
class Run:
    """Facts of one training run: ``pictures`` per dataset folder; ``faces`` counts every crop shown, repeats included;
    ``minutes`` of wall time."""

    pictures: Mapping[str, int]
    steps: int
    faces: int
    minutes: float

    def sentence(self) -> str:
        """How long and on what, in one sentence."""
        total = sum(self.pictures.values())
        each = ", ".join(f"{name} {count}" for name, count in sorted(self.pictures.items()))
        return (
            f"Trained from random weights on {total} pictures ({each}): {self.faces:,} crops in {self.steps:,} steps, "
            f"{self.minutes:.0f} minutes on a shared CPU. One person in ten was held out."
        )


def locator_card(run: Run) -> DetectorCard:
    """The card of the embedded FakeLocator; the weights' digest is filled in by packaging."""
    shape = LocatorShape()
    return DetectorCard(
        id=LOCATOR,
        name="FakeLocator, small",
        version=_VERSION,
        family="fakelocator",
        summary="Marks where a face was blended, pasted or resampled, and scores the crop. A first baseline.",
        trace="Texture, colour and sharpness that change from one part of the face to the next, and blend edges.",
        paper="After FakeLocator (arXiv 2001.09598, IEEE TIFS 2022); widths, target scale and data are our own.",
        baseline=True,
        input=InputSpec(shape.side, _CROP, _MARGIN, _MEAN, _STD, "area"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, "softmax of class manipulated, 0 to 1, uncalibrated", False, shape.side
        ),
        weights=no_weights("Apache-2.0", "trained for this program from random weights"),
        network={"widths": list(shape.widths), "decoder": shape.decoder, "gate": "none"},
        training=(
            f"{run.sentence()} Pictures: {_PICTURES}; {_FORGERIES}. Loss: L1 and cross-entropy on the map, "
            "cross-entropy on the class. The target map is the smoothed grey difference times ten, cut off at one."
        ),
        limits=(
            *_LIMITS,
            "On forgeries made by others it helps with classical face swaps only (AUC 0.70); on expert composites it "
            "is near chance, and faces generated whole by StyleGAN2 or Stable Diffusion score lower than genuine ones.",
            "Untouched faces often score high: about half of one set and two thirds of another lie above 0.5. A high "
            "score alone is no sign of manipulation.",
            "It leans on well-placed landmarks: a tenth of the distance between the eyes, at random, moved the score "
            "of one untouched portrait from 0.2 to anything up to 0.9.",
            "Which organ was changed it does not tell better than chance, and its map is not shown to be better than a "
            "blob in the middle of the face.",
            "The map says where the picture resembles its training forgeries, on a scale of its own.",
            "The parsing gate of the paper is not used by these weights.",
        ),
        verified=(
            "The map is one sigmoid channel as large as the network's input, the class a second output, as the paper "
            "is described by others.",
            "A gate of ones changes nothing, and the map of an untouched training pair is wanted all zero.",
        ),
        unverified=(
            "Neither code nor weights of the paper were found to hold this against; widths, decoder and the scale of "
            "the target map are our own.",
            "None of the paper's figures was reproduced: training data, forgeries and measures are others.",
        ),
    )


def clip_card(run: Run) -> DetectorCard:
    """The card of the embedded clip_ln package; the weights' digest is filled in by packaging."""
    return DetectorCard(
        id=CLIP,
        name="CLIP-LN architecture, small",
        version=_VERSION,
        family="clip_ln",
        summary="A small vision transformer with a linear head on its normalised class token. A first baseline.",
        trace="Whatever sets the training forgeries apart in the whole crop; it gives no map.",
        paper="Architecture and losses after arXiv 2503.19683; not the published weights and no CLIP pre-training.",
        baseline=True,
        input=InputSpec(cast(int, SMALL_VISION["image_size"]), _CROP, _MARGIN, IMAGE_MEAN, IMAGE_STD, "area"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax of class manipulated, 0 to 1, uncalibrated", False),
        weights=no_weights("Apache-2.0", "trained for this program from random weights"),
        network={"vision": dict(SMALL_VISION)},
        training=(
            f"{run.sentence()} Pictures: {_PICTURES}; {_FORGERIES}. All weights were trained, not LayerNorms alone, "
            "because the tower starts from nothing; its patch embedding starts as whitened principal components of "
            "training patches. Loss: cross-entropy, 0.1 alignment, 0.05 uniformity (the paper has 0.5), slerp of "
            "features added to the batch, and 3 times the cross-entropy of a map read off the patch tokens, whose "
            "layer was thrown away afterwards."
        ),
        limits=(
            *_LIMITS,
            "On forgeries made by others it is at chance (expert composites), hardly above it (classical face swaps, "
            "AUC 0.56) or below it: faces generated whole by StyleGAN2 or Stable Diffusion score lower than genuine "
            "ones. It ships as a working example of its family, not for its answers.",
            "Untouched faces often score high: half of one set and three quarters of another lie above 0.5.",
            "It leans on well-placed landmarks: a tenth of the distance between the eyes, at random, moved the score "
            "of one untouched portrait from 0.35 to anything up to 0.8.",
            "It gives no map: nothing says which part of the face its score comes from.",
        ),
        verified=(
            "The feature is the class token after the last LayerNorm, of length one, read by a linear layer with two "
            "outputs, the second of them manipulated, as in the published code.",
            "At the published size (ViT-L/14) this code has the published counts: 303,179,776 parameters in the tower, "
            "102,400 of them in LayerNorms, and 2,050 in the head.",
        ),
        unverified=(
            "The published weights are not these and were not run: this tower has 4 layers of width 160 at 160 px "
            "(published: 24 layers of width 1024 at 224 px).",
            "None of the published figures was reproduced: training data, forgeries and measures are others.",
            "Trained as a whole from random weights; published is CLIP with LayerNorms and head trained alone.",
            "Crops are shrunk by area average and landmarks come from other face finders than the published ones.",
        ),
    )

"""The card of a fitted traces package: what it is, what it was fitted on, its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workstation.detectors.traces.cards import small_card
from workstation.domain.detectors import DetectorCard
from workstation.training.packaging import no_weights
from workstation.training.traces.table import Rows

PACKAGE = "traces-small"


def fitted_card(train: Rows) -> DetectorCard:
    """The card of a package fitted on ``train``; the weights' digest is filled in by packaging."""
    people, pairs = len(np.unique(train.person)), int((train.manipulated == 1).sum())
    return replace(
        small_card(),
        id=PACKAGE,
        name="Traces, small",
        version="0.1",
        weights=no_weights("Apache-2.0", "fitted for this program"),
        training=(
            f"Fitted in closed form and by logistic regression on {pairs:,} pairs of a genuine face and a "
            f"pseudo-forgery of it, from {people} people; one person in ten was held out. Pictures: Face Research Lab "
            "London Set (CC BY 4.0 / CC0), official portraits of members of the United States Congress (works of the "
            "US Government), colour portraits collected by Voteview (probably public domain, not checked one by one). "
            "Both members of a pair were compressed as JPEG alike, at random qualities; the mean of what overall "
            "sharpness and noise explain of each measure on genuine faces is taken out of it."
        ),
        limits=LIMITS,
        unverified=(
            "Measures and fusion are our own choice after the works named in their modules; none of these works' "
            "figures was reproduced.",
        ),
    )


LIMITS = (
    "A baseline, fitted in seconds on measures of a few thousand crops. No conclusion rests on it alone.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "On forgeries made by others it helps with classical face swaps only (AUC 0.86 on the LFW swaps, 0.88 between "
    "faces of equal sharpness). On expert composites it is not shown to be better than chance (AUC 0.55), and faces "
    "generated whole by StyleGAN2 or Stable Diffusion score lower than genuine ones.",
    "Untouched faces unlike its training portraits often score high: half of one set and four fifths of two others lie "
    "above 0.5, against one in ten of the training portraits. A high score alone is no sign of manipulation.",
    "Which organ was changed it tells a little better than chance in its own kind of forgery (AUC 0.59) and not at all "
    "in expert composites; its map is not shown to be better than a blob in the middle of the face.",
    "Measures are small differences inside one face; strong compression, shrinking and smoothing take them away.",
    "It measures differences inside one face: a face made whole in one piece has none, and it was not fitted on any.",
    "Fitted on posed portraits, mostly of people in the public life of one country; other people, ages, light and "
    "cameras are hardly covered, and how it differs between groups of people was not measured.",
    "Fitted on still pictures, not on video: compression of moving pictures was never shown to it.",
    "Of the 129 people held out 15 were trained on under another name, which was found afterwards.",
)

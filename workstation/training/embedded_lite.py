"""The card of the embedded package on EfficientNet-Lite0: the run's own card, with what people must know of it.

Its weights were trained by `workstation train`; the run writes training data, losses, digests and seed itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file

from workstation.detectors.cards import read_card
from workstation.detectors.packages import WEIGHTS_FILE
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.training.bases import LITE0, LITE0_SHA256
from workstation.training.packaging import write_package

COMPOSITES = "fakelocator-lite"
_VERSION = "0.1"
_SOURCES = (
    "Pictures: Face Research Lab London Set (CC BY 4.0 / CC0), official portraits of members of the United States "
    "Congress (works of the US Government), portraits collected by Voteview (probably public domain, not checked one "
    "by one); faces of nobody made by MobileStyleGAN (arXiv 2104.04767, Apache-2.0; itself distilled from StyleGAN2) "
    "and portraits made anew by Real-ESRGAN (BSD-3-Clause). "
)
_LIMITS = (
    "It looks for parts that do not belong together. Faces generated whole have none: such faces were among its "
    "untouched training pictures, so that it scores them lower than photographs.",
    "Trained for less than an hour on a CPU. No conclusion rests on it alone.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "The genuine people it saw are adults in posed portraits, mostly in the public life of one country; how it differs "
    "between groups of people was not measured.",
    "Trained on still pictures; compression of moving pictures was not shown to it.",
    "The weights kept are those that did best on the held-out people, so the figures on these people are chosen ones.",
    "Of the 129 people held out 15 were trained on under another name, which was found afterwards; without them the "
    "mean AUC over kinds is .868 in place of .869.",
    "The map says where the picture resembles its training forgeries, on a scale of its own.",
    "The parsing gate of the paper is not used by these weights.",
)
_NAME = "FakeLocator for composites"
_SUMMARY = "Marks where a face was blended, pasted, moved or retouched, and scores the crop."
_TRACE = "Blend edges; texture, colour, grain and sharpness that change from one part of a face to the next."


def lite_card(trained: DetectorCard) -> DetectorCard:
    """The card of the embedded package from that of its run."""
    origin = f"trained for this program; encoder started from {LITE0} (SHA-256 of the published file {LITE0_SHA256})"
    return replace(
        trained,
        id=COMPOSITES,
        name=_NAME,
        version=_VERSION,
        summary=_SUMMARY,
        trace=_TRACE,
        training=_SOURCES + trained.training,
        limits=_LIMITS,
        weights=replace(trained.weights, licence="Apache-2.0", origin=origin),
    )


def publish(run_package: Path, out: Path) -> InstalledDetector:
    """Write the embedded package from the package of a run; ``out`` is the folder of the packages.

    Raises:
        InputError: there is no package.
        DetectorError: the package does not load.
    """
    trained = read_card(run_package)
    return write_package(lite_card(trained), load_file(run_package / WEIGHTS_FILE), out / COMPOSITES)

"""The card of a MesoNet package."""

from __future__ import annotations

from workstation.detectors.mesonet.network import SIDE
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

# The released face cutter takes 1.3 x 2.2 times the larger of the distances eye to eye and eyes to mouth; in the
# template that is 116.4 of 112 units.
MARGIN = 1.04
NAMES = {"meso4": "Meso-4", "mesoinception4": "MesoInception-4"}


def paper_card(
    kind: str = "meso4", *, trained_on: str = "", licence: str = "none", origin: str = "none"
) -> DetectorCard:
    """The card of a published network; weights are filled in when a package is written.

    Args:
        kind: "meso4" or "mesoinception4".
        trained_on: "DF" or "F2F" for the published weights, empty for freshly drawn ones.
    """
    name = NAMES[kind]
    suffix = f"-{trained_on.lower()}" if trained_on else ""
    return DetectorCard(
        id=f"mesonet-{kind}{suffix}",
        name=f"{name} {trained_on}".strip(),
        version="2018" if trained_on else "0",
        family="mesonet",
        summary=f"{name}, a network of about 28,000 parameters from 2018, a baseline to measure others against.",
        trace="texture between the finest grain and the shape of the face, in face swaps of 2018",
        paper="Afchar, Nozick, Yamagishi, Echizen: MesoNet, IEEE WIFS 2018, arXiv 1809.00888",
        baseline=True,
        input=InputSpec(SIDE, SIDE, MARGIN, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "area"),
        output=OutputSpec(
            Direction.LOWER_IS_MANIPULATED,
            "published output, 0 to 1, trained towards 1 for genuine; uncalibrated",
            False,
        ),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network={"kind": kind},
        training=_TRAINING.get(trained_on, "Not trained: the weights are freshly drawn."),
        limits=_LIMITS,
        verified=(
            "Layers, order of activation and normalisation, and constants: those of the authors' released code.",
            "On published weights the network agrees with a second, independent calculation from the same file.",
        ),
        unverified=(
            "The authors' crops: they centre on the nose and turn by landmarks of another finder; ours is the template "
            f"of this program at margin {MARGIN}, chosen to show about as much of the head.",
            "Whether the published accuracy (about 0.98 on its own Deepfakes set, 0.95 on Face2Face) is met: those "
            "sets are not at hand.",
        ),
    )


def small_card() -> DetectorCard:
    """The same as :func:`paper_card`: the published network is small."""
    return paper_card()


_TRAINING = {
    "DF": "The authors' own set of Deepfakes videos found on the net before 2018, with pictures of the same people.",
    "F2F": "Face2Face videos of FaceForensics, with their originals.",
}
_LIMITS = (
    "A baseline of 2018. On five labelled sets of 32 to 400 pictures the four published files had an AUC of 0.11 to "
    "0.79: near 0.5 on composites, and below 0.5 on the face swaps of LFW and on faces of Stable Diffusion, where it "
    "points the wrong way, also between faces of equal sharpness.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "A low value speaks for manipulation: the published network was trained towards 1 for genuine faces.",
    "It was trained on compressed video; on still pictures it was not tested by its authors.",
)

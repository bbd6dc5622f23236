"""The cards of imported LN-tuned CLIP detectors: what is known, what was held against the publication, what was not.

Figures of the publications stand here as what they are, sentences of others: none of them becomes a validation record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD
from workstation.detectors.importing.published import known
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

LN_PAPER: Final = (
    "Unlocking the Hidden Potential of CLIP in Generalizable Deepfake Detection (arXiv 2503.19683); successor: "
    "Deepfake Detection that Generalizes Across Benchmarks (arXiv 2508.06248)"
)
GEND_PAPER: Final = "Deepfake Detection that Generalizes Across Benchmarks (GenD, arXiv 2508.06248)"
# Sections 1.2 of the papers' code: crops of 256 px at margin 1.3, resized by CLIP's own preprocessing.
_CROP, _MARGIN = 256, 1.3
_TRAINING: Final = (
    "Not trained here. As published: LayerNorms and head only, on FaceForensics++ (c23, training split: genuine "
    "videos, Deepfakes, Face2Face, FaceSwap and NeuralTextures), 32 frames of a video. FaceForensics++ is given out "
    "for research only."
)
_LIMITS: Final = (
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "Trained, as published, on one research set of face swaps and reenactments; faces generated whole were not in it.",
    "Laboratory figures do not carry over to casework: open detectors lost about half of theirs on material collected "
    "from the field (Deepfake-Eval-2024).",
    "It gives no map: nothing says which part of the face its score comes from.",
)
_ALIGNMENT: Final = (
    "Faces are found and aligned by this workstation, not by the publication's finder; crops have the publication's "
    "template, margin 1.3 and 256 px. What the finder changes in the score was not measured."
)
_LN_FIGURES: Final = (
    "As published, not verified here: video AUROC of the whole method, trained on FaceForensics++ alone: Celeb-DF-v2 "
    "0.966, DFD 0.980, DFDC 0.872, FFIW 0.915, DeepSpeak v1 0.920; with LN-tuning and normalised features alone 0.962, "
    "0.982, 0.878, 0.927, 0.888. Which of these variants the file is was not established."
)
_GEND_FIGURES: Final = (
    "As published, not verified here: video AUROC Celeb-DF-v2 0.960, DFD 0.965 to 0.970, DFDC 0.871, FFIW 0.945. "
    "A third party reports 0.951 on Celeb-DF-v2 for a run of its own with this file, not verified here either."
)


@dataclass(frozen=True, slots=True)
class Described:
    """A card before its weights are written."""

    card: DetectorCard

    def with_head_unsaid(self) -> Described:
        """The file does not say which of the two published heads it holds."""
        line = (
            "The file itself does not say whether features are normalised before the head; they are, as in the "
            "publication's full method."
        )
        return Described(replace(self.card, unverified=(*self.card.unverified, line)))


def described(
    network: Mapping[str, object],
    side: int,
    sha256: str,
    licence: str,
    origin: str,
    *,
    wrapped: bool,
    dropped: tuple[str, ...],
) -> Described:
    """The card of an imported file; file, digest and size of the package's own weights are filled in when written.

    Args:
        network: the card's network table.
        side: of the tower's input in pixels.
        sha256: of the imported file.
        wrapped: it was the 2025 checkpoint with its tuned LayerNorms, otherwise GenD's layout.
        dropped: tensors of the file that are not in the package.
    """
    entry = known(sha256)
    tower = str(network.get("tower", "a vision transformer"))
    verified = [
        f"Every tensor of the imported file (SHA-256 {sha256}) has its place in the network, and every place its "
        "tensor.",
        "Crop, interpolation, mean and standard deviation follow the publication's code; class 0 is genuine, class 1 "
        "manipulated.",
    ]
    if entry is not None:
        verified.insert(0, f"The imported file is the published one: {entry.name}, by its SHA-256.")
    if wrapped:
        verified.append("The LayerNorms are the tuned ones of the checkpoint, not the frozen originals beside them.")
    if dropped:
        verified.append(f"Left out because no detector reads it: {', '.join(dropped)}.")
    figures = _LN_FIGURES if wrapped else _GEND_FIGURES if entry is not None else ""
    unverified = [line for line in (figures, _ALIGNMENT) if line]
    if entry is None:
        unverified.insert(
            0, "The file is none whose digest is listed here: who made it, and how, is as the person importing it said."
        )
    if "vision" in network:
        unverified.append("That each attention head is 64 wide, as in all of OpenAI's towers: tensors do not tell.")
    name = "LN-tuned CLIP (2025)" if wrapped else "GenD" if entry is not None else "GenD's layout"
    card = DetectorCard(
        id=_identifier(entry is not None, wrapped, sha256),
        name=f"{name}, {tower}",
        version=sha256[:12],
        family="clip_ln",
        summary="CLIP's vision tower with tuned LayerNorms and a linear head on its class token; one score for a face.",
        trace="Whatever set the training forgeries apart in the whole crop; it gives no map.",
        paper=LN_PAPER if wrapped else GEND_PAPER,
        baseline=False,
        input=InputSpec(side, _CROP, _MARGIN, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, "softmax of class manipulated, 0 to 1, uncalibrated", calibrated=False
        ),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network=dict(network),
        training=_TRAINING
        if entry is not None or wrapped
        else "Not trained here; what its maker says of it is not known.",
        limits=_LIMITS,
        verified=tuple(verified),
        unverified=tuple(unverified),
    )
    return Described(card)


def _identifier(listed: bool, wrapped: bool, sha256: str) -> str:
    if listed:
        return "gend-clip-l14"
    return f"{'clip-ln-2025' if wrapped else 'gend-clip'}-{sha256[:8]}"

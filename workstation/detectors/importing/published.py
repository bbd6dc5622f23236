"""Weights files that are known by their digest: what they are, who published them and under which licence.

A digest is a fact about a file. For a file that is not listed, the person who imports it says its licence and origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Published:
    """A published file: a name for people, SPDX identifier of its licence, where it is from, and its paper.

    ``size`` is in bytes, 0 where the publication does not say.
    """

    name: str
    licence: str
    origin: str
    paper: str
    size: int = 0


_MESONET_PAPER: Final = "MesoNet: a Compact Facial Video Forgery Detection Network"


def _mesonet(name: str, size: int) -> Published:
    origin = f"github.com/DariusAf/MesoNet, weights/{name}.h5, commit 2144d56a30e48cdcac1976ff13a1c5cdc86376c6"
    return Published(name, "Apache-2.0", origin, _MESONET_PAPER, size)


PUBLISHED: Final[dict[str, Published]] = {
    "d76f0bdfd74a29fe1b1c1b84a80ac92486993e426878e8c7a3944281fbb96833": Published(
        "GenD_CLIP_L_14",
        "MIT",
        "huggingface.co/yermandy/GenD_CLIP_L_14, model.safetensors, revision 891ce014a0308386c4d7d25b3dcf436a22db5504",
        "Deepfake Detection that Generalizes Across Benchmarks (arXiv 2508.06248)",
        1_215_928_160,
    ),
    "036ed30d04ffd9c7506f825b97c86aa64915f5818931da96817b169aad790af5": _mesonet("Meso4_DF", 156_128),
    "bcfda015d217b9f8d6557693edbdf9f4e79cfd22672541968dd0e2954462b5d7": _mesonet("Meso4_F2F", 156_128),
    "234586d40058e76ef8b6f27ca4b63c06e31c2a5a69c0d8ba6f30b1468ab7bafa": _mesonet("MesoInception_DF", 197_504),
    "d4533ac8a3197dc35c47405d23d99e888c1d0135e267e03540c7451feaccff3f": _mesonet("MesoInception_F2F", 197_504),
    "477100745713bcc957beb2b40859536859b6483fd6301b3b9293151b194c7847": Published(
        "UniversalFakeDetect linear head",
        "MIT",
        "github.com/WisconsinAIVision/UniversalFakeDetect, pretrained_weights/fc_weights.pth, "
        "commit 76a0e3e60a8a06458707a625d269ba815a2e5919",
        "Towards Universal Fake Image Detectors that Generalize Across Generative Models",
        4_083,
    ),
}


def known(sha256: str) -> Published | None:
    """What is published under a digest (64 lower-case hexadecimal characters), or None."""
    return PUBLISHED.get(sha256)

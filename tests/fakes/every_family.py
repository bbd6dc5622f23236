"""One small package with untrained weights of every family of detectors there is. Their scores say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

from tests.unit.detectors.identity_samples import write_recogniser
from workstation.detectors.packages import fresh_package
from workstation.domain.detectors import DetectorCard

Maker = Callable[[Path], DetectorCard]


def families() -> frozenset[str]:
    """Every family this program offers."""
    return frozenset(point.name for point in entry_points(group="workstation.detectors"))


def makers() -> dict[str, Maker]:
    """Family to what writes a small package of it into a folder. The embedded packages stand for two families."""
    from workstation.detectors.adapter import cards as adapter
    from workstation.detectors.addnet import cards as addnet
    from workstation.detectors.effort import cards as effort
    from workstation.detectors.identity.importing import convert
    from workstation.detectors.mesonet import cards as mesonet
    from workstation.detectors.mfclip import presets as mfclip
    from workstation.detectors.timm_vit import cards as timm_vit
    from workstation.detectors.traces import cards as traces
    from workstation.detectors.ufd import cards as ufd

    def recogniser(folder: Path) -> DetectorCard:
        file = write_recogniser(folder.parent / "recogniser.onnx")
        return convert(file, folder, licence="Apache-2.0", origin="drawn for a test")

    cards = {
        "adapter": adapter.small_card,
        "addnet2d": addnet.small_card_2d,
        "addnet3d": addnet.small_card_3d,
        "effort": effort.small_card,
        "mesonet": mesonet.small_card,
        "mfclip": mfclip.small_card,
        "timm_vit": timm_vit.small_card,
        "traces": traces.small_card,
        "ufd": ufd.small_card,
    }
    fresh: dict[str, Maker] = {
        name: (lambda folder, card=card: fresh_package(folder, licensed(card()))) for name, card in cards.items()
    }
    return fresh | {"identity": recogniser}


def licensed(card: DetectorCard) -> DetectorCard:
    """Weights drawn from a seed may be used by anybody; a package without a licence is refused."""
    return replace(card, weights=replace(card.weights, licence="Apache-2.0", origin="drawn from a seed"))


EMBEDDED = frozenset({"clip_ln", "fakelocator"})

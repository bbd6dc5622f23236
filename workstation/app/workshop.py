"""What the gpu lane keeps warm: finders and detectors. Only that lane's thread may touch it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from workstation.domain.detectors import Detector

if TYPE_CHECKING:
    from workstation.faces.finder import FaceFinder

_log = logging.getLogger(__name__)
_NONE: Mapping[str, str] = MappingProxyType({})


class Workshop:
    """Loads networks once and keeps them.

    Args:
        detectors: folder of packages installed on this machine.
        weights: folder of face-finder weights.
        device: "cpu", "cuda" or "auto".
        precision: "float32", "bfloat16" or "auto".
    """

    def __init__(self, detectors: Path, weights: Path, device: str = "auto", precision: str = "auto") -> None:
        self._detector_folder = detectors
        self._weights_folder = weights
        self._device = None if device == "auto" else device
        self._precision = None if precision == "auto" else precision
        self._finders: dict[str, FaceFinder] = {}
        self._detectors: dict[tuple[str, tuple[tuple[str, str], ...]], Detector] = {}
        self.description = ""

    def look(self) -> str:
        """Find the device and return it in words, e.g. "CPU, bfloat16"."""
        from workstation.detectors import runtime

        device = self._device or runtime.pick_device()
        precision = self._precision or runtime.pick_precision(device)
        facts = runtime.devices()
        name = facts.get("gpu", "") if device.startswith("cuda") else "CPU"
        self.description = f"{name or device}, {precision}"
        return self.description

    def finder(self, finder_id: str) -> FaceFinder:
        """Raises: FinderUnavailable."""
        if finder_id not in self._finders:
            from workstation.detectors import runtime
            from workstation.faces.finder import load_finder

            device = self._device or runtime.pick_device()
            self._finders[finder_id] = load_finder(finder_id, device=device, weights_folder=self._weights_folder)
            _log.info("face finder %s loaded", finder_id)
        return self._finders[finder_id]

    def detector(self, detector_id: str, card_sha256: str = "", settings: Mapping[str, str] = _NONE) -> Detector:
        """Return a loaded detector, loading it again when its card on disk has changed.

        Args:
            settings: what the family is told beyond the card, such as "merge"; each choice is loaded by itself.

        Raises:
            DetectorNotFound, DetectorError, WeightsInvalid, DeviceFault.
        """
        key = (detector_id, tuple(sorted(settings.items())))
        loaded = self._detectors.get(key)
        if loaded is None or (card_sha256 and loaded.card.card_sha256 != card_sha256):
            from workstation.detectors import registry

            package = registry.find(detector_id, self._detector_folder)
            loaded = registry.load(package, device=self._device, precision=self._precision, settings=settings)
            self._detectors[key] = loaded
            _log.info("detector %s loaded on %s in %s", detector_id, loaded.device, loaded.precision)
            if not self.description:
                self.look()
        return loaded

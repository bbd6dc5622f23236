"""Which face finders there are, and loading one.

A finder is an entry point in the group ``workstation.faces``: ``load`` of a module that also has ``problem``. Both keep
their heavy imports inside, so that listing the finders loads neither torch nor onnxruntime.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from workstation.domain.errors import FinderUnavailable
from workstation.domain.faces import FaceDetection
from workstation.domain.media import RgbArray

GROUP = "workstation.faces"
DEFAULT = "mtcnn"


class FaceFinder(Protocol):
    """A loaded face finder. It lives on one thread; the same frame always gives the same faces.

    ``settings`` are the numbers that decide what is found; they are recorded in the examination (P3).
    ``weights_sha256`` is the digest of the weights in use (P4).
    """

    @property
    def id(self) -> str: ...

    @property
    def weights_sha256(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, float]: ...

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        """Find the faces of each frame.

        Args:
            frames: (height, width, 3) uint8 each, sizes may differ.

        Returns:
            For every frame its faces in that frame's own pixels, largest box first.

        Raises:
            DeviceFault: when the device has too little memory even for one frame.
        """
        ...


class FinderState(NamedTuple):
    """A finder known to the product. ``reason`` says what is missing when it is not ``available``."""

    id: str
    available: bool
    reason: str


class _FinderModule(Protocol):
    def load(self, *, device: str, weights_folder: Path | None) -> FaceFinder: ...

    def problem(self, weights_folder: Path | None) -> str: ...


def _known() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def _module(point: EntryPoint) -> _FinderModule:
    return cast(_FinderModule, importlib.import_module(point.module))


def finders(weights_folder: Path | None = None) -> tuple[FinderState, ...]:
    """Every known finder, the default first, with whether it can be loaded now.

    Args:
        weights_folder: where finder weights are installed as files; None when there is no such folder.
    """
    states = []
    for name, point in _known().items():
        reason = _module(point).problem(weights_folder)
        states.append(FinderState(name, not reason, reason))
    return tuple(sorted(states, key=lambda state: (state.id != DEFAULT, state.id)))


def load_finder(id: str, *, device: str = "cpu", weights_folder: Path | None = None) -> FaceFinder:  # noqa: A002
    """Load a finder. Nothing is ever downloaded.

    Args:
        id: name of the finder, e.g. "mtcnn".
        device: "cpu" or a torch device such as "cuda" or "cuda:0".
        weights_folder: where finder weights are installed as files.

    Raises:
        FinderUnavailable: when there is no such finder, or its weights are missing or damaged; the advice names the
            file to install.
        DeviceFault: when the device cannot be used.
    """
    known = _known()
    if id not in known:
        raise FinderUnavailable(
            f"There is no face finder called {id}.", f"Choose one of: {', '.join(known) or 'none is installed'}."
        )
    return _module(known[id]).load(device=device, weights_folder=weights_folder)

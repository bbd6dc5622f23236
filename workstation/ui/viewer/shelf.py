"""Fakeness maps at hand: read off the GUI thread, drawn once, the last ones kept for every view."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from workstation.ui.desk import Desk
from workstation.ui.viewer.overlay import Lines, grey_image, lines_at

_KEEP = 192
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MapPicture:
    """A stored map as values in 0..1, as grey, and the lines asked for so far by their level."""

    values: Values
    image: QImage
    lines: Lines


class MapShelf(QObject):
    """``filled(str)`` names the view whose maps came."""

    filled = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._kept: OrderedDict[str, MapPicture] = OrderedDict()
        self._asked: dict[str, frozenset[str]] = {}

    def waiting(self, view: str) -> bool:
        """Whether maps of a view are still under way."""
        return view in self._asked

    def clear(self) -> None:
        self._kept.clear()
        self._asked.clear()

    def get(self, view: str, digests: tuple[str, ...], levels: tuple[float, ...]) -> Mapping[str, MapPicture]:
        """The maps that are at hand with these lines; the others are read, and ``filled`` tells when they are here."""
        found: dict[str, MapPicture] = {}
        missing: list[str] = []
        for digest in dict.fromkeys(digests):
            known = self._kept.get(digest)
            if known is not None:
                self._kept.move_to_end(digest)
                found[digest] = known
            if known is None or not set(levels) <= known.lines.keys():
                missing.append(digest)
        session = self._desk.session
        if missing and session is not None and not frozenset(missing) <= self._asked.get(view, frozenset()):
            self._asked[view] = frozenset(missing)
            known_now = {digest: found[digest] for digest in missing if digest in found}
            work = partial(_read, session.map_values, tuple(missing), levels, known_now)
            self._desk.reader.ask(
                work, partial(self._took, view), key=f"maps-{view}", failed=partial(self._failed, view)
            )
        return found

    def _took(self, view: str, maps: dict[str, MapPicture]) -> None:
        self._asked.pop(view, None)
        self._kept.update(maps)
        while len(self._kept) > _KEEP:
            self._kept.popitem(last=False)
        self.filled.emit(view)

    def _failed(self, view: str, error: Exception) -> None:
        self._asked.pop(view, None)
        self._desk.failed.emit(error)


def _read(
    read: Callable[[str], npt.NDArray[np.floating]],
    digests: tuple[str, ...],
    levels: tuple[float, ...],
    known: Mapping[str, MapPicture],
) -> dict[str, MapPicture]:
    """Runs on the reader's thread."""
    maps: dict[str, MapPicture] = {}
    for digest in digests:
        before = known.get(digest)
        values = before.values if before is not None else np.asarray(read(digest), dtype=np.float32)
        lines = dict(before.lines) if before is not None else {}
        for level in levels:
            if level not in lines:
                lines[level] = lines_at(values, level)
        maps[digest] = MapPicture(values, before.image if before is not None else grey_image(values), lines)
    return maps

"""Rows of examined frames, read when they are looked at: a long clip has more of them than a window should hold."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import numpy as np

from workstation.domain.results import FrameRow
from workstation.domain.series import IntArray

Read = Callable[[Collection[int]], Iterable[FrameRow]]
_KEPT = 1024


class RowWindow(Mapping[int, FrameRow]):
    """All rows of an exhibit by ordinal; the last ones looked at are kept. Thread-safe.

    Args:
        ordinals: of every examined frame, rising.
        read: gives the rows of some frames.
        kept: how many rows are held at most.
    """

    def __init__(self, ordinals: IntArray, read: Read, kept: int = _KEPT) -> None:
        self._ordinals = ordinals
        self._read = read
        self._most = kept
        self._lock = threading.Lock()
        self._rows: OrderedDict[int, FrameRow] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ordinals)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ordinals.tolist())

    def __contains__(self, ordinal: object) -> bool:
        if not isinstance(ordinal, int):
            return False
        at = int(np.searchsorted(self._ordinals, ordinal))
        return at < len(self._ordinals) and int(self._ordinals[at]) == ordinal

    def __getitem__(self, ordinal: int) -> FrameRow:
        """The row of a frame, read now if it is not kept. Raises: KeyError where the frame was not examined."""
        if ordinal not in self:
            raise KeyError(ordinal)
        with self._lock:
            known = self._rows.get(ordinal)
            if known is not None:
                self._rows.move_to_end(ordinal)
                return known
        for row in self._read((ordinal,)):
            self._keep(row)
            return row
        raise KeyError(ordinal)

    @property
    def held(self) -> int:
        """How many rows are kept now."""
        return len(self._rows)

    def renewed(self, ordinals: IntArray, fresh: Iterable[FrameRow], changed: Collection[int]) -> RowWindow:
        """The same with other ordinals; rows of ``changed`` frames are forgotten, ``fresh`` ones kept."""
        made = RowWindow(ordinals, self._read, self._most)
        gone = set(changed)
        with self._lock:
            made._rows.update((ordinal, row) for ordinal, row in self._rows.items() if ordinal not in gone)
        for row in fresh:
            made._keep(row)
        return made

    def _keep(self, row: FrameRow) -> None:
        with self._lock:
            self._rows[row.frame.ordinal] = row
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

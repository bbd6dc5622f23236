"""The viewer: header strip, views, overlay strip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workstation.app.view_export import ViewExport
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.board import Board
from workstation.ui.viewer.commands import LAYER_ACTIONS
from workstation.ui.viewer.compare import Compare
from workstation.ui.viewer.exporting import seen_facts, seen_panes, seen_view
from workstation.ui.viewer.header import HeaderStrip
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.viewer.strip import OverlayStrip


class Viewer(QWidget):
    """The keys with scope "viewer" act while anything in here has the keyboard (U16)."""

    def __init__(self, desk: Desk, navigator: Navigator, stage: Stage, overlay: OverlayState) -> None:
        super().__init__()
        self._desk, self._stage = desk, stage
        self._navigator = navigator
        self._overlay = overlay
        self.setObjectName("viewer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.board = Board(desk, stage, overlay)
        self.canvas = self.board.canvas
        self.compare = Compare(self.board, desk, navigator, stage, overlay)
        self.header = HeaderStrip(desk, stage)
        self.strip = OverlayStrip(desk, stage, overlay, self.board, self.compare)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.header)
        column.addWidget(self.board, 1)
        column.addWidget(self.strip)
        self.setFocusProxy(self.canvas)
        stage.changed.connect(self.board.refresh)
        self.board.arranged.connect(self._arranged)
        navigator.track_chosen.connect(self._choose)
        self.canvas.track_clicked.connect(self._clicked)

    @property
    def settled(self) -> bool:
        """Whether every view on screen shows what it was asked for."""
        return self.board.settled

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action of `commands` to what it does."""
        canvas = self.canvas
        return {
            **{f"layer.{layer.value}": partial(self._overlay.switch, layer) for layer in Layer},
            **self.compare.handlers(),
            "map.next": self._overlay.next_colours,
            "zoom.in": partial(canvas.zoom, 1),
            "zoom.out": partial(canvas.zoom, -1),
            "pan.left": partial(canvas.push, -1, 0),
            "pan.right": partial(canvas.push, 1, 0),
            "pan.up": partial(canvas.push, 0, -1),
            "pan.down": partial(canvas.push, 0, 1),
            "probe.keys": self._probe_keys,
        }

    def attach(self, actions: Actions) -> None:
        """Take the live actions: buttons and menus of the strip, and what is checked in them."""
        self.strip.take_actions(actions)
        self._actions = actions
        self._overlay.changed.connect(self._show_checked)
        self.board.arranged.connect(self._show_checked)
        self._show_checked()

    def seen(self, output: Path) -> ViewExport | None:
        """What is seen now, to be written to ``output``; None while the first view shows no exact frame."""
        shown = self._stage.shown
        panes = seen_panes(self.board, self._desk.data, shown)
        if shown is None or not panes or panes[0][1].letter != "A":
            return None
        view = seen_view(self.board, panes, self.strip.legend.scale, self._overlay, shown)
        facts = seen_facts(self.board, self._overlay)
        return ViewExport(view, tuple(evidence for evidence, _ in panes), output, facts)

    def leave(self) -> bool:
        """Leave a comparison on one canvas; whether there was one to leave."""
        return self.compare.leave()

    def _probe_keys(self) -> None:
        self.canvas.setFocus()
        self.canvas.probe_keys()

    @Slot()
    def _show_checked(self) -> None:
        for spec in LAYER_ACTIONS:
            if spec.checkable:
                self._actions[spec.id].setChecked(Layer(spec.id.removeprefix("layer.")) in self._overlay.layers)
        self.compare.refresh(self._actions)

    @Slot()
    def _arranged(self) -> None:
        """With several views each has a strip of its own, and the one over all of them would say A's again."""
        self.header.setVisible(not self.board.captions["A"].isVisibleTo(self.board))

    @Slot()
    def _choose(self) -> None:
        for canvas in self.board.canvases.values():
            canvas.choose(self._navigator.track)

    @Slot(object)
    def _clicked(self, track: TrackId) -> None:
        self._navigator.choose_track(None if self._navigator.track == track else track)

"""The viewer: header strip, canvas, overlay strip."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workstation.domain.ids import TrackId
from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.header import HeaderStrip
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.viewer.strip import OverlayStrip


class Viewer(QWidget):
    """The keys with scope "viewer" act while anything in here has the keyboard (U16)."""

    def __init__(self, desk: Desk, navigator: Navigator, stage: Stage, overlay: OverlayState) -> None:
        super().__init__()
        self._stage = stage
        self._navigator = navigator
        self.setObjectName("viewer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.canvas = Canvas(overlay)
        self.header = HeaderStrip(desk, stage)
        self.strip = OverlayStrip(desk, stage, overlay, self.canvas)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.header)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.strip)
        self.setFocusProxy(self.canvas)
        stage.changed.connect(self._show)
        navigator.track_chosen.connect(self._choose)
        self.canvas.track_clicked.connect(self._clicked)

    @Slot()
    def _show(self) -> None:
        if self._stage.shown is not None:
            self.canvas.show_frame(self._stage.shown)
        else:
            self.canvas.show_message(self._stage.message, self._stage.advice)

    @Slot()
    def _choose(self) -> None:
        self.canvas.choose(self._navigator.track)

    @Slot(object)
    def _clicked(self, track: TrackId) -> None:
        self._navigator.choose_track(None if self._navigator.track == track else track)

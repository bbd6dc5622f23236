"""The strip over every viewer: what is shown, whether it is intact, and exactly which frame (window rule 3, X9)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from workstation.ui.desk import Desk
from workstation.ui.theme.icons import icon, icon_size
from workstation.ui.theme.sheet import current_theme, mono_font
from workstation.ui.viewer.stage import Stage
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import label
from workstation.ui.words import broken, integrity, time_stamp


class HeaderStrip(QWidget):
    """Two lines: exhibit and digest; time stamp, frame digest and how much was examined."""

    def __init__(self, desk: Desk, stage: Stage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._stage = stage
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("What is shown"))
        self._exhibit = label("", "heading")
        self._name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self._badge = QLabel()
        self._digest = QLabel()
        self._frame = ElidedLabel(objectName="second")
        self._coverage = label("", "second")
        for line in (self._digest, self._coverage):
            line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        left = QHBoxLayout()
        left.setSpacing(8)
        left.addWidget(self._exhibit)
        left.addWidget(self._name, 1)
        right = QHBoxLayout()
        right.setSpacing(5)
        right.addWidget(self._badge)
        right.addWidget(self._digest)
        upper = QHBoxLayout()
        upper.setSpacing(16)
        upper.addLayout(left, 1)
        upper.addLayout(right)
        lower = QHBoxLayout()
        lower.setSpacing(16)
        lower.addWidget(self._frame, 1)
        lower.addWidget(self._coverage)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 7, 12, 7)
        column.setSpacing(3)
        column.addLayout(upper)
        column.addLayout(lower)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)
        stage.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        if data is None:
            for line in (self._exhibit, self._name, self._digest, self._frame, self._coverage):
                line.clear()
            self._badge.clear()
            return
        item = data.item
        theme = current_theme()
        bad = broken(item)
        self._exhibit.setText(item.exhibit)
        self._name.setText(item.name)
        ratio = self.devicePixelRatioF()
        mark = icon("alarm" if bad else "verify", theme.alarm if bad else theme.text)
        self._badge.setPixmap(mark.pixmap(icon_size(), ratio))
        self._digest.setText(f"SHA-256 {item.sha256[:12]}… · {integrity(item)}")
        self._digest.setStyleSheet(f"color: {theme.alarm}; font-weight: bold;" if bad else "")
        self._digest.setToolTip(item.sha256)
        self._frame.setFont(mono_font(self.font()))
        self._frame.setText(self._frame_words(data.frames))
        self._coverage.setText(self._coverage_words())

    def _frame_words(self, total: int) -> str:
        shown = self._stage.shown
        if shown is None:
            return ""
        place = self.tr("frame {n} of {total}").format(n=shown.ref.ordinal + 1, total=total)
        name = self.tr("proxy") if shown.proxy else shown.ref.digest[:12]
        return f"{time_stamp(shown.ref)} · {name} · {place}"

    def _coverage_words(self) -> str:
        data = self._desk.data
        if data is None or data.frames == 0:
            return ""
        if data.coverage is None or data.run is None:
            return self.tr("not examined yet")
        return self.tr("{n} of {total} frames examined").format(n=data.coverage.examined, total=data.frames)

"""The first page: cases known on this machine, and the two ways to begin."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.desk import Desk
from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme
from workstation.ui.widgets.labels import button, label
from workstation.ui.words import moment


class _Cases(QListWidget):
    """As tall as its rows, up to six; in a low window at least two are left, and the list scrolls."""

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(480, self._tall(6))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(200, self._tall(2))

    def _tall(self, most: int) -> int:
        return min(most, self.count()) * (self.fontMetrics().height() * 2 + 12) + 8


class Welcome(QWidget):
    """Emits ``chosen`` with the folder of a case."""

    chosen = Signal(object)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setObjectName("viewer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        title = label("Workstation", "title")
        what = label(
            self.tr("Examines faces in pictures and videos for traces of manipulation, offline, case by case."),
            "second",
        )
        what.setWordWrap(True)
        self._new = button(self.tr("New case…"), "strong")
        self._open = QPushButton(self.tr("Open case…"))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._new)
        buttons.addWidget(self._open)
        self._sample = QPushButton(self.tr("Open the sample case"))
        self._sample.setToolTip(
            self.tr("Two clips made from a public-domain portrait, one manipulated, examined before your eyes")
        )
        buttons.addWidget(self._sample)
        buttons.addStretch(1)
        self._heading = label(self.tr("Cases on this workstation"), "heading")
        self.list = _Cases()
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.list.setAccessibleName(self.tr("Cases on this workstation"))
        self.list.setIconSize(QSize(18, 18))
        self.list.setSpacing(1)
        self._none = label(
            self.tr("None yet. A case is a folder that holds exhibits, results, reports and the chain of custody."),
            "second",
        )
        self._none.setWordWrap(True)
        steps = QGridLayout()
        steps.setHorizontalSpacing(12)
        steps.setVerticalSpacing(3)
        for number, (name, how) in enumerate(self._steps()):
            for side, words in enumerate((label(f"{number + 1}  {name}", "heading"), label(how, "second"))):
                words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
                steps.addWidget(words, number, side)
        steps.setColumnStretch(1, 1)
        card = QFrame()
        card.setObjectName("card")
        card.setMinimumWidth(440)
        card.setMaximumWidth(610)
        column = QVBoxLayout(card)
        column.setContentsMargins(32, 28, 32, 26)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(what)
        column.addSpacing(10)
        column.addLayout(buttons)
        column.addSpacing(16)
        column.addWidget(self._heading)
        column.addWidget(self._none)
        column.addWidget(self.list)
        column.addSpacing(10)
        column.addLayout(steps)
        self.state = label("", "heading")
        self.state.hide()
        column.addWidget(self.state)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        # Not aligned: a layout asks for the height at its width only where it is not.
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 40)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(1)
        self.list.itemActivated.connect(self._activated)
        self.list.itemClicked.connect(self._activated)
        desk.known_shown.connect(self.refresh)
        self.refresh()

    @Slot(str)
    def say(self, words: str) -> None:
        """Say what is being made or went wrong, while there is no case to say it in."""
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self._sample.setEnabled(not words.endswith("…"))

    def _steps(self) -> tuple[tuple[str, str], ...]:
        return (
            (self.tr("Make a case"), self.tr("A folder that holds everything. Files dropped here begin one.")),
            (self.tr("Drop files"), self.tr("Pictures and videos are hashed and copied, never written.")),
            (self.tr("Run"), self.tr("Ctrl+R examines every face with the detectors that are validated.")),
            (self.tr("Read"), self.tr("Scores by track, uncalibrated, with what each detector is validated for.")),
        )

    def take_actions(self, new: QAction, open_: QAction, sample: QAction) -> None:
        self._sample.clicked.connect(sample.trigger)
        self._new.clicked.connect(new.trigger)
        self._open.clicked.connect(open_.trigger)

    @Slot()
    def refresh(self) -> None:
        self.list.clear()
        theme = current_theme()
        for known in self._desk.known:
            opened = moment(known.opened_at)[:16]
            words = f"{known.number} · {known.title}\n{known.folder} · {self.tr('opened')} {opened}"
            if not known.available:
                words += self.tr(" · its folder is not there now")
            item = QListWidgetItem(icon("case", theme.second), words)
            item.setData(Qt.ItemDataRole.UserRole, known.folder)
            if not known.available:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self._none.setVisible(not self.list.count())
        self.list.setVisible(bool(self.list.count()))
        self.list.updateGeometry()
        if self.list.count():
            self.list.setCurrentRow(0)

    @Slot(QListWidgetItem)
    def _activated(self, item: QListWidgetItem) -> None:
        folder = item.data(Qt.ItemDataRole.UserRole)
        if folder and item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.chosen.emit(Path(str(folder)))

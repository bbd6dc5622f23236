"""The gallery: every face of the case with its best picture, sorted and filtered by anything but by scores (rule 1)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workstation.app.face_listing import FaceEntry, FaceFilter, FaceOrder, ordered, select
from workstation.app.face_pictures import PictureWish
from workstation.domain.evidence import EvidenceItem
from workstation.ui.faces.filter_panel import FilterPanel
from workstation.ui.faces.model import FacesModel
from workstation.ui.faces.tile import TileDelegate, tile_size
from workstation.ui.faces.words import count, falls_first, order_name, tr
from workstation.ui.widgets.labels import button, label

_BESIDE = 24
"""Tiles before and after those in sight whose pictures are asked for too."""


class FaceGallery(QWidget):
    """``chosen`` tells of the face that got the cursor by hand, ``wanted`` of the pictures now in sight."""

    chosen = Signal(object)
    marked = Signal()
    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.every: tuple[FaceEntry, ...] = ()
        self.model = FacesModel(self)
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("Find by exhibit, number, name or reason"))
        self.words.setAccessibleName(tr("Find faces"))
        self.words.setClearButtonEnabled(True)
        self.order = QComboBox()
        self.order.setAccessibleName(tr("Sort faces by"))
        self.order.setToolTip(tr("Sort by. Scores are not among it: the list never follows them"))
        for one in FaceOrder:
            self.order.addItem(order_name(one), one)
        self.turned = QToolButton()
        self.turned.setObjectName("button")
        self.turned.setCheckable(True)
        self.filters = QToolButton()
        self.filters.setObjectName("button")
        self.panel = FilterPanel(self)
        self.view = _Tiles(self.model)
        self.counted = label("", "second")
        self.empty = label("", "second", wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setContentsMargins(18, 18, 18, 18)
        self.lead = button("")
        self.lead.hide()
        self._actions: tuple[QAction, ...] = ()
        self._by_hand = True
        self._lay_out()
        self._look = QTimer(self, singleShot=True, interval=30)
        self._look.timeout.connect(self._want)
        self.words.textChanged.connect(self.refresh)
        self.order.currentIndexChanged.connect(self._ordered)
        self.turned.toggled.connect(self.refresh)
        self.filters.clicked.connect(self._open_panel)
        self.panel.changed.connect(self.refresh)
        self.view.seen.connect(self._look.start)
        self.view.selectionModel().currentChanged.connect(self._current)
        self.view.selectionModel().selectionChanged.connect(self._marked)
        self.view.customContextMenuRequested.connect(self._menu)
        self.view.activated.connect(self._current)
        self._ordered()

    @property
    def filter(self) -> FaceFilter:
        return self.panel.filter(self.words.text())

    @property
    def selected(self) -> tuple[FaceEntry, ...]:
        """The chosen faces, in the order shown."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return tuple(self.model.entries[row] for row in rows if row < len(self.model.entries))

    def take_actions(self, actions: Sequence[QAction]) -> None:
        """What can be done with chosen faces, for the context menu."""
        self._actions = tuple(actions)

    def set_exhibits(self, items: tuple[EvidenceItem, ...]) -> None:
        self.panel.set_exhibits(items)

    def show_faces(self, every: Sequence[FaceEntry]) -> None:
        """Show these faces of the case; what was chosen stays chosen, if it is still there."""
        self.every = tuple(every)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Sort and filter again."""
        kept = {entry.key for entry in self.selected}
        current = self.view.currentIndex().row()
        at = self.model.entries[current].key if 0 <= current < len(self.model.entries) else ""
        by = FaceOrder(self.order.currentData())
        wanted = self.filter
        self.model.show(ordered(select(self.every, wanted), by, falling=self.turned.isChecked()), by)
        self.choose([entry.key for entry in self.model.entries if entry.key in kept], at)
        asks = wanted.asks - bool(wanted.words)
        self.filters.setText(tr("Filter: {n}").format(n=asks) if asks else tr("Filter"))
        self.turned.setText("↓" if self.turned.isChecked() else "↑")
        self.turned.setToolTip(tr("Largest first") if self.turned.isChecked() else tr("Smallest first"))
        self.counted.setText(count(len(self.model.entries), len(self.every)) if self.every else "")
        self._say_nothing()
        self._look.start()

    def choose(self, keys: Sequence[str], current: str = "") -> None:
        """Choose faces without telling: the viewer and the timeline have chosen them already."""
        rows = [row for key in keys if (row := self.model.row(key)) is not None]
        self._by_hand = False
        try:
            chosen = QItemSelection()
            for row in rows:
                chosen.select(self.model.index(row), self.model.index(row))
            flag = QItemSelectionModel.SelectionFlag
            self.view.selectionModel().select(chosen, flag.ClearAndSelect)
            at = self.model.row(current) if current else (rows[0] if rows else None)
            if at is not None:
                self.view.selectionModel().setCurrentIndex(self.model.index(at), flag.NoUpdate)
                if rows:
                    self.view.scrollTo(self.model.index(at))
        finally:
            self._by_hand = True
        self.marked.emit()

    def put(self, wish: PictureWish, picture: QImage) -> None:
        self.model.put(wish, picture)

    def fit(self) -> None:
        """Make the tiles fit the present font."""
        self.view.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._look.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._look.start()

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.words, 1)
        first.addWidget(self.filters)
        second.addWidget(self.order, 1)
        second.addWidget(self.turned)
        second.addStretch(1)
        second.addWidget(self.counted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for row in (first, second):
            row.setContentsMargins(10, 8 if row is first else 5, 10, 0 if row is first else 6)
            row.setSpacing(6)
            column.addLayout(row)
        column.addWidget(self.view, 1)
        column.addStretch(0)
        column.addWidget(self.empty)
        leading = QHBoxLayout()
        leading.addStretch(1)
        leading.addWidget(self.lead)
        leading.addStretch(1)
        column.addLayout(leading)
        column.addStretch(0)

    def _say_nothing(self) -> None:
        nothing = bool(self.every) and not self.model.entries
        if nothing:
            self.empty.setText(tr("No face is like this. The filter leaves {n} out.").format(n=len(self.every)))
            self.lead.setText(tr("Show every face"))
        self.view.setVisible(bool(self.model.entries))
        self.empty.setVisible(not self.model.entries)
        self.lead.setVisible(not self.model.entries and bool(self.lead.text()))

    def say(self, words: str, lead: str = "") -> None:
        """What stands in place of faces while the case has none, and the way on."""
        if not self.every:
            self.empty.setText(words)
            self.lead.setText(lead)
            self._say_nothing()

    @Slot()
    def clear_filter(self) -> None:
        self.words.clear()
        self.panel.clear()

    @Slot()
    def _ordered(self) -> None:
        falling = falls_first(FaceOrder(self.order.currentData()))
        self.turned.blockSignals(True)
        self.turned.setChecked(falling)
        self.turned.blockSignals(False)
        self.refresh()

    @Slot()
    def _open_panel(self) -> None:
        self.panel.adjustSize()
        at = self.filters.mapToGlobal(QPoint(self.filters.width() - self.panel.width(), self.filters.height() + 3))
        self.panel.move(at)
        self.panel.show()

    @Slot()
    def _want(self) -> None:
        if not self.isVisible():
            return
        first, last = self.view.in_sight()
        self.wanted.emit(self.model.missing(first, last) + self.model.missing(first - _BESIDE, last + _BESIDE))

    @Slot(QModelIndex)
    def _current(self, index: QModelIndex) -> None:
        if self._by_hand and index.isValid() and index.row() < len(self.model.entries):
            self.chosen.emit(self.model.entries[index.row()])

    @Slot()
    def _marked(self) -> None:
        if self._by_hand:
            self.marked.emit()

    @Slot(QPoint)
    def _menu(self, at: QPoint) -> None:
        if not self.view.indexAt(at).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in self._actions:
            menu.addAction(action)
        menu.popup(self.view.viewport().mapToGlobal(at))


class _Tiles(QListView):
    """Tiles of one size side by side; only those in sight are ever painted or asked for."""

    seen = Signal()

    def __init__(self, model: FacesModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(TileDelegate(self))
        self.setAccessibleName(tr("Faces of the case"))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.verticalScrollBar().valueChanged.connect(self.seen)
        self.fit()

    def fit(self) -> None:
        self.setGridSize(tile_size())
        self.verticalScrollBar().setSingleStep(tile_size().height() // 3)

    def in_sight(self) -> tuple[int, int]:
        """First and last row in sight, from the grid alone."""
        size, area = tile_size(), QRect(self.viewport().rect())
        across = max(1, area.width() // size.width())
        top = self.verticalScrollBar().value()
        first = top // size.height() * across
        last = ((top + area.height()) // size.height() + 1) * across - 1
        return first, min(last, self.model().rowCount() - 1)

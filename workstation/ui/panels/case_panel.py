"""The case panel: whose case it is, its exhibits with thumbnail and work state, its reports, and a filter."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from workstation.app.contents import Contents
from workstation.domain.edits import ObjectKind
from workstation.domain.ids import EvidenceId
from workstation.domain.media import MediaKind
from workstation.ui.desk import Desk
from workstation.ui.faces.veil import veiled
from workstation.ui.models.case_nodes import ExhibitEntry, Line, ObjectEntry, ReportEntry
from workstation.ui.models.case_tree import CaseTreeModel, Role
from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import label
from workstation.ui.words import broken, integrity, kind, work_state

_THUMB = QSize(52, 38)
Index = QModelIndex | QPersistentModelIndex


class EntryDelegate(QStyledItemDelegate):
    """Two lines beside a thumbnail. The state shown is one of work, never of opinion."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        line = QFontMetricsF(option.font).height()
        if isinstance(index.data(Role.ENTRY), ExhibitEntry):
            return QSize(120, round(max(_THUMB.height(), line * 3) + 14))
        return QSize(120, round(line + 12))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(Role.ENTRY)
        rect = QRectF(option.rect)
        state = option.state
        theme = current_theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(option.font)
        if entry is None:
            self._branch(painter, rect, str(index.data()))
        else:
            if state & QStyle.StateFlag.State_Selected:
                painter.fillRect(rect, QColor(theme.selected))
                painter.fillRect(QRectF(rect.left(), rect.top(), 3, rect.height()), QColor(theme.strong))
            elif state & QStyle.StateFlag.State_MouseOver:
                painter.fillRect(rect, QColor(theme.hover))
            if isinstance(entry, ExhibitEntry):
                self._exhibit(painter, rect, entry, index)
            elif isinstance(entry, Line):
                self._line(painter, rect, entry)
            if state & QStyle.StateFlag.State_HasFocus:
                painter.setPen(QPen(QColor(theme.focus), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()

    def _branch(self, painter: QPainter, rect: QRectF, text: str) -> None:
        theme = current_theme()
        name, _, count = text.partition("  ")
        font = QFont(painter.font())
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.second))
        area = rect.adjusted(10, 0, -8, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, name)
        wide = QFontMetricsF(font).horizontalAdvance(name)
        font.setBold(False)
        painter.setFont(font)
        painter.drawText(area.adjusted(wide + 7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, count)

    def _exhibit(self, painter: QPainter, rect: QRectF, entry: ExhibitEntry, index: Index) -> None:
        theme = current_theme()
        item = entry.item
        top = rect.center().y() - _THUMB.height() / 2
        frame = QRectF(rect.left() + 8, top, _THUMB.width(), _THUMB.height())
        self._thumbnail(painter, frame, entry, index)
        font = QFont(painter.font())
        metrics = QFontMetricsF(font)
        line = metrics.height()
        left, wide = frame.right() + 10, rect.right() - frame.right() - 18
        y = rect.center().y() - line * 1.5
        bold = QFont(font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(left, y, wide, line), Qt.AlignmentFlag.AlignVCenter, item.exhibit)
        over = QFontMetricsF(bold).horizontalAdvance(item.exhibit) + 7
        painter.setFont(font)
        name = metrics.elidedText(item.name, Qt.TextElideMode.ElideMiddle, wide - over)
        painter.drawText(QRectF(left + over, y, wide - over, line), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(QColor(theme.second))
        words = metrics.elidedText(kind(item), Qt.TextElideMode.ElideRight, wide)
        painter.drawText(QRectF(left, y + line, wide, line), Qt.AlignmentFlag.AlignVCenter, words)
        state = f"{work_state(item.work)} · {integrity(item)}"
        if broken(item):
            painter.setPen(QColor(theme.alarm))
            painter.setFont(bold)
            state = integrity(item)
        words = metrics.elidedText(state, Qt.TextElideMode.ElideRight, wide)
        painter.drawText(QRectF(left, y + 2 * line, wide, line), Qt.AlignmentFlag.AlignVCenter, words)

    def _thumbnail(self, painter: QPainter, frame: QRectF, entry: ExhibitEntry, index: Index) -> None:
        theme = current_theme()
        path = QPainterPath()
        path.addRoundedRect(frame, 3, 3)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(frame, QColor(theme.field))
        pixmap = index.data(Role.THUMBNAIL)
        media = entry.item.media
        if pixmap is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            scale = max(frame.width() / pixmap.width(), frame.height() / pixmap.height())
            wide, high = frame.width() / scale, frame.height() / scale
            part = QRectF((pixmap.width() - wide) / 2, (pixmap.height() - high) / 2, wide, high)
            painter.drawImage(frame, veiled(pixmap.toImage()), part)
        else:
            name = "broken" if media is None else "film" if media.kind is MediaKind.VIDEO else "picture"
            mark = QRectF(0, 0, 18, 18)
            mark.moveCenter(frame.center())
            icon(name, theme.second).paint(painter, mark.toRect())
        painter.restore()

    def _line(self, painter: QPainter, rect: QRectF, entry: Line) -> None:
        """An icon, what it is, and in the secondary colour what qualifies it."""
        theme = current_theme()
        left = 14.0
        if entry.picture:
            mark = QRectF(rect.left() + left, rect.center().y() - 7, 14, 14)
            icon(entry.picture, theme.text).paint(painter, mark.toRect())
            left += 22
        metrics = QFontMetricsF(painter.font())
        area = rect.adjusted(left, 0, -8, 0)
        painter.setPen(QColor(theme.text))
        text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        area.setLeft(area.left() + metrics.horizontalAdvance(text) + 8)
        if area.width() > 24:
            painter.setPen(QColor(theme.second))
            second = metrics.elidedText(entry.second, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, second)


class CasePanel(QWidget):
    """Choosing an exhibit shows it; choosing anything else in the tree goes there.

    Signals:
        exhibit_chosen(EvidenceId), report_opened(ReportRecord): to be shown.
        went(object): the entry of the tree to go to, which is neither of these.
        opened(ObjectEntry): a finding or a bookmark is to be looked into.
        remove_wanted(str): the finding or the bookmark with that id is to be taken away.
        finding_wanted(str): a new finding under the one with that id, or at the top when it is empty.
    """

    exhibit_chosen = Signal(object)
    report_opened = Signal(object)
    went = Signal(object)
    opened = Signal(object)
    remove_wanted = Signal(str)
    finding_wanted = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = CaseTreeModel(self)
        self._filtered = QSortFilterProxyModel(self)
        self._filtered.setSourceModel(self.model)
        self._filtered.setRecursiveFilteringEnabled(True)
        self._filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._number = ElidedLabel(objectName="heading")
        self._title = ElidedLabel(objectName="second")
        self.tree = QTreeView()
        self.tree.setModel(self._filtered)
        self.tree.setItemDelegate(EntryDelegate(self.tree))
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(False)
        self.tree.setExpandsOnDoubleClick(False)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._contents = Contents()
        self.tree.setMouseTracking(True)
        self.tree.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setAccessibleName(self.tr("What the case holds: exhibits, findings, bookmarks, tags, reports"))
        self._filter = QLineEdit(placeholderText=self.tr("Filter the case"))
        self._filter.setClearButtonEnabled(True)
        self._filter.setAccessibleName(self.tr("Filter the case"))
        self._hint = label("", "second")
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._hint.setContentsMargins(12, 6, 12, 0)
        head = QVBoxLayout()
        head.setContentsMargins(12, 10, 12, 8)
        head.setSpacing(1)
        head.addWidget(self._number)
        head.addWidget(self._title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._hint)
        column.addWidget(self.tree, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(8, 6, 8, 8)
        foot.addWidget(self._filter)
        column.addLayout(foot)
        self._filter.textChanged.connect(self._filtered.setFilterFixedString)
        self._filter.textChanged.connect(self._expand)
        self.tree.selectionModel().currentChanged.connect(self._chosen)
        self.tree.activated.connect(self._activated)
        self.tree.clicked.connect(self._clicked)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.installEventFilter(self)
        desk.case_shown.connect(self.refresh)
        desk.exhibits_shown.connect(self.refresh)
        desk.custody_shown.connect(self.refresh)
        desk.exhibit_shown.connect(self._follow)
        desk.thumbnail_shown.connect(self._thumbnail)
        self.refresh()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(256, 420)

    @Slot()
    def refresh(self) -> None:
        session = self._desk.session
        self._number.setText(session.case.number if session else "")
        title = session.case.title if session else ""
        self._title.setText(
            self.tr("{title} (reading only)").format(title=title) if session and session.read_only else title
        )
        desk = self._desk
        self._contents = replace(self._contents, items=desk.items, objects=desk.objects, reports=desk.reports)
        # Rows that come and go one by one under a filter by descendants confuse the filter.
        self._filtered.setFilterFixedString("")
        self.model.show(self._contents)
        self._filtered.setFilterFixedString(self._filter.text())
        empty = not self._desk.items
        self._hint.setVisible(empty)
        self._hint.setText(self.tr("No exhibits yet. Drop pictures or videos on the window, or press Ctrl+I."))
        self._filter.setVisible(len(list(self.model.entries())) > 9)
        self._hide_empty_branches()
        self._expand()
        self._follow()

    def _hide_empty_branches(self) -> None:
        for row in range(self._filtered.rowCount()):
            index = self._filtered.index(row, 0)
            self.tree.setRowHidden(row, QModelIndex(), self._filtered.rowCount(index) == 0)

    def show_contents(self, contents: Contents) -> None:
        """Take what was read of the case beside what the desk has: derived items and tracks."""
        self._contents = contents
        self.refresh()

    @Slot()
    def _expand(self) -> None:
        """Everything stands open but exhibits that are not shown: a case may have thousands of tracks."""
        shown = self._desk.data.item.id if self._desk.data is not None else ""
        filtered = bool(self._filter.text())
        for row in range(self._filtered.rowCount()):
            branch = self._filtered.index(row, 0)
            self.tree.expand(branch)
            if row:
                self.tree.expandRecursively(branch)
                continue
            for number in range(self._filtered.rowCount(branch)):
                index = self._filtered.index(number, 0, branch)
                self.tree.setExpanded(index, filtered or index.data(Role.KEY) == shown)
        self._hide_empty_branches()

    @Slot()
    def _follow(self) -> None:
        data = self._desk.data
        if data is None:
            return
        index = self._filtered.mapFromSource(self.model.index_of(data.item.id))
        if not index.isValid():
            return
        self._expand()
        if not self._within(data.item.id):
            self.tree.setCurrentIndex(index)

    def _within(self, shown: str) -> bool:
        """Whether the present entry is the exhibit shown, belongs to it, or to no exhibit at all."""
        at = self.tree.currentIndex()
        if not at.isValid():
            return False
        while at.isValid():
            if isinstance(at.data(Role.ENTRY), ExhibitEntry):
                return bool(at.data(Role.KEY) == shown)
            at = at.parent()
        return self.tree.currentIndex().data(Role.ENTRY) is not None

    @Slot(str)
    def _thumbnail(self, evidence: str) -> None:
        png = self._desk.thumbnails.get(EvidenceId(evidence))
        if png:
            self.model.set_thumbnail(EvidenceId(evidence), png)

    @Slot(QModelIndex, QModelIndex)
    def _chosen(self, index: QModelIndex, _: QModelIndex) -> None:
        entry = index.data(Role.ENTRY)
        if isinstance(entry, ExhibitEntry):
            shown = self._desk.data
            if shown is None or shown.item.id != entry.item.id:
                self.exhibit_chosen.emit(entry.item.id)

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        self._go(index)

    @Slot(QModelIndex)
    def _activated(self, index: QModelIndex) -> None:
        entry = index.data(Role.ENTRY)
        if isinstance(entry, ReportEntry):
            self.report_opened.emit(entry.report)
        elif isinstance(entry, ObjectEntry):
            self.opened.emit(entry)
        else:
            self._go(index)

    def _go(self, index: QModelIndex) -> None:
        entry = index.data(Role.ENTRY)
        if isinstance(entry, Line) and not isinstance(entry, ReportEntry):
            self.went.emit(entry)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Delete takes a finding or a bookmark away; undo brings it back."""
        if watched is self.tree and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            entry = self.tree.currentIndex().data(Role.ENTRY)
            if event.key() == Qt.Key.Key_Delete and isinstance(entry, ObjectEntry) and entry.thing is not None:
                self.remove_wanted.emit(entry.thing.id)
                return True
        return super().eventFilter(watched, event)

    @Slot(QPoint)
    def _menu(self, place: QPoint) -> None:
        menu = self.menu(self.tree.indexAt(place))
        if menu.actions():
            menu.popup(self.tree.viewport().mapToGlobal(place))

    def menu(self, index: QModelIndex) -> QMenu:
        """What can be done with an entry of the tree."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        session, entry = self._desk.session, index.data(Role.ENTRY)
        if session is None or session.read_only:
            return menu
        thing = entry.thing if isinstance(entry, ObjectEntry) else None
        if thing is not None and thing.kind is ObjectKind.FINDING:
            menu.addAction(self.tr("Look into this finding…"), partial(self.opened.emit, entry))
            menu.addAction(self.tr("New finding under it…"), partial(self.finding_wanted.emit, str(thing.id)))
        menu.addAction(self.tr("New finding…"), partial(self.finding_wanted.emit, ""))
        if thing is not None:
            menu.addAction(self.tr("Remove"), partial(self.remove_wanted.emit, str(thing.id)))
        return menu

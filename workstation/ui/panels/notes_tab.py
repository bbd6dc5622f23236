"""The examiner's marks on the exhibit shown: bookmarks, notes, tags, names and exclusions, and the edits made last."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.ids import ObjectId
from workstation.domain.track_pieces import members
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.marks import Marks
from workstation.ui.models.tables import Cell, CellRole, Row, TableModel
from workstation.ui.navigator import Navigator
from workstation.ui.translation import QT_TRANSLATE_NOOP
from workstation.ui.widgets.labels import button, label
from workstation.ui.widgets.table import Table

_NAMES = {
    ObjectKind.BOOKMARK: QT_TRANSLATE_NOOP("NotesTab", "Bookmark"),
    ObjectKind.NOTE: QT_TRANSLATE_NOOP("NotesTab", "Note"),
    ObjectKind.TAG: QT_TRANSLATE_NOOP("NotesTab", "Tag"),
    ObjectKind.TRACK_NAME: QT_TRANSLATE_NOOP("NotesTab", "Track name"),
    ObjectKind.EXCLUSION: QT_TRANSLATE_NOOP("NotesTab", "Excluded"),
    ObjectKind.TRACK_SPLIT: QT_TRANSLATE_NOOP("NotesTab", "Split"),
    ObjectKind.TRACK_JOIN: QT_TRANSLATE_NOOP("NotesTab", "Joined"),
    ObjectKind.REFERENCE: QT_TRANSLATE_NOOP("NotesTab", "Shows"),
    ObjectKind.CLAIM: QT_TRANSLATE_NOOP("NotesTab", "Said to show"),
}


class _MarksTable(Table):
    """Delete takes the chosen mark away; undo brings it back."""

    def __init__(self, model: TableModel, name: str, marks: Marks) -> None:
        super().__init__(model, name, 1)
        self._marks = marks

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        key = str(self.currentIndex().data(CellRole.KEY) or "")
        if event.key() == Qt.Key.Key_Delete and key:
            self._marks.remove(ObjectId(key))
            return
        super().keyPressEvent(event)


class NotesTab(QWidget):
    def __init__(self, desk: Desk, navigator: Navigator, marks: Marks) -> None:
        super().__init__()
        self._desk, self._navigator, self._marks = desk, navigator, marks
        self.setObjectName("panel")
        self._empty = label(
            self.tr("No marks on this exhibit yet. M bookmarks the frame shown, Shift+M adds words to it, T tags it."),
            "second",
            wrap=True,
        )
        self._empty.setContentsMargins(10, 10, 10, 10)
        self.model = TableModel([self.tr("Mark"), self.tr("Words")], self)
        self.table = _MarksTable(self.model, self.tr("Marks on this exhibit"), marks)
        self._note = button(self.tr("Add note…"))
        self._remove = button(self.tr("Remove"))
        self._remove.setToolTip(self.tr("Take the chosen mark away; Ctrl+Z brings it back (Del)"))
        row = QHBoxLayout()
        row.setContentsMargins(10, 7, 10, 9)
        row.addWidget(self._note)
        row.addStretch(1)
        row.addWidget(self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._empty)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        column.addLayout(row)
        self._note.clicked.connect(marks.ask_note)
        self._remove.clicked.connect(self._remove_chosen)
        self.table.activated.connect(self._activated)
        self.table.doubleClicked.connect(self._activated)
        self.table.selectionModel().currentRowChanged.connect(self._allow)
        for signal in (desk.marks_shown, desk.exhibit_shown, desk.case_shown):
            signal.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        rows = [self._row(data, thing) for thing in self._desk.objects if data is not None and _on(thing, data)]
        self.model.show(rows)
        self.table.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        self._note.setEnabled(data is not None and self._marks.can_write)
        self._allow()

    def _row(self, data: ExhibitData, thing: ExaminerObject) -> Row:
        body = thing.body
        name = self.tr(_NAMES[thing.kind])
        if thing.kind is ObjectKind.BOOKMARK:
            ordinal = _ordinal(data, thing)
            where = "" if ordinal is None or data.frames < 2 else f"{data.seconds(ordinal):.3f} s"
            said = (str(body.get("label", "")), str(body.get("note", "") or ""))
            return Row(thing.id, (Cell(name, where), Cell(said[0], said[1], tip="\n".join(filter(None, said)))))
        if thing.kind in (ObjectKind.TRACK_NAME, ObjectKind.EXCLUSION):
            track = next((lane.label for lane in data.lanes.lanes if lane.track == body.get("track")), "")
            text = str(body.get("name" if thing.kind is ObjectKind.TRACK_NAME else "reason", ""))
            return Row(thing.id, (Cell(name, track), Cell(text, tip=text)))
        if thing.kind is ObjectKind.TRACK_SPLIT:
            ordinal = _ordinal(data, thing)
            words = "" if ordinal is None else self.tr("another face from {time} s on")
            track = next((lane.label for lane in data.lanes.lanes if lane.track == body.get("track")), "")
            return Row(thing.id, (Cell(name, track), Cell(words.format(time=f"{data.seconds(ordinal or 0):.3f}"))))
        if thing.kind is ObjectKind.TRACK_JOIN:
            named = {track for track, _ in members(thing)}
            joined = ", ".join(lane.label for lane in data.lanes.lanes if lane.track in named)
            return Row(thing.id, (Cell(name), Cell(self.tr("{tracks} show the same face").format(tracks=joined))))
        if thing.kind in (ObjectKind.REFERENCE, ObjectKind.CLAIM):
            track = str(body.get("track", ""))
            if thing.kind is ObjectKind.REFERENCE:
                track = next((lane.label for lane in data.lanes.lanes if lane.track == track), "")
            who = next((t for t in self._desk.objects if t.id == body.get("person")), None)
            called = str(who.body.get("name", "")) if who is not None else self.tr("a person no longer in the case")
            return Row(thing.id, (Cell(name, track), Cell(called, tip=called)))
        text = str(body.get("text" if thing.kind is ObjectKind.NOTE else "path", ""))
        return Row(thing.id, (Cell(name), Cell(text.split("\n", 1)[0], tip=text)))

    @Slot()
    def _allow(self) -> None:
        self._remove.setEnabled(self._marks.can_write and self.table.currentIndex().isValid())

    @Slot()
    def _remove_chosen(self) -> None:
        key = str(self.table.currentIndex().data(CellRole.KEY) or "")
        if key:
            self._marks.remove(ObjectId(key))

    @Slot(QModelIndex)
    def _activated(self, index: QModelIndex) -> None:
        key, data = str(index.data(CellRole.KEY) or ""), self._desk.data
        thing = next((t for t in self._desk.objects if t.id == key), None)
        if thing is not None and data is not None and thing.kind is ObjectKind.BOOKMARK:
            ordinal = _ordinal(data, thing)
            if ordinal is not None:
                self._navigator.go_to(ordinal, jump=True)


def _on(thing: ExaminerObject, data: ExhibitData) -> bool:
    """Whether an object is about the exhibit shown."""
    return thing.kind in _NAMES and data.item.id in (thing.body.get("evidence"), thing.body.get("about"))


def _ordinal(data: ExhibitData, thing: ExaminerObject) -> int | None:
    pts = int(str(thing.body.get("pts", 0)))
    if data.index is None:
        return 0
    return data.index.pts.index(pts) if pts in data.index.pts else None

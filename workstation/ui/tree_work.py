"""What is done from the case tree: going to its entries, findings, bookmarks with their view, views as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QWidget

from workstation.app.contents import Contents
from workstation.app.findings import Findings
from workstation.domain.edits import Edit, ExaminerObject, ObjectKind
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId, ObjectId, TrackId
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.dialogs.finding import FindingDialog
from workstation.ui.marks import Marks
from workstation.ui.models.case_nodes import DerivedEntry, ObjectEntry, TagEntry, TrackLine
from workstation.ui.navigator import Navigator
from workstation.ui.panels.case_panel import CasePanel
from workstation.ui.views import Views
from workstation.ui.widgets.banner import Banner


class TreeWork(QObject):
    """Every change is an edit of the case with undo (U27); views are text and change nothing."""

    def __init__(
        self, desk: Desk, navigator: Navigator, marks: Marks, views: Views, banner: Banner, window: QWidget
    ) -> None:
        super().__init__(window)
        self._desk, self._navigator, self._marks = desk, navigator, marks
        self.views, self._banner, self._window = views, banner, window
        self._contents: Callable[[], Contents] = Contents
        self.dialog: FindingDialog | None = None
        self._edited: ExaminerObject | None = None
        self._parent = ""
        marks.view = self._view

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {
            "finding.add": partial(self.new_finding, ""),
            "view.copy": self.copy_view,
            "view.open": self.open_view,
        }

    def take_panel(self, panel: CasePanel, contents: Callable[[], Contents]) -> None:
        """Listen to the case tree; ``contents`` gives what the case holds now."""
        self._contents = contents
        panel.went.connect(self.go)
        panel.opened.connect(self.look_into)
        panel.remove_wanted.connect(self.remove)
        panel.finding_wanted.connect(self.new_finding)

    def refresh(self, actions: Actions) -> None:
        """Enable what can be done now."""
        data = self._desk.data
        actions.set_enabled(("finding.add",), self._marks.can_write and data is not None)
        actions.set_enabled(("view.copy",), data is not None and data.frames > 0)
        actions.set_enabled(("view.open",), self._desk.session is not None)

    @Slot(object)
    def go(self, entry: object) -> None:
        """Go to where an entry of the tree leads."""
        if isinstance(entry, TrackLine) and entry.track is not None:
            track = entry.track
            self._navigator.visit(track.evidence, track.ordinal, track=track.track)
        elif isinstance(entry, DerivedEntry) and entry.derived is not None:
            exhibit = self._contents().exhibit_of(entry.derived)
            if exhibit is not None:
                self._navigator.visit(exhibit, 0)
        elif isinstance(entry, TagEntry) and entry.evidence:
            self._navigator.visit(EvidenceId(entry.evidence), 0)
        elif isinstance(entry, ObjectEntry) and entry.thing is not None:
            self._go_to_object(entry.thing)

    def _go_to_object(self, thing: ExaminerObject) -> None:
        about = str(thing.body.get("evidence") or thing.body.get("about") or "")
        if self._contents().item(about) is None:
            self._navigator.show_thing(thing.id)
            return
        evidence, ordinal = EvidenceId(about), 0
        session, pts = self._desk.session, thing.body.get("pts")
        index = session.frame_index(evidence) if session is not None and isinstance(pts, int) else None
        if index is not None and isinstance(pts, int) and pts in index.pts:
            ordinal = index.pts.index(pts)
        track = TrackId(str(thing.body["track"])) if thing.body.get("track") else None
        self._navigator.visit(evidence, ordinal, track=track, thing=thing.id)

    @Slot(object)
    def look_into(self, entry: ObjectEntry) -> None:
        """Open a finding; put up the view that was kept with a bookmark, or go to its frame."""
        thing = entry.thing
        if thing is None:
            return
        if thing.kind is ObjectKind.FINDING:
            self.edit_finding(thing)
            return
        view = self.views.of(thing)
        if view is None:
            self._go_to_object(thing)
        else:
            self._try(partial(self.views.open, view))

    @Slot(str)
    def remove(self, key: str) -> None:
        """Take a finding or a bookmark away; undo brings it back."""
        thing = next((one for one in self._desk.objects if one.id == key), None)
        if thing is not None and thing.kind is ObjectKind.FINDING:
            self._edit(lambda findings: findings.remove(key))
        elif thing is not None:
            self._marks.remove(ObjectId(key))

    @Slot(str)
    def new_finding(self, parent: str) -> None:
        """Ask for a finding about the exhibit shown and its chosen track."""
        data = self._desk.data
        if data is None or not self._marks.can_write:
            return
        lane = data.lanes.lane(self._navigator.track) if self._navigator.track is not None else None
        about = f"{data.item.exhibit} {lane.label}" if lane is not None else data.item.exhibit
        self._edited, self._parent = None, parent
        self._ask(FindingDialog(about, None, self._window))

    def edit_finding(self, thing: ExaminerObject) -> None:
        """Show a finding and take what is changed in it."""
        item = self._contents().item(str(thing.body.get("about", "")))
        self._edited = thing
        self._ask(FindingDialog(item.exhibit if item is not None else self.tr("the case"), thing.body, self._window))

    def _ask(self, dialog: FindingDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.accepted.connect(self._accepted)
        dialog.finished.connect(self._closed)
        dialog.open()

    @Slot()
    def _accepted(self) -> None:
        data, dialog, there = self._desk.data, self.dialog, self._edited
        if dialog is None:
            return
        members = dialog.members
        if there is not None:
            changed = {name: value for name, value in members.items() if there.body.get(name, "") != value}
            if changed:
                self._edit(lambda findings: findings.revise(there.id, changed))
        elif data is not None:
            about, parent, track = data.item.id, self._parent, self._navigator.track or ""
            title = str(members.pop("title"))
            kept = {name: value for name, value in members.items() if value}
            self._edit(lambda findings: findings.add(title, about, parent=parent, track=track, members=kept))

    @Slot()
    def _closed(self) -> None:
        if self.dialog is not None and self.dialog is self.sender():
            self.dialog.deleteLater()
            self.dialog = None

    def copy_view(self) -> None:
        """Put the view shown on the clipboard, as text that opens it again (U28)."""

        def copy() -> None:
            QApplication.clipboard().setText(self.views.text())
            self._banner.tell(self.tr("This view is on the clipboard, as text."), seconds=4)

        self._try(copy)

    def open_view(self) -> None:
        """Put up the view whose text is on the clipboard."""
        self._try(lambda: self.views.open_text(QApplication.clipboard().text()))

    def _view(self) -> Mapping[str, object] | None:
        try:
            return self.views.now()
        except WorkstationError:
            return None

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except WorkstationError as fault:
            self._desk.failed.emit(fault)

    def _edit(self, act: Callable[[Findings], Edit]) -> None:
        session = self._desk.session
        if session is not None and self._marks.can_write:
            findings = Findings(session.store, self._desk.engine.hub)
            self._desk.ask(lambda: act(findings), lambda edit: self._banner.tell(edit.label, seconds=4))

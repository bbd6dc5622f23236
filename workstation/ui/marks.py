"""What the examiner writes into the case: bookmarks, notes, tags, persons, with undo and redo (U27, U37).

Every act is committed when it is made; undo and redo are acts too and survive closing the case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog, QWidget

from workstation.domain.edits import Edit, ObjectKind
from workstation.domain.errors import NotFound
from workstation.domain.ids import ObjectId
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.dialogs.words import WordsDialog
from workstation.ui.exhibit import ExhibitData, bookmarked
from workstation.ui.navigator import Navigator
from workstation.ui.timeline.lanes import Lane
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.editing import Editing
    from workstation.app.gallery import Gallery

Answered = Callable[[str], object]
_WITH_PLACE = ("mark.add", "mark.note")
_WITH_EXHIBIT = ("note.add", "tag.add", "person.claim")
_WITH_TRACK = ("person.reference",)


class Marks(QObject):
    """Turns the examiner's marks into edits of the case and tells what was done."""

    def __init__(self, desk: Desk, navigator: Navigator, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._navigator, self._banner, self._window = desk, navigator, banner, window
        self.dialog: WordsDialog | None = None
        self._then: Answered | None = None
        # Gives what is kept with a bookmark, so that it opens as it was seen (U28).
        self.view: Callable[[], Mapping[str, object] | None] = lambda: None
        self._locked = False

    @property
    def can_write(self) -> bool:
        return self._desk.session is not None and not self._desk.session.read_only and not self._locked

    def lock(self, locked: bool) -> None:
        """Let no edit be made, or allow them again; during a case review nothing changes."""
        self._locked = locked

    @property
    def bookmarks(self) -> tuple[int, ...]:
        """Ordinals of the bookmarked frames of the exhibit shown, rising."""
        return bookmarked(self._desk.data, self._desk.objects)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action of the group to what it does."""
        return {
            "edit.undo": self.undo,
            "edit.redo": self.redo,
            "mark.add": self.add_bookmark,
            "mark.note": self.ask_bookmark,
            "mark.next": partial(self.jump, 1),
            "mark.previous": partial(self.jump, -1),
            "note.add": self.ask_note,
            "tag.add": self.ask_tag,
            "person.reference": self.ask_reference,
            "person.claim": self.ask_claim,
        }

    def refresh(self, actions: Actions) -> None:
        """Enable what can be done now; undo and redo say what they would do."""
        data, writes = self._desk.data, self.can_write
        actions.set_enabled(_WITH_PLACE, writes and data is not None and data.frames > 0)
        actions.set_enabled(_WITH_EXHIBIT, writes and data is not None)
        actions.set_enabled(_WITH_TRACK, writes and self._chosen() is not None)
        actions.set_enabled(("mark.next", "mark.previous"), bool(self.bookmarks))
        state = self._desk.undo_state
        for name, words, edit in (
            ("edit.undo", self.tr("Undo"), state.undo if state else None),
            ("edit.redo", self.tr("Redo"), state.redo if state else None),
        ):
            actions[name].setEnabled(writes and edit is not None)
            actions[name].setText(f"{words}: {edit.label}" if edit else words)

    def undo(self) -> None:
        self._edit(lambda editing: editing.undo(), self.tr("Undone: {what}"))

    def redo(self) -> None:
        self._edit(lambda editing: editing.redo(), self.tr("Done again: {what}"))

    def add_bookmark(self, label: str = "", note: str = "") -> None:
        data = self._desk.data
        if data is None or not data.frames:
            return
        place = self._navigator.ordinal
        pts = data.index.pts[place] if data.index is not None else 0
        stream = data.index.stream if data.index is not None else 0
        evidence = data.item.id
        words = label or self._place_words(data, place)
        view = self.view()
        self._edit(lambda editing: editing.bookmark(evidence, stream, pts, words, note=note, view=view))

    def ask_bookmark(self) -> None:
        data = self._desk.data
        if data is not None and data.frames:
            question = self.tr("What is to be seen at {place}?").format(
                place=self._place_words(data, self._navigator.ordinal)
            )
            self.ask(self.tr("Bookmark"), question, lambda text: self.add_bookmark(note=text), lines=3)

    def ask_note(self) -> None:
        data = self._desk.data
        if data is None:
            return
        evidence = data.item.id
        question = self.tr("Note on {exhibit}").format(exhibit=data.item.exhibit)
        self.ask(
            self.tr("Add note"),
            question,
            lambda text: self._edit(lambda editing: editing.note(evidence, text)),
            lines=5,
        )

    def ask_tag(self) -> None:
        data = self._desk.data
        if data is None:
            return
        evidence = data.item.id
        question = self.tr("Tag for {exhibit}. A slash makes levels.").format(exhibit=data.item.exhibit)
        self.ask(
            self.tr("Tag"),
            question,
            lambda text: self._edit(lambda editing: editing.tag(evidence, text)),
            hint=self.tr("lighting/flicker"),
        )

    def ask_reference(self) -> None:
        """Whom the chosen track undisputedly shows: its faces become references of that person."""
        lane, data = self._chosen(), self._desk.data
        if lane is None or data is None or data.run is None:
            return
        run, evidence, track = data.run.id, data.item.id, lane.track
        self.ask(
            self.tr("Reference"),
            self.tr("Whom does track {track} undisputedly show? Its faces become references of this person.").format(
                track=lane.label
            ),
            lambda text: self._in_gallery(text, lambda gallery: gallery.attribute(run, evidence, track, text)),
            known=self._people(),
        )

    def ask_claim(self) -> None:
        """Whom the exhibit, or the chosen track of it, is said to show; what detectors of identity compare with."""
        lane, data = self._chosen(), self._desk.data
        if data is None:
            return
        evidence, track = data.item.id, lane.label if lane is not None else ""
        what = self.tr("track {track} of {exhibit}").format(track=track, exhibit=data.item.exhibit)
        self.ask(
            self.tr("Said to show"),
            self.tr("Whom is {what} said to show?").format(what=what if track else data.item.exhibit),
            lambda text: self._in_gallery(text, lambda gallery: gallery.claim(evidence, track, text)),
            known=self._people(),
        )

    def _people(self) -> tuple[str, ...]:
        return tuple(str(t.body.get("name", "")) for t in self._desk.objects if t.kind is ObjectKind.PERSON)

    def _in_gallery(self, name: str, act: Callable[[Gallery], Edit]) -> None:
        session = self._desk.session
        if session is None or not self.can_write:
            return

        def work() -> Edit:
            gallery = session.gallery
            try:
                gallery.find(name)
            except NotFound:
                gallery.add_person(name)
            return act(gallery)

        self._desk.ask(work, lambda edit: self._done(edit, "{what}"))

    def remove(self, object_id: ObjectId) -> None:
        """Take an object away; undo brings it back."""
        self._edit(lambda editing: editing.remove(object_id))

    def jump(self, direction: int) -> None:
        """Next or previous bookmark of this exhibit."""
        here, places = self._navigator.ordinal, self.bookmarks
        further = [p for p in places if p > here] if direction > 0 else [p for p in reversed(places) if p < here]
        if further:
            self._navigator.go_to(further[0], jump=True)
        else:
            self._banner.tell(self.tr("No further bookmark"), seconds=4)

    def _chosen(self) -> Lane | None:
        data, track = self._desk.data, self._navigator.track
        return data.lanes.lane(track) if data is not None and track is not None else None

    def _place_words(self, data: ExhibitData, ordinal: int) -> str:
        if data.index is None or len(data.index) < 2:
            return data.item.exhibit
        return self.tr("{exhibit} at {time} s").format(exhibit=data.item.exhibit, time=f"{data.seconds(ordinal):.3f}")

    def ask(
        self,
        title: str,
        question: str,
        then: Answered,
        *,
        lines: int = 1,
        hint: str = "",
        known: Sequence[str] = (),
    ) -> None:
        """Ask the examiner for words, and hand them over when they are given."""
        if not self.can_write:
            return
        if self.dialog is not None:
            self.dialog.close()
        self._then = then
        self.dialog = WordsDialog(title, question, lines=lines, hint=hint, known=known, parent=self._window)
        self.dialog.finished.connect(self._answered)
        self.dialog.open()

    @Slot(int)
    def _answered(self, code: int) -> None:
        dialog, then = self.dialog, self._then
        self.dialog = self._then = None
        if dialog is not None:
            if code == QDialog.DialogCode.Accepted and then is not None:
                then(dialog.text)
            dialog.deleteLater()

    def _edit(self, act: Callable[[Editing], Edit], words: str = "{what}") -> None:
        session = self._desk.session
        if session is None or not self.can_write:
            return
        self._desk.ask(lambda: act(session.editing), lambda edit: self._done(edit, words))

    def _done(self, edit: Edit, words: str) -> None:
        self._banner.tell(words.format(what=edit.label), seconds=4)

"""Opinions before scores, the blind second examination, agreement and resolution, from the window (X5-X7, G5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QDialog, QMainWindow

from workstation.app.opinions import OPINION_FIRST, BlindExhibit, OpinionOutcome, OpinionState, Role
from workstation.domain.edits import Edit, ObjectKind
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.marks import Marks
from workstation.ui.review.blind_screen import BlindScreen
from workstation.ui.review.comparison_box import ComparisonBox
from workstation.ui.review.opinion_dialog import OpinionDialog
from workstation.ui.review.opinion_words import sealed, tr
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.opinions import Opinions

Act = Callable[["Opinions"], Edit]


class OpinionWork(QObject):
    """One for a window."""

    changed = Signal()

    def __init__(self, desk: Desk, marks: Marks, banner: Banner, window: QMainWindow) -> None:
        super().__init__(window)
        self._desk, self._marks, self._banner, self._window = desk, marks, banner, window
        self.dialog: QDialog | None = None
        self.screen: BlindScreen | None = None
        self._state: OpinionState | None = None
        self._told: EvidenceId | None = None
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.marks_shown.connect(self._marks_shown)
        desk.case_shown.connect(self._case_shown)

    def handlers(self) -> dict[str, Callable[[], object]]:
        return {
            "opinion.policy": self.switch,
            "opinion.first": self.ask_first,
            "opinion.unseal": self.ask_unseal,
            "opinion.second": self.begin_second,
            "opinion.compare": self.compare,
        }

    @property
    def wanted(self) -> bool:
        """Whether this case asks for an opinion before scores."""
        return any(
            o.kind is ObjectKind.POLICY and o.body.get("field") == OPINION_FIRST and o.body.get("on") is True
            for o in self._desk.objects
        )

    def refresh(self, actions: Actions) -> None:
        data, writes = self._desk.data, self._marks.can_write
        actions.set_enabled(("opinion.policy", "opinion.second"), writes and bool(self._desk.items))
        actions.set_enabled(("opinion.first",), writes and data is not None)
        actions.set_enabled(("opinion.unseal",), writes and data is not None and data.sealed)
        actions.set_enabled(("opinion.compare",), data is not None)
        actions["opinion.policy"].setChecked(self.wanted)

    def switch(self) -> None:
        on = not self.wanted
        self._edit(lambda opinions: opinions.want(on))
        self.changed.emit()

    def ask_first(self) -> None:
        self._with_state(self._open_first)

    def compare(self) -> None:
        self._with_state(self._open_comparison)

    def ask_unseal(self) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or data is None:
            return
        evidence, by = data.item.id, session.case.examiner
        self._marks.ask(
            tr("Open the scores"),
            tr("Why are the scores of {exhibit} opened before an opinion is recorded? It stays on record.").format(
                exhibit=data.item.exhibit
            ),
            lambda text: self._edit(lambda opinions: opinions.unseal(evidence, "scores", by, text)),
            lines=3,
        )

    def begin_second(self) -> None:
        """Hide the window of the case and put up that of the second examiner."""
        if self._desk.session is None or self.screen is not None or not self._marks.can_write:
            return
        self.screen = BlindScreen(self._desk)
        self.screen.recorded.connect(self._record_second)
        self.screen.context_wanted.connect(self._ask_context)
        self.screen.left.connect(self.end_second)
        self.screen.setGeometry(self._window.geometry())
        self.screen.show()
        self._window.hide()
        self._read_blind()

    @Slot()
    def end_second(self) -> None:
        screen, self.screen = self.screen, None
        if screen is not None:
            self._window.show()
            screen.hide()
            screen.deleteLater()
            self.changed.emit()

    def _read_blind(self) -> None:
        session = self._desk.session
        if session is not None:
            opinions = session.opinions
            self._desk.ask(lambda: tuple(opinions.blind(e) for e in opinions.for_second()), self._took_blind)

    def _took_blind(self, exhibits: tuple[BlindExhibit, ...]) -> None:
        if self.screen is not None:
            self.screen.show_exhibits(exhibits)

    @Slot()
    def _record_second(self) -> None:
        screen, session = self.screen, self._desk.session
        exhibit = screen.exhibit if screen is not None else None
        if screen is None or session is None or exhibit is None or screen.form.outcome is None:
            return
        by, form = screen.by.text(), screen.form
        outcome, words, against = screen.form.outcome, form.words.toPlainText(), form.against.toPlainText()
        self._desk.reader.ask(
            lambda: session.opinions.opine(exhibit.evidence, Role.SECOND, by, outcome, words, against),
            self._second_done,
            failed=self._second_failed,
        )

    def _second_done(self, edit: Edit) -> None:
        self._read_blind()
        if self.screen is not None:
            self.screen.told.setText(edit.label)

    def _second_failed(self, error: WorkstationError) -> None:
        if self.screen is not None:
            self.screen.told.setText(f"{error.message} {error.advice}".strip())

    @Slot()
    def _ask_context(self) -> None:
        from workstation.ui.dialogs.words import WordsDialog

        screen = self.screen
        if screen is None or screen.exhibit is None:
            return
        question = tr("Why do you open question, title and file name? It is recorded, and your opinion is marked.")
        dialog = WordsDialog(tr("Open the context"), question, lines=3, parent=screen)
        dialog.accepted.connect(self._context_asked)
        self._keep(dialog)
        dialog.open()

    @Slot()
    def _context_asked(self) -> None:
        from workstation.ui.dialogs.words import WordsDialog

        screen, session, dialog = self.screen, self._desk.session, self.dialog
        if screen is None or session is None or screen.exhibit is None or not isinstance(dialog, WordsDialog):
            return
        evidence, by, why = screen.exhibit.evidence, screen.by.text(), dialog.text
        self._desk.reader.ask(
            lambda: session.opinions.context(evidence, by, why), self._took_context, failed=self._second_failed
        )

    def _took_context(self, told: dict[str, str]) -> None:
        if self.screen is not None:
            self.screen.told.setText("\n".join(text for text in told.values() if text))

    def _with_state(self, then: Callable[[OpinionState, tuple[int, int]], None]) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or data is None:
            return
        evidence, opinions = data.item.id, session.opinions
        self._desk.ask(lambda: (opinions.state(evidence), opinions.agreement()), lambda told: then(*told))

    def _open_first(self, state: OpinionState, _: tuple[int, int]) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or data is None:
            return
        self._state = state
        dialog = OpinionDialog(data.item.exhibit, state, session.case.examiner, self._window)
        dialog.accepted.connect(self._first_done)
        dialog.setProperty("evidence", data.item.id)
        self._keep(dialog)
        dialog.open()

    @Slot()
    def _first_done(self) -> None:
        dialog, state = self.dialog, self._state
        if not isinstance(dialog, OpinionDialog) or state is None or dialog.form.outcome is None:
            return
        evidence = EvidenceId(str(dialog.property("evidence")))
        first, second, by = dialog.first.text(), dialog.second.text(), dialog.by.text()
        outcome, form = dialog.form.outcome, dialog.form
        words, against = form.words.toPlainText(), form.against.toPlainText()
        told = state.propositions

        def act(opinions: Opinions) -> Edit:
            if told is None or (told.first, told.second) != (first.strip(), second.strip()):
                opinions.propose(evidence, first, second)
            return opinions.opine(evidence, Role.FIRST, by, outcome, words, against)

        self._edit(act)

    def _open_comparison(self, state: OpinionState, counted: tuple[int, int]) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or data is None:
            return
        box = ComparisonBox(
            data.item.exhibit, state, counted, session.case.examiner, self._marks.can_write, self._window
        )
        box.accepted.connect(self._resolved)
        box.setProperty("evidence", data.item.id)
        self._keep(box)
        box.open()

    @Slot()
    def _resolved(self) -> None:
        box = self.dialog
        if isinstance(box, ComparisonBox) and box.yes is not None:
            evidence = EvidenceId(str(box.property("evidence")))
            outcome, reason = OpinionOutcome(box.outcome.currentData()), box.reason.toPlainText()
            by, level = box.by.text(), int(box.level.currentData())
            self._edit(lambda opinions: opinions.resolve(evidence, outcome, reason, by, level))

    def _keep(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(self._finished)

    @Slot()
    def _finished(self) -> None:
        done = self.sender()
        if isinstance(done, QDialog):
            done.deleteLater()
            if done is self.dialog:
                self.dialog = None

    def _edit(self, act: Act) -> None:
        session = self._desk.session
        if session is not None and self._marks.can_write:
            self._desk.ask(lambda: act(session.opinions), self._done)

    def _done(self, edit: Edit) -> None:
        self._banner.tell(edit.label, seconds=5)

    @Slot()
    def _marks_shown(self) -> None:
        """Scores are sealed or opened by an edit: what is on screen is read anew then."""
        session, data = self._desk.session, self._desk.data
        if session is not None and data is not None and (self.wanted or data.sealed):
            evidence = data.item.id
            self._desk.reader.ask(lambda: (evidence, session.opinions.sealed(evidence)), self._took_seal, key="seal")

    def _took_seal(self, told: tuple[EvidenceId, bool]) -> None:
        data = self._desk.data
        if data is not None and data.item.id == told[0] and data.sealed != told[1]:
            self._desk.show_exhibit(data.item.id, data.run.id if data.run is not None else None)

    @Slot()
    def _exhibit_shown(self) -> None:
        """Say that scores are sealed, once for each time the exhibit comes on screen, and lead on."""
        data, session = self._desk.data, self._desk.session
        if data is None or session is None or not data.sealed:
            self._told = None
            return
        if self._told == data.item.id:
            return
        self._told = data.item.id
        evidence, exhibit = data.item.id, data.item.exhibit
        self._desk.ask(
            lambda: session.opinions.state(evidence).missing,
            lambda missing: self._banner.tell(sealed(exhibit, missing), tr("Record opinion…"), self.ask_first),
        )

    @Slot()
    def _case_shown(self) -> None:
        self._told = None
        self.end_second()

"""What a search for similar faces found: tracks and persons with their likeness, uncalibrated, and never a conclusion
on who is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from workstation.app.similar_faces import CAUTION, Likeness
from workstation.ui.faces.words import tr
from workstation.ui.models.tables import Cell, CellRole, Row, TableModel
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.table import Table
from workstation.ui.words import uncalibrated


class SimilarBox(QDialog):
    """``chosen`` has the key of the face that was activated; the window goes on beside this one.

    Args:
        asked: the face that was searched for, in words.
        detector: the recogniser, with the first figures of its weights' digest.
        left_out: tracks without a clear face, which were not compared.
    """

    chosen = Signal(str)

    def __init__(
        self, asked: str, found: Sequence[Likeness], detector: str, left_out: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Faces like {face}").format(face=asked))
        self.resize(620, 520)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        column.addWidget(label(" ".join(tr(line) for line in CAUTION), wrap=True))
        column.addWidget(label(tr("Recogniser {name}").format(name=detector), "second", wrap=True))
        persons = [one for one in found if one.key.startswith("person/")]
        tracks = [one for one in found if not one.key.startswith("person/")]
        self.persons = self._table(tr("Persons of the case"), persons, tr("Person"))
        self.tracks = self._table(tr("Other faces of the case"), tracks, tr("Face"))
        column.addWidget(label(tr("Persons with reference pictures"), "heading"))
        if persons:
            self.persons.show_rows(4)
            column.addWidget(self.persons)
        else:
            self.persons.hide()
            words = tr(
                "No other track is a reference of a named person yet. Choose a track that undisputedly shows somebody,"
                " then Edit, The chosen track undisputedly shows…"
            )
            column.addWidget(label(words, "second", wrap=True))
        column.addWidget(label(tr("Other faces"), "heading"))
        if tracks:
            column.addWidget(self.tracks, 1)
        else:
            self.tracks.hide()
            column.addWidget(label(tr("There is no other face with a clear picture to compare with."), "second"))
            column.addStretch(1)
        if left_out:
            words = tr("Not compared, because no face of theirs passed the quality gates: {n} of the tracks.")
            column.addWidget(label(words.format(n=left_out), "second", wrap=True))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _table(self, name: str, found: Sequence[Likeness], what: str) -> Table:
        model = TableModel([what, tr("Likeness"), tr("5–95 %"), tr("Faces")], self)
        model.show([self._row(one) for one in found])
        table = Table(model, name, 0, self)
        table.activated.connect(self._activated)
        table.doubleClicked.connect(self._activated)
        return table

    def _row(self, one: Likeness) -> Row:
        tip = tr("Cosine, 1 for equal pictures; each face against the nearest of the other side")
        counted = tr("{n} against {m}").format(n=one.faces, m=one.pictures)
        return Row(
            one.key,
            (
                Cell(one.label, one.name if one.name != one.label else ""),
                Cell(f"{one.median:.2f}", uncalibrated(), tip=tip),
                Cell(f"{one.low:.2f}–{one.high:.2f}", tr("over faces")),
                Cell(counted),
            ),
        )

    @Slot(QModelIndex)
    def _activated(self, index: QModelIndex) -> None:
        key = str(index.data(CellRole.KEY) or "")
        if key and not key.startswith("person/"):
            self.chosen.emit(key)

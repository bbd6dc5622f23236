"""The second examiner's window: pictures and propositions, and nothing else of the case (X7, G5).

It is made from what `Opinions.blind` gives, which holds no name, no score and no first opinion; the window of the case
is hidden while it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSlider, QVBoxLayout, QWidget

from workstation.app.opinions import BlindExhibit
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame
from workstation.ui.faces.veil import veiled
from workstation.ui.frames import picture
from workstation.ui.review.opinion_form import OpinionForm
from workstation.ui.review.opinion_words import tr
from workstation.ui.theme.sheet import current_theme
from workstation.ui.widgets.labels import button, label

if TYPE_CHECKING:
    from workstation.ui.desk import Desk


class BlindScreen(QWidget):
    """``recorded`` when the form of the exhibit shown is complete and handed in; ``left`` when it is closed."""

    recorded = Signal()
    context_wanted = Signal()
    left = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self._desk = desk
        self._exhibits: tuple[BlindExhibit, ...] = ()
        self._asked = 0
        self.setObjectName("viewer")
        self.setWindowTitle(tr("Second examination"))
        self.resize(1240, 800)
        self.by = QLineEdit()
        self.by.setAccessibleName(tr("Second examiner"))
        self.by.setPlaceholderText(tr("Your name"))
        self.chosen = QComboBox()
        self.chosen.setAccessibleName(tr("Exhibit"))
        self.frame = _Picture()
        self.time = QSlider(Qt.Orientation.Horizontal)
        self.time.setAccessibleName(tr("Frame"))
        self.where = label("", "second")
        self.propositions = label("", wrap=True)
        self.faces = label("", "second", wrap=True)
        self.form = OpinionForm()
        self.record = button(tr("Record my opinion"), "strong")
        self.context = button(tr("Open the context…"), "flat")
        self.context.setToolTip(tr("Question, title and file name. It is recorded that you opened them, and why"))
        self.told = label("", "second", wrap=True)
        self._lay_out()
        self.chosen.currentIndexChanged.connect(self._show)
        self.time.valueChanged.connect(self._ask)
        self.form.changed.connect(self.check)
        self.by.textChanged.connect(self.check)
        self.record.clicked.connect(self.recorded)
        self.context.clicked.connect(self.context_wanted)
        self.check()

    @property
    def exhibit(self) -> BlindExhibit | None:
        at = self.chosen.currentIndex()
        return self._exhibits[at] if 0 <= at < len(self._exhibits) else None

    @property
    def settled(self) -> bool:
        return self._asked == 0

    def show_exhibits(self, exhibits: Sequence[BlindExhibit]) -> None:
        """Offer these; without any, say what would bring some."""
        self._exhibits = tuple(exhibits)
        self.chosen.blockSignals(True)
        self.chosen.clear()
        for exhibit in exhibits:
            self.chosen.addItem(exhibit.exhibit)
        self.chosen.blockSignals(False)
        self.form.clear()
        self._show()

    @Slot()
    def check(self) -> None:
        named = bool(self.by.text().strip())
        self.record.setEnabled(self.exhibit is not None and named and self.form.complete)
        self.context.setEnabled(self.exhibit is not None and named)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.left.emit()
        super().closeEvent(event)

    @Slot()
    def _show(self) -> None:
        exhibit = self.exhibit
        self.told.clear()
        self.form.setEnabled(exhibit is not None)
        self.time.setEnabled(exhibit is not None and exhibit.frames > 1)
        if exhibit is None:
            self.frame.show_words(tr("Nothing waits for a second examination."))
            self.propositions.setText(tr("Exhibits come here when the first examiner has recorded an opinion."))
            self.faces.clear()
            self.where.clear()
        else:
            told = exhibit.propositions
            self.propositions.setText(f"1  {told.first}\n2  {told.second}")
            spans = [f"T{f.number} {f.first_seconds:.1f}–{f.last_seconds:.1f} s" for f in exhibit.faces]
            self.faces.setText(tr("Faces: {spans}").format(spans=", ".join(spans)) if spans else "")
            self.time.blockSignals(True)
            self.time.setRange(0, max(0, exhibit.frames - 1))
            self.time.setValue(0)
            self.time.blockSignals(False)
            self._ask()
        self.check()

    @Slot()
    def _ask(self) -> None:
        session, exhibit = self._desk.session, self.exhibit
        if session is None or exhibit is None:
            return
        ordinal = self.time.value()
        words = tr("{exhibit} · frame {n} of {all}")
        self.where.setText(words.format(exhibit=exhibit.exhibit, n=ordinal + 1, all=exhibit.frames))
        self._asked = 1
        work: Callable[[], Frame] = partial(session.frame, exhibit.evidence, ordinal)
        self._desk.reader.ask(
            work, partial(self._took, exhibit.evidence, ordinal), key="blind", failed=lambda e: self._failed(e.message)
        )

    def _took(self, evidence: EvidenceId, ordinal: int, frame: Frame) -> None:
        self._asked = 0
        exhibit = self.exhibit
        if exhibit is not None and (exhibit.evidence, self.time.value()) == (evidence, ordinal):
            self.frame.show_picture(picture(frame.rgb))

    def _failed(self, words: str) -> None:
        self._asked = 0
        self.frame.show_words(words)

    def _lay_out(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self.frame, 1)
        left.addWidget(self.time)
        left.addWidget(self.where)
        lead = tr("You see pictures and propositions alone: no score, no name, no first opinion.")
        right.addWidget(label(tr("Second examination"), "title"))
        right.addWidget(label(lead, "second", wrap=True))
        for words, field in ((tr("Second examiner"), self.by), (tr("Exhibit"), self.chosen)):
            right.addWidget(label(words, "second"))
            right.addWidget(field)
        right.addSpacing(6)
        right.addWidget(label(tr("Propositions"), "heading"))
        right.addWidget(self.propositions)
        right.addWidget(self.faces)
        right.addSpacing(6)
        right.addWidget(self.form)
        right.addWidget(self.told)
        right.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.context)
        row.addStretch(1)
        row.addWidget(self.record)
        right.addLayout(row)
        right.setSpacing(5)
        side = QWidget()
        side.setObjectName("panel")
        right.setContentsMargins(18, 16, 18, 14)
        side.setLayout(right)
        side.setFixedWidth(430)
        left.setContentsMargins(14, 14, 14, 14)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(left, 1)
        whole.addWidget(side)


class _Picture(QWidget):
    """One frame as large as it goes, or words."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self._words = ""
        self.setMinimumSize(320, 240)
        self.setAccessibleName(tr("Frame"))

    def show_picture(self, image: QImage) -> None:
        self._image, self._words = image, ""
        self.update()

    def show_words(self, words: str) -> None:
        self._image, self._words = QImage(), words
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(current_theme().canvas))
        if self._image.isNull():
            painter.setPen(QColor("#E6E6E6"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        else:
            scale = min(self.width() / self._image.width(), self.height() / self._image.height())
            area = QRectF(0, 0, self._image.width() * scale, self._image.height() * scale)
            area.moveCenter(QPointF(self.rect().center()))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 3)
            painter.drawImage(area, veiled(self._image))
        painter.end()

"""The truthful status bar: every word in it is read from the engine or the case, none is decoration."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStatusBar, QToolButton, QWidget

from workstation.domain.evidence import IntegrityState
from workstation.domain.jobs import JobState
from workstation.ui.desk import Desk
from workstation.ui.models.jobs import JobsModel
from workstation.ui.theme.icons import icon, icon_size
from workstation.ui.theme.sheet import current_theme
from workstation.ui.words import broken, plural

if TYPE_CHECKING:
    from workstation.app.engine import Engine


class Segment(QWidget):
    """An icon and a few words."""

    def __init__(self, picture: str) -> None:
        super().__init__()
        self._picture = picture
        self._alarm = False
        self._mark = QLabel()
        self.label = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(5)
        row.addWidget(self._mark)
        row.addWidget(self.label)
        self._dress()

    def say(self, words: str, tip: str = "", *, alarm: bool = False) -> None:
        self.setVisible(bool(words))
        self.label.setText(words)
        self.setToolTip(tip)
        self.setAccessibleName(words)
        if alarm != self._alarm:
            self._alarm = alarm
            self._dress()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._dress()

    def _dress(self) -> None:
        theme = current_theme()
        colour = theme.alarm if self._alarm else theme.second
        name = "alarm" if self._alarm else self._picture
        self._mark.setVisible(bool(name))
        if name:
            self._mark.setPixmap(icon(name, colour).pixmap(icon_size(), self.devicePixelRatioF()))
        self.label.setObjectName("alarm" if self._alarm else "second")
        self.label.style().unpolish(self.label)
        self.label.style().polish(self.label)


class StatusBar(QStatusBar):
    """Integrity, device, queue, saved, examiner, offline."""

    def __init__(self, engine: Engine, desk: Desk, jobs: JobsModel) -> None:
        super().__init__()
        self._engine, self._desk, self._jobs = engine, desk, jobs
        self._saved_at: float | None = None
        self.setSizeGripEnabled(False)
        self._integrity = Segment("verify")
        self._device = Segment("")
        self.queue = QToolButton()
        self.queue.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._saved = Segment("check")
        self._examiner = Segment("")
        self._offline = Segment("offline")
        self._offline.say(self.tr("offline"), self.tr("This program makes no network connection."))
        self.addWidget(self._integrity)
        self.addWidget(_line())
        self.addWidget(self._device)
        for widget in (self.queue, _line(), self._saved, self._examiner, self._offline):
            self.addPermanentWidget(widget)
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        desk.case_shown.connect(self.refresh)
        desk.exhibits_shown.connect(self.refresh)
        desk.saved.connect(self._was_saved)
        desk.custody_shown.connect(self.refresh)
        jobs.changed.connect(self._show_queue)
        jobs.changed.connect(self._show_integrity)
        self.refresh()
        self._show_queue()

    def take_action(self, jobs: QAction) -> None:
        self.queue.clicked.connect(jobs.trigger)

    @Slot()
    def refresh(self) -> None:
        session = self._desk.session
        self._examiner.say(self.tr("{name} (examiner)").format(name=session.case.examiner) if session else "")
        if session is None:
            self._saved_at = None
        self._show_integrity()
        self._tick()

    @Slot()
    def _show_integrity(self) -> None:
        items = self._desk.items
        if self._desk.session is None:
            self._integrity.say(self.tr("No case open"))
            return
        if not items:
            self._integrity.say(self.tr("No exhibits"))
            return
        bad = [item.exhibit for item in items if broken(item)]
        if bad:
            words = self.tr("Integrity MISMATCH: {names}").format(names=", ".join(bad))
            self._integrity.say(words, self.tr("The stored original is not what was taken in."), alarm=True)
            return
        good = sum(item.integrity is IntegrityState.VERIFIED for item in items)
        total = plural(len(items), self.tr("exhibit"), self.tr("exhibits"))
        checking = self.tr(" · checking") if self._jobs.checking else ""
        self._integrity.say(
            self.tr("Integrity: {n} of {total} verified").format(n=good, total=total) + checking,
            self.tr("Digests were compared with the stored originals at the times shown in the case tree."),
        )

    @Slot()
    def _show_queue(self) -> None:
        at, total = self._jobs.batch
        job = self._jobs.running
        theme = current_theme()
        self.queue.setIcon(icon("jobs", theme.text if total else theme.second))
        if not total:
            self.queue.setText(self.tr("Queue empty"))
        else:
            share = f" · {100 * job.done // job.total} %" if job is not None and job.total else ""
            self.queue.setText(self.tr("Queue {n}/{m}").format(n=at, m=total) + share)
            if job is not None and job.state is JobState.PAUSED:
                self.queue.setText(self.queue.text() + self.tr(" · paused"))
        failed = sum(job.state is JobState.FAILED for job in self._jobs.jobs)
        if failed:
            self.queue.setText(self.queue.text() + self.tr(" · {n} failed").format(n=failed))
        self.queue.setToolTip(job.title if job is not None else self.tr("Show the jobs (Ctrl+J)"))
        self.queue.setAccessibleName(self.queue.text())

    @Slot(str)
    def _was_saved(self, _: str) -> None:
        self._saved_at = time.monotonic()
        self._tick()

    @Slot()
    def _tick(self) -> None:
        device = self._engine.device()
        self._device.say(device or self.tr("device not looked at yet"), self.tr("Where the detectors run"))
        session = self._desk.session
        if session is None:
            self._saved.say("")
        elif session.read_only:
            self._saved.say(self.tr("reading only"))
        elif self._saved_at is None:
            self._saved.say(self.tr("all saved"), self.tr("Every change is on disk when it is made."))
        else:
            self._saved.say(self.tr("saved {ago} ago").format(ago=_ago(time.monotonic() - self._saved_at)))


def _ago(seconds: float) -> str:
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min" if seconds < 3600 else f"{int(seconds // 3600)} h"


def _line() -> QFrame:
    line = QFrame()
    line.setFixedSize(1, 14)
    line.setStyleSheet("background: #5A5A5A;")
    return line

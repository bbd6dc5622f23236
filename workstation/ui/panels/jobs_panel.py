"""The jobs dock: each job with its state, progress and cancel; a failed one stays with its line (window rule 6)."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workstation.domain.ids import JobId
from workstation.domain.jobs import ItemState, Job, JobState
from workstation.ui.models.jobs import JobsModel
from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import button, label
from workstation.ui.words import brief

_WHOLE = 1000
_MOST_SHOWN = 60


class JobRow(QWidget):
    """One job: its state, what it has worked on, and what can be done with it."""

    cancelled = Signal(object)
    held = Signal(object)
    again = Signal(object)

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._id = job.id
        self._title = ElidedLabel(objectName="heading")
        self._state = label("", "second")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._note = label("", "second")
        self._note.setWordWrap(True)
        self._items = QLabel()
        self._items.setObjectName("second")
        self._items.setWordWrap(True)
        self._items.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._items.hide()
        self.cancel, self.hold, self.retry, self.more = (QToolButton() for _ in range(4))
        self.cancel.clicked.connect(self._asked)
        self.hold.clicked.connect(self._hold_asked)
        self.retry.clicked.connect(self._retry_asked)
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show_items)
        self._job = job
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._title, 1)
        top.addWidget(self._state)
        for control in (self.more, self.retry, self.hold, self.cancel):
            top.addWidget(control)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 7, 8, 7)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addWidget(self._note)
        column.addWidget(self._items)
        self.show_job(job)

    def show_job(self, job: Job) -> None:
        self._job = job
        self._title.setText(job.title)
        self._state.setText(state_words(job))
        self._bar.setVisible(job.state in (JobState.RUNNING, JobState.PAUSED))
        # In thousandths: a bar counts in 32 bits, an import in bytes.
        self._bar.setRange(0, _WHOLE if job.total else 0)
        self._bar.setValue(_WHOLE * job.done // job.total if job.total else 0)
        self._bar.setAccessibleName(self.tr("Progress of {job}").format(job=job.title))
        note = job.error or ("" if job.state is JobState.DONE else job.note)
        refused = refusals(job)
        note = "\n".join([note, *refused] if note else refused)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        text = current_theme().text
        paused = job.state is JobState.PAUSED or job.holding
        hold = self.tr("Go on with {job}") if paused else self.tr("Pause {job}")
        opened = "chevron-down" if self.more.isChecked() else "chevron-right"
        for control, picture, words, shown in (
            (self.cancel, "close", self.tr("Cancel {job}"), not job.state.ended),
            (self.hold, "play" if paused else "pause", hold, not job.state.ended),
            (self.retry, "forward", self.tr("Try again: {job}"), job.can_retry),
            (self.more, opened, self.tr("Items of {job}"), bool(job.items)),
        ):
            control.setIcon(icon(picture, text))
            control.setToolTip(words.format(job=job.title))
            control.setAccessibleName(control.toolTip())
            control.setVisible(shown)
        self._items.setText("\n".join(item_lines(job)) if self.more.isChecked() else "")

    @Slot(bool)
    def _show_items(self, shown: bool) -> None:
        self._items.setVisible(shown)
        self.show_job(self._job)

    @Slot()
    def _hold_asked(self) -> None:
        self.held.emit(self._job)

    @Slot()
    def _retry_asked(self) -> None:
        self.retry.setEnabled(False)
        self.again.emit(self._id)

    @Slot()
    def _asked(self) -> None:
        self.cancel.setEnabled(False)
        self._state.setText(self.tr("cancelling"))
        self.cancelled.emit(self._id)


class JobsPanel(QWidget):
    """Newest job on top.

    Signals:
        cancelled(JobId), again(JobId): asked for. held(Job): to be paused, or to go on when it is paused.
    """

    cancelled = Signal(object)
    held = Signal(object)
    again = Signal(object)

    def __init__(self, jobs: JobsModel) -> None:
        super().__init__()
        self._jobs = jobs
        self._rows: dict[JobId, JobRow] = {}
        self.setObjectName("panel")
        self._empty = QLabel(self.tr("Nothing is queued. Imports, examinations and reports show here while they run."))
        self._empty.setObjectName("second")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(12, 10, 12, 10)
        self._clear = button(self.tr("Clear ended jobs"), "flat")
        self._clear.clicked.connect(jobs.clear_ended)
        inside = QWidget()
        inside.setObjectName("panel")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 4, 8, 6)
        foot.addStretch(1)
        foot.addWidget(self._clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(area, 1)
        column.addLayout(foot)
        jobs.changed.connect(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(340, 170)

    @Slot()
    def refresh(self) -> None:
        known = {job.id: job for job in self._jobs.jobs}
        for gone in [key for key in self._rows if key not in known]:
            row = self._rows.pop(gone)
            self._column.removeWidget(row)
            row.deleteLater()
        for key, job in known.items():
            if key in self._rows:
                self._rows[key].show_job(job)
            else:
                row = JobRow(job)
                row.cancelled.connect(self.cancelled)
                row.held.connect(self.held)
                row.again.connect(self.again)
                self._rows[key] = row
                self._column.insertWidget(0, row)
        self._empty.setVisible(not known)
        self._clear.setVisible(any(job.state.ended for job in known.values()))


def item_lines(job: Job) -> list[str]:
    """One line for every thing the job worked on, the newest first; what was refused stands beside it."""
    words = {ItemState.RUNNING: "…", ItemState.DONE: "✓", ItemState.FAILED: "✗", ItemState.CANCELLED: "–"}
    return [f"{words[item.state]}  {item.name} · {item.state.value}" for item in reversed(job.items)][:_MOST_SHOWN]


def state_words(job: Job) -> str:
    if job.holding:
        return QCoreApplication.translate("JobRow", "pausing")
    if job.state is JobState.RUNNING and job.total and job.unit == "bytes":
        return f"{brief(job.done)} / {brief(job.total)}"
    if job.state is JobState.RUNNING and job.total:
        return f"{job.done} / {job.total} {job.unit}".strip()
    return job.state.value


def refusals(job: Job) -> list[str]:
    """One line for every file an import refused."""
    listed = (job.result or {}).get("refused", [])
    if not isinstance(listed, list):
        return []
    return [str(entry.get("line", "")) for entry in listed if isinstance(entry, dict)]

"""The inspector: detectors over tracks, facts of the exhibit, chain of custody. Its content follows what is shown."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, Qt, Slot
from PySide6.QtWidgets import QComboBox, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from workstation.domain.detectors import InstalledDetector
from workstation.domain.ids import ExaminationId, TrackId
from workstation.ui.desk import Desk
from workstation.ui.marks import Marks
from workstation.ui.models.tables import CellRole, TableModel
from workstation.ui.models.tracks import (
    FACE_HEADINGS,
    READING_HEADINGS,
    TRACK_HEADINGS,
    face_rows,
    reading_rows,
    track_rows,
)
from workstation.ui.navigator import Navigator
from workstation.ui.panels.custody_tab import CustodyTab
from workstation.ui.panels.metadata_tab import MetadataSource, ProvenanceTab, TreeTab
from workstation.ui.panels.notes_tab import NotesTab
from workstation.ui.panels.sheets import card_sections, exhibit_sections
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.fact_sheet import FactSheet, Section
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.table import Table
from workstation.ui.words import clock

_MOST_ROWS = 8


class DetectorsTab(QWidget):
    """Which examination, how much of the exhibit, each track under each detector, this frame, and the card."""

    def __init__(self, desk: Desk, navigator: Navigator, stage: Stage, overlay: OverlayState) -> None:
        super().__init__()
        self._desk, self._navigator, self._stage, self._overlay = desk, navigator, stage, overlay
        self._packages: dict[str, InstalledDetector] = {}
        self.setObjectName("panel")
        self._runs = QComboBox()
        self._runs.setAccessibleName(self.tr("Examination shown"))
        self._runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._runs.setMinimumContentsLength(12)
        self._coverage = label("", "second")
        self._coverage.setWordWrap(True)
        self.tracks_model = TableModel([self.tr(name) for name in TRACK_HEADINGS], self)
        self.tracks = Table(self.tracks_model, self.tr("Scores of each track"), 0)
        self.readings_model = TableModel([self.tr(name) for name in READING_HEADINGS], self)
        self.readings = Table(self.readings_model, self.tr("Readings of whole tracks"), 0)
        self._frame_label = label(self.tr("This frame"), "heading")
        self._frame_label.setContentsMargins(10, 8, 10, 4)
        self.faces_model = TableModel([self.tr(name) for name in FACE_HEADINGS], self)
        self.faces = Table(self.faces_model, self.tr("Results of the frame shown"), 0)
        self._card = FactSheet(self.tr("Card of the detector"), whole=True)
        head = QVBoxLayout()
        head.setContentsMargins(10, 9, 10, 7)
        head.setSpacing(6)
        head.addWidget(self._runs)
        head.addWidget(self._coverage)
        inside = QWidget()
        inside.setObjectName("panel")
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(0, 0, 0, 8)
        inner.setSpacing(0)
        inner.addLayout(head)
        inner.addWidget(self.tracks)
        inner.addWidget(self.readings)
        inner.addWidget(self._frame_label)
        inner.addWidget(self.faces)
        inner.addWidget(self._card)
        inner.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)
        self._runs.activated.connect(self._run_chosen)
        self.tracks.selectionModel().currentRowChanged.connect(self._row_chosen)
        self.tracks.activated.connect(self._row_activated)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)
        stage.changed.connect(self._show_frame)
        overlay.changed.connect(self._show_card)
        navigator.track_chosen.connect(self._follow_track)
        self.refresh()

    def set_packages(self, packages: tuple[InstalledDetector, ...]) -> None:
        self._packages = {package.card.id: package for package in packages}
        self._show_card()

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        self._runs.blockSignals(True)
        names = [self._run_name(run.number, run.state.value, run.started_at) for run in (data.runs if data else ())]
        if [self._runs.itemText(k) for k in range(self._runs.count())] != names:
            self._runs.clear()
            self._runs.addItems(names)
        if data is not None and data.run is not None:
            self._runs.setCurrentIndex([run.id for run in data.runs].index(data.run.id))
        self._runs.setVisible(bool(names))
        self._runs.blockSignals(False)
        self._coverage.setText(self._coverage_words())
        self.tracks_model.show(track_rows(data))
        self.tracks.setVisible(bool(self.tracks_model.rows))
        self.tracks.show_rows(_MOST_ROWS)
        self.readings_model.show(reading_rows(data))
        self.readings.setVisible(bool(self.readings_model.rows))
        self.readings.show_rows(_MOST_ROWS)
        self._show_frame()
        self._show_card()

    def _run_name(self, number: int, state: str, started: str) -> str:
        return self.tr("Examination {n} · {state} · {time}").format(n=number, state=state, time=clock(started))

    def _coverage_words(self) -> str:
        data = self._desk.data
        if data is None:
            return self.tr("Add an exhibit to see what the detectors say about it.")
        if data.item.media is None:
            return self.tr("This exhibit cannot be decoded, so it cannot be examined: {why}").format(
                why=data.item.problem
            )
        if data.run is None or data.coverage is None:
            return self.tr("Not examined yet. Press Ctrl+R to run the detectors on this exhibit.")
        c = data.coverage
        words = self.tr("{n} of {m} frames examined").format(n=c.examined, m=c.frames_total)
        held = self.tr("{f} with a face · {w} without · {u} unreadable").format(
            f=c.with_face, w=c.without_face, u=c.unreadable
        )
        results = self.tr("{s} scored · {a} abstained · {e} errors").format(s=c.scored, a=c.abstained, e=c.errors)
        if data.sealed:
            results = self.tr("Scores are sealed until an opinion is recorded: Examine, Record visual opinion…")
        lines = [words, held, results]
        if data.run.error:
            lines.append(self.tr("Stopped: {why}").format(why=data.run.error))
        return "\n".join(lines)

    @Slot()
    def _show_frame(self) -> None:
        data = self._desk.data
        names, falling = (data.detectors, data.falling) if data else ((), frozenset())
        validated = [name for name, kinds in data.validated.items() if kinds] if data else []
        self.faces_model.show(face_rows(self._stage.row, names, falling, validated))
        rows = bool(self.faces_model.rows)
        self.faces.setVisible(rows)
        self.faces.show_rows(_MOST_ROWS)
        self._frame_label.setVisible(rows)

    @Slot()
    def _show_card(self) -> None:
        name = self._overlay.detector
        data = self._desk.data
        if name and data is not None and data.run is not None:
            self._card.show_sections(card_sections(self._packages.get(name), name))
            self._card.show()
        else:
            self._card.hide()

    @Slot(int)
    def _run_chosen(self, index: int) -> None:
        data = self._desk.data
        if data is not None and 0 <= index < len(data.runs):
            self._desk.show_exhibit(data.item.id, ExaminationId(data.runs[index].id))

    @Slot(QModelIndex, QModelIndex)
    def _row_chosen(self, index: QModelIndex, _: QModelIndex) -> None:
        key = str(index.data(CellRole.KEY) or "")
        if key and self.tracks.hasFocus():
            track, detector = key.split("/")[:2]
            self._stage.pick_detector(detector)
            self._navigator.choose_track(TrackId(track))

    @Slot(QModelIndex)
    def _row_activated(self, index: QModelIndex) -> None:
        key = str(index.data(CellRole.KEY) or "")
        data = self._desk.data
        for summary in data.summaries if data else ():
            if f"{summary.track}/{summary.detector}" == key and summary.peak is not None:
                self._navigator.go_to(summary.peak.ordinal, jump=True)

    @Slot()
    def _follow_track(self) -> None:
        track = self._navigator.track
        if track is None:
            self.tracks.clearSelection()
            return
        current = str(self.tracks.currentIndex().data(CellRole.KEY) or "")
        if current.startswith(f"{track}/"):
            return
        for number, row in enumerate(self.tracks_model.rows):
            if row.key.startswith(f"{track}/"):
                self.tracks.selectRow(number)
                return


class Inspector(QTabWidget):
    def __init__(self, desk: Desk, navigator: Navigator, stage: Stage, overlay: OverlayState, marks: Marks) -> None:
        super().__init__()
        self._desk = desk
        self.setDocumentMode(True)
        self.setUsesScrollButtons(True)
        self.setAccessibleName(self.tr("Inspector"))
        self.detectors = DetectorsTab(desk, navigator, stage, overlay)
        self.exhibit = FactSheet(self.tr("Facts of the exhibit"))
        self.notes = NotesTab(desk, navigator, marks)
        self.custody = CustodyTab(desk)
        self.addTab(self.detectors, self.tr("Detectors"))
        self.addTab(self.exhibit, self.tr("Exhibit"))
        self.file = QTabWidget()
        self.file.setDocumentMode(True)
        self.file.setAccessibleName(self.tr("What the file says about itself"))
        self.addTab(self.file, self.tr("File"))
        self.addTab(self.notes, self.tr("Notes"))
        self.addTab(self.custody, self.tr("Custody"))
        self.source = MetadataSource(desk, self)
        fields = (self.tr("Field"), self.tr("Value"))
        parts = (self.tr("Part"), self.tr("Position, size"))
        self.metadata = TreeTab(self.source, self.tr("Metadata of the exhibit"), fields, structure=False)
        self.structure = TreeTab(self.source, self.tr("Structure of the file"), parts, structure=True)
        self.provenance = ProvenanceTab(self.source)
        self.file.addTab(self.metadata, self.tr("Metadata"))
        self.file.addTab(self.structure, self.tr("Structure"))
        self.file.addTab(self.provenance, self.tr("Provenance"))
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(380, 420)

    def reveal(self, tab: QWidget) -> None:
        """Bring a tab to the front, also one of those about the file."""
        if self.file.indexOf(tab) >= 0:
            self.file.setCurrentWidget(tab)
            tab = self.file
        self.setCurrentWidget(tab)

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        if data is None:
            self.exhibit.show_sections([Section(self.tr("No exhibit"), text=self.tr("Choose an exhibit on the left."))])
        else:
            self.exhibit.show_sections(exhibit_sections(data.item, data.index, data.run, data.coverage))

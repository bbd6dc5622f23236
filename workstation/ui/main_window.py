"""The main window: case tree, viewer, inspector, timeline over the whole width, truthful status bar (3.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.actions import Actions
from workstation.ui.availability import refresh_actions
from workstation.ui.casework import CaseWork
from workstation.ui.collecting import Collector
from workstation.ui.desk import Desk
from workstation.ui.dialogs.command_palette import CommandPalette
from workstation.ui.dialogs.key_sheet import KeySheet
from workstation.ui.dialogs.welcome import Welcome
from workstation.ui.faces.face_work import FaceWork
from workstation.ui.faces.similar_work import SimilarWork
from workstation.ui.layout import Layout
from workstation.ui.marks import Marks
from workstation.ui.menus import fill_menus
from workstation.ui.models.jobs import JobsModel
from workstation.ui.moves import move_handlers
from workstation.ui.moving import Moving
from workstation.ui.navigator import Navigator
from workstation.ui.panels.case_panel import CasePanel
from workstation.ui.panels.inspector import Inspector
from workstation.ui.panels.jobs_panel import JobsPanel
from workstation.ui.panels.status import StatusBar
from workstation.ui.player import Player, PlayMode
from workstation.ui.review.opinion_work import OpinionWork
from workstation.ui.review.review_work import ReviewWork
from workstation.ui.theme.icons import icon, icon_size
from workstation.ui.theme.palette import DARK, LIGHT
from workstation.ui.theme.sheet import current_theme, dress
from workstation.ui.timeline.panel import TimelinePanel
from workstation.ui.tree_work import TreeWork
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.viewer.viewer import Viewer
from workstation.ui.views import Views
from workstation.ui.widgets.banner import Banner
from workstation.ui.work import Work

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_TEXT_STEPS = (1.0, 1.15, 1.3, 1.5, 1.75, 2.0)


class MainWindow(QMainWindow):
    """One case at a time. Everything slow happens on the engine's threads; this window only listens and draws."""

    def __init__(self, engine: Engine, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self.setObjectName("main")
        Collector(self)
        self.setWindowTitle("Workstation")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.resize(1280, 800)
        self.desk = Desk(engine, self)
        self.navigator = Navigator(self.desk)
        self.overlay = OverlayState(self)
        self.stage = Stage(self.desk, self.navigator, self.overlay)
        self.player = Player(self.navigator, self.stage.exact)
        self.jobs = JobsModel(engine, self.desk.bridge)
        self._closing = False
        self._build_centre()
        self.work = Work(engine, self.desk, self.jobs, self.navigator, self.overlay, self.banner, self, settings)
        self.moving = Moving(engine, self.desk, self.jobs, self.banner, self, settings)
        self.marks = Marks(self.desk, self.navigator, self.banner, self)
        self.review = ReviewWork(self.desk, self.navigator, self.stage, self.overlay, self.marks, self.banner, self)
        self.opinions = OpinionWork(self.desk, self.marks, self.banner, self)
        self.faces = FaceWork(self.desk, self.navigator, self.marks, self.banner, self)
        self.similar = SimilarWork(self.desk, self.jobs, self.faces, self.banner, self)
        self.casework = CaseWork(engine, self.desk, self.work, self.jobs, self.navigator, self.banner, self, settings)
        self._build_docks()
        self.status = StatusBar(engine, self.desk, self.jobs)
        self.setStatusBar(self.status)
        self.commands = Actions(self, (self.viewer, self.timeline), self._handlers())
        self.casework.attach(self.commands)
        self.palette_box = CommandPalette(self.commands, self, self.casework.further_commands)
        self._connect()
        self._build_bars()
        self._show_theme()
        self.arrangement.remember_factory()
        self.overlay.set_opacity(float(str(self._settings.value("view/opacity", self.overlay.opacity))))
        self.arrangement.restore()
        self._refresh_actions()
        self._show_page()
        self.desk.read_known()
        self.work.read_packages()

    @property
    def settled(self) -> bool:
        """Whether everything asked for is drawn or ready to be."""
        return not self.desk.busy and self.stage.settled and self.faces.settled and self.viewer.settled

    def open_case(self, folder: Path) -> None:
        self.work.open_folder(folder)

    def _build_centre(self) -> None:
        self.viewer = Viewer(self.desk, self.navigator, self.stage, self.overlay)
        self.welcome = Welcome(self.desk)
        self.banner = Banner()
        examine = QWidget()
        column = QVBoxLayout(examine)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.banner)
        column.addWidget(self.viewer, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(examine)
        self.setCentralWidget(self._pages)

    def _build_docks(self) -> None:
        self.case_panel = CasePanel(self.desk)
        self.inspector = Inspector(self.desk, self.navigator, self.stage, self.overlay, self.marks)
        self.timeline = TimelinePanel(self.desk, self.navigator, self.player)
        self.jobs_panel = JobsPanel(self.jobs)
        panels: dict[str, tuple[str, QWidget]] = {
            "case": (self.tr("Case"), self.case_panel),
            "inspector": (self.tr("Inspector"), self.inspector),
            "faces": (self.tr("Faces"), self.faces.gallery),
            "jobs": (self.tr("Jobs"), self.jobs_panel),
            "timeline": (self.tr("Timeline"), self.timeline),
        }
        self.arrangement = Layout(self, self._settings, panels)
        views = Views(self.desk, self.navigator, self.overlay, self.viewer.canvas)
        self.tree_work = TreeWork(self.desk, self.navigator, self.marks, views, self.banner, self)
        self.casework.take_docks(self.arrangement, self.inspector, self.case_panel, self.tree_work)

    @property
    def docks(self) -> dict[str, QDockWidget]:
        return self.arrangement.docks

    def _build_bars(self) -> None:
        fill_menus(self.menuBar(), self.commands, self.docks)
        bar = QToolBar(self.tr("Main tools"), self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(icon_size())
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in ("exhibit.import", "run", "report.build", "", "frame.export", "exhibit.verify"):
            if name:
                bar.addAction(self.commands[name])
            else:
                bar.addSeparator()
        spring = QWidget()
        spring.setSizePolicy(spring.sizePolicy().Policy.Expanding, spring.sizePolicy().Policy.Preferred)
        bar.addWidget(spring)
        for name in ("history.back", "history.forward"):
            bar.addAction(self.commands[name])
            button = bar.widgetForAction(self.commands[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        bar.addAction(self.commands["palette"])
        self.addToolBar(bar)
        self._tools = bar
        self.viewer.attach(self.commands)
        transport = ("go.first", "step.back", "play.toggle", "step.forward", "go.last", "play.real")
        self.timeline.take_actions([self.commands[name] for name in transport])
        self.welcome.take_actions(*(self.commands[name] for name in ("case.new", "case.open", "case.sample")))
        self.status.take_action(self.commands["view.jobs"])

    def _handlers(self) -> dict[str, Callable[[], object]]:
        work = self.work
        return {
            **move_handlers(self.navigator, self.player),
            **self.marks.handlers(),
            **self.moving.handlers(),
            **self.faces.handlers(),
            **self.similar.handlers(),
            **self.opinions.handlers(),
            "view.review": self.review.toggle,
            **self.viewer.handlers(),
            **self.timeline.handlers(),
            **self.casework.handlers(),
            "case.new": work.new_case,
            "case.open": work.open_case,
            "case.close": work.close_case,
            "app.quit": self.close,
            "exhibit.import": work.add_exhibits,
            "exhibit.verify": work.verify,
            "run": work.run,
            "resume": work.resume,
            "cancel": self._cancel,
            "report.build": work.build_report,
            "frame.export": work.export_frame,
            "view.export": partial(work.export_view, self.viewer.seen),
            "go.to": self._go_to,
            "overlay.toggle": self.overlay.toggle,
            "overlay.more": self._stronger,
            "overlay.less": self._weaker,
            "zoom.actual": self.viewer.canvas.actual_size,
            "zoom.fit": self.viewer.canvas.fit,
            "timeline.all": self.timeline.canvas.show_all,
            "view.jobs": self.arrangement.toggle_jobs,
            "view.full": self._toggle_full,
            "view.theme": self._switch_theme,
            "text.larger": self._larger,
            "text.smaller": self._smaller,
            "palette": self._open_palette,
            "keys": self._show_keys,
            "about": self._about,
        }

    def _connect(self) -> None:
        desk = self.desk
        desk.case_shown.connect(self._show_page)
        desk.case_shown.connect(self.banner.hide)
        desk.exhibits_shown.connect(self._show_page)
        shown = (desk.case_shown, desk.exhibits_shown, desk.exhibit_shown, desk.results_shown, desk.marks_shown)
        for signal in (*shown, self.jobs.changed, self.navigator.track_chosen):
            signal.connect(self._refresh_actions)
        self.navigator.moved.connect(self._refresh_history)
        self.navigator.thing_shown.connect(self._refresh_history)
        self.navigator.told.connect(self._whisper)
        self.overlay.changed.connect(self._show_overlay)
        self.player.changed.connect(self._show_play)
        self.stage.feed.arrived.connect(self._frame_failed)
        self.timeline.canvas.scrubbing.connect(self.stage.feed.hold)
        self.viewer.canvas.painted.connect(self.player.frame_painted)
        self.welcome.chosen.connect(self.work.open_folder)
        self.casework.beginning.told.connect(self.welcome.say)
        self.case_panel.exhibit_chosen.connect(self._exhibit_chosen)
        self.case_panel.report_opened.connect(self.work.open_report)
        self.jobs_panel.cancelled.connect(self.work.cancel_job)
        self.jobs_panel.held.connect(self.casework.hold_job)
        self.jobs_panel.again.connect(self.casework.retry_job)
        self.docks["jobs"].visibilityChanged.connect(self.commands["view.jobs"].setChecked)
        self.faces.ready.connect(self._refresh_actions)
        self.review.changed.connect(self._refresh_actions)
        self.opinions.changed.connect(self._refresh_actions)
        resting = tuple(self.docks[name].widget() for name in ("inspector", "faces", "jobs"))
        self.review.attach(self._handlers(), resting)
        self.viewer.canvas.probed.connect(self.review.point_at)
        self.faces.run_wanted.connect(self.work.run)
        self.faces.import_wanted.connect(self.work.add_exhibits)
        self.work.packages_known.connect(self.inspector.detectors.set_packages)
        for place in (self.viewer, self.timeline, self.viewer.canvas, self.timeline.canvas):
            place.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Hold H in the viewer or the timeline: the overlay is away as long as the key is down (U31)."""
        if isinstance(event, QKeyEvent) and self.commands.held("overlay.hold", event):
            if event.type() is QEvent.Type.KeyPress:
                self.overlay.hold(True)
                return True
            if event.type() is QEvent.Type.KeyRelease:
                if not event.isAutoRepeat():
                    self.overlay.hold(False)
                return True
        if event.type() is QEvent.Type.FocusOut:
            self.overlay.hold(False)
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.work.take_in(paths) if self.desk.session else self.casework.beginning.begin_with(paths)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.player.stop()
        self.review.leave()
        self.opinions.end_second()
        if self.jobs.case_work and not self._closing:
            event.ignore()
            self.work.ask_before_ending(self.tr("Close the program"), self.close_now)
            return
        self.arrangement.save()
        self.casework.spaces.keep()
        self._settings.setValue("view/opacity", self.overlay.opacity)
        self.hide()
        self.desk.shut()
        super().closeEvent(event)

    def close_now(self) -> None:
        """Close without asking; what runs is cancelled, what was committed stays."""
        self._closing = True
        self.close()

    def open_at_first(self) -> None:
        """Take most of the screen when there is no size from before."""
        if self.arrangement.is_new:
            room = self.screen().availableSize()
            self.resize(max(1280, round(room.width() * 0.88)), max(800, round(room.height() * 0.88)))
            self.arrangement.fit()

    @Slot()
    def _show_page(self) -> None:
        session = self.desk.session
        self._pages.setCurrentIndex(1 if session else 0)
        self.arrangement.show(session is not None)
        if session is None:
            self.setWindowTitle("Workstation")
            self.desk.read_known()
            return
        self.setWindowTitle(f"{session.case.number} · {session.case.title} – Workstation")
        if not self.desk.items and self.desk.data is None:
            self.viewer.canvas.show_message(
                self.tr("This case has no exhibits yet"),
                self.tr("Drop pictures or videos here, or press Ctrl+I to choose files."),
            )

    @Slot()
    def _refresh_actions(self) -> None:
        refresh_actions(self.commands, self.desk, self.jobs, self.work)
        self.marks.refresh(self.commands)
        self.tree_work.refresh(self.commands)
        self.faces.refresh(self.commands)
        self.similar.refresh(self.commands)
        self.opinions.refresh(self.commands)
        self.review.refresh(self.commands)
        self._refresh_history()
        self._show_overlay()

    @Slot()
    def _refresh_history(self) -> None:
        self.commands["history.back"].setEnabled(self.navigator.can_go_back)
        self.commands["history.forward"].setEnabled(self.navigator.can_go_forward)

    @Slot()
    def _show_overlay(self) -> None:
        self.commands["overlay.toggle"].setChecked(self.overlay.visible)

    @Slot()
    def _show_play(self) -> None:
        theme = current_theme()
        name = "pause" if self.player.playing else "play"
        self.commands["play.toggle"].setIcon(icon(name, theme.text, theme.edge))
        self.commands["play.real"].setChecked(self.player.mode is PlayMode.REAL_TIME)

    @Slot(object)
    def _frame_failed(self, event: object) -> None:
        if getattr(event, "error", None) is not None:
            self.player.stop()

    @Slot(object)
    def _exhibit_chosen(self, evidence: object) -> None:
        self.player.stop()
        self.navigator.visit(evidence, 0)  # type: ignore[arg-type]

    @Slot(str)
    def _whisper(self, words: str) -> None:
        self.banner.tell(words, seconds=4)

    def _cancel(self) -> None:
        if self.review.leave():
            return
        if self.player.playing:
            self.player.stop()
        elif self.isFullScreen():
            self._toggle_full()
        elif self.viewer.leave():
            return
        elif self.banner.isVisible() and not self.jobs.active:
            self.banner.hide()
        elif not self.work.cancel():
            self.navigator.choose_track(None)

    def _go_to(self) -> None:
        from workstation.ui.dialogs.go_to import GoToDialog

        data = self.desk.data
        if data is None or not data.frames:
            return
        dialog = GoToDialog(data, self)
        dialog.accepted.connect(self._went)
        self._go_dialog = dialog
        dialog.open()

    @Slot()
    def _went(self) -> None:
        if self._go_dialog.ordinal is not None:
            self.navigator.go_to(self._go_dialog.ordinal, jump=True)
        self._go_dialog.deleteLater()

    def _stronger(self) -> None:
        self.overlay.set_opacity(self.overlay.opacity + 0.05)

    def _weaker(self) -> None:
        self.overlay.set_opacity(self.overlay.opacity - 0.05)

    def _toggle_full(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self.commands["view.full"].setChecked(self.isFullScreen())

    def _switch_theme(self) -> None:
        name = LIGHT.name if current_theme() is DARK else DARK.name
        self._settings.setValue("view/theme", name)
        self._dress()

    def _larger(self) -> None:
        self._scale_text(1)

    def _smaller(self) -> None:
        self._scale_text(-1)

    def _scale_text(self, way: int) -> None:
        now = float(str(self._settings.value("view/text", 1.0)))
        at = min(range(len(_TEXT_STEPS)), key=lambda k: abs(_TEXT_STEPS[k] - now))
        self._settings.setValue("view/text", _TEXT_STEPS[min(max(at + way, 0), len(_TEXT_STEPS) - 1)])
        self._dress()

    def _dress(self) -> None:
        dress(self._settings)
        self._show_theme()
        self.arrangement.fit()

    def _show_theme(self) -> None:
        self.commands.dress(current_theme())
        side = icon_size()
        self._tools.setIconSize(side)
        for button in self.findChildren(QToolButton):
            button.setIconSize(side)
        self.viewer.header.refresh()
        self.timeline.canvas.redraw()
        self.faces.gallery.fit()
        self.inspector.detectors.tracks.fit_rows()
        self.inspector.detectors.readings.fit_rows()
        self.inspector.detectors.faces.fit_rows()
        self.inspector.custody.table.fit_rows()
        QTimer.singleShot(0, self.update)

    def _open_palette(self) -> None:
        self.palette_box.open_over(QApplication.focusWidget())

    def _show_keys(self) -> None:
        sheet = KeySheet(self.commands, self)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()

    def _about(self) -> None:
        from workstation.ui.dialogs.about import AboutBox

        box = AboutBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

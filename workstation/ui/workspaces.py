"""Workspaces: what lies beside the viewer for each kind of work, kept with a version; Ctrl+1 to Ctrl+6 (U17).

A workspace is a set of panels and a tab of the inspector until the examiner arranges it otherwise; from then on it is
what it was when it was left. Panels that are new since a workspace was kept show where they were put at first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QByteArray, QCoreApplication, QObject, QSettings, Qt, Signal, Slot
from PySide6.QtWidgets import QTabBar, QWidget

from workstation.ui.actions import Actions
from workstation.ui.layout import Layout
from workstation.ui.translation import QT_TRANSLATE_NOOP

WORKSPACE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Workspace:
    """``panels`` stand open at first, others are closed; ``tab`` of the inspector is in front."""

    key: str
    name: str
    panels: tuple[str, ...]
    tab: str = ""


WORKSPACES: tuple[Workspace, ...] = (
    Workspace("intake", QT_TRANSLATE_NOOP("actions", "Intake"), ("case", "inspector", "jobs"), "exhibit"),
    Workspace("examine", QT_TRANSLATE_NOOP("actions", "Examine"), ("case", "inspector", "faces", "timeline")),
    Workspace("compare", QT_TRANSLATE_NOOP("actions", "Compare"), ("timeline",)),
    Workspace("review", QT_TRANSLATE_NOOP("actions", "Review"), ("case", "timeline")),
    Workspace("report", QT_TRANSLATE_NOOP("actions", "Report"), ("case", "inspector", "jobs"), "notes"),
    Workspace("validate", QT_TRANSLATE_NOOP("actions", "Validate"), ("inspector", "jobs"), "detectors"),
)
FIRST = "examine"


class Workspaces(QObject):
    """Switches between the workspaces of one window.

    Args:
        reveal: brings the tab of the inspector with that name to the front.

    Signals:
        changed(str): the key of the workspace that stands now.
    """

    changed = Signal(str)

    def __init__(self, layout: Layout, settings: QSettings, reveal: Callable[[str], object], parent: QObject) -> None:
        super().__init__(parent)
        self._layout, self._settings, self._reveal = layout, settings, reveal
        self.now = FIRST
        if _version(settings) != WORKSPACE_VERSION:
            settings.remove("workspace")
        kept = str(settings.value("workspace/now", FIRST))
        if _version(settings) == WORKSPACE_VERSION and any(space.key == kept for space in WORKSPACES):
            self.now = kept

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {f"workspace.{n}": partial(self.go, space.key) for n, space in enumerate(WORKSPACES, 1)}

    def show_checked(self, actions: Actions, with_case: bool) -> None:
        """Mark the workspace that stands; without a case there is nothing to arrange."""
        for number, space in enumerate(WORKSPACES, 1):
            action = actions[f"workspace.{number}"]
            action.setEnabled(with_case)
            action.setChecked(with_case and space.key == self.now)

    def go(self, key: str) -> None:
        """Keep the present arrangement and put up that of ``key``."""
        space = next(space for space in WORKSPACES if space.key == key)
        if key != self.now:
            self.keep()
            self.now = key
            self._put_up(space)
        self.changed.emit(key)

    def keep(self) -> None:
        """Keep the present arrangement as that of the present workspace."""
        settings = self._settings
        settings.setValue("workspace/version", WORKSPACE_VERSION)
        settings.setValue("workspace/now", self.now)
        settings.setValue(f"workspace/{self.now}/state", self._layout.state())
        settings.setValue(f"workspace/{self.now}/closed", ",".join(sorted(self._layout.closed())))

    def reset(self) -> None:
        """Forget what was kept of every workspace and put the present one up as it was at first."""
        self._settings.remove("workspace")
        self._layout.reset()
        self._put_up(next(space for space in WORKSPACES if space.key == self.now))
        self.changed.emit(self.now)

    def _put_up(self, space: Workspace) -> None:
        state = self._settings.value(f"workspace/{space.key}/state")
        names = set(self._layout.docks)
        if _version(self._settings) == WORKSPACE_VERSION and isinstance(state, QByteArray):
            closed = _names(self._settings, f"workspace/{space.key}/closed")
            if self._layout.put_state(state):
                # What was not there when this was kept shows, so that nobody looks for it in vain.
                self._layout.arrange(names - closed)
                return
        self._layout.reset()
        self._layout.arrange(set(space.panels) & names)
        if space.tab:
            self._reveal(space.tab)


def _version(settings: QSettings) -> int:
    return int(str(settings.value("workspace/version", 0)))


def _names(settings: QSettings, key: str) -> set[str]:
    return {name for name in str(settings.value(key, "")).split(",") if name}


class WorkspaceTabs(QTabBar):
    """The workspaces by name, at the end of the menu bar."""

    def __init__(self, spaces: Workspaces, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spaces = spaces
        self.setAccessibleName(QCoreApplication.translate("workspaces", "Workspace"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setStyleSheet("QTabBar::tab { padding: 2px 10px 2px 10px; }")
        for number, space in enumerate(WORKSPACES, 1):
            self.addTab(QCoreApplication.translate("actions", space.name))
            self.setTabToolTip(number - 1, f"Ctrl+{number}")
        self._follow(spaces.now)
        spaces.changed.connect(self._follow)
        self.currentChanged.connect(self._chosen)

    @Slot(str)
    def _follow(self, key: str) -> None:
        self.setCurrentIndex(next(n for n, space in enumerate(WORKSPACES) if space.key == key))

    @Slot(int)
    def _chosen(self, index: int) -> None:
        if WORKSPACES[index].key != self._spaces.now:
            self._spaces.go(WORKSPACES[index].key)

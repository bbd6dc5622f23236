"""Where the panels stand: built once, kept between sessions with a version number, put back on request (U17)."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

LAYOUT_VERSION = 1
_AREAS = {
    "case": Qt.DockWidgetArea.LeftDockWidgetArea,
    "inspector": Qt.DockWidgetArea.RightDockWidgetArea,
    "faces": Qt.DockWidgetArea.RightDockWidgetArea,
    "jobs": Qt.DockWidgetArea.RightDockWidgetArea,
    "timeline": Qt.DockWidgetArea.BottomDockWidgetArea,
}
_LEAST_WIDTH = {"case": 184, "inspector": 316}


class Layout:
    """The docks of one window. Jobs show on demand; the others with a case, unless the examiner closed them.

    Args:
        panels: name to (title, widget); names are those of the four areas.
    """

    def __init__(self, window: QMainWindow, settings: QSettings, panels: dict[str, tuple[str, QWidget]]) -> None:
        self._window = window
        self._settings = settings
        self._with_case: bool | None = None
        self._closed: set[str] = set()
        self._factory = QByteArray()
        self.docks: dict[str, QDockWidget] = {}
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
        for name, (title, widget) in panels.items():
            dock = QDockWidget(title, window)
            dock.setObjectName(f"dock-{name}")
            dock.setWidget(widget)
            dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
            if name != "jobs":
                dock.setTitleBarWidget(QWidget(dock))
            window.addDockWidget(_AREAS[name], dock)
            self.docks[name] = dock
        window.setTabPosition(Qt.DockWidgetArea.RightDockWidgetArea, QTabWidget.TabPosition.North)
        window.tabifyDockWidget(self.docks["inspector"], self.docks["faces"])
        self.docks["jobs"].hide()
        self.fit()

    def remember_factory(self) -> None:
        """Take the present state as the one that ``reset`` goes back to."""
        self._factory = self._window.saveState(LAYOUT_VERSION)

    def fit(self) -> None:
        """Give the panels their first sizes, larger for larger text by half of what the text grows."""
        k = 1 + (float(str(self._settings.value("view/text", 1.0))) - 1) / 2
        for name, least in _LEAST_WIDTH.items():
            self.docks[name].widget().setMinimumWidth(round(least * k))
        sides = [self.docks["case"], self.docks["inspector"]]
        self._window.resizeDocks(sides, [round(244 * k), round(396 * k)], Qt.Orientation.Horizontal)
        self._window.resizeDocks([self.docks["timeline"]], [round(264 * k)], Qt.Orientation.Vertical)

    def show(self, with_case: bool) -> None:
        """Without a case there is nothing to dock; with one, every panel shows but those the examiner closed."""
        if with_case == self._with_case:
            return
        if self._with_case:
            self._closed = self._closed_now()
        self._with_case = with_case
        for name, dock in self.docks.items():
            dock.setVisible(with_case and name != "jobs" and name not in self._closed)
        if with_case:
            self.docks["inspector"].raise_()

    def toggle_jobs(self) -> None:
        dock = self.docks["jobs"]
        dock.setVisible(not dock.isVisible())
        if dock.isVisible():
            self._window.resizeDocks([self.docks["inspector"], dock], [420, 190], Qt.Orientation.Vertical)

    def reset(self) -> None:
        """Put every panel back where it was when the program was first started."""
        with_case = bool(self._with_case)
        self._window.restoreState(self._factory, LAYOUT_VERSION)
        self._closed = set()
        self._with_case = None
        self.fit()
        self.show(with_case)

    def state(self) -> QByteArray:
        """Where everything stands now."""
        return self._window.saveState(LAYOUT_VERSION)

    def put_state(self, state: QByteArray) -> bool:
        """Put everything where it stood; whether that state is of this version."""
        return self._window.restoreState(state, LAYOUT_VERSION)

    def closed(self) -> set[str]:
        """Names of the panels that are closed."""
        return {name for name, dock in self.docks.items() if dock.isHidden()} if self._with_case else self._closed

    def arrange(self, shown: set[str]) -> None:
        """Show these panels and close the others. Without a case it is kept until there is one."""
        self._closed = set(self.docks) - shown - {"jobs"}
        if self._with_case:
            for name, dock in self.docks.items():
                dock.setVisible(name in shown)
            self.docks["inspector"].raise_()

    def save(self) -> None:
        closed = self._closed_now() if self._with_case else self._closed
        self._settings.setValue("layout/version", LAYOUT_VERSION)
        self._settings.setValue("layout/geometry", self._window.saveGeometry())
        self._settings.setValue("layout/state", self._window.saveState(LAYOUT_VERSION))
        self._settings.setValue("layout/closed", ",".join(sorted(closed)))

    def restore(self) -> None:
        """Take up the layout of before, if it is of this version; panels that are new since then show."""
        if int(str(self._settings.value("layout/version", 0))) != LAYOUT_VERSION:
            return
        geometry, state = self._settings.value("layout/geometry"), self._settings.value("layout/state")
        self._closed = {name for name in str(self._settings.value("layout/closed", "")).split(",") if name}
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(state, QByteArray) and self._window.restoreState(state, LAYOUT_VERSION):
            self.docks["jobs"].hide()

    @property
    def is_new(self) -> bool:
        """Whether no size was kept from before."""
        return self._settings.value("layout/geometry") is None

    def _closed_now(self) -> set[str]:
        return {name for name, dock in self.docks.items() if name != "jobs" and dock.isHidden()}

"""The two doors to the window: ``run`` shows it, ``grab`` makes a picture of it. Qt is not loaded before them."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.ui import startup

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QSettings, QtMsgType
    from PySide6.QtWidgets import QApplication

    from workstation.app.engine import Engine
    from workstation.ui.main_window import MainWindow

_GRAB_LIMIT_S = 60.0
_WARM_UP_AFTER_MS = 1500


def run(engine: Engine, case: Path | None) -> int:
    """Show the window, on a case if one is named, until it is closed. Returns the exit status.

    Raises:
        DisplayMissing: there is no display, or a system library it needs is missing.
    """
    startup.require_qt()
    startup.require_display()
    from PySide6.QtCore import QSettings, QTimer

    from workstation.ui.ending import when_asked_to_end

    app = _application()
    window = _window(engine, QSettings("workstation", "workstation"))
    window.open_at_first()
    window.show()
    sys.excepthook = window.casework.machine.tell_unexpected
    if case is not None:
        window.open_case(case)
    QTimer.singleShot(_WARM_UP_AFTER_MS, engine.warm_up)
    try:
        with when_asked_to_end(window.close_now):
            return int(app.exec())
    finally:
        sys.excepthook = sys.__excepthook__


def grab(
    engine: Engine, case: Path, picture: Path, *, width: int = 1280, height: int = 800, scale: float = 1.0
) -> None:
    """Open the window on a case without a display, wait until its first exhibit is wholly drawn, and save a PNG.

    Args:
        width, height: of the window at 100 %.
        scale: pixels of the picture per pixel of the window; 2 is 200 %.

    Raises:
        CaseError: the case cannot be opened.
        WorkstationError: the window did not come to rest, or the picture cannot be written.
    """
    startup.require_qt()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    startup.require_display()
    from workstation.ui.grabbing import Grab, volatile_settings

    app = _application(scale)
    window = _window(engine, volatile_settings())
    window.resize(width, height)
    taken = Grab(window, _GRAB_LIMIT_S)
    try:
        taken.take(case, picture, scale)
    finally:
        session = window.desk.session
        window.close()
        window.deleteLater()
        app.sendPostedEvents()
        if session is not None:
            session.close()


def _application(scale: float = 1.0) -> QApplication:
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    present = QApplication.instance()
    if isinstance(present, QApplication):
        return present
    if scale != 1.0:
        os.environ["QT_SCALE_FACTOR"] = f"{scale:g}"
    app = QApplication([sys.argv[0] if sys.argv else "workstation"])
    app.setApplicationName("Workstation")
    app.setDesktopFileName("workstation")
    app.setStyle("Fusion")
    qInstallMessageHandler(_log_qt)
    return app


def _log_qt(kind: QtMsgType, _: QMessageLogContext, words: str) -> None:
    """Qt's own remarks belong in the log, not on the examiner's terminal."""
    level = {"QtCriticalMsg": logging.ERROR, "QtFatalMsg": logging.CRITICAL, "QtWarningMsg": logging.WARNING}
    logging.getLogger("workstation.ui.qt").log(level.get(kind.name, logging.DEBUG), words)


def _window(engine: Engine, settings: QSettings) -> MainWindow:
    from workstation.ui.main_window import MainWindow
    from workstation.ui.theme.sheet import dress, load_fonts

    load_fonts()
    dress(settings)
    return MainWindow(engine, settings)

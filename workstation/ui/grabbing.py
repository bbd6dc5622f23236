"""A picture of the window once everything on it is drawn."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from PySide6.QtCore import QBuffer, QEventLoop, QIODevice, QObject, QPoint, QSettings, QTimer, Slot
from PySide6.QtGui import QPixmap

from workstation.domain.errors import CaseReadOnly, NotFound, PermissionRefused, WorkstationError
from workstation.ui.main_window import MainWindow

_LOOK_MS = 15


def volatile_settings() -> QSettings:
    """Settings that nothing was written to before and nobody reads after."""
    folder = tempfile.mkdtemp(prefix="workstation-")
    return QSettings(str(Path(folder) / "window.ini"), QSettings.Format.IniFormat)


class Grab(QObject):
    """Waits on the window's own state, never on a fixed time."""

    def __init__(self, window: MainWindow, limit_s: float) -> None:
        super().__init__(window)
        self._window = window
        self._loop = QEventLoop(self)
        self._error: WorkstationError | None = None
        self._case = Path()
        self._reading = False
        self._quiet = 0
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self._check)
        self._limit = QTimer(self, singleShot=True, interval=round(limit_s * 1000))
        self._limit.timeout.connect(self._late)
        window.desk.failed.disconnect(window.work.tell)
        window.desk.locked.disconnect(window.work.offer_reading)
        window.desk.locked.connect(self._failed)
        window.desk.sealed.disconnect(window.moving.ask_passphrase)
        window.desk.sealed.connect(self._failed)
        window.desk.failed.connect(self._failed)

    def take(self, case: Path, picture: Path, scale: float) -> None:
        """Raises: CaseError, NotFound, PermissionRefused, WorkstationError."""
        if not picture.absolute().parent.is_dir():
            raise NotFound(f"There is no folder {picture.absolute().parent}.", "Make it, or choose another place.")
        self._case = case
        self._window.show()
        self._window.open_case(case)
        self._look.start()
        self._limit.start()
        self._loop.exec()
        self._look.stop()
        self._limit.stop()
        if self._error is not None:
            raise self._error
        self._save(picture, scale)

    @Slot()
    def _check(self) -> None:
        ready = self._window.desk.session is not None and self._window.settled
        self._quiet = self._quiet + 1 if ready else 0
        if self._quiet >= 4:
            self._loop.quit()

    @Slot(object)
    def _failed(self, error: WorkstationError) -> None:
        if isinstance(error, CaseReadOnly) and not self._reading:
            self._reading = True
            self._window.desk.open_case(self._case, read_only=True)
            return
        self._error = error
        self._loop.quit()

    @Slot()
    def _late(self) -> None:
        self._error = WorkstationError(
            "The window did not finish drawing in time.", "Try again when the machine is less busy."
        )
        self._loop.quit()

    def _save(self, picture: Path, scale: float) -> None:
        window = self._window
        ratio = max(window.devicePixelRatioF(), scale)
        pixmap = QPixmap(round(window.width() * ratio), round(window.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        window.render(pixmap, QPoint())
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        pixmap.save(buffer, "PNG")
        temporary = picture.with_name(f".{picture.name}.part")
        try:
            with temporary.open("wb") as file:
                file.write(bytes(buffer.data().data()))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(picture)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise PermissionRefused(
                f"{picture} cannot be written ({error.strerror}).", "Choose another place."
            ) from error

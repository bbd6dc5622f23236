"""Logs go to rotating files in the workstation's folder. A log is not audit: audit is the chain of custody."""

from __future__ import annotations

import contextlib
import logging
from logging.handlers import RotatingFileHandler

from workstation.app.paths import Home

_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


class _LocalLog(RotatingFileHandler):
    """A log that cannot be written (a full disk) must not stop the work, nor speak to the examiner's terminal."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def start_logging(home: Home) -> logging.Handler:
    """Send the program's log to ``logs/workstation.log`` (five files of 1 MB) and return the handler."""
    handler = _LocalLog(home.logs / "workstation.log", maxBytes=1_000_000, backupCount=4, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger("workstation")
    root.setLevel(logging.INFO)
    root.propagate = False
    root.addHandler(handler)
    return handler


def stop_logging(handler: logging.Handler) -> None:
    logging.getLogger("workstation").removeHandler(handler)
    handler.close()

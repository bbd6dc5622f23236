"""Words of the case review. None of them draws a conclusion: outcomes are the examiner's own (X2)."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.app.reviewing import StopKind


def tr(text: str) -> str:
    """Translate in the context "review"."""
    return QCoreApplication.translate("review", text)


def group(kind: StopKind) -> str:
    return {
        StopKind.FINDING: tr("Findings"),
        StopKind.BOOKMARK: tr("Bookmarks"),
        StopKind.EXHIBIT: tr("Exhibits"),
    }[kind]


def keys() -> str:
    """What can be done in a review, in one line."""
    return tr(
        "PgUp/PgDn stop   ←/→ frame   Shift+←/→ ten   Space play   V overlay   P pointer   +/− zoom   F fit   Esc leave"
    )


def logged(frames: int, read_only: bool) -> str:
    if read_only:
        return tr("The case is open for reading only: frames shown cannot be recorded")
    return tr("{n} frames shown, each recorded").format(n=frames)

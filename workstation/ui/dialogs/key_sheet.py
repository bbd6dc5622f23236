"""Every key and what it does, built from the live actions (U31)."""

from __future__ import annotations

import html

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from workstation.ui.action_specs import Scope
from workstation.ui.actions import Actions
from workstation.ui.theme.sheet import MONO, current_theme
from workstation.ui.widgets.labels import label

_COLUMNS = 3


class KeySheet(QDialog):
    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Key sheet"))
        self.resize(1020, 640)
        groups = actions.sheet()
        share = sum(len(lines) + 2 for _, lines in groups) / _COLUMNS
        sides: list[list[str]] = [[] for _ in range(_COLUMNS)]
        count = 0.0
        for name, lines in groups:
            weight = len(lines) + 2
            at = min(_COLUMNS - 1, int((count + weight / 2) / share))
            sides[at].append(self._group(name, lines))
            count += weight
        row = QHBoxLayout()
        row.setSpacing(0)
        for side in sides:
            page = QTextBrowser()
            page.setAccessibleName(self.tr("Keys"))
            page.document().setDocumentMargin(14)
            page.setHtml("".join(side))
            row.addWidget(page)
        note = label(self.tr("◦ acts only while the viewer or the timeline has the keyboard."), "second")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 16, 0)
        foot.addWidget(note, 1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 12)
        column.addLayout(row, 1)
        column.addLayout(foot)

    def _group(self, name: str, lines: list[tuple[str, str, Scope]]) -> str:
        theme = current_theme()
        rows = "".join(
            f'<tr><td width="64%">{html.escape(text)}{"" if scope is Scope.WINDOW else " ◦"}</td>'
            f"<td style=\"font-family:'{MONO}'; color:{theme.second}\">{html.escape(keys)}</td></tr>"
            for text, keys, scope in lines
        )
        heading = f'<p style="margin:10px 0 4px 0"><b>{html.escape(name)}</b></p>'
        return f'{heading}<table width="100%" cellpadding="2">{rows}</table>'

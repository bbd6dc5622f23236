"""The menu bar, from the live actions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDockWidget, QMenuBar

from workstation.ui.actions import Actions
from workstation.ui.faces.face_actions import FACE_MENU
from workstation.ui.review.opinion_actions import OPINION_MENU

_MENUS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "&Case",
        (
            "case.new",
            "case.open",
            "case.close",
            "case.sample",
            "",
            "exhibit.import",
            "exhibit.verify",
            "custody.view",
            "",
            "case.export",
            "case.backup",
            "case.import",
            "",
            "app.quit",
        ),
    ),
    (
        "&Edit",
        (
            "edit.undo",
            "edit.redo",
            "",
            "mark.add",
            "mark.note",
            "tag.add",
            "note.add",
            "finding.add",
            "",
            "view.copy",
            "view.open",
            "",
            "mark.next",
            "mark.previous",
            "",
            *FACE_MENU,
            "",
            "person.reference",
            "person.claim",
        ),
    ),
    (
        "&Examine",
        (
            *("run", "resume", "job.pause", "cancel", "", *OPINION_MENU, "", "report.build"),
            *("frame.export", "view.export", "", "detectors.manage"),
        ),
    ),
    (
        "&Go",
        (
            "play.toggle",
            "play.reverse",
            "play.real",
            "step.back",
            "step.forward",
            "step.back10",
            "step.forward10",
            "key.back",
            "key.forward",
            "go.first",
            "go.last",
            "go.to",
            "",
            "peak.next",
            "peak.previous",
            "disagreement.next",
            "gap.next",
            "",
            "range.in",
            "range.out",
            "range.clear",
            "",
            "track.next",
            "track.previous",
            "track.0",
            "",
            "exhibit.next",
            "exhibit.previous",
            "",
            "history.back",
            "history.forward",
        ),
    ),
    (
        "&View",
        (
            "overlay.toggle",
            "overlay.more",
            "overlay.less",
            "map.next",
            "layer.map",
            "layer.contour",
            "layer.middle",
            "layer.boxes",
            "layer.landmarks",
            "",
            "zoom.fit",
            "zoom.actual",
            "zoom.in",
            "zoom.out",
            "probe.keys",
            "timeline.all",
            "timeline.in",
            "timeline.out",
            "timeline.table",
            "",
            *(f"workspace.{n}" for n in range(1, 7)),
            "",
            "docks",
            "view.jobs",
            "layout.reset",
            "",
            "view.veil",
            "view.theme",
            "text.larger",
            "text.smaller",
            "view.full",
            "view.review",
        ),
    ),
    (
        "C&ompare",
        (
            "views.1",
            "views.2",
            "views.4",
            "",
            "compare.with",
            "compare.hold",
            "",
            "compare.blink",
            "compare.wipe",
            "compare.difference",
            "compare.range",
            "compare.swap",
        ),
    ),
    ("&Help", ("palette", "search", "", "keys", "keys.edit", "settings", "", "log.view", "about")),
)


def fill_menus(bar: QMenuBar, actions: Actions, docks: Mapping[str, QDockWidget]) -> None:
    """Build the menus. Panels can be shown again from View."""
    for title, names in _MENUS:
        menu = bar.addMenu(QCoreApplication.translate("menus", title))
        for name in names:
            if not name:
                menu.addSeparator()
            elif name == "docks":
                for key, dock in docks.items():
                    if key != "jobs":
                        menu.addAction(dock.toggleViewAction())
            else:
                menu.addAction(actions[name])

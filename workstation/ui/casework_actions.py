"""The actions of the case work: keys, search, workspaces, and the windows on settings, detectors, custody and logs."""

from __future__ import annotations

from workstation.ui.action_specs import EXAMINE, EXHIBIT, MARKS, VIEW, WORK, ActionSpec
from workstation.ui.translation import QT_TRANSLATE_NOOP

CASEWORK: tuple[ActionSpec, ...] = (
    ActionSpec(
        "keys.edit",
        QT_TRANSLATE_NOOP("actions", "Change keys…"),
        WORK,
        icon="keys",
        tip=QT_TRANSLATE_NOOP("actions", "Give actions other keys, or take those of another program"),
    ),
    ActionSpec(
        "search",
        QT_TRANSLATE_NOOP("actions", "Search the case…"),
        WORK,
        ("Ctrl+F",),
        icon="search",
        tip=QT_TRANSLATE_NOOP("actions", "Find exhibits, tracks, findings, notes, bookmarks and hashes"),
    ),
    ActionSpec("workspace.1", QT_TRANSLATE_NOOP("actions", "Workspace Intake"), VIEW, ("Ctrl+1",), checkable=True),
    ActionSpec("workspace.2", QT_TRANSLATE_NOOP("actions", "Workspace Examine"), VIEW, ("Ctrl+2",), checkable=True),
    ActionSpec("workspace.3", QT_TRANSLATE_NOOP("actions", "Workspace Compare"), VIEW, ("Ctrl+3",), checkable=True),
    ActionSpec("workspace.4", QT_TRANSLATE_NOOP("actions", "Workspace Review"), VIEW, ("Ctrl+4",), checkable=True),
    ActionSpec("workspace.5", QT_TRANSLATE_NOOP("actions", "Workspace Report"), VIEW, ("Ctrl+5",), checkable=True),
    ActionSpec("workspace.6", QT_TRANSLATE_NOOP("actions", "Workspace Validate"), VIEW, ("Ctrl+6",), checkable=True),
    ActionSpec("settings", QT_TRANSLATE_NOOP("actions", "Settings…"), WORK, ("Ctrl+,",)),
    ActionSpec(
        "detectors.manage",
        QT_TRANSLATE_NOOP("actions", "Detectors…"),
        WORK,
        tip=QT_TRANSLATE_NOOP("actions", "Cards, licences and digests of the detectors; import, self-test, remove"),
    ),
    ActionSpec(
        "custody.view",
        QT_TRANSLATE_NOOP("actions", "Chain of custody…"),
        WORK,
        tip=QT_TRANSLATE_NOOP("actions", "Every event with its facts; verify the case, prove that an event is in it"),
    ),
    ActionSpec(
        "log.view",
        QT_TRANSLATE_NOOP("actions", "Program log…"),
        WORK,
        tip=QT_TRANSLATE_NOOP("actions", "What the program noted on this machine; it holds no picture and no score"),
    ),
    ActionSpec("finding.add", QT_TRANSLATE_NOOP("actions", "New finding…"), MARKS, ("Ctrl+Shift+F",)),
    ActionSpec(
        "view.copy",
        QT_TRANSLATE_NOOP("actions", "Copy this view"),
        MARKS,
        ("Ctrl+Shift+C",),
        tip=QT_TRANSLATE_NOOP("actions", "Exhibit, frame, zoom and overlays as text that opens the same view again"),
    ),
    ActionSpec(
        "view.open",
        QT_TRANSLATE_NOOP("actions", "Open a copied view"),
        MARKS,
        tip=QT_TRANSLATE_NOOP("actions", "Go to the view whose text is on the clipboard"),
    ),
    ActionSpec(
        "case.sample",
        QT_TRANSLATE_NOOP("actions", "Open the sample case"),
        EXHIBIT,
        tip=QT_TRANSLATE_NOOP(
            "actions", "Make two clips from a public-domain portrait, one manipulated, and examine both"
        ),
    ),
    ActionSpec("job.pause", QT_TRANSLATE_NOOP("actions", "Pause or go on with the job"), EXAMINE, icon="pause"),
)

"""One table of everything the examiner can do: text, keys, where the keys act, icon (3.3).

Menus, buttons, the command palette and the key sheet are all built from the live actions, so none can disagree. Keys
with scope VIEWER act only while the viewer or the timeline has the keyboard, so that letters do not disturb
typing (U16).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from workstation.ui.action_specs import (
    CASE,
    EXAMINE,
    EXHIBIT,
    FACES,
    GROUPS,
    JUMP,
    MARKS,
    PLAY,
    VIEW,
    WORK,
    ActionSpec,
    Scope,
)
from workstation.ui.casework_actions import CASEWORK
from workstation.ui.faces.face_actions import FACE_ACTIONS
from workstation.ui.keys.keymap import KeyMap, native
from workstation.ui.review.opinion_actions import OPINION_ACTIONS
from workstation.ui.review.review_actions import REVIEW_ACTIONS
from workstation.ui.theme.icons import icon
from workstation.ui.theme.palette import Theme
from workstation.ui.timeline.commands import TIMELINE_ACTIONS
from workstation.ui.translation import QT_TRANSLATE_NOOP
from workstation.ui.viewer.commands import VIEWER_ACTIONS

_V = Scope.VIEWER

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("case.new", QT_TRANSLATE_NOOP("actions", "New case…"), CASE, ("Ctrl+N",), icon="case-new"),
    ActionSpec("case.open", QT_TRANSLATE_NOOP("actions", "Open case…"), CASE, ("Ctrl+O",), icon="case-open"),
    ActionSpec("case.close", QT_TRANSLATE_NOOP("actions", "Close case"), CASE, ("Ctrl+W",), icon="close"),
    ActionSpec(
        "case.export",
        QT_TRANSLATE_NOOP("actions", "Export case…"),
        CASE,
        icon="case-export",
        tip=QT_TRANSLATE_NOOP("actions", "Pack the whole case, or a disclosure pack of chosen exhibits, into one file"),
    ),
    ActionSpec(
        "case.backup",
        QT_TRANSLATE_NOOP("actions", "Back up case…"),
        CASE,
        tip=QT_TRANSLATE_NOOP("actions", "Copy the case as it stands now into an empty folder, and verify the copy"),
    ),
    ActionSpec("case.import", QT_TRANSLATE_NOOP("actions", "Take in a packed case…"), CASE),
    ActionSpec("app.quit", QT_TRANSLATE_NOOP("actions", "Quit"), CASE, ("Ctrl+Q",), icon="exit"),
    ActionSpec(
        "exhibit.import",
        QT_TRANSLATE_NOOP("actions", "Add exhibits…"),
        EXHIBIT,
        ("Ctrl+I",),
        icon="import",
        tip=QT_TRANSLATE_NOOP(
            "actions", "Take pictures and videos into the case; files can also be dropped on the window"
        ),
    ),
    ActionSpec(
        "exhibit.verify",
        QT_TRANSLATE_NOOP("actions", "Verify exhibits"),
        EXHIBIT,
        ("Ctrl+Shift+V",),
        icon="verify",
        tip=QT_TRANSLATE_NOOP("actions", "Hash every original again and record the outcome in the chain of custody"),
    ),
    ActionSpec("exhibit.next", QT_TRANSLATE_NOOP("actions", "Next exhibit"), EXHIBIT, ("PgDown",), _V),
    ActionSpec("exhibit.previous", QT_TRANSLATE_NOOP("actions", "Previous exhibit"), EXHIBIT, ("PgUp",), _V),
    ActionSpec("run", QT_TRANSLATE_NOOP("actions", "Run examination…"), EXAMINE, ("Ctrl+R",), icon="run"),
    ActionSpec("resume", QT_TRANSLATE_NOOP("actions", "Go on with this examination"), EXAMINE, icon="forward"),
    ActionSpec(
        "cancel",
        QT_TRANSLATE_NOOP("actions", "Cancel or leave mode"),
        EXAMINE,
        ("Esc",),
        icon="stop",
        tip=QT_TRANSLATE_NOOP(
            "actions", "Stop playback, leave full screen, or cancel what runs; results already committed stay"
        ),
    ),
    *OPINION_ACTIONS,
    ActionSpec(
        "report.build", QT_TRANSLATE_NOOP("actions", "Build signed report"), EXAMINE, ("Ctrl+Shift+R",), icon="report"
    ),
    ActionSpec(
        "frame.export", QT_TRANSLATE_NOOP("actions", "Export frame…"), EXAMINE, ("Ctrl+E",), icon="frame-export"
    ),
    ActionSpec("play.toggle", QT_TRANSLATE_NOOP("actions", "Play or pause"), PLAY, ("Space",), _V, icon="play"),
    ActionSpec("play.reverse", QT_TRANSLATE_NOOP("actions", "Play backwards"), PLAY, ("J",), _V, icon="reverse"),
    ActionSpec("play.stop", QT_TRANSLATE_NOOP("actions", "Stop"), PLAY, ("K",), _V, icon="pause"),
    ActionSpec("play.forward", QT_TRANSLATE_NOOP("actions", "Play forwards"), PLAY, ("L",), _V, icon="play"),
    ActionSpec("step.back", QT_TRANSLATE_NOOP("actions", "Previous frame"), PLAY, ("Left",), _V, icon="step-back"),
    ActionSpec("step.forward", QT_TRANSLATE_NOOP("actions", "Next frame"), PLAY, ("Right",), _V, icon="step-forward"),
    ActionSpec("step.back10", QT_TRANSLATE_NOOP("actions", "10 frames back"), PLAY, ("Shift+Left",), _V),
    ActionSpec("step.forward10", QT_TRANSLATE_NOOP("actions", "10 frames forward"), PLAY, ("Shift+Right",), _V),
    ActionSpec("key.back", QT_TRANSLATE_NOOP("actions", "Previous key frame"), PLAY, ("Ctrl+Left",), _V),
    ActionSpec("key.forward", QT_TRANSLATE_NOOP("actions", "Next key frame"), PLAY, ("Ctrl+Right",), _V),
    ActionSpec("go.first", QT_TRANSLATE_NOOP("actions", "First frame"), PLAY, ("Home",), _V, icon="first"),
    ActionSpec("go.last", QT_TRANSLATE_NOOP("actions", "Last frame"), PLAY, ("End",), _V, icon="last"),
    ActionSpec("go.to", QT_TRANSLATE_NOOP("actions", "Go to time or frame…"), JUMP, ("G",), _V, icon="goto"),
    ActionSpec("peak.next", QT_TRANSLATE_NOOP("actions", "Next score peak"), JUMP, ("N",), _V, icon="peak"),
    ActionSpec("peak.previous", QT_TRANSLATE_NOOP("actions", "Previous score peak"), JUMP, ("Shift+N",), _V),
    ActionSpec("gap.next", QT_TRANSLATE_NOOP("actions", "Next gap or abstention"), JUMP, ("U",), _V, icon="gap"),
    ActionSpec("history.back", QT_TRANSLATE_NOOP("actions", "Back"), JUMP, ("Alt+Left",), icon="back"),
    ActionSpec("history.forward", QT_TRANSLATE_NOOP("actions", "Forward"), JUMP, ("Alt+Right",), icon="forward"),
    ActionSpec("edit.undo", QT_TRANSLATE_NOOP("actions", "Undo"), MARKS, ("Ctrl+Z",), icon="undo"),
    ActionSpec("edit.redo", QT_TRANSLATE_NOOP("actions", "Redo"), MARKS, ("Ctrl+Shift+Z",), icon="redo"),
    ActionSpec("mark.add", QT_TRANSLATE_NOOP("actions", "Bookmark this frame"), MARKS, ("M",), _V, icon="bookmark"),
    ActionSpec("mark.note", QT_TRANSLATE_NOOP("actions", "Bookmark with a note…"), MARKS, ("Shift+M",), _V),
    ActionSpec("mark.next", QT_TRANSLATE_NOOP("actions", "Next bookmark"), MARKS, ("]", "."), _V),
    ActionSpec("mark.previous", QT_TRANSLATE_NOOP("actions", "Previous bookmark"), MARKS, ("[", ","), _V),
    ActionSpec("tag.add", QT_TRANSLATE_NOOP("actions", "Tag this exhibit…"), MARKS, ("T",), _V),
    ActionSpec("note.add", QT_TRANSLATE_NOOP("actions", "Add a note to this exhibit…"), MARKS),
    ActionSpec("track.next", QT_TRANSLATE_NOOP("actions", "Next track"), FACES, ("F",), _V),
    ActionSpec("track.previous", QT_TRANSLATE_NOOP("actions", "Previous track"), FACES, ("Shift+F",), _V),
    ActionSpec("track.name", QT_TRANSLATE_NOOP("actions", "Name the chosen track…"), FACES),
    ActionSpec(
        "track.exclude",
        QT_TRANSLATE_NOOP("actions", "Exclude the chosen track…"),
        FACES,
        tip=QT_TRANSLATE_NOOP("actions", "Say why a track is not relied on; its scores stay in the case"),
    ),
    ActionSpec(
        "person.reference",
        QT_TRANSLATE_NOOP("actions", "The chosen track undisputedly shows…"),
        FACES,
        tip=QT_TRANSLATE_NOOP("actions", "Make its faces references of a person of the case"),
    ),
    ActionSpec(
        "person.claim",
        QT_TRANSLATE_NOOP("actions", "Said to show…"),
        FACES,
        tip=QT_TRANSLATE_NOOP("actions", "Whom the exhibit, or the chosen track, is said to show"),
    ),
    *FACE_ACTIONS,
    *REVIEW_ACTIONS,
    ActionSpec("track.0", QT_TRANSLATE_NOOP("actions", "All tracks"), FACES, ("0",), _V),
    *(
        ActionSpec(
            f"track.{n}",
            QT_TRANSLATE_NOOP("actions", "Track T%1").replace("%1", str(n)),
            FACES,
            (str(n),),
            _V,
            listed=False,
        )
        for n in range(1, 10)
    ),
    ActionSpec(
        "overlay.toggle",
        QT_TRANSLATE_NOOP("actions", "Overlay on or off"),
        VIEW,
        ("V",),
        _V,
        icon="eye",
        checkable=True,
    ),
    ActionSpec(
        "overlay.hold", QT_TRANSLATE_NOOP("actions", "Hide overlay while held"), VIEW, ("H",), Scope.HELD, listed=False
    ),
    ActionSpec("overlay.more", QT_TRANSLATE_NOOP("actions", "Map stronger"), VIEW, ("+", "="), _V),
    ActionSpec("overlay.less", QT_TRANSLATE_NOOP("actions", "Map weaker"), VIEW, ("-",), _V),
    ActionSpec("zoom.actual", QT_TRANSLATE_NOOP("actions", "Actual pixels, 1:1"), VIEW, ("Z",), _V, icon="actual"),
    ActionSpec("zoom.fit", QT_TRANSLATE_NOOP("actions", "Fit frame to window"), VIEW, ("Shift+Z",), _V, icon="fit"),
    *VIEWER_ACTIONS,
    *TIMELINE_ACTIONS,
    ActionSpec("timeline.all", QT_TRANSLATE_NOOP("actions", "Whole timeline"), VIEW, ("Ctrl+0",)),
    ActionSpec("view.jobs", QT_TRANSLATE_NOOP("actions", "Jobs"), VIEW, ("Ctrl+J",), icon="jobs", checkable=True),
    ActionSpec("view.full", QT_TRANSLATE_NOOP("actions", "Full screen"), VIEW, ("F11",), checkable=True),
    ActionSpec("view.theme", QT_TRANSLATE_NOOP("actions", "Light or dark"), VIEW, icon="theme"),
    ActionSpec("text.larger", QT_TRANSLATE_NOOP("actions", "Larger text"), VIEW, ("Ctrl++", "Ctrl+=")),
    ActionSpec("text.smaller", QT_TRANSLATE_NOOP("actions", "Smaller text"), VIEW, ("Ctrl+-",)),
    ActionSpec("layout.reset", QT_TRANSLATE_NOOP("actions", "Reset layout"), VIEW, icon="layout"),
    ActionSpec("palette", QT_TRANSLATE_NOOP("actions", "Find a command…"), WORK, ("Ctrl+K",), icon="search"),
    *CASEWORK,
    ActionSpec("keys", QT_TRANSLATE_NOOP("actions", "Key sheet"), WORK, ("Ctrl+/", "Shift+F1"), icon="keys"),
    ActionSpec("about", QT_TRANSLATE_NOOP("actions", "About"), WORK, icon="info"),
)


_NUMBERED = frozenset(f"track.{number}" for number in range(2, 10))


def spec_ids(group: str) -> tuple[str, ...]:
    """Ids of the actions of a group, in order."""
    return tuple(spec.id for spec in ACTIONS if spec.group == group)


class Actions(QObject):
    """The live actions of one window.

    Args:
        window: gets the actions that act anywhere.
        viewers: get those with scope VIEWER; their keys act while one of these, or a child, has the keyboard.
        handlers: id to what is done; every id of the table must be in it, except those with scope HELD.
    """

    def __init__(self, window: QWidget, viewers: Iterable[QWidget], handlers: dict[str, Callable[[], object]]) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        self._tips: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        places = tuple(viewers)
        for spec in ACTIONS:
            action = QAction(translated(spec.text), self)
            action.setObjectName(spec.id)
            action.setIconText(f" {translated(spec.text)}" if spec.icon else translated(spec.text))
            action.setCheckable(spec.checkable)
            if spec.tip:
                action.setStatusTip(translated(spec.tip))
            self._actions[spec.id] = action
            if spec.scope is Scope.HELD:
                action.setEnabled(False)
                continue
            if spec.scope is Scope.VIEWER:
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                for place in places:
                    place.addAction(action)
            else:
                action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
                window.addAction(action)
            action.triggered.connect(_Call(handlers[spec.id], action).run)
        self.set_keys(KeyMap())

    def set_keys(self, keys: KeyMap) -> None:
        """Give every action its keys of a map; tool tips name the first of them."""
        self._keys = keys.resolve(ACTIONS)
        for spec in ACTIONS:
            action, own = self._actions[spec.id], self._keys[spec.id]
            if spec.scope is not Scope.HELD:
                action.setShortcuts([QKeySequence(key) for key in own])
            tip = translated(spec.tip or spec.text).rstrip("…")
            self._tips[spec.id] = f"{tip} ({native(own[:1])})" if own else tip
            action.setToolTip(self._why.get(spec.id) or self._tips[spec.id])

    def held(self, name: str, event: QKeyEvent) -> bool:
        """Whether a key that goes down or up is the one to be held for that action."""
        pressed = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
        return pressed in self._keys[name]

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def listed(self) -> list[tuple[ActionSpec, QAction]]:
        """Every action, for the command palette: first those of interest, in the order of the table."""
        ordered = sorted(ACTIONS, key=lambda spec: not spec.listed)
        return [(spec, self._actions[spec.id]) for spec in ordered]

    def sheet(self) -> list[tuple[str, list[tuple[str, str, Scope]]]]:
        """Groups with (name, keys as this system writes them, scope), from the live shortcuts."""
        groups: list[tuple[str, list[tuple[str, str, Scope]]]] = []
        form = QKeySequence.SequenceFormat.NativeText
        for group in GROUPS:
            lines: list[tuple[str, str, Scope]] = []
            for spec in ACTIONS:
                if spec.group != group:
                    continue
                own = self._keys[spec.id] if spec.scope is Scope.HELD else ()
                live = self._actions[spec.id].shortcuts() or [QKeySequence(key) for key in own]
                keys = "   ".join(key.toString(form) for key in live)
                if not keys:
                    continue
                if lines and spec.id in _NUMBERED:
                    lines[-1] = (translated("Track T1 to T9"), f"{_first(lines[-1][1])} … {keys}", spec.scope)
                else:
                    lines.append((self._actions[spec.id].text().rstrip("…"), keys, spec.scope))
            if lines:
                groups.append((QCoreApplication.translate("actions", group), lines))
        return groups

    def dress(self, theme: Theme) -> None:
        """Draw the icons in the theme's colours."""
        for spec in ACTIONS:
            if spec.icon:
                self._actions[spec.id].setIcon(icon(spec.icon, theme.text, theme.edge))

    def explain(self, name: str, why: str) -> None:
        """Say in the tool tip why an action cannot be done; with an empty ``why`` the usual words come back."""
        self._why[name] = why
        self._actions[name].setToolTip(why or self._tips[name])

    def set_enabled(self, names: Iterable[str], enabled: bool) -> None:
        for name in names:
            self._actions[name].setEnabled(enabled)


class _Call(QObject):
    """Calls a handler without the ``checked`` argument of ``triggered``."""

    def __init__(self, handler: Callable[[], object], action: QAction) -> None:
        super().__init__(action)
        self._handler = handler

    def run(self) -> None:
        self._handler()


def _first(keys: str) -> str:
    return keys.split(" ")[0]


def translated(text: str) -> str:
    return QCoreApplication.translate("actions", text)

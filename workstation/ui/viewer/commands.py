"""What can be done in the viewer beside playing: layers, zoom, probe and comparison, as lines of the actions table."""

from __future__ import annotations

from workstation.ui.action_specs import COMPARE, VIEW, ActionSpec, Scope
from workstation.ui.translation import QT_TRANSLATE_NOOP

_V = Scope.VIEWER

LAYER_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("layer.map", QT_TRANSLATE_NOOP("actions", "Fakeness map"), VIEW, scope=_V, checkable=True),
    ActionSpec(
        "layer.contour",
        QT_TRANSLATE_NOOP("actions", "Line at the shipped threshold"),
        VIEW,
        scope=_V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "Drawn where the package of the detector ships a threshold"),
    ),
    ActionSpec(
        "layer.middle",
        QT_TRANSLATE_NOOP("actions", "Dotted line at 0.5, no threshold"),
        VIEW,
        scope=_V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "Where the map crosses the middle of its scale; it says nothing of an alarm"),
    ),
    ActionSpec("layer.boxes", QT_TRANSLATE_NOOP("actions", "Face boxes and tracks"), VIEW, scope=_V, checkable=True),
    ActionSpec("layer.landmarks", QT_TRANSLATE_NOOP("actions", "Landmarks"), VIEW, scope=_V, checkable=True),
    ActionSpec("map.next", QT_TRANSLATE_NOOP("actions", "Next colours of the map"), VIEW, ("C",), _V),
)

ZOOM_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("zoom.in", QT_TRANSLATE_NOOP("actions", "Zoom in"), VIEW, ("Ctrl+Up",), _V),
    ActionSpec("zoom.out", QT_TRANSLATE_NOOP("actions", "Zoom out"), VIEW, ("Ctrl+Down",), _V),
    ActionSpec("pan.left", QT_TRANSLATE_NOOP("actions", "Look further left"), VIEW, ("Ctrl+Shift+Left",), _V),
    ActionSpec("pan.right", QT_TRANSLATE_NOOP("actions", "Look further right"), VIEW, ("Ctrl+Shift+Right",), _V),
    ActionSpec("pan.up", QT_TRANSLATE_NOOP("actions", "Look further up"), VIEW, ("Ctrl+Shift+Up",), _V),
    ActionSpec("pan.down", QT_TRANSLATE_NOOP("actions", "Look further down"), VIEW, ("Ctrl+Shift+Down",), _V),
    ActionSpec(
        "probe.keys",
        QT_TRANSLATE_NOOP("actions", "Probe with the arrow keys"),
        VIEW,
        ("P",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "Arrows move the probe by a pixel, with Shift by ten; Esc puts it away"),
    ),
)

COMPARE_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "views.1",
        QT_TRANSLATE_NOOP("actions", "One view"),
        COMPARE,
        ("Alt+1",),
        _V,
        checkable=True,
    ),
    ActionSpec(
        "views.2",
        QT_TRANSLATE_NOOP("actions", "Two linked views"),
        COMPARE,
        ("Alt+2",),
        _V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "A and B beside each other, at the same place, zoom and time"),
    ),
    ActionSpec(
        "views.4",
        QT_TRANSLATE_NOOP("actions", "Four linked views"),
        COMPARE,
        ("Alt+4",),
        _V,
        checkable=True,
    ),
    ActionSpec(
        "compare.with",
        QT_TRANSLATE_NOOP("actions", "Choose what B shows…"),
        COMPARE,
        ("Alt+B",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "Another exhibit, another frame, another detector's map, or the plain frame"),
    ),
    ActionSpec(
        "compare.hold",
        QT_TRANSLATE_NOOP("actions", "Hold this frame in B"),
        COMPARE,
        ("Shift+H",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "B keeps the frame shown now while A moves on"),
    ),
    ActionSpec(
        "compare.blink",
        QT_TRANSLATE_NOOP("actions", "Blink A and B"),
        COMPARE,
        ("B",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "Each press turns from A to B or back on the same place; Esc ends it"),
    ),
    ActionSpec(
        "compare.wipe",
        QT_TRANSLATE_NOOP("actions", "Wipe between A and B"),
        COMPARE,
        ("W",),
        _V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "A left of a line and B right of it; the line can be dragged"),
    ),
    ActionSpec("wipe.left", QT_TRANSLATE_NOOP("actions", "Wipe line left"), COMPARE, ("Shift+Up",), _V, listed=False),
    ActionSpec(
        "wipe.right", QT_TRANSLATE_NOOP("actions", "Wipe line right"), COMPARE, ("Shift+Down",), _V, listed=False
    ),
    ActionSpec(
        "compare.difference",
        QT_TRANSLATE_NOOP("actions", "Difference of A and B"),
        COMPARE,
        ("Shift+B",),
        _V,
        checkable=True,
        tip=QT_TRANSLATE_NOOP("actions", "The largest difference of red, green and blue, on a fixed scale"),
    ),
    ActionSpec(
        "compare.range",
        QT_TRANSLATE_NOOP("actions", "Next range of the difference"),
        COMPARE,
        ("Shift+W",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "0 to 255, 0 to 64 or 0 to 16; fixed, never stretched to a frame"),
    ),
    ActionSpec(
        "view.export",
        QT_TRANSLATE_NOOP("actions", "Export what is seen…"),
        COMPARE,
        ("Ctrl+Shift+E",),
        tip=QT_TRANSLATE_NOOP("actions", "The views as they are drawn now, with a strip that names every one of them"),
    ),
    ActionSpec(
        "compare.swap",
        QT_TRANSLATE_NOOP("actions", "Swap A and B"),
        COMPARE,
        ("X",),
        _V,
        tip=QT_TRANSLATE_NOOP("actions", "What B shows becomes A, with timeline and inspector, and the other way"),
    ),
)
VIEWER_ACTIONS = (*LAYER_ACTIONS, *ZOOM_ACTIONS, *COMPARE_ACTIONS)
WITH_FRAMES = tuple(spec.id for spec in VIEWER_ACTIONS)

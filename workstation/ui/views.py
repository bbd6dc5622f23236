"""A view as text: exhibit, frame, track, zoom and overlays, to be copied, kept with a bookmark and opened again (U28).

The exhibit is named by its SHA-256 and the frame by its time stamp, so that the view opens in every copy of the case.
Nothing in it is a result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from workstation.domain.edits import ExaminerObject
from workstation.domain.errors import InputError
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer, MapColours
from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.place import Place
from workstation.ui.viewer.state import OverlayState

FORM = "workstation view 1"


class Views:
    """Reads the view shown and puts one up again."""

    def __init__(self, desk: Desk, navigator: Navigator, overlay: OverlayState, canvas: Canvas) -> None:
        self._desk, self._navigator, self._overlay, self._canvas = desk, navigator, overlay, canvas

    def now(self) -> dict[str, object]:
        """The view shown, as plain JSON values. Raises: InputError: nothing is shown."""
        data = self._desk.data
        if data is None or not data.frames:
            raise InputError("No frame is shown.", "Choose an exhibit on the left.")
        index, ordinal = data.index, self._navigator.ordinal
        overlay, place = self._overlay, self._canvas.place
        return {
            "form": FORM,
            "exhibit_sha256": data.item.sha256,
            "stream": index.stream if index is not None else 0,
            "pts": index.pts[ordinal] if index is not None else 0,
            "examination": data.run.id if data.run is not None else "",
            "track": self._navigator.track or "",
            "place": {"across": place.across, "x": place.x, "y": place.y},
            "overlay": {
                "visible": overlay.visible,
                "opacity": overlay.opacity,
                "detector": overlay.detector or "",
                "layers": sorted(layer.value for layer in overlay.layers),
                "colours": overlay.colours.value,
                "range": [0, 1],
            },
        }

    def text(self) -> str:
        """The view shown as JSON text."""
        return json.dumps(self.now(), indent=1, sort_keys=True)

    def open_text(self, text: str) -> None:
        """Put up a view from its text.

        Raises:
            InputError: this is no view, or its exhibit is not in the case that is open.
        """
        try:
            told = json.loads(text)
        except ValueError:
            told = None
        if not isinstance(told, dict) or told.get("form") != FORM:
            raise InputError("This is no view of this program.", "Copy one with Ctrl+Shift+C, then open it.")
        self.open(told)

    def open(self, view: Mapping[str, object]) -> None:
        """Put up a view. What it names that is no longer there is left as it is.

        Raises:
            InputError: its exhibit is not in the case that is open.
        """
        item = next((item for item in self._desk.items if item.sha256 == view.get("exhibit_sha256")), None)
        if item is None:
            raise InputError("The exhibit of this view is not in this case.", "Open the case it was copied from.")
        session = self._desk.session
        index = session.frame_index(item.id) if session is not None else None
        pts = view.get("pts")
        ordinal = index.pts.index(pts) if index is not None and isinstance(pts, int) and pts in index.pts else 0
        track = TrackId(str(view["track"])) if view.get("track") else None
        self._navigator.visit(item.id, ordinal, track=track)
        self._put_overlay(view.get("overlay"))
        place = view.get("place")
        if isinstance(place, dict):
            across = place.get("across")
            x, y = place.get("x", 0.0), place.get("y", 0.0)
            if all(isinstance(v, int | float) for v in (x, y)):
                self._canvas.look(Place(float(across) if isinstance(across, int | float) else None, float(x), float(y)))

    def of(self, thing: ExaminerObject) -> Mapping[str, object] | None:
        """The view that was kept with a bookmark, if any."""
        view = thing.body.get("view")
        return view if isinstance(view, Mapping) and view.get("form") == FORM else None

    def _put_overlay(self, told: object) -> None:
        if not isinstance(told, dict):
            return
        overlay = self._overlay
        opacity, detector = told.get("opacity"), str(told.get("detector", ""))
        if isinstance(opacity, int | float):
            overlay.set_opacity(float(opacity))
        if overlay.visible is not bool(told.get("visible", True)):
            overlay.toggle()
        if self._desk.data is not None and detector in self._desk.data.detectors:
            overlay.set_detector(detector)
        layers = {str(name) for name in told.get("layers", ())}
        for layer in Layer:
            overlay.switch(layer, layer.value in layers)
        colours = str(told.get("colours", ""))
        if colours in set(MapColours):
            overlay.set_colours(MapColours(colours))

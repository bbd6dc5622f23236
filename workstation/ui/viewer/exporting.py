"""What is seen, for export: the views as drawn, what names each, the legend and the scale (P11)."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QCoreApplication, QPoint, QRect
from PySide6.QtGui import QImage, QPainter

from workstation.app.map_drawing import colour_table
from workstation.domain.ids import EvidenceId
from workstation.domain.map_scale import MIDDLE_LEVEL, Layer
from workstation.domain.reports import BurnPane, BurnScale, BurnView
from workstation.ui.exhibit import ExhibitData
from workstation.ui.viewer.board import LETTERS, Board
from workstation.ui.viewer.mix import Mode
from workstation.ui.viewer.state import OverlayState, Shown
from workstation.ui.widgets.legend import Scale

_WIDE = 1600
_MOST_RATIO = 3.0


def tr(text: str) -> str:
    """Translate in the context "viewer"."""
    return QCoreApplication.translate("viewer", text)


def seen_panes(board: Board, data: ExhibitData | None, shown: Shown | None) -> list[tuple[EvidenceId, BurnPane]]:
    """The panes that show an exact frame now, A first; a stand-in is no pane, for it is no evidence."""
    facts = [("A", data, shown, tr("plain") if board.canvas.bare else "")]
    facts += [
        (x, board.companions[x].data, board.companions[x].shown, board.kind(board.companions[x])) for x in LETTERS
    ]
    panes: list[tuple[EvidenceId, BurnPane]] = []
    for letter, of, frame, kind in facts:
        if (
            of is None
            or frame is None
            or frame.proxy is not None
            or (letter != "A" and not board.companions[letter].on)
        ):
            continue
        examined = of.coverage.examined if of.coverage is not None else 0
        pane = BurnPane(letter, of.item.exhibit, of.item.sha256, frame.ref, kind, examined, of.frames)
        panes.append((of.item.id, pane))
    return panes


def seen_view(
    board: Board, panes: list[tuple[EvidenceId, BurnPane]], scale: Scale, overlay: OverlayState, shown: Shown
) -> BurnView:
    """The views as they are drawn now, finer than the screen where that is coarse."""
    visible = {letter: canvas for letter, canvas in board.canvases.items() if canvas.isVisibleTo(board)}
    area = QRect()
    for canvas in visible.values():
        area = area.united(canvas.geometry())
    ratio = min(_MOST_RATIO, max(1.0, math.ceil(_WIDE / max(1, area.width()))))
    whole = QImage(area.size() * ratio, QImage.Format.Format_RGB888)
    whole.fill(0)
    painter = QPainter(whole)
    for letter, canvas in visible.items():
        corner = (canvas.geometry().topLeft() - area.topLeft()) * ratio
        image = canvas.picture(ratio, letter if len(visible) > 1 else "")
        image.setDevicePixelRatio(1.0)
        painter.drawImage(QPoint(corner), image)
    painter.end()
    data = np.frombuffer(whole.constBits(), np.uint8).reshape(whole.height(), whole.bytesPerLine())
    rgb = data[:, : whole.width() * 3].reshape(whole.height(), whole.width(), 3).copy()
    legend = BurnScale(scale.title, scale.ticks, colour_table(scale.colours), scale.levels)
    pixels = board.canvas.scale / board.canvas.devicePixelRatioF() * ratio
    return BurnView(rgb, tuple(pane for _, pane in panes), legend, pixels, _notes(board, overlay, shown))


def _notes(board: Board, overlay: OverlayState, shown: Shown) -> tuple[str, ...]:
    ways = {
        Mode.BESIDE: "",
        Mode.BLINK: tr("B on top of A") if board.mix.turned else tr("A on top of B"),
        Mode.WIPE: tr("wipe: A left of the line, B right of it"),
        Mode.DIFFERENCE: tr("difference of A and B"),
    }
    parts = [tr("zoom {n} %").format(n=round(board.canvas.scale * 100)), ways[board.mode]]
    layers = overlay.seen
    if board.mode is not Mode.DIFFERENCE:
        if not layers:
            parts.append(tr("no overlay drawn"))
        elif Layer.MAP in layers and shown.maps:
            parts.append(tr("map drawn at {n} % opacity").format(n=round(overlay.opacity * 100)))
        if Layer.CONTOUR in layers and shown.threshold is not None and shown.maps:
            parts.append(tr("line at {level}, the shipped threshold").format(level=f"{shown.threshold:.2f}"))
        if Layer.MIDDLE in layers and shown.maps:
            parts.append(tr("dotted line at {level}, no threshold").format(level=f"{MIDDLE_LEVEL:.2f}"))
    return (" · ".join(part for part in parts if part),)


def seen_facts(board: Board, overlay: OverlayState) -> dict[str, object]:
    """How the views were shown, as plain values for the record."""
    place = board.canvas.place
    mix = board.mix
    return {
        "mode": board.mode.value,
        "views": board.count,
        "turned": mix.turned,
        "wipe_at": round(mix.at, 4),
        "zoom": round(board.canvas.scale, 4),
        "place": [round(place.x, 6), round(place.y, 6)],
        "layers": sorted(layer.value for layer in overlay.seen),
        "colours": overlay.colours.value,
        "opacity": overlay.opacity,
        "detectors": [name for name, _ in board.mapped()],
    }

"""Colours by meaning (requirements 3.4). Grey surrounds carry no tint, so that skin tones can be judged beside them.

The only red is an integrity failure. Detectors take hues of the Okabe-Ito set, and always a dash and a marker too.
Contrast against window and panel is computed by the WCAG 2 formula and held by a test.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as ``#rrggbb``.

    Attributes:
        window, panel, raised, field: surfaces, from the back to the front, and the ground of text fields.
        line, edge: hairlines between panels; borders of controls (3:1 against the panel).
        text, second: text and secondary text (4.5:1 against every surface it stands on).
        selected: ground of a selected row. ``focus``: the ring round what has the keyboard.
        alarm: integrity failure, and nothing else.
        series: hues of the detectors in order.
    """

    name: str
    window: str
    panel: str
    raised: str
    field: str
    line: str
    edge: str
    text: str
    second: str
    selected: str
    hover: str
    focus: str
    strong: str
    on_strong: str
    alarm: str
    canvas: str
    series: tuple[str, ...]


DARK = Theme(
    name="dark",
    window="#1E1E1E",
    panel="#2A2A2A",
    raised="#363636",
    field="#191919",
    line="#141414",
    edge="#7C7C7C",
    text="#E6E6E6",
    second="#A8A8A8",
    selected="#474747",
    hover="#343434",
    focus="#F2F2F2",
    strong="#E6E6E6",
    on_strong="#1A1A1A",
    alarm="#FF7468",
    canvas="#161616",
    series=("#F0E442", "#CC79A7", "#009E73", "#56B4E9", "#E69F00"),
)

LIGHT = Theme(
    name="light",
    window="#E9E9E9",
    panel="#F5F5F5",
    raised="#FFFFFF",
    field="#FFFFFF",
    line="#CFCFCF",
    edge="#858585",
    text="#1E1E1E",
    second="#565656",
    selected="#D4D4D4",
    hover="#E6E6E6",
    focus="#1E1E1E",
    strong="#2A2A2A",
    on_strong="#FFFFFF",
    alarm="#B3261E",
    canvas="#777777",
    series=("#8F3F6F", "#00704F", "#0067A6", "#A85400", "#5A5A5A"),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def contrast(first: str, second: str) -> float:
    """Contrast ratio 1..21 of two colours (WCAG 2.2, relative luminance)."""

    def luminance(name: str) -> float:
        channels = []
        for part in (name[1:3], name[3:5], name[5:7]):
            c = int(part, 16) / 255
            channels.append(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]

    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def qt_palette(theme: Theme) -> QPalette:
    """The Qt palette for what the style sheet does not reach."""
    palette = QPalette()
    role = QPalette.ColorRole
    for where, colour in (
        (role.Window, theme.window),
        (role.Base, theme.field),
        (role.AlternateBase, theme.panel),
        (role.Button, theme.raised),
        (role.ToolTipBase, theme.raised),
        (role.Text, theme.text),
        (role.WindowText, theme.text),
        (role.ButtonText, theme.text),
        (role.ToolTipText, theme.text),
        (role.BrightText, theme.text),
        (role.PlaceholderText, theme.second),
        (role.Highlight, theme.selected),
        (role.HighlightedText, theme.text),
        (role.Link, theme.text),
        (role.Mid, theme.edge),
        (role.Dark, theme.line),
        (role.Shadow, theme.line),
    ):
        palette.setColor(where, QColor(colour))
    for where in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(theme.edge))
    return palette

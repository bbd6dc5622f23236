"""The strip over each of several views: which exhibit, whether it is intact, exactly which frame (window rule 3)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from workstation.ui.exhibit import ExhibitData
from workstation.ui.theme.sheet import current_theme, mono_font
from workstation.ui.viewer.state import Shown
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import label
from workstation.ui.words import broken, integrity, tr


class Caption(QWidget):
    """Letter, exhibit and frame of one view; ``choosing`` asks for the list of what the view can show."""

    choosing = Signal()

    def __init__(self, letter: str, chooses: bool) -> None:
        super().__init__()
        self.letter = letter
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._letter = label(letter, "heading")
        self._name = ElidedLabel()
        self._frame = ElidedLabel(objectName="second")
        self.button = QToolButton()
        self.button.setText(self.tr("Choose…"))
        self.button.setAccessibleName(self.tr("Choose what view {letter} shows").format(letter=letter))
        self.button.setToolTip(self.button.accessibleName())
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        policy = self.button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.button.setSizePolicy(policy)
        self.button.setVisible(chooses)
        self.button.clicked.connect(self.choosing)
        upper = QHBoxLayout()
        upper.setSpacing(8)
        upper.addWidget(self._letter)
        upper.addWidget(self._name, 1)
        upper.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 4, 8, 4)
        column.setSpacing(2)
        column.addLayout(upper)
        column.addWidget(self._frame)

    @property
    def words(self) -> tuple[str, str]:
        """The two lines, as exports burn them in."""
        return self._name.text(), self._frame.text()

    def show_facts(self, data: ExhibitData | None, shown: Shown | None, kind: str = "") -> None:
        """Say what is shown. ``kind`` says in words what the view is there for ("held frame")."""
        self._frame.setFont(mono_font(self.font()))
        upper, lower = "", ""
        if data is not None:
            item = data.item
            named = (item.exhibit, kind, integrity(item), f"SHA-256 {item.sha256[:12]}…", item.name)
            upper = " · ".join(part for part in named if part)
            alarm = current_theme().alarm
            self._name.setStyleSheet(f"color: {alarm}; font-weight: bold;" if broken(item) else "")
            if shown is not None:
                lower = " · ".join(_frame_words(data, shown))
        self._name.setText(upper)
        self._frame.setText(lower)
        said = f"{self.letter}. {upper}. {lower}" if upper else self.letter
        self.setAccessibleName(said)


def _frame_words(data: ExhibitData, shown: Shown) -> list[str]:
    ref = shown.ref
    name = tr("proxy") if shown.proxy else ref.digest[:12]
    words = [f"PTS {ref.seconds:.3f} s", name, tr("frame {n} of {total}").format(n=ref.ordinal + 1, total=data.frames)]
    if data.run is not None and data.coverage is not None:
        words.append(tr("{n} of {total} frames examined").format(n=data.coverage.examined, total=data.frames))
    return words

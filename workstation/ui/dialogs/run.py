"""Ask what to examine with what. Nothing here is remembered as a scientific default: the plan is frozen in the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from workstation.app.planning import NOTHING_MEASURED, Measured, default_detectors, kinds_here
from workstation.domain.detectors import DetectorCard, InstalledDetector, Level
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.merging import NO_MERGING, Merging, validated_merging
from workstation.ui.widgets.labels import label
from workstation.ui.words import kind_name

Finders = tuple[tuple[str, bool, str], ...]


@dataclass(frozen=True, slots=True)
class RunChoice:
    """``frames`` 0 is every frame."""

    evidence: tuple[EvidenceId, ...]
    detectors: tuple[str, ...]
    frames: int
    finder: str
    merging: Merging = NO_MERGING


class RunDialog(QDialog):
    def __init__(
        self,
        items: Sequence[EvidenceItem],
        shown: EvidenceId | None,
        packages: Sequence[InstalledDetector],
        finders: Finders,
        parent: QWidget | None = None,
        *,
        measured: Measured = NOTHING_MEASURED,
    ) -> None:
        super().__init__(parent)
        self._measured = measured
        self.setWindowTitle(self.tr("Run examination"))
        self.setMinimumWidth(540)
        self._items = [item for item in items if item.media is not None]
        self._shown = next((item for item in self._items if item.id == shown), None)
        self._detectors: list[tuple[DetectorCard, QCheckBox]] = []
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(6)
        self._build_exhibits(column, len(items))
        self._build_detectors(column, packages)
        self._build_frames(column)
        self._build_merging(column)
        self._build_finder(column, finders)
        self._hint = label("", "second")
        self._hint.setWordWrap(True)
        column.addSpacing(8)
        column.addWidget(self._hint)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._run = buttons.addButton(self.tr("Run"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._run.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addSpacing(6)
        column.addWidget(buttons)
        self._check()
        self._run.setFocus()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.resize(self.width(), self._column.totalHeightForWidth(self.width()))

    @property
    def choice(self) -> RunChoice:
        one = self._one.isChecked() and self._shown is not None
        evidence = (self._shown.id,) if one and self._shown else tuple(item.id for item in self._items)
        names = tuple(card.id for card in self._chosen())
        frames = 0 if self._every.isChecked() else self._frames.value()
        merging = self._merging.currentData()
        return RunChoice(
            evidence,
            names,
            frames,
            str(self._finder.currentData()),
            merging if isinstance(merging, Merging) else NO_MERGING,
        )

    def _chosen(self) -> list[DetectorCard]:
        return [card for card, box in self._detectors if box.isChecked() and box.isEnabled()]

    def _build_exhibits(self, column: QVBoxLayout, listed: int) -> None:
        column.addWidget(label(self.tr("Exhibits"), "heading"))
        self._all = QRadioButton(self.tr("Every exhibit that can be decoded ({n})").format(n=len(self._items)))
        shown = self._shown
        self._one = QRadioButton(
            self.tr("Only {e} · {name}").format(e=shown.exhibit, name=shown.name)
            if shown
            else self.tr("Only the one shown")
        )
        self._one.setEnabled(shown is not None)
        group = QButtonGroup(self)
        group.addButton(self._all)
        group.addButton(self._one)
        self._all.setChecked(True)
        column.addWidget(self._all)
        column.addWidget(self._one)
        if listed > len(self._items):
            left = QLabel(self.tr("{n} cannot be decoded and stay out.").format(n=listed - len(self._items)))
            left.setObjectName("second")
            column.addWidget(left)
        self._all.toggled.connect(self._check)

    def _build_detectors(self, column: QVBoxLayout, packages: Sequence[InstalledDetector]) -> None:
        column.addSpacing(8)
        column.addWidget(label(self.tr("Detectors"), "heading"))
        default = default_detectors(packages, self._measured)
        if default.left_out:
            told = self.tr("{n} embedded left unticked: not validated for any kind of forgery. Tick to add.")
            note = label(told.format(n=len(default.left_out)), "second")
            note.setWordWrap(True)
            column.addWidget(note)
        rows = QVBoxLayout()
        rows.setSpacing(3)
        for package in packages:
            card = package.card
            box = QCheckBox(f"{card.name} {card.version}")
            box.setChecked(package in default.chosen)
            box.setEnabled(not package.problem)
            box.toggled.connect(self._check)
            self._detectors.append((card, box))
            rows.addWidget(box)
            words = package.problem or card.summary
            if not package.problem:
                kinds = ", ".join(kind_name(kind) for kind in kinds_here(package, self._measured))
                told = self.tr("Validated for: {kinds}. ").format(kinds=kinds)
                words = (told if kinds else self.tr("Not validated for any kind of forgery. ")) + words
            if card.baseline:
                words = self.tr("Baseline. ") + words
            if card.output.level is Level.TRACK:
                words = self.tr("Reads whole tracks. ") + words
            note = label(words, "second")
            note.setWordWrap(True)
            note.setContentsMargins(22, 0, 0, 2)
            rows.addWidget(note)
        if len(packages) <= 3:
            column.addLayout(rows)
            return
        rows.addStretch(1)
        inside = QWidget()
        inside.setLayout(rows)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFixedHeight(210)
        column.addWidget(area)

    def _build_frames(self, column: QVBoxLayout) -> None:
        column.addSpacing(8)
        column.addWidget(label(self.tr("Frames of each video"), "heading"))
        self._even = QRadioButton(self.tr("Spread evenly over the whole length:"))
        self._frames = QSpinBox()
        self._frames.setRange(1, 100_000)
        self._frames.setValue(32)
        self._frames.setAccessibleName(self.tr("Frames of each exhibit"))
        self._frames.setFixedWidth(90)
        self._every = QRadioButton(self.tr("Every frame"))
        group = QButtonGroup(self)
        group.addButton(self._even)
        group.addButton(self._every)
        self._even.setChecked(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._even)
        row.addWidget(self._frames)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._every)
        self._even.toggled.connect(self._frames.setEnabled)

    def _build_merging(self, column: QVBoxLayout) -> None:
        """Token merging is offered only as far as every chosen detector was validated with it."""
        self._merging = QComboBox()
        self._merging_row = QWidget()
        row = QHBoxLayout(self._merging_row)
        row.setContentsMargins(0, 8, 0, 0)
        heading = label(self.tr("&Token merging"), "heading")
        heading.setBuddy(self._merging)
        self._merging.setAccessibleName(self.tr("Token merging"))
        self._merging.setToolTip(
            self.tr("Fewer tokens in a vision transformer: faster; its card states how its figures change.")
        )
        row.addWidget(heading)
        row.addWidget(self._merging)
        row.addStretch(1)
        column.addWidget(self._merging_row)
        self._offer_merging()

    def _offer_merging(self) -> None:
        cards = self._chosen()
        offers = set.intersection(*(set(validated_merging(card)) for card in cards)) if cards else set()
        wanted = [NO_MERGING, *sorted(offers, key=lambda m: (m.schedule, m.tokens))]
        if [self._merging.itemData(k) for k in range(self._merging.count())] != wanted:
            self._merging.clear()
            for merging in wanted:
                words = self.tr("off, as published")
                if merging.tokens:
                    words = self.tr("{n} tokens after each block, {where}").format(
                        n=merging.tokens, where=merging.schedule
                    )
                self._merging.addItem(words, merging)
        self._merging_row.setVisible(bool(offers))

    def _build_finder(self, column: QVBoxLayout, finders: Finders) -> None:
        column.addSpacing(8)
        row = QHBoxLayout()
        heading = label(self.tr("Face &finder"), "heading")
        self._finder = QComboBox()
        heading.setBuddy(self._finder)
        for name, ready, why in finders:
            self._finder.addItem(name if ready else self.tr("{name} · not available").format(name=name), name)
            self._finder.setItemData(self._finder.count() - 1, why, Qt.ItemDataRole.ToolTipRole)
            if not ready:
                model = self._finder.model()
                index = model.index(self._finder.count() - 1, 0)
                model.setData(index, 0, Qt.ItemDataRole.UserRole - 1)
        usable = next((k for k, (_, ready, _) in enumerate(finders) if ready), 0)
        self._finder.setCurrentIndex(usable)
        row.addWidget(heading)
        row.addWidget(self._finder)
        row.addStretch(1)
        column.addLayout(row)

    @Slot()
    def _check(self) -> None:
        if not hasattr(self, "_run"):
            return
        names = self._chosen()
        self._offer_merging()
        self._run.setEnabled(bool(names and self._items))
        if not self._items:
            self._hint.setText(self.tr("There is no exhibit that can be examined. Add one first."))
        elif not names:
            self._hint.setText(self.tr("Choose at least one detector."))
        else:
            self._hint.setText(
                self.tr("What runs is recorded with versions, digests and settings. Esc cancels; what is done stays.")
            )

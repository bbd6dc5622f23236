"""The detectors of this machine: cards, licences, digests, what each is validated for; import, self-test, remove."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from workstation.domain.custody import CheckState, Verification
from workstation.domain.detectors import InstalledDetector
from workstation.domain.kinds_of_forgery import validated_kinds
from workstation.ui.models.tables import Cell, CellRole, Row, TableModel
from workstation.ui.panels.sheets import card_sections
from workstation.ui.widgets.fact_sheet import FactSheet, Section
from workstation.ui.widgets.labels import button, label
from workstation.ui.widgets.table import Table
from workstation.ui.words import kind_name


class DetectorManager(QDialog):
    """Asks for what is to be done; who opened it does it and shows the outcome with ``show_test`` and
    ``show_packages``.

    Signals:
        import_wanted: a package or a weights file is to be chosen and taken in.
        test_wanted(object): the self-test of that `InstalledDetector` is to be run.
        remove_wanted(object): that `InstalledDetector` is to be taken off this machine.
    """

    import_wanted = Signal()
    test_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, packages: tuple[InstalledDetector, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._packages: dict[str, InstalledDetector] = {}
        self._outcomes: dict[str, Verification | None] = {}
        self.setWindowTitle(self.tr("Detectors"))
        self.resize(980, 640)
        self.model = TableModel([self.tr("Detector"), self.tr("State"), self.tr("Validated for")], self)
        self.table = Table(self.model, self.tr("Detectors on this machine"), 2)
        self.sheet = FactSheet(self.tr("Card of the detector"))
        self.told = label("", "second", wrap=True)
        self.add = button(self.tr("Import package…"))
        self.test = button(self.tr("Run self-test"))
        self.remove = button(self.tr("Remove"))
        split = QSplitter()
        split.addWidget(self.table)
        split.addWidget(self.sheet)
        split.setSizes([470, 490])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        for control in (self.add, self.test, self.remove):
            control.setAutoDefault(False)
            foot.addWidget(control)
        foot.addStretch(1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addWidget(split, 1)
        column.addWidget(self.told)
        column.addLayout(foot)
        self.table.selectionModel().currentRowChanged.connect(self._chosen)
        self.add.clicked.connect(self.import_wanted)
        self.test.clicked.connect(self._test)
        self.remove.clicked.connect(self._remove)
        self.show_packages(packages)

    @property
    def chosen(self) -> InstalledDetector | None:
        return self._packages.get(str(self.table.currentIndex().data(CellRole.KEY) or ""))

    def show_packages(self, packages: tuple[InstalledDetector, ...], words: str = "") -> None:
        """Show the packages on this machine, with ``words`` about what just happened."""
        before = self.chosen
        self._packages = {one.card.id: one for one in packages}
        self.model.show([self._row(one) for one in packages])
        names = list(self._packages)
        if names:
            self.table.selectRow(names.index(before.card.id) if before and before.card.id in names else 0)
        usual = self.tr("No detector is installed. Import a package: a folder or an archive with card.toml in it.")
        self.told.setText(words or ("" if names else usual))
        self._chosen()

    def show_test(self, name: str, outcome: Verification) -> None:
        """Show what a self-test found."""
        self._outcomes[name] = outcome
        self.model.show([self._row(one) for one in self._packages.values()])
        bad = [line.detail for line in outcome.bad]
        words = self.tr("{name}: self-test passed, {n} checks.").format(name=name, n=len(outcome.lines))
        self.told.setText(self.tr("{name}: {why}").format(name=name, why=" ".join(bad)) if bad else words)
        self._chosen()

    def _row(self, package: InstalledDetector) -> Row:
        card = package.card
        kinds = [kind_name(kind) for kind in validated_kinds(card.kinds)]
        origin = self.tr("embedded") if package.embedded else self.tr("installed")
        state = package.problem or self._tested(card.id)
        return Row(
            card.id,
            (
                Cell(card.name or card.id, f"{card.id} {card.version} · {origin}", tip=card.summary),
                Cell(state, card.weights.licence, tip=state),
                Cell(", ".join(kinds) or self.tr("not validated"), "" if kinds else self.tr("for any kind")),
            ),
        )

    def _tested(self, name: str) -> str:
        if name not in self._outcomes:
            return self.tr("not tested today")
        outcome = self._outcomes[name]
        if outcome is None:
            return self.tr("testing …")
        return self.tr("self-test passed") if outcome.ok else self.tr("self-test FAILED")

    @Slot()
    def _chosen(self, _: QModelIndex = QModelIndex(), __: QModelIndex = QModelIndex()) -> None:  # noqa: B008
        package = self.chosen
        self.test.setEnabled(package is not None and not package.problem)
        self.remove.setEnabled(package is not None and not package.embedded)
        tip = self.tr("An embedded detector is part of the program and stays.")
        self.remove.setToolTip(tip if package is not None and package.embedded else "")
        if package is None:
            self.sheet.show_sections([Section(self.tr("No detector chosen"))])
            return
        sections = list(card_sections(package, package.card.id))
        outcome = self._outcomes.get(package.card.id)
        if outcome is not None:
            lines = tuple(
                f"{line.subject}: {'' if line.state is CheckState.OK else 'BAD · '}{line.detail}"
                for line in outcome.lines
            )
            sections.insert(0, Section(self.tr("Self-test"), points=lines))
        self.sheet.show_sections(sections)

    @Slot()
    def _test(self) -> None:
        package = self.chosen
        if package is not None:
            self._outcomes[package.card.id] = None
            self.told.setText(self.tr("{name} answers its sealed self-test …").format(name=package.card.id))
            self.model.show([self._row(one) for one in self._packages.values()])
            self.test_wanted.emit(package)

    @Slot()
    def _remove(self) -> None:
        package = self.chosen
        if package is not None and not package.embedded:
            self.remove_wanted.emit(package)

"""Inspector tabs Metadata, Structure, Provenance: what the case holds, filtered, copied, in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.fakes import described_media as media
from tests.fakes.credentials import make_authority, sign
from tests.gui.conftest import Lab, Open, rest
from workstation.app.taking_in import Origin, take_in
from workstation.domain.jobs import JobState
from workstation.ui.main_window import MainWindow
from workstation.ui.models.field_tree import FieldTreeModel, Node

_CONCLUSION = re.compile(r"\b(real|fake|fakes|authentic|genuine|proved|deepfake)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def described(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with a signed picture whose metadata is read, and a clip whose metadata is not."""
    root = tmp_path_factory.mktemp("described")
    picture, clip = root / "signed.jpg", root / "clip.mp4"
    picture.write_bytes(sign(media.jpeg(media.picture(320, 240), exif=media.exif()), make_authority()))
    clip.write_bytes(media.video("mp4", frames=10))
    session = lab.engine.create_case(root / "case", number="7", title="Said", examiner="A. Ruiz", question="?")
    job = lab.engine.jobs.wait(session.import_files([picture]), 60)
    assert job.state is JobState.DONE, job.error
    # Only copied and probed, as exhibits of older cases are.
    take_in(session.store, Origin(clip, str(clip), "", {}), lambda *_: None, lambda: False)
    session.close()
    return root / "case"


@pytest.fixture
def shown(open_window: Open, described: Path) -> MainWindow:
    return open_window(described)


def look_at(window: MainWindow, qtbot: QtBot, widget: QWidget) -> None:
    window.inspector.reveal(widget)
    rest(window, qtbot)


def rows(window: MainWindow) -> dict[str, str]:
    """Names and values of all rows the tree of fields shows, filter applied."""
    found: dict[str, str] = {}
    model = window.inspector.metadata.tree.model()

    def walk(parent: QModelIndex) -> None:
        for row in range(model.rowCount(parent)):
            index = model.index(row, 0, parent)
            found.setdefault(str(index.data()), str(index.siblingAtColumn(1).data()))
            walk(index)

    walk(QModelIndex())
    return found


def test_fields_are_shown_filtered_and_copied(shown: MainWindow, qtbot: QtBot) -> None:
    tab = shown.inspector.metadata
    look_at(shown, qtbot, tab)
    assert rows(shown)["Make"] == "Maker"
    assert "GPS position" in rows(shown)
    tab.filter.setText("gps")
    assert "GPSLatitude" in rows(shown)
    assert "Make" not in rows(shown)
    tab.filter.setText("no such thing at all")
    assert rows(shown) == {}
    tab.filter.setText("model x")
    model = tab.tree.model()
    (index,) = model.match(model.index(0, 0), Qt.ItemDataRole.DisplayRole, "Model", 1,
                           Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)  # fmt: skip
    assert "at " in index.data(Qt.ItemDataRole.ToolTipRole)
    tab.tree.setCurrentIndex(index)
    tab.tree.setFocus()
    qtbot.keyClick(tab.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "Model\tModel X"


def test_words_of_an_exhibit_are_never_taken_for_markup() -> None:
    words = '<img src="file:///etc/passwd"><b>bold</b>'
    model = FieldTreeModel(("a", "b"))
    model.show_nodes([Node(words, words)])
    tip = model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert "<img" not in tip
    assert "&lt;img" in tip


def test_structure_has_places_and_sizes(shown: MainWindow, qtbot: QtBot) -> None:
    tab = shown.inspector.structure
    look_at(shown, qtbot, tab)
    model = tab.tree.model()
    assert [model.index(0, column).data() for column in (0, 1)] == ["SOI", "0 · 2 B"]
    assert model.rowCount() > 8


def test_provenance_tells_four_states_in_words(shown: MainWindow, qtbot: QtBot) -> None:
    look_at(shown, qtbot, shown.inspector.provenance)
    text = shown.inspector.provenance.toPlainText()
    for words in (
        "Present", "Intact", "Trusted", "Time", "yes: 1 manifest(s)", "not checked: No trust list is installed",
        "no: The signature carries no time stamp", "Test Signer", "c2pa.cropped",
    ):  # fmt: skip
        assert words in text, words


def test_unread_exhibit_is_read_on_demand(shown: MainWindow, qtbot: QtBot) -> None:
    tab = shown.inspector.metadata
    shown.desk.show_exhibit(shown.desk.items[1].id)
    rest(shown, qtbot)
    look_at(shown, qtbot, tab)
    assert tab.read.isVisible()
    assert rows(shown) == {}
    qtbot.mouseClick(tab.read, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Movie header" in rows(shown), timeout=30_000)
    rest(shown, qtbot)
    assert not tab.read.isVisible()
    assert rows(shown)["HandlerName"] == "VideoHandler"


def test_nothing_said_is_a_conclusion(shown: MainWindow, qtbot: QtBot) -> None:
    look_at(shown, qtbot, shown.inspector.metadata)
    said = [f"{name} {value}" for name, value in rows(shown).items()]
    look_at(shown, qtbot, shown.inspector.provenance)
    said.append(shown.inspector.provenance.toPlainText())
    assert [line for line in said if _CONCLUSION.search(line)] == []


def test_tabs_stand_empty_without_a_case(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    for tab in (window.inspector.metadata, window.inspector.structure, window.inspector.provenance):
        look_at(window, qtbot, tab)
    assert rows(window) == {}
    assert "Choose an exhibit" in window.inspector.provenance.toPlainText()

"""Searching the case for similar faces: with a recogniser numbers with their spread and the word, never a conclusion;
without one a line that says what to import. The recogniser is tiny and real; nothing stands in for the search."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from tests.unit.detectors import identity_samples
from workstation.app.similar_faces import COMPARED, recogniser
from workstation.detectors.identity.detector import IdentityDetector, load
from workstation.domain.custody import CustodyKind
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.ui.dialogs.told import ErrorBox
from workstation.ui.main_window import MainWindow


@pytest.fixture
def window(open_window: Open, lab: Lab, qtbot: QtBot) -> MainWindow:
    """A window with the first face chosen in the gallery."""
    window = open_window(lab.case)
    window.docks["faces"].raise_()
    rest(window, qtbot)
    window.faces.gallery.view.setCurrentIndex(window.faces.gallery.model.index(0))
    rest(window, qtbot)
    return window


@pytest.fixture
def installed(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DetectorCard:
    """The tiny recogniser among the packages of the lab's engine."""
    path = identity_samples.write_recogniser(tmp_path / "recogniser.onnx")
    card = identity_samples.card(mean=127.5, scale=127.5)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    weights = dataclasses.replace(card.weights, sha256=digest, size=path.stat().st_size)
    card = dataclasses.replace(card, weights=weights)
    others = lab.engine.detectors()
    monkeypatch.setattr(lab.engine, "detectors", lambda: (*others, InstalledDetector(card, str(tmp_path), False)))

    def loaded(detector_id: str, *_: object, **__: object) -> IdentityDetector:
        assert detector_id == card.id
        return load(card, tmp_path, device="cpu", precision="float32")

    monkeypatch.setattr(lab.engine.workshop, "detector", loaded)
    return card


def test_without_a_recogniser_a_line_says_what_to_import(window: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    assert recogniser(lab.engine.detectors()) is None
    assert window.commands["faces.similar"].isEnabled()
    window.commands["faces.similar"].trigger()
    qtbot.waitUntil(lambda: isinstance(window.work.dialog, ErrorBox), timeout=20_000)
    dialog = window.work.dialog
    assert dialog is not None
    told = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "no recogniser is installed" in told
    assert "ArcFace" in told
    dialog.close()


def test_it_gives_numbers_with_their_spread_and_no_conclusion(
    window: MainWindow, installed: DetectorCard, qtbot: QtBot
) -> None:
    window.commands["faces.similar"].trigger()
    qtbot.waitUntil(lambda: window.similar.box is not None, timeout=40_000)
    box = window.similar.box
    assert box is not None
    rows = box.tracks.model().rows  # type: ignore[attr-defined]
    # The face far away is too small to be compared, and that is said.
    lines = [label.text() for label in box.findChildren(QLabel)]
    assert "Not compared, because no face of theirs passed the quality gates: 1 of the tracks." in lines
    assert len(rows) == len(window.faces.gallery.every) - 2
    for row in rows:
        assert row.cells[1].second == "uncalibrated"
        assert -1 <= float(row.cells[1].text) <= 1
        assert "–" in row.cells[2].text
    # The still is a frame of the clip: colours and places are nearly the same.
    assert float(rows[0].cells[1].text) > 0.9
    told = " ".join(label.text() for label in box.findChildren(QLabel)).casefold()
    assert "uncalibrated" in told
    assert "says nothing on who is shown" in told
    assert not any(word in told for word in ("same person", "match", "identified", "recognised"))
    assert not box.persons.isVisible()
    session = window.desk.session
    assert session is not None
    events = [json.loads(e.body) for e in session.custody() if e.kind is CustodyKind.EVIDENCE_ACCESSED]
    assert events[-1]["what"] == COMPARED
    assert (events[-1]["detector"], events[-1]["compared"]) == (installed.id, len(rows))
    box.tracks.activated.emit(box.tracks.model().index(0, 0))
    rest(window, qtbot)
    assert window.desk.data is not None
    assert window.desk.data.item.exhibit == rows[0].cells[0].text.split()[0]
    window.similar.close()

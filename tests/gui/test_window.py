"""What the window says is what the case holds (3.2 rules, X2, X10, X11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.fakes.pattern_engine import RINGS, SLOPE
from tests.gui.conftest import EXAMINED, FRAMES, Lab, Open, rest
from workstation.domain.detectors import InstalledDetector
from workstation.ui.layout import LAYOUT_VERSION
from workstation.ui.main_window import MainWindow
from workstation.ui.panels.sheets import card_sections
from workstation.ui.theme.palette import DARK, LIGHT, contrast
from workstation.ui.words import score

_CONCLUSION = re.compile(r"\b(real|fake|fakes|authentic|genuine|proved|deepfake)\b|\d\s*% fake", re.IGNORECASE)


def texts(window: MainWindow) -> list[str]:
    """Every word a person can read on the window now, tables included."""
    found = [label.text() for label in window.findChildren(QLabel)]
    found += [
        action.text() + " " + action.toolTip() for action in window.commands.findChildren(type(window.commands["run"]))
    ]
    for table in (window.inspector.detectors.tracks_model, window.inspector.detectors.faces_model):
        found += [f"{cell.text} {cell.second} {cell.tip}" for row in table.rows for cell in row.cells]
    found += [widget.accessibleName() + " " + widget.accessibleDescription() for widget in window.findChildren(QWidget)]
    found.append(window.inspector.exhibit.toPlainText())
    found.append(window.viewer.strip.legend.title)
    return [text for text in found if text.strip()]


def test_first_exhibit_is_shown_with_frame_overlay_and_lanes(window: MainWindow) -> None:
    shown = window.stage.shown
    assert shown is not None
    assert shown.ref.ordinal == 0
    assert len(shown.faces) == 1
    assert len(shown.maps) == 1
    assert window.desk.data is not None
    assert len(window.desk.data.lanes.frames) == EXAMINED
    header = " ".join(label.text() for label in window.viewer.header.findChildren(QLabel))
    item = window.desk.data.item
    assert item.exhibit in header
    assert item.sha256[:12] in header
    assert "verified" in header
    assert shown.ref.digest[:12] in header
    assert "PTS 0.000 s" in header
    assert f"{EXAMINED} of {FRAMES} frames examined" in header


def test_exhibits_stand_in_the_order_they_came_and_show_work_not_opinion(window: MainWindow) -> None:
    model = window.case_panel.model
    branch = model.index(0, 0)
    names = [model.index(row, 0, branch).data() for row in range(model.rowCount(branch))]
    assert names == ["EX-01 sway.mp4", "EX-02 still.png", "EX-03 cut.mp4"]


def test_no_word_on_the_window_is_a_conclusion(window: MainWindow, qtbot: QtBot) -> None:
    """X2: the vocabulary never says what a picture is."""
    for number in range(3):
        window.inspector.setCurrentIndex(number)
    # "Real time" is how a clip is played (window rule 4), and nothing else may be called so.
    wrong = [text for text in texts(window) if _CONCLUSION.search(text.replace("real time", ""))]
    assert wrong == []


def test_every_score_has_its_word_beside_it(window: MainWindow) -> None:
    """X11: no score without its spread or the word "uncalibrated", and none that is validated for nothing (V3)."""
    rows = window.inspector.detectors.tracks_model.rows
    assert rows
    for row in rows:
        if row.cells[1].text == "not validated":
            assert row.cells[2].text == "–"
            continue
        mean, spread = row.cells[1], row.cells[2]
        assert (mean.second == "uncalibrated" and "–" in spread.text) or mean.text == "–"
        assert spread.text != "–" or spread.second in ("no spread", "")
    for row in window.inspector.detectors.faces_model.rows:
        assert row.cells[1].second == ("for any kind" if "slope" in row.cells[0].text else "uncalibrated")
    assert window.stage.shown is not None
    assert all("uncalibrated" in face.words for face in window.stage.shown.faces)
    assert "uncalibrated" in window.viewer.strip.legend.title


def test_table_shows_what_the_case_holds(window: MainWindow, lab: Lab) -> None:
    data, session = window.desk.data, window.desk.session
    assert data is not None
    assert data.run is not None
    assert session is not None
    stored = session.summaries(data.run.id, data.item.id)
    shown = {row.key: row.cells for row in window.inspector.detectors.tracks_model.rows}
    assert len(stored) > 0
    assert {key for key in shown if key.count("/") == 1} == {f"{one.track}/{one.detector}" for one in stored}
    for summary in stored:
        cells = shown[f"{summary.track}/{summary.detector}"]
        if summary.mean is not None and summary.detector == "slope":
            assert (cells[1].text, cells[1].second, cells[2].text) == ("not validated", "for any kind", "–")
        else:
            assert cells[1].text == score(summary.mean)
        total = summary.frames_scored + summary.frames_abstained + summary.frames_error
        assert cells[3].text == f"{summary.frames_scored} of {total}"
    named = [row.cells[0].second for row in window.inspector.detectors.tracks_model.rows if row.key.count("/") == 1]
    numbers = [int(name.split()[0][1:]) for name in named]
    assert numbers == sorted(numbers)


def test_a_score_stands_under_its_kinds_and_words_under_the_others(window: MainWindow) -> None:
    """V3: what a detector is validated for, beside every score of it; a detector of nothing has no such rows."""
    rows = {row.key: row for row in window.inspector.detectors.tracks_model.rows}
    scored = [key for key, row in rows.items() if key.endswith("/rings") and row.cells[1].text != "–"]
    assert scored
    for key in scored:
        swap, others = rows[f"{key}/face_swap"], rows[f"{key}/others"]
        assert swap.cells[0].text.strip() == "face swap"
        assert swap.cells[1].text == rows[key].cells[1].text
        assert (others.cells[1].text, others.cells[1].second) == ("not validated", "for this")
        assert others.cells[1].tip.splitlines() == [
            "not validated for this:",
            "parts of the face replaced",
            "reenactment",
            "whole face by a GAN",
            "whole face by a diffusion model",
        ]
    assert not [key for key in rows if "/slope/" in key]


def test_the_sheet_of_a_detector_tells_kinds_and_threshold() -> None:
    sections = {one.title: one for one in card_sections(InstalledDetector(RINGS, "", True), "rings")}
    told = {fact.name: fact.value for fact in sections["Kinds of forgery"].facts}
    assert told["Face swap"].startswith("validated: made-up face_swap: AUC 0.900 [0.850–0.940], sharpness alone 0.550")
    assert told["Whole face by a GAN"].startswith("not validated for this: made-up faces: AUC 0.360")
    assert told["Reenactment"] == "not validated for this: nothing was measured"
    assert "above 0.830, uncalibrated: 4.5% of untouched faces pass it [1.0%–11.5%]" in sections["Threshold"].text
    bare = {one.title: one for one in card_sections(InstalledDetector(SLOPE, "", True), "slope")}
    assert bare["Kinds of forgery"].text.startswith("Not validated for any kind of forgery")
    assert bare["Threshold"].text == "None set. No score is turned into a decision."


def test_status_bar_is_truthful(window: MainWindow, lab: Lab) -> None:
    words = " | ".join(label.text() for label in window.status.findChildren(QLabel))
    assert "Integrity: 3 of 3 exhibits verified" in words
    assert "CPU, float32, known patterns" in words
    assert "A. Ruiz (examiner)" in words
    assert "offline" in words
    assert window.status.queue.text().startswith("Queue empty")


def test_damaged_exhibit_says_why_and_disables_what_cannot_be_done(window: MainWindow, qtbot: QtBot) -> None:
    window.navigator.visit(window.desk.items[2].id, 0)
    rest(window, qtbot)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-03")
    assert window.stage.shown is None
    assert window.stage.message == window.desk.items[2].problem
    assert not window.commands["frame.export"].isEnabled()
    assert window.desk.items[2].problem in window.inspector.exhibit.toPlainText()


def test_still_picture_has_one_frame_and_no_seconds(window: MainWindow, qtbot: QtBot) -> None:
    window.navigator.visit(window.desk.items[1].id, 0)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=10_000)
    rest(window, qtbot)
    data = window.desk.data
    assert data is not None
    assert data.frames == 1
    assert window.stage.shown is not None
    assert window.stage.shown.maps
    spreads = [row.cells[2] for row in window.inspector.detectors.tracks_model.rows]
    assert spreads
    assert all(cell.text == "–" for cell in spreads), "one frame has no spread"
    middle = window.timeline.canvas.scale
    assert abs(middle.x(0.0) - (middle.left + middle.width / 2)) < 2


def test_custody_tab_has_the_chain_and_its_code(window: MainWindow, qtbot: QtBot) -> None:
    """The verification of a case just opened goes on adding events; the tab follows."""
    session = window.desk.session
    assert session is not None

    def follows() -> None:
        head = session.custody_head()
        assert len(window.inspector.custody.model.rows) == head.count
        assert head.code in [label.text() for label in window.inspector.custody.findChildren(QLabel)]

    # A chain of thousands is read when it is looked at.
    window.inspector.setCurrentWidget(window.inspector.custody)
    qtbot.waitUntil(follows, timeout=20_000)


def test_custom_widgets_have_names_for_those_who_cannot_see_them(window: MainWindow) -> None:
    for widget in (
        window.viewer.canvas,
        window.timeline.canvas,
        window.case_panel.tree,
        window.inspector.detectors.tracks,
        window.viewer.strip.legend,
        window.inspector.custody.table,
    ):
        assert widget.accessibleName(), widget
    assert "T1" in window.viewer.canvas.accessibleDescription()
    assert "face tracks" in window.timeline.canvas.accessibleDescription()


def test_without_a_case_it_offers_known_cases_and_nothing_dead(open_window: Open, lab: Lab, qtbot: QtBot) -> None:
    window = open_window()
    qtbot.waitUntil(lambda: window.welcome.list.count() > 0)
    assert "2026-001" in window.welcome.list.item(0).text()
    assert not any(dock.isVisible() for dock in window.docks.values())
    for name in ("run", "exhibit.import", "report.build", "case.close", "play.toggle", "frame.export"):
        assert not window.commands[name].isEnabled(), name
    window.welcome.list.itemActivated.emit(window.welcome.list.item(0))
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    assert window.docks["timeline"].isVisible()


def test_empty_case_says_what_to_do_next(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.desk.create_case(tmp_path / "new", number="7", title="New", examiner="E", question="?")
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    assert "Drop pictures or videos here" in window.viewer.canvas.accessibleDescription()
    assert not window.commands["run"].isEnabled()


def test_case_that_is_not_there_is_told_in_one_line(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.open_case(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: window.work.dialog is not None, timeout=10_000)
    assert window.work.dialog is not None
    words = " ".join(label.text() for label in window.work.dialog.findChildren(QLabel))
    assert "nowhere" in words
    assert "case_not_found" in words
    window.work.dialog.reject()


def test_layout_is_kept_and_can_be_reset(open_window: Open, lab: Lab, settings: QSettings, qtbot: QtBot) -> None:
    """U17: a stored layout carries its version; another version is not restored; Reset layout always works."""
    window = open_window(lab.case)
    window.docks["inspector"].hide()
    session = window.desk.session
    window.close()
    assert session is not None
    session.close()
    window.desk.session = None
    assert int(str(settings.value("layout/version"))) == LAYOUT_VERSION
    again = open_window(lab.case)
    assert again.docks["inspector"].isHidden()
    again.desk.exhibits_shown.emit()
    assert again.docks["inspector"].isHidden(), "a closed panel stays closed when the case changes"
    assert again.docks["timeline"].isVisible()
    again.commands["layout.reset"].trigger()
    qtbot.waitUntil(lambda: all(again.docks[name].isVisible() for name in ("case", "inspector", "timeline")))
    assert not again.docks["jobs"].isVisible()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_contrast(theme: object) -> None:
    """3.4: text 4.5, controls and traces 3.0 against what they stand on."""
    assert isinstance(theme, type(DARK))
    for ground in (theme.window, theme.panel, theme.raised, theme.field, theme.selected, theme.hover):
        assert contrast(theme.text, ground) >= 7
    for ground in (theme.window, theme.panel, theme.field):
        assert contrast(theme.second, ground) >= 4.5
        assert contrast(theme.edge, ground) >= 3
        assert contrast(theme.focus, ground) >= 3
        assert contrast(theme.alarm, ground) >= 4.5
    for colour in theme.series:
        assert contrast(colour, theme.panel) >= 3
    assert contrast(theme.on_strong, theme.strong) >= 7


def test_known_contrast_values() -> None:
    assert contrast("#E6E6E6", "#1E1E1E") == pytest.approx(13.4, abs=0.1)
    assert contrast("#A8A8A8", "#2A2A2A") == pytest.approx(6.0, abs=0.1)


def test_200_percent_text_keeps_everything_inside(window: MainWindow, qtbot: QtBot) -> None:
    """U4: text of twice the size cuts nothing off in lanes and strips."""
    for _ in range(6):
        window.commands["text.larger"].trigger()
    qtbot.wait(50)
    font = QApplication.font()
    assert font.pointSizeF() == pytest.approx(19.5)
    line = window.timeline.canvas.fontMetrics().height()
    assert all(rect.height() >= 2 * line for _, rect in window.timeline.canvas.lane_rects())
    for _ in range(6):
        window.commands["text.smaller"].trigger()
    assert QApplication.font().pointSizeF() == pytest.approx(9.75)


def test_case_open_elsewhere_is_offered_for_reading(open_window: Open, lab: Lab, qtbot: QtBot) -> None:
    held = lab.engine.open_case(lab.case)
    try:
        window = open_window()
        window.open_case(lab.case)
        qtbot.waitUntil(lambda: window.work.dialog is not None, timeout=10_000)
        assert window.work.dialog is not None
        button = next(b for b in window.work.dialog.findChildren(QPushButton) if "reading" in b.text())
        button.click()
        qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
        rest(window, qtbot)
        assert window.desk.session is not None
        assert window.desk.session.read_only
        assert not window.commands["run"].isEnabled()
        assert not window.commands["exhibit.import"].isEnabled()
        assert window.stage.shown is not None
    finally:
        held.close()

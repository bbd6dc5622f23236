"""Starting: nothing heavy is loaded before the window, and what is missing is named (issue 7, trust.md 9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open
from workstation.domain.case import KnownCase
from workstation.domain.errors import CaseError, DisplayMissing, NotFound
from workstation.domain.ids import CaseId
from workstation.ui import application, startup


def fresh(code: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **{k: v for k, v in environment.items() if v is not None}}
    for name in [k for k, v in environment.items() if v is None]:
        env.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=False
    )


def test_the_doors_load_neither_qt_nor_torch_and_the_window_no_torch() -> None:
    code = (
        "import sys, workstation.ui.application\n"
        "assert 'PySide6' not in sys.modules\n"
        "import workstation.ui.main_window\n"
        "heavy = {'torch', 'open_clip', 'onnxruntime', 'facenet_pytorch', 'sqlalchemy', 'cv2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = fresh(code)
    assert done.returncode == 0, done.stderr


def test_no_display_is_one_clear_error_and_no_abort() -> None:
    code = (
        "from workstation.ui import application\n"
        "from workstation.domain.errors import DisplayMissing\n"
        "try:\n    application.run(None, None)\n"
        "except DisplayMissing as error:\n    print(error.exit_code, error.line())\n"
    )
    done = fresh(code, DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("10 There is no display")
    assert "--grab" in done.stdout
    done = fresh(code, DISPLAY=":987", WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("10 ")
    assert ":987" in done.stdout or "apt-get install" in done.stdout


def test_a_missing_library_is_named_with_its_package() -> None:
    error = startup._missing("libFoo-bar.so.3: cannot open shared object file: No such file or directory")
    assert isinstance(error, DisplayMissing)
    assert "libFoo-bar.so.3" in error.message
    assert error.advice.endswith("apt-get install libfoo-bar3")


def test_package_names_agree_with_the_list() -> None:
    """Every Qt library of ``system-packages.txt`` but glib's, whose package keeps an older name."""
    listed = Path(__file__).resolve().parents[2] / "packaging" / "system-packages.txt"
    rows = [line.split(None, 2) for line in listed.read_text(encoding="utf-8").splitlines() if ".so." in line]
    named = [(package, library) for package, library, why in rows if "Qt" in why and "glib" not in package]
    assert len(named) > 15
    assert [(package, library) for package, library in named if startup.package_of(library) != package] == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_grab_saves_the_window_once_everything_is_drawn(lab: Lab, tmp_path: Path, qapp: object, scale: float) -> None:
    target = tmp_path / "window.png"
    application.grab(lab.engine, lab.case, target, width=1100, height=720, scale=scale)
    with Image.open(target) as picture:
        assert picture.size == (round(1100 * scale), round(720 * scale))
        small = picture.convert("RGB").resize((1100, 720))
    colours = small.getcolors(1 << 24)
    assert colours is not None
    yellow = sum(count for count, (r, g, b) in colours if r > 200 and g > 190 and b < 110)  # type: ignore[misc]
    assert yellow > 150, "the trace of the first detector is drawn"
    skin = sum(count for count, (r, g, b) in colours if r >= g >= b and r - b > 25)  # type: ignore[misc]
    assert skin > 3000, "the frame is drawn"
    assert list(tmp_path.iterdir()) == [target]


def test_grab_of_a_case_that_is_not_there(lab: Lab, tmp_path: Path, qapp: object) -> None:
    with pytest.raises(CaseError):
        application.grab(lab.engine, tmp_path / "nowhere", tmp_path / "p.png")
    with pytest.raises(NotFound):
        application.grab(lab.engine, lab.case, tmp_path / "no" / "p.png")
    assert not (tmp_path / "p.png").exists()


def test_grab_of_a_case_that_is_open_elsewhere_reads_it(lab: Lab, tmp_path: Path, qapp: object) -> None:
    held = lab.engine.open_case(lab.case)
    try:
        application.grab(lab.engine, lab.case, tmp_path / "p.png", width=1000, height=700)
    finally:
        held.close()
    assert (tmp_path / "p.png").is_file()


def test_many_known_cases_do_not_make_the_window_taller(open_window: Open, qtbot: QtBot) -> None:
    """The window fits a low screen however many cases this workstation knows; the list scrolls."""
    window = open_window()
    few = window.minimumSizeHint().height()
    known = [
        KnownCase(CaseId(str(n)), f"{n}", "T", f"/cases/{n}", "2026-01-01T00:00:00+00:00", False) for n in range(40)
    ]
    window.desk.known = tuple(known)
    window.desk.known_shown.emit()
    qtbot.waitUntil(lambda: window.welcome.list.count() == 40, timeout=5000)
    assert window.minimumSizeHint().height() <= max(few, 600)
    window.resize(1280, 1000)
    qtbot.waitUntil(lambda: window.welcome.list.height() > 5 * window.fontMetrics().height() * 2, timeout=5000)

"""What every test stands on: no screen, no more than two threads of arithmetic, nothing of the person's own folders.

Neither Qt nor torch is imported here: the cold-import tests and the tests of the words must not wait for them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED_DATA = CHECKOUT.parent / "shared" / "data"
SESSION_HOME = Path(tempfile.mkdtemp(prefix="workstation-tests-"))
GRACE = 3.0
THIRD_PARTY = ("tqdm", "pytest_timeout")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "2")
# For fixtures that live longer than one test; each test gets a WORKSTATION_HOME of its own below.
for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "WORKSTATION_HOME"):
    os.environ[name] = str(SESSION_HOME / name.lower())
    Path(os.environ[name]).mkdir(mode=0o700)
for name in [n for n in os.environ if n.startswith("WORKSTATION_") and n != "WORKSTATION_HOME"]:
    del os.environ[name]

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED_DATA.is_dir():
        return
    absent = pytest.mark.skip(reason="the development data is not beside the checkout")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(absent)


def pytest_unconfigure() -> None:
    shutil.rmtree(SESSION_HOME, ignore_errors=True)


@pytest.fixture
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The development data beside the checkout. A test that asks for it also carries the marker ``data``."""
    if not request.node.get_closest_marker("data"):
        pytest.fail("a test that uses shared_data must be marked with @pytest.mark.data")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def workstation_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workstation's own folder, new and empty for each test (``WORKSTATION_HOME``)."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WORKSTATION_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread running or a window on the screen.

    Wider fixtures are set up before this one, so what they hold for several tests is not counted.
    """
    threads, windows = set(threading.enumerate()), _windows()
    yield
    end = time.monotonic() + GRACE
    while (left := _threads() - threads) and time.monotonic() < end:
        time.sleep(0.02)
    assert not left, f"threads left behind: {', '.join(sorted(thread.name for thread in left))}"
    shown = _windows() - windows
    assert not shown, f"windows left on the screen: {', '.join(sorted(shown))}"


def _threads() -> set[threading.Thread]:
    """The live threads that Python code started; those Qt or a codec started only show up as dummies."""
    ours = {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}
    return {thread for thread in ours if thread.is_alive() and not thread.name.startswith(THIRD_PARTY)}


def _windows() -> set[str]:
    """Name the visible windows, if some test has loaded Qt; never loads it."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return set()
    shown = [widget for widget in widgets.QApplication.topLevelWidgets() if widget.isVisible()]
    return {f"{type(widget).__name__} {widget.objectName()!r} {id(widget):x}" for widget in shown}

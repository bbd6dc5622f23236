"""Named tasks in the confined child: closed table, own file positions, parts in order, one typed error."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from workstation.domain.errors import (
    Cancelled,
    DamagedMedia,
    DecoderStopped,
    EmptyFile,
    InputError,
    MediaTooLarge,
    NotFound,
)
from workstation.media import starting, tasks_table
from workstation.media.limits import DecodeLimits
from workstation.media.starting import StarterHandle
from workstation.media.tasks import run_task

HOSTILE = Path(__file__).resolve().parents[2] / "fakes" / "hostile"
SAMPLES = {name: f"sample_tasks:{name}" for name in ("echo", "count", "fail")}
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a starter of its own")


@pytest.fixture(scope="module")
def starter() -> Iterator[StarterHandle]:
    handle = StarterHandle(False, SAMPLES, (HOSTILE,))
    yield handle
    handle.close()


@pytest.fixture
def samples(starter: StarterHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, place in SAMPLES.items():
        monkeypatch.setitem(tasks_table.TASKS, name, place)
    with starting.using(starter):
        yield


@pytest.mark.parametrize("name", sorted(tasks_table.TASKS))
def test_every_task_of_the_table_is_there(name: str) -> None:
    module, _, function = tasks_table.TASKS[name].partition(":")
    found = getattr(import_module(module), function)
    assert list(inspect.signature(found).parameters) == ["exhibit", "arguments", "beat", "say"]


def test_a_task_that_is_not_in_the_table_is_refused(clip: Path) -> None:
    for name in ("os:system", "attack", "echo", "", "metadata "):
        with pytest.raises(InputError, match="no task"):
            run_task(clip, name)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run_task(tmp_path / "absent", "metadata")
    (tmp_path / "empty").touch()
    with pytest.raises(EmptyFile):
        run_task(tmp_path / "empty", "metadata")


@linux
@pytest.mark.usefixtures("samples")
def test_a_task_reads_its_exhibit_and_its_arguments(clip: Path) -> None:
    got = run_task(clip, "echo", {"more": [1, "é", None]})
    assert got == {
        "name": clip.name, "size": clip.stat().st_size, "head": ["ftyp", clip.read_bytes()[:4].hex()], "last": 1,
        "warm": 1, "more": [1, "é", None],
    }  # fmt: skip


@linux
@pytest.mark.usefixtures("samples")
def test_parts_come_in_order_before_the_result(clip: Path) -> None:
    parts: list[Any] = []
    assert run_task(clip, "count", {"parts": 500}, on_said=parts.append) == {"said": 500}
    assert parts == [{"number": n} for n in range(500)]


@linux
@pytest.mark.usefixtures("samples")
def test_a_caller_may_end_it_at_a_sign_of_life(clip: Path) -> None:
    def stop() -> None:
        raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        run_task(clip, "count", {"parts": 1000, "pause": 0.02}, DecodeLimits(item_timeout_s=10), on_beat=stop)


@linux
@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("how", "kind"),
    [("typed", DamagedMedia), ("large", MediaTooLarge), ("not plain", DecoderStopped), ("surprise", DecoderStopped)],
)
def test_a_task_that_fails_gives_one_typed_error(clip: Path, how: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        run_task(clip, "fail", {"how": how})
    assert type(caught.value) is kind

"""Devices, batches that shrink when memory runs out, and runs that repeat (P3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from workstation.detectors import runtime
from workstation.domain.errors import DeviceFault, InputError


class Meter:
    """Doubles numbers; has memory for ``room`` at a time."""

    def __init__(self, room: int, error: type[Exception] = torch.cuda.OutOfMemoryError) -> None:
        self.room, self.error, self.sizes = room, error, list[int]()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.sizes.append(len(items))
        if len(items) > self.room:
            raise self.error("CUDA out of memory. Tried to allocate" if self.error is not MemoryError else "")
        return [2 * item for item in items]


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, RuntimeError, MemoryError])
def test_the_batch_is_halved_and_nothing_is_lost(error: type[Exception]) -> None:
    meter, shrunk = Meter(3, error), list[int]()
    assert runtime.batched(meter, range(10), 8, on_shrink=shrunk.append) == [2 * n for n in range(10)]
    assert shrunk == [4, 2]
    assert meter.sizes == [8, 4, 2, 2, 2, 2, 2]


def test_one_item_too_many_for_the_memory_is_a_device_fault() -> None:
    with pytest.raises(DeviceFault, match="even for one face"):
        runtime.batched(Meter(0), range(3), 8)


def test_another_failure_of_the_device_is_not_tried_again() -> None:
    meter = Meter(0, RuntimeError)

    def broken(items: Sequence[int]) -> list[int]:
        meter.sizes.append(len(items))
        raise RuntimeError("CUDA error: unspecified launch failure\nat some line")

    with pytest.raises(DeviceFault, match="unspecified launch failure") as caught:
        runtime.batched(broken, range(3), 2)
    assert "\n" not in caught.value.line()
    assert meter.sizes == [2]


def test_a_typed_error_goes_through_as_it_is() -> None:
    def refuse(items: Sequence[int]) -> list[int]:
        raise InputError("no")

    with pytest.raises(InputError):
        runtime.batched(refuse, [1], 1)


def test_nothing_to_read_gives_nothing() -> None:
    assert runtime.batched(Meter(1), [], 8) == []


def test_the_device_is_described_for_the_record() -> None:
    facts = runtime.devices()
    assert {"cpu", "cpu.cores", "cpu.bfloat16", "cpu.vector", "threads", "settings"} <= facts.keys()
    assert int(facts["cpu.cores"]) >= 1
    assert facts["threads"] == str(torch.get_num_threads())
    assert ("gpu" in facts) == torch.cuda.is_available()
    assert runtime.pick_precision("cpu") in ("float32", "bfloat16")
    assert runtime.pick_precision("cpu") == "float32" or facts["cpu.bfloat16"] != "not native"


def test_repeatability_warns_and_never_stops_an_examination() -> None:
    assert "seed 0" in runtime.make_reproducible()
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.benchmark

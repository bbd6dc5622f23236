"""Where networks run: devices, precision, batches, and the settings that make a run repeatable (P3).

torch is loaded by the functions that need it, never by importing this module.
"""

from __future__ import annotations

import functools
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import DetectorError, DeviceFault, WorkstationError

SEED = 0
_NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "bf16")
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Instruction-set flags of the processor as the kernel names them; empty where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return frozenset(found.partition(":")[2].split())


def devices() -> dict[str, str]:
    """Facts of this machine's compute devices, for the record of an examination (P3).

    Keys: ``cpu``, ``cpu.cores``, ``cpu.bfloat16``, ``cpu.vector``, ``threads``, ``settings``; with a GPU also ``gpu``,
    ``gpu.memory``, ``gpu.driver``, ``gpu.capability``.
    """
    import torch

    flags = cpu_flags()
    facts = {
        "cpu": _cpu_name(),
        "cpu.cores": str(os.cpu_count() or 1),
        "cpu.vector": torch.backends.cpu.get_cpu_capability(),
        "cpu.bfloat16": next((name for name in _NATIVE_BF16 if name in flags), "not native"),
        "threads": str(torch.get_num_threads()),
        "settings": make_reproducible(),
    }
    if torch.cuda.is_available():
        seen = torch.cuda.get_device_properties(0)
        facts["gpu"] = seen.name
        facts["gpu.memory"] = f"{seen.total_memory / 2**30:.1f} GiB"
        facts["gpu.capability"] = f"{seen.major}.{seen.minor}"
        facts["gpu.driver"] = _driver()
    return facts


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _driver() -> str:
    import torch

    try:
        first = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace").splitlines()[0]
    except (OSError, IndexError):
        first = ""
    words = [word for word in first.split() if word.replace(".", "").isdigit() and "." in word]
    return f"{words[0] if words else 'unknown'}, CUDA {torch.version.cuda}"


def pick_device() -> str:
    """``cuda`` when a GPU can be used, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@functools.cache
def pick_precision(device: str) -> str:
    """``bfloat16`` where the device has it natively and it is measured faster here, else ``float32``."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if not cpu_flags() & set(_NATIVE_BF16):
        return "float32"
    return "bfloat16" if _product_seconds(torch.bfloat16) < 0.8 * _product_seconds(torch.float32) else "float32"


def _product_seconds(kind: object, side: int = 768, runs: int = 6) -> float:
    """The best of several matrix products; the best, because other programs only ever make it slower."""
    import torch

    one = torch.ones(side, side).to(kind)  # type: ignore[call-overload]  # kind is a torch.dtype
    best = float("inf")
    with torch.inference_mode():
        for _ in range(runs):
            start = time.perf_counter()
            torch.mm(one, one)
            best = min(best, time.perf_counter() - start)
    return best


@functools.cache
def make_reproducible() -> str:
    """Apply, once, what makes the same input give the same score on this machine; say it in words (P3)."""
    # cuBLAS reads this when it starts; without it its results may differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.manual_seed(SEED)
    # Only warn: a finder's or a foreign tower's operation without a deterministic form must not end an examination.
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory guards against reading it unset; it costs time and no network here reads unset memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of the module
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")
    return f"deterministic algorithms where the device has them, seed {SEED}, float32 products in full precision"


def batched(
    read: Callable[[Sequence[_Item]], list[_Answer]],
    items: Sequence[_Item],
    start_batch: int,
    *,
    on_shrink: Callable[[int], None] = lambda _: None,
) -> list[_Answer]:
    """Read all items batch by batch; when memory runs out, halve the batch and go on.

    Args:
        read: gives one answer per item, in order.
        start_batch: size of the first batch, at least 1.
        on_shrink: told the new size each time, so that a caller can start there the next time.

    Raises:
        DeviceFault: memory does not suffice even for one item, or the device failed.
    """
    answers: list[_Answer] = []
    size = max(1, start_batch)
    while len(answers) < len(items):
        part = items[len(answers) : len(answers) + size]
        try:
            answers.extend(read(part))
            continue
        except WorkstationError:
            raise
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise DeviceFault(f"The compute device failed: {str(error).splitlines()[0][:200]}.") from error
            if size == 1:
                raise DeviceFault(
                    "The compute device has too little memory even for one face.",
                    "Close other programs or use the CPU.",
                ) from error
        # Outside the handler: the failed batch is still alive while its traceback is.
        size = max(1, min(size, len(part)) // 2)
        _release()
        on_shrink(size)
    return answers


def usable(scores: Sequence[float], card: DetectorCard) -> list[float]:
    """Return the scores of a batch. Raises: DetectorError when one of them is not a number."""
    if not all(math.isfinite(score) for score in scores):
        raise DetectorError(f"{card.id} gave a score that is not a number.", "Verify the package or install it again.")
    return [float(score) for score in scores]


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = f"{type(error).__name__} {error}".lower()
    return any(sign in text for sign in ("outofmemory", "out of memory", "can't allocate memory", "not enough memory"))


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()

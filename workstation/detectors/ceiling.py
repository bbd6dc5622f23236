"""The machine's own ceiling: how many operations a second its matrix product reaches, as a yardstick for networks."""

from __future__ import annotations

import time


def matrix_ceiling(device: str, precision: str, side: int = 2048, seconds: float = 1.0) -> float:
    """Best rate of square matrix products in GFLOP/s (10^9 multiplications and additions a second).

    Args:
        device: "cpu" or "cuda".
        precision: "float32" or "bfloat16".
        side: rows and columns of the factors.
        seconds: how long to measure; the best single product counts.
    """
    import torch

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    generator = torch.Generator().manual_seed(0)
    one = torch.rand(side, side, generator=generator).to(device, kind)
    two = torch.rand(side, side, generator=generator).to(device, kind)
    best = float("inf")
    end = time.perf_counter() + seconds
    with torch.inference_mode():
        torch.mm(one, two)
        while time.perf_counter() < end:
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            start = time.perf_counter()
            torch.mm(one, two)
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best / 1e9

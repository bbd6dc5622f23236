"""The batches of a run in order of steps, from any step on; how long the run waits for them is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

from workstation.training.batches import Batch, Batches


class Steps(Dataset[Batch]):
    """Item n is the batch of step n, the same in every process and at every time."""

    def __init__(self, batches: Batches, pairs: int, seed: int, part: Callable[[], int]) -> None:
        self._batches = batches
        self._pairs = pairs
        self._seed = seed
        self._part = part

    def __getitem__(self, step: int) -> Batch:
        return self._batches.at(step, self._pairs, self._seed, self._part())


class _From(Sampler[int]):
    """Steps from where the run stands; its length is that of the whole run, as Lightning counts all of them."""

    def __init__(self, reached: Callable[[], int], steps: int) -> None:
        self._reached = reached
        self._steps = steps

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._reached(), self._steps))

    def __len__(self) -> int:
        return self._steps


class Stream(DataLoader[Batch]):
    """A loader that begins at ``reached()``, which is also all the state it has.

    Args:
        waited: told the seconds that each batch was waited for.
    """

    def __init__(
        self,
        batches: Steps,
        steps: int,
        reached: Callable[[], int],
        workers: int,
        waited: Callable[[float], None],
    ) -> None:
        super().__init__(batches, batch_size=None, sampler=_From(reached, steps), num_workers=workers)
        # DataLoader refuses new attributes of some names once it is set up; these are its own.
        self._where = reached
        self._waited = waited

    def __iter__(self) -> Any:
        batches = super().__iter__()

        def timed() -> Iterator[Batch]:
            while True:
                start = time.perf_counter()
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                self._waited(time.perf_counter() - start)
                yield batch

        return timed()

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands; Lightning asks for it."""
        return {"step": self._where()}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Nothing is to be done: the stream begins where the run stands."""

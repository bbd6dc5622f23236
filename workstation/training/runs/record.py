"""``run.json``: what a run was made from, on what it ran, and what came out; written at its start and at its end."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workstation.domain.errors import InputError
from workstation.training.runs.checkpoints import write_whole

RECORD = "run.json"
_FORMAT = 1
_LIBRARIES = ("torch", "lightning", "numpy", "opencv-python", "open_clip_torch", "timm")


@dataclass(slots=True)
class Record:
    """The record of a run.

    Attributes:
        state: "running" or "finished".
        config: SHA-256 of the configuration file; start: SHA-256 of the weights the run began with.
        data: SHA-256 by split; counts: what was used.
        steps: the budget; measured: how minutes became steps, empty for a budget in steps.
        sessions: how often it was started or went on; figures: what came out.
    """

    state: str
    config: str
    family: str
    package: str
    seed: int
    steps: int
    data: dict[str, str]
    counts: dict[str, int]
    start: str
    environment: dict[str, str]
    measured: dict[str, float] = field(default_factory=dict)
    sessions: int = 1
    figures: dict[str, Any] = field(default_factory=dict)
    format: int = _FORMAT

    def as_facts(self) -> dict[str, Any]:
        """As it stands in the file."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write it whole or not at all."""
        text = json.dumps(self.as_facts(), indent=1, sort_keys=True, allow_nan=False)
        write_whole(folder / RECORD, lambda part: part.write_text(text + "\n", encoding="utf-8"))


def read_record(folder: Path) -> Record | None:
    """The record in a run's folder, or None when there is none. Raises: InputError when it cannot be read."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] != _FORMAT:
            raise ValueError(f"format {table['format']}")
        return Record(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}).", "Start the run in another folder.") from error


def environment(device: str, precision: str) -> dict[str, str]:
    """Libraries, machine and settings that the weights depend on."""
    from workstation.detectors import runtime

    facts: Mapping[str, str] = runtime.devices()
    kept = {name: facts[name] for name in ("cpu", "cpu.vector", "threads", "settings", "gpu") if name in facts}
    libraries = {name: version(name) for name in _LIBRARIES}
    return {**kept, **libraries, "python": platform.python_version(), "device": device, "precision": precision}

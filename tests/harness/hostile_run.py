"""Takes hostile files through the real intake and every reading after it, and keeps the account of what became of each.

What must hold: the main process goes on, no file takes longer than its watchdog, every file ends in exactly one typed
row, and the main process's memory stays bounded.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workstation.app.hub import Hub
from workstation.app.importing import Place, import_files
from workstation.app.intake_results import IntakeWish
from workstation.app.paths import Home
from workstation.domain.errors import EvidenceError, WorkstationError
from workstation.domain.intake import IntakeState
from workstation.media.limits import DecodeLimits
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, open_media
from workstation.media.tasks import run_task
from workstation.media.tasks_table import TASKS
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


class _Quiet:
    """A job that nobody watches and nobody cancels."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        pass

    def cancelled(self) -> bool:
        return False

    def raise_if_cancelled(self) -> None:
        pass


LIMITS = DecodeLimits(item_timeout_s=20, question_timeout_s=60, cpu_seconds=20)


@dataclass
class Account:
    """Outcomes of one run; ``faults`` is what must not have happened, and is empty in a good run."""

    rows: Counter[str] = field(default_factory=Counter)
    readings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    intake_s: float = 0.0
    reading_s: float = 0.0
    memory_mib: tuple[float, float] = (0.0, 0.0)

    def timed(self, seconds: float, name: str) -> None:
        self.slowest = sorted([*self.slowest, (round(seconds, 2), name)], reverse=True)[:8]

    def text(self) -> str:
        parts = [
            f"rows {dict(self.rows)}",
            f"readings {dict(sorted(self.readings.items()))}",
            f"intake {self.intake_s:.1f} s, readings {self.reading_s:.1f} s",
            f"main process {self.memory_mib[0]:.0f} MiB before, {self.memory_mib[1]:.0f} MiB at its highest",
            f"slowest {self.slowest}",
            *(f"stopped {line}" for line in self.stopped),
            f"faults {self.faults}",
        ]
        return "\n".join(parts)


def run(folder: Path, files: Sequence[Path], odd: Sequence[Path]) -> Account:
    """Import everything into one new case under ``folder``, then read every file in every way."""
    account = Account()
    before = _memory("VmRSS")
    _forget_peak()
    everything = [*files, *odd]
    started = time.monotonic()
    _take_in(folder, everything, account)
    account.intake_s = time.monotonic() - started
    started = time.monotonic()
    for path in everything:
        _read(path, account)
    account.reading_s = time.monotonic() - started
    account.memory_mib = (before, _memory("VmHWM"))
    return account


def _take_in(folder: Path, everything: Sequence[Path], account: Account) -> None:
    key = LedgerKey.load_or_create(folder / "keys")
    case = folder / "case"
    with CaseStore.create(case, number="1", title="hostile", examiner="E", question="", key=key) as store:
        # The dangling and the unreadable are asked for by name, as a person would.
        import_files(Place(store, Hub(), Home(folder / "home")), IntakeWish(tuple(everything)), _Quiet())
        (batch,) = store.intake.batches()
        items = store.intake.items(batch.id)
        exhibits = {item.id: item for item in store.evidence()}
        for item in items:
            name = Path(item.path).name
            if item.state is IntakeState.WAITING:
                account.faults.append(f"{name}: no row")
            elif item.state is IntakeState.ADDED:
                exhibit = exhibits[item.evidence] if item.evidence else None
                kind = "gone" if exhibit is None else "exhibit with a problem" if exhibit.problem else "exhibit"
                account.rows[kind] += 1
            else:
                account.rows[f"{item.state.value}: {item.code}"] += 1
        if len(items) != len(everything):
            account.faults.append(f"{len(items)} rows for {len(everything)} files")


def _read(path: Path, account: Account) -> None:
    """Probe, all tasks, a few frames: each gives a result or one typed error, within its watchdog."""
    name = path.name.encode(errors="replace").decode()
    began = time.monotonic()
    try:
        info = probe(path, LIMITS)
    except WorkstationError as error:
        _expected(account, f"probe: {error.code}", error, name)
        info = None
    else:
        account.readings["probe: read"] += 1
    for task in TASKS:
        try:
            run_task(path, task, {}, LIMITS)
            account.readings[f"{task}: read"] += 1
        except WorkstationError as error:
            _expected(account, f"{task}: {error.code}", error, name)
        except Exception as error:  # noqa: BLE001 (the account of faults is the point)
            account.faults.append(f"{name}: {task}: {type(error).__name__}: {error}")
    if info is not None:
        try:
            with open_media(path, info, LIMITS) as reader:
                total = len(reader.index)
                for got in reader.frames(sorted({0, total // 2, total - 1})):
                    account.readings["frame: failed" if isinstance(got, FrameFailure) else "frame: read"] += 1
        except EvidenceError as error:
            _expected(account, f"frames: {error.code}", error, name)
        except Exception as error:  # noqa: BLE001
            account.faults.append(f"{name}: frames: {type(error).__name__}: {error}")
    seconds = time.monotonic() - began
    account.timed(seconds, name)


def _expected(account: Account, key: str, error: WorkstationError, name: str) -> None:
    account.readings[key] += 1
    line = error.line()
    if "\n" in line or len(line) > 1500:
        account.faults.append(f"{name}: its message is no line")
    if error.code == "decoder_stopped":
        account.stopped.append(f"{name}: {key.partition(':')[0]}: {error.message[-90:]}")


def _memory(which: str) -> float:
    gc.collect()
    if not sys.platform.startswith("linux"):
        return 0.0
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.partition(f"{which}:")[2].split()[0]) / 1024


def _forget_peak() -> None:
    if sys.platform.startswith("linux"):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

"""Two programs on one case: exactly one writes, the other reads what is committed, and is told who has it (U15)."""

from __future__ import annotations

import errno
import os
import platform
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from workstation.domain.custody import GENESIS, CustodyKind
from workstation.domain.errors import CaseReadOnly
from workstation.storage import case_lock
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case

ROUNDS = 50
CONTENDER = """
import sys
from pathlib import Path
from workstation.domain.errors import CaseReadOnly
from workstation.storage import case_lock
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
case_lock._PATIENCE_S = 0.0
folder, key = Path(sys.argv[1]), LedgerKey.load_or_create(Path(sys.argv[2]))
print("ready", flush=True)
for line in sys.stdin:
    try:
        store = CaseStore.open(folder, key=key)
    except CaseReadOnly as fault:
        print("refused", fault.line(), flush=True)
        sys.stdin.readline()
        print("passed", flush=True)
        continue
    print("writer", flush=True)
    sys.stdin.readline()
    store.close()
    print("closed", flush=True)
"""


def program(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def hear(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def say(child: subprocess.Popen[str], line: str = "go") -> None:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def test_many_races_one_writer_each(store: CaseStore, tmp_path: Path) -> None:
    """Two programs open the same case at the same moment, fifty times; each wins, loses and takes over."""
    folder = store.folder
    store.close()
    with ExitStack() as stack:
        children = [stack.enter_context(program(CONTENDER, folder, tmp_path / "keys")) for _ in range(2)]
        assert [hear(child) for child in children] == ["ready", "ready"]
        wins = [0, 0]
        for number in range(ROUNDS):
            order = children if number % 2 else children[::-1]
            for child in order:
                say(child)
            answers = [hear(child) for child in children]
            assert sorted(answer.split()[0] for answer in answers) == ["refused", "writer"], answers
            winner = answers.index("writer")
            wins[winner] += 1
            loser = answers[1 - winner]
            assert f"process {children[winner].pid} on {platform.node()} since 20" in loser or "elsewhere." in loser
            for child in children:
                say(child)
            assert {hear(child) for child in children} == {"passed", "closed"}
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
    assert sum(wins) == ROUNDS
    outcome = verify_case(folder)
    assert outcome.ok, outcome.bad
    with CaseStore.open(folder, key=None, read_only=True) as case:
        kinds = [event.kind for event in case.custody()]
    assert kinds.count(CustodyKind.CASE_OPENED) == ROUNDS, "one opening for each win, none for a loss"


WRITER = """
import sys
from pathlib import Path
from workstation.domain.custody import CustodyKind
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
folder, key = Path(sys.argv[1]), LedgerKey.load_or_create(Path(sys.argv[2]))
for session in range(int(sys.argv[3])):
    with CaseStore.open(folder, key=key) as store:
        for number in range(12):
            store.record(CustodyKind.EXPORTED, {"session": session, "number": number, "filling": "x" * 3000})
print("done", flush=True)
"""


def test_a_reader_is_right_while_another_program_writes_and_closes(store: CaseStore, tmp_path: Path) -> None:
    """Every read is one whole state of the chain, never an older one than before: while the writer adds, when it
    closes (and moves everything into the database file), and when it opens the case again."""
    folder = store.folder
    store.close()
    reads, counts = 0, [0]
    with (
        program(WRITER, folder, tmp_path / "keys", 6) as writer,
        CaseStore.open(folder, key=None, read_only=True) as case,
    ):
        while writer.poll() is None:
            events = case.custody()
            previous = GENESIS
            for number, event in enumerate(events, start=1):
                assert (event.seq, event.prev) == (number, previous)
                previous = event.hash
            assert len(events) >= counts[-1]
            counts.append(len(events))
            reads += 1
        assert hear(writer) == "done"
        assert len(case.custody()) == 2 + 6 * 14
    assert writer.returncode == 0
    assert reads > 5
    assert len(set(counts)) > 3, "it was read while it grew"
    assert verify_case(folder).ok


def test_the_second_program_is_told_who_since_when_and_takes_over(store: CaseStore, key: LedgerKey) -> None:
    with pytest.raises(CaseReadOnly) as told:
        CaseStore.open(store.folder, key=key)
    line = told.value.line()
    who = rf"process {os.getpid()} on {re.escape(platform.node())} since \d{{4}}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"
    assert re.search(who, line), line
    with CaseStore.open(store.folder, key=None, read_only=True) as second:
        with pytest.raises(CaseReadOnly):
            second.record(CustodyKind.EXPORTED, {})
        before = second.custody_head()
        store.record(CustodyKind.EXPORTED, {})
        assert second.custody_head().count == before.count + 1
        store.close()
        assert second.custody_head().count == before.count + 2, "it reads on when the writer has closed the case"
    with CaseStore.open(store.folder, key=key) as heir:
        assert not heir.read_only


def test_a_killed_program_leaves_no_lock(store: CaseStore, tmp_path: Path, key: LedgerKey) -> None:
    store.close()
    with program(CONTENDER, store.folder, tmp_path / "keys") as child:
        assert hear(child) == "ready"
        say(child)
        assert hear(child) == "writer"
        with pytest.raises(CaseReadOnly):
            CaseStore.open(store.folder, key=key)
        child.send_signal(signal.SIGKILL)
        child.wait()
        started = time.monotonic()
        CaseStore.open(store.folder, key=key).close()
        assert time.monotonic() - started < 5
    assert verify_case(store.folder).ok


def test_a_lock_file_that_was_replaced_is_not_trusted(store: CaseStore, tmp_path: Path) -> None:
    """Whoever waits for a lock on a file that its holder takes away must lock the new one."""
    path = tmp_path / "case.lock"
    first = case_lock.CaseLock.take(path)
    waiting: list[case_lock.CaseLock] = []
    thread = threading.Thread(target=lambda: waiting.append(case_lock.CaseLock.take(path)))
    thread.start()
    time.sleep(0.1)
    path.unlink()
    first.release()
    thread.join()
    with pytest.raises(CaseReadOnly):
        case_lock.CaseLock.take(path)
    waiting[0].release()
    case_lock.CaseLock.take(path).release()


def test_a_drive_without_locks_is_read_only(store: CaseStore, key: LedgerKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network drives refuse every lock: two machines could write at once, so nobody does."""
    store.close()

    def no_locks(_: int) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(case_lock, "_try_lock", no_locks)
    with pytest.raises(CaseReadOnly, match="cannot keep two programs from writing at once"):
        CaseStore.open(store.folder, key=key)
    with CaseStore.open(store.folder, key=None, read_only=True) as case:
        assert case.case.number

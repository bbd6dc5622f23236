"""A decoder that was taken over: everything it could try is refused, in the real child, with and without bubblewrap."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import clips
from workstation.domain.errors import DecoderStopped, MediaTooLarge
from workstation.media import landlock, starting, tasks_table
from workstation.media.confined import confinement
from workstation.media.limits import DecodeLimits
from workstation.media.probing import probe
from workstation.media.reader import open_media
from workstation.media.sandbox import bubblewrap_command
from workstation.media.starting import StarterHandle
from workstation.media.tasks import run_task
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement of Linux")
HOSTILE = Path(__file__).resolve().parents[2] / "fakes" / "hostile"
TASK = {"attack": "decoder_attacks:run"}
QUICK = DecodeLimits(item_timeout_s=3.0, question_timeout_s=4.0, memory_bytes=1 << 30, cpu_seconds=1)


def _starter(sandboxed: bool) -> StarterHandle:
    if sandboxed and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    try:
        return StarterHandle(sandboxed, TASK, (HOSTILE,))
    except starting.StarterFailed as error:
        if sandboxed:
            pytest.skip(f"bubblewrap does not work here: {error}")
        raise


@pytest.fixture(scope="module", params=[True, False], ids=["bubblewrap", "without bubblewrap"])
def starter(request: pytest.FixtureRequest) -> Iterator[StarterHandle]:
    handle = _starter(request.param)
    yield handle
    handle.close()


@pytest.fixture
def attack(starter: StarterHandle, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setitem(tasks_table.TASKS, *next(iter(TASK.items())))

    def run(name: str, limits: DecodeLimits = QUICK, **more: Any) -> str:
        return str(run_task(clip, "attack", {"attack": name, **more}, limits)["outcome"])

    with starting.using(starter):
        yield run


def test_the_shipped_table_knows_no_attack() -> None:
    assert sorted(tasks_table.TASKS) == ["framehash", "metadata", "streams"]


def test_what_is_in_force_is_told_in_words() -> None:
    found = confinement()
    assert found.text().endswith("limits")
    assert found.closed
    assert bool(found.notes) == (len(found.layers) < 4)


def test_all_layers_are_in_force_and_told(starter: StarterHandle, clip: Path) -> None:
    with starting.using(starter), open_media(clip, probe(clip)) as reader:
        told = reader.confinement
    assert ("bubblewrap" in told) == starter.sandboxed
    assert ("landlock" in told) == bool(landlock.version())
    assert "seccomp" in told
    assert told[-1] == "limits"


@pytest.mark.parametrize("name", ["inet", "unix", "netlink", "pair"])
def test_no_network(attack: Any, name: str) -> None:
    assert attack(name) in ("EPERM", "EACCES")


def test_no_file_of_the_system_and_none_of_the_case(attack: Any, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    key = LedgerKey.load_or_create(tmp_path / "key")
    CaseStore.create(folder, number="1", title="t", examiner="e", question="q", key=key).close()
    for path in ("/etc/passwd", "/proc/self/maps", "/proc/1/environ", "/dev/mem", str(folder / "case.sqlite")):
        assert attack("read file", path=path) in ("EPERM", "EACCES"), path
    for path in (str(folder / "case.sqlite"), f"{tempfile.gettempdir()}/new", str(tmp_path / "new")):
        assert attack("write file", path=path) in ("EPERM", "EACCES"), path
    before = sorted(p.name for p in folder.iterdir())
    for name in ("list folder", "remove file", "link", "make folder", "change mode"):
        assert attack(name, path=str(folder / "case.sqlite")) in ("EPERM", "EACCES"), name
    assert sorted(p.name for p in folder.iterdir()) == before


@pytest.mark.parametrize("name", ["fork", "vfork", "memfd", "pidfd", "signal own", "dumpable", "code", "more priority"])
def test_what_answers_no(attack: Any, name: str) -> None:
    outcome = attack(name, pid=os.getpid())
    assert outcome in ("EPERM", "EACCES", "ENOSYS"), outcome


@pytest.mark.parametrize(
    "name", ["exec", "ptrace", "read memory", "kill parent", "kill all", "unshare", "mount", "bpf", "io_uring"]
)
def test_what_ends_the_child(attack: Any, name: str) -> None:
    """No decoder makes these calls on its way to a picture: the child is ended, and the message says so."""
    with pytest.raises(DecoderStopped, match="asked for what no decoder needs"):
        attack(name, pid=os.getpid())


def test_limits_can_not_be_raised(attack: Any) -> None:
    assert attack("raise limit") in ("EPERM", "ValueError: not allowed to raise maximum limit")


def test_more_memory_than_allowed(attack: Any) -> None:
    with pytest.raises(MediaTooLarge):
        attack("memory", DecodeLimits(memory_bytes=600 << 20), limit=600 << 20)


def test_processor_time_is_bounded_without_a_word_to_the_parent(attack: Any) -> None:
    with pytest.raises(DecoderStopped, match=r"processor time|no sign"):
        attack("spin")


def test_a_silent_child_is_stopped(attack: Any) -> None:
    started = time.monotonic()
    with pytest.raises(DecoderStopped, match="no sign"):
        attack("sleep", DecodeLimits(item_timeout_s=0.5))
    assert time.monotonic() - started < 4


def test_signs_of_life_for_ever_do_not_keep_the_queue(attack: Any) -> None:
    started = time.monotonic()
    with pytest.raises(DecoderStopped, match="no answer after 1 s"):
        attack("beat for ever", DecodeLimits(question_timeout_s=1.0))
    assert time.monotonic() - started < 5


def test_talk_for_ever_is_cut(attack: Any) -> None:
    with pytest.raises(DecoderStopped, match="nonsense"):
        attack("say for ever", DecodeLimits(answer_bytes=20 << 20))


def test_the_child_holds_the_exhibit_its_pipes_and_nothing_else(attack: Any) -> None:
    """Standard files (nothing behind the first two), the pipe in, the pipe out, the exhibit for reading."""
    held = dict(entry.split(":") for entry in attack("descriptors").split())
    assert sorted(held, key=int)[:3] == ["0", "1", "2"]
    assert len(held) == 6
    assert sorted(held[fd] for fd in held if int(fd) > 2) == ["r", "r", "w"]


def test_the_exhibit_can_not_be_written(attack: Any) -> None:
    held = dict(entry.split(":") for entry in attack("descriptors").split())
    readable = [int(fd) for fd in held if int(fd) > 2 and held[fd] == "r"]
    assert all(attack("write exhibit", fd=fd) == "EBADF" for fd in readable)


def test_threads_work_and_the_environment_is_empty(attack: Any) -> None:
    assert attack("thread") == "done"
    assert "HOME" not in attack("environment").split()
    assert set(attack("environment").split()) <= {
        "LC_ALL", "LC_CTYPE", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
        "OPENBLAS_NUM_THREADS", "PWD", "PYTHONPATH",
    }  # fmt: skip


def _in_a_process(code: str) -> str:
    """What a process says after it ran ``code`` with the attacks at hand."""
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-c", "from decoder_attacks import *\n" + code],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": f"{HOSTILE}:{root}"},
    )  # fmt: skip
    return done.stdout.strip()


def test_the_same_attacks_succeed_where_nothing_confines(tmp_path: Path) -> None:
    """Otherwise the refusals above would say nothing."""
    new = str(tmp_path / "new")
    code = (
        "for n in ('inet', 'unix', 'pair', 'fork', 'memfd', 'pidfd', 'code', 'read file', 'make folder', 'memory'):\n"
        f"    path = {new!r} if n == 'make folder' else '/etc/passwd'\n"
        "    ATTACKS[n]({'pid': os.getpid(), 'limit': 64 << 20, 'path': path})\n"
        "print('all done')"
    )
    assert _in_a_process(code) == "all done"
    assert (tmp_path / "new").is_dir()


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_landlock_alone_closes_the_files(tmp_path: Path) -> None:
    """Where libseccomp is missing."""
    code = (
        "from workstation.media.confinement import lock\n"
        "print(lock(1 << 32, None))\n"
        f"new = {str(tmp_path / 'new')!r}\n"
        "for n, p in (('read file', '/etc/passwd'), ('write file', new), ('list folder', '/'), ('make folder', new)):\n"
        "    try: print(ATTACKS[n]({'path': p}))\n"
        "    except OSError as e: print(errno.errorcode[e.errno])"
    )
    said = _in_a_process(code).splitlines()
    assert said[0] == "('landlock', 'limits')"
    assert said[1:] == ["EACCES"] * 4


def test_a_missing_library_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyseccomp'] = None\n"
        "from workstation.media.confinement import prepare\n"
        "calls, notes = prepare(); print(calls, notes)"
    )
    said = _in_a_process(code)
    assert said.startswith("None")
    assert "No filter of system calls" in said


def test_inside_bubblewrap_there_are_libraries_and_nothing_else(tmp_path: Path) -> None:
    """The outer wall alone, without the inner ones: what a starter's own process can see."""
    program = shutil.which("bwrap")
    if program is None:
        pytest.skip("bubblewrap is not installed")
    code = (
        "import os, sys, socket, pathlib\n"
        f"print(os.path.exists({str(tmp_path)!r}), os.listdir('/tmp'), os.path.exists('/etc/passwd'),"
        " os.path.exists('/proc/1'), os.path.exists(os.path.expanduser('~/.bashrc')))\n"
        "writable = [p for p in sys.path if os.path.isdir(p) and os.access(p, os.W_OK)]\n"
        "import workstation.media.limits\n"
        "try: open(workstation.media.limits.__file__, 'a'); print('written')\n"
        "except OSError as e: print('read-only')\n"
        "try: socket.create_connection(('192.0.2.1', 9), 2); print('connected')\n"
        "except OSError as e: print('no network')\n"
    )
    root = Path(__file__).resolve().parents[3]
    front = bubblewrap_command(program, root, (), starting.environment())
    done = subprocess.run([*front, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode and "namespace" in done.stderr:
        pytest.skip("user namespaces are off")
    assert done.stdout.splitlines() == ["False [] False False False", "read-only", "no network"], done.stderr


def test_the_shared_memory_keeps_its_size(clip: Path) -> None:
    """A shorter memory file would end the parent with a bus error, which no handler catches."""
    from workstation.media.shared_pixels import SharedPixels

    pixels = SharedPixels(100_000, 2)
    try:
        for size in (0, 10_000_000):
            with pytest.raises(OSError):
                os.ftruncate(pixels.fd, size)
    finally:
        pixels.close()


def test_a_dead_starter_is_replaced(clip: Path) -> None:
    handle = _starter(False)
    with starting.using(handle):
        first = probe(clip)
        os.kill(handle._process.pid, 9)
        handle._process.wait()
        assert probe(clip) == first
        starting._ways.close()


def test_decoding_gives_the_same_with_and_without_confinement(tmp_path: Path) -> None:
    path = clips.write_barcode_clip(tmp_path / "clip.mkv", 40)
    told = []
    for sandboxed in (True, False):
        handle = _starter(sandboxed)
        with starting.using(handle), open_media(path, probe(path)) as reader:
            told.append([frame.ref for frame in reader.frames(range(40))])  # type: ignore[union-attr]
        handle.close()
    assert told[0] == told[1]


def test_a_child_started_alone_is_locked_up_too(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of systems without a starter, taken here: slower, and the same inner layers."""
    alone = starting._Ways()
    alone._without_starter = True
    monkeypatch.setattr(starting, "_ways", alone)
    with open_media(clip, probe(clip)) as reader:
        assert clips.read_barcode(reader.frame(9).rgb) == 9
        assert reader.confinement == tuple(n for n in ("landlock", "seccomp", "limits") if n in reader.confinement)
        assert "seccomp" in reader.confinement


def test_a_starter_that_does_not_answer_is_given_up(clip: Path) -> None:
    handle = _starter(False)
    with starting.using(handle):
        first = probe(clip)
        os.kill(handle._process.pid, signal.SIGSTOP)
        with pytest.raises(OSError, match="no answer"):
            handle._ask({"do": "reap", "child": 1}, wait=0.2)
        assert not handle.alive
        assert probe(clip) == first
        starting._ways.close()


def test_exhibits_in_several_threads_at_once(tmp_path: Path) -> None:
    """One starter serves all lanes; every child sees its own exhibit and its own memory."""
    paths = [clips.write_barcode_clip(tmp_path / f"{n}.mp4", 12 + n) for n in range(4)]
    counts: dict[int, list[int | None]] = {n: [] for n in range(4)}

    def read(number: int) -> None:
        for _ in range(4):
            info = probe(paths[number])
            with open_media(paths[number], info) as reader:
                assert clips.read_barcode(reader.frame(number).rgb) == number
            counts[number].append(info.video.frame_count)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {n: [12 + n] * 4 for n in range(4)}


def _own_memory(pid: int) -> set[str]:
    """Inodes of the shared picture memory that a process has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return {line.split()[4] for line in lines if "memfd:workstation-pixels" in line}


def test_no_child_sees_the_memory_or_the_exhibit_of_another(tmp_path: Path) -> None:
    paths = [clips.write_barcode_clip(tmp_path / f"{n}.mp4", 12) for n in range(2)]
    infos = [probe(path) for path in paths]
    with open_media(paths[0], infos[0]) as one, open_media(paths[1], infos[1]) as other:
        pids = [reader.child_pid or 0 for reader in (one, other)]
        memories = [_own_memory(pid) for pid in pids]
        assert all(len(memory) == 1 for memory in memories)
        assert not memories[0] & memories[1]
        for pid, path in zip(pids, paths, strict=True):
            held = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
            files = {name for name in held if name.startswith("/") and name != "/dev/null"}
            assert {name for name in files if "memfd:workstation-pixels" not in name} == {str(path)}
            assert not any("socket" in name for name in held)


def test_the_starter_keeps_no_exhibit(clip: Path) -> None:
    handle = _starter(False)
    with starting.using(handle), open_media(clip, probe(clip)) as reader:
        reader.frame(1)
        held = [str(entry.readlink()) for entry in Path(f"/proc/{handle._process.pid}/fd").iterdir()]
        assert not [name for name in held if "clip" in name or "plain" in name or "memfd" in name]
        assert _own_memory(handle._process.pid) == set()
    handle.close()


def test_the_kernel_says_so_too(starter: StarterHandle, clip: Path) -> None:
    """No capability, no way to get one, a filter in force: read from outside."""
    with starting.using(starter), open_media(clip, probe(clip)) as reader:
        text = Path(f"/proc/{reader.child_pid}/status").read_text()
    facts = {line.partition(":")[0]: line.partition(":")[2].strip() for line in text.splitlines()}
    assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == int(facts["CapInh"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"

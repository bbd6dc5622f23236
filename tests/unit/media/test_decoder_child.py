"""The child may die, hang or be cut off: the reader survives and leaves nothing behind; exhibits are only read (E3)."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.fakes import clips
from workstation.domain.errors import DecoderStopped
from workstation.domain.media import Frame
from workstation.media.limits import DecodeLimits
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, MediaReader, open_media

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def _pid(reader: MediaReader) -> int:
    pid = reader.child_pid
    assert pid is not None
    return pid


def _gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@posix
def test_a_killed_child_costs_one_frame(tmp_path: Path) -> None:
    path = clips.write_barcode_clip(tmp_path / "long.mp4", 200)
    with open_media(path, probe(path)) as reader:
        got = []
        for number, frame in enumerate(reader.frames(range(200))):
            got.append(frame)
            if number == 20:
                os.kill(_pid(reader), signal.SIGKILL)
        lost = [f for f in got if isinstance(f, FrameFailure)]
        assert [f.ordinal if isinstance(f, FrameFailure) else f.ref.ordinal for f in got] == list(range(200))
        assert len(lost) == 1
        assert isinstance(lost[0].error, DecoderStopped)
        assert lost[0].pts == reader.index.pts[lost[0].ordinal]
        assert all(clips.read_barcode(f.rgb) == f.ref.ordinal for f in got if isinstance(f, Frame))


@posix
def test_a_killed_child_fails_one_call_and_the_next_works(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        os.kill(_pid(reader), signal.SIGKILL)
        with pytest.raises(DecoderStopped):
            reader.frame(7)
        assert clips.read_barcode(reader.frame(7).rgb) == 7


@posix
def test_children_that_keep_dying_are_given_up(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        for _ in range(3):
            if reader.child_pid is not None:
                os.kill(_pid(reader), signal.SIGKILL)
            else:
                break
            with pytest.raises(DecoderStopped):
                reader.frame(1)
        assert clips.read_barcode(reader.frame(1).rgb) == 1


@posix
def test_a_hanging_child_is_stopped_by_the_watchdog(clip: Path) -> None:
    info = probe(clip)
    with open_media(clip, info, DecodeLimits(item_timeout_s=1.0)) as reader:
        pid = _pid(reader)
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(DecoderStopped, match="no sign"):
            reader.frame(40)
        assert time.monotonic() - started < 4
        assert _gone(pid)
        assert clips.read_barcode(reader.frame(40).rgb) == 40


@linux
def test_processor_time_is_limited(clip: Path) -> None:
    """A child that spins without finishing a step is ended by the kernel even when nobody watches it."""
    code = (
        "from workstation.media.confinement import grant_cpu\n"
        "grant_cpu(1)\n"
        "while True: pass\n"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == -signal.SIGXCPU


@linux
def test_the_child_has_its_limits(clip: Path) -> None:
    limits = DecodeLimits(memory_bytes=3 << 30, cpu_seconds=77)
    with open_media(clip, probe(clip), limits) as reader:
        text = Path(f"/proc/{_pid(reader)}/limits").read_text()
    rows = {line[:26].strip(): line[26:].split() for line in text.splitlines()[1:]}
    assert rows["Max address space"][:2] == [str(3 << 30)] * 2
    assert rows["Max file size"][:2] == ["0", "0"]
    assert rows["Max core file size"][:2] == ["0", "0"]
    assert int(rows["Max open files"][1]) <= 64
    assert 77 <= int(rows["Max cpu time"][0]) < 90


@linux
def test_nothing_is_left_behind(clip: Path, tmp_path: Path) -> None:
    info = probe(clip)
    gc.collect()
    before = sorted(Path("/proc/self/fd").iterdir())
    threads = threading.active_count()
    pids = []
    for _ in range(3):
        with open_media(clip, info) as reader:
            reader.frame(3)
            pids.append(_pid(reader))
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    with pytest.raises(Exception, match="not a picture"):
        probe(bad)
    gc.collect()
    assert sorted(Path("/proc/self/fd").iterdir()) == before
    assert threading.active_count() == threads
    assert all(_gone(pid, 0.1) for pid in pids)


@linux
def test_the_child_ends_with_its_parent(clip: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from workstation.media.probing import probe;"
        "from workstation.media.reader import open_media; p = Path(sys.argv[1]); r = open_media(p, probe(p));"
        "r.frame(0); print(r.child_pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, check=False)
    assert _gone(int(done.stdout))


@linux
def test_the_exhibit_is_only_ever_open_for_reading(clip: Path) -> None:
    """E3: neither process holds a descriptor on the exhibit that could write."""
    before = (clip.stat().st_mtime_ns, clip.read_bytes())
    with open_media(clip, probe(clip)) as reader:
        reader.frame(10)
        found = 0
        for pid in (os.getpid(), _pid(reader)):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    target = entry.readlink()
                except OSError:
                    continue
                if target == clip.resolve():
                    found += 1
                    flags = int(Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text().split("flags:")[1].split()[0], 8)
                    assert flags & os.O_ACCMODE == os.O_RDONLY
        assert found
    assert (clip.stat().st_mtime_ns, clip.read_bytes()) == before


@linux
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_write_mode_open_of_the_exhibit_under_strace(clip: Path, tmp_path: Path) -> None:
    """E3, its own way of checking: a whole session under strace."""
    log = tmp_path / "calls.txt"
    code = (
        "import sys; from pathlib import Path; from workstation.media.probing import probe;"
        "from workstation.media.reader import open_media; from workstation.media.thumbnails import thumbnail_png;"
        "p = Path(sys.argv[1]); i = probe(p); r = open_media(p, i); r.frame(50); list(r.frames(range(9))); r.close();"
        "thumbnail_png(p, i)"
    )
    command = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,truncate,unlink,rename", "-o", str(log)]
    done = subprocess.run([*command, sys.executable, "-c", code, str(clip)], capture_output=True, check=False)
    if b"ptrace" in done.stderr.lower():
        pytest.skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    calls = [line for line in log.read_text().splitlines() if str(clip) in line]
    assert len(calls) >= 3
    for call in calls:
        assert "O_RDONLY" in call
        assert "O_WRONLY" not in call
        assert "O_RDWR" not in call


def test_a_read_only_exhibit_in_a_read_only_folder(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir()
    path = folder / "clip.mp4"
    shutil.copy(clip, path)
    path.chmod(0o400)
    folder.chmod(0o500)
    try:
        with open_media(path, probe(path)) as reader:
            assert clips.read_barcode(reader.frame(31).rgb) == 31
    finally:
        folder.chmod(0o700)


def test_modules_beside_the_exhibit_are_not_imported(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise SystemExit(3)")
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert probe(clip).video.frame_count == 60


def test_a_closed_reader_refuses(clip: Path) -> None:
    reader = open_media(clip, probe(clip))
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.frame(0)

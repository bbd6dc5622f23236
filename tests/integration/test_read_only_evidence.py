"""Neither the source nor the stored original is ever opened for writing, renamed, removed or touched (E3)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fakes import traced_session
from tests.fakes.traced_session import OLD, Call, Traced, whole_session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace")


@pytest.fixture(scope="module")
def session() -> Traced:
    return whole_session()


def naming(session: Traced, path: Path) -> list[Call]:
    found = [call for call in session.calls if str(path) in call.arguments]
    assert found, "the trace does not even show that the file was read"
    return found


def stored(session: Traced) -> Path:
    (path,) = [path for path in (session.case / "evidence").rglob("*") if path.is_file()]
    return path


@pytest.mark.slow
def test_the_source_is_only_ever_read(session: Traced) -> None:
    assert [call for call in naming(session, session.source) if call.writes] == []
    opened = [call for call in naming(session, session.source) if call.name == "openat"]
    assert len(opened) == 2  # one read for each of the two times it was taken in
    assert "2 frames" in session.output


@pytest.mark.slow
def test_the_original_gets_its_name_once_and_is_only_read_from_then_on(session: Traced) -> None:
    path = stored(session)
    changes = [call for call in naming(session, path) if call.writes]
    assert [call.name for call in changes] == ["rename"]
    coming, _, target = changes[0].arguments.partition(", ")
    assert ".incoming." in coming
    assert str(path) in target
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.slow
def test_reading_leaves_no_mark_in_the_access_time(session: Traced, tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_bytes(b"x")
    os.utime(probe, (OLD, OLD + 100))
    probe.read_bytes()
    if probe.stat().st_atime == OLD:
        pytest.skip("this file system keeps no access times")
    assert session.source.stat().st_atime == OLD
    assert session.source.stat().st_mtime == OLD + 100


def test_the_watch_itself_sees_writing_renaming_and_removing(tmp_path: Path) -> None:
    if not traced_session.works("strace", "-f", "--seccomp-bpf", "-o", os.devnull):
        pytest.skip("strace is not here or may not look")
    victim = tmp_path / "victim"
    victim.write_bytes(b"abc")
    script = (
        "import os, sys; p = sys.argv[1]; open(p).close(); open(p, 'r+b').close(); os.chmod(p, 0o600); "
        "os.truncate(p, 1); f = open(p, 'ab'); os.ftruncate(f.fileno(), 1); os.utime(p); os.rename(p, p + '2'); "
        "os.unlink(p + '2')"
    )
    traced_session.traced([sys.executable, "-c", script, str(victim)], tmp_path / "log", cut_off=False)
    seen = [call for call in traced_session.calls(tmp_path / "log") if str(victim) in call.arguments]
    names = [call.name for call in seen if call.writes]
    assert {"openat", "chmod", "truncate", "ftruncate", "utimensat", "rename", "unlink"} <= set(names)
    assert sum(call.name == "openat" for call in seen) > names.count("openat")

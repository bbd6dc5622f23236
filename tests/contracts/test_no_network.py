"""No network: with the cable out a whole session works, and nothing in it asks for an internet socket (C4)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fakes import traced_session
from tests.fakes.traced_session import whole_session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace")


@pytest.mark.slow
def test_a_whole_session_asks_for_no_internet_socket() -> None:
    session = whole_session()
    assert "Picture saved" in session.output
    assert [call for call in session.calls if call.internet] == []


@pytest.mark.slow
def test_a_whole_session_works_with_no_network_at_all() -> None:
    session = whole_session()
    if not session.without_network:
        pytest.skip("no network name space can be made here")
    assert "Picture saved" in session.output
    assert "verified" in session.output


def test_the_watch_itself_sees_an_attempt(tmp_path: Path) -> None:
    if not traced_session.works("strace", "-f", "--seccomp-bpf", "-o", os.devnull):
        pytest.skip("strace is not here or may not look")
    script = "import socket; s = socket.socket(socket.AF_INET); s.settimeout(1); s.connect_ex(('127.0.0.1', 9))"
    traced_session.traced([sys.executable, "-c", script], tmp_path / "log", cut_off=False)
    assert {call.name for call in traced_session.calls(tmp_path / "log") if call.internet} == {"socket", "connect"}

"""A killed program's half-written file goes with the next writing of the same name; what is being written stays."""

from __future__ import annotations

import fcntl
from pathlib import Path

from workstation.reporting.atomic import put_file


def test_a_left_part_goes_and_a_claimed_one_stays(tmp_path: Path) -> None:
    left, claimed, foreign = (
        tmp_path / ".r.pdf.0123456789ab.part",
        tmp_path / ".r.pdf.ba9876543210.part",
        tmp_path / ".other.pdf.0123456789ab.part",
    )
    for path in (left, claimed, foreign):
        path.write_bytes(b"half")
    with claimed.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        put_file(tmp_path / "r.pdf", b"whole")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([claimed.name, foreign.name, "r.pdf"])
    put_file(tmp_path / "r.pdf", b"again")
    assert not claimed.exists()
    assert (tmp_path / "r.pdf").read_bytes() == b"again"

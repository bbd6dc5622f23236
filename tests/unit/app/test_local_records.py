"""Crash reports stay local and hold nothing of a case unless asked for; the log is read as it was written."""

from __future__ import annotations

import logging
from pathlib import Path

from workstation.app.crash_reports import HEAD, crash_text, write_crash_report
from workstation.app.log_reading import crash_reports, read_log
from workstation.app.logs import start_logging, stop_logging
from workstation.app.paths import Home


def fault() -> BaseException:
    try:
        try:
            raise ValueError("no 'Smith v. Jones.mp4' in /srv/a/cases/77-secret/evidence")
        except ValueError as first:
            raise RuntimeError(f'"{first}" stopped it') from first
    except RuntimeError as second:
        return second


def test_a_report_names_the_place_in_the_program_and_nothing_of_the_case() -> None:
    text = crash_text(fault())
    assert HEAD in text
    assert "test_local_records.py" in text
    assert "RuntimeError" in text
    assert "ValueError" in text
    for word in ("Smith", "secret", "evidence"):
        assert word not in text
    assert "Smith v. Jones.mp4" in crash_text(fault(), with_contents=True)


def test_a_report_is_written_beside_the_log(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = write_crash_report(home, fault())
    assert crash_reports(home) == (path,)
    assert path.parent == home.logs
    assert "secret" not in path.read_text()


def test_the_log_is_read_with_what_follows_a_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    handler = start_logging(home)
    try:
        logger = logging.getLogger("workstation.test")
        logger.info("first")
        logger.error("second", exc_info=fault())
        logger.warning("third")
    finally:
        stop_logging(handler)
    entries = read_log(home)
    assert [(one.level, one.text) for one in entries] == [("INFO", "first"), ("ERROR", "second"), ("WARNING", "third")]
    assert "RuntimeError" in entries[1].more
    assert len(read_log(home, most=1)) == 1
    assert read_log(Home(tmp_path / "nowhere")) == ()

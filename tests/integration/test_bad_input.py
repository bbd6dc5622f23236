"""Bad input through the command line: one clear line or an abstention, an exit code, and a case that verifies."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.fakes.marked_engine import marked_portrait
from workstation.cli.main import run
from workstation.media.clips import write_clip
from workstation.reporting.signing import create_identity


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, object]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Call = Callable[..., Answer]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def invoke(*arguments: object) -> Answer:
        code = 0
        try:
            run([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Answer(code, captured.out, captured.err)

    return invoke


@pytest.fixture
def case(call: Call, tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    assert call("case", "create", folder).code == 0
    return folder


def assert_sound(call: Call, case: Path) -> None:
    answer = call("case", "verify", case)
    assert answer.code == 0, answer.out + answer.err


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    return lines[0]


def test_a_text_file_named_mp4_is_refused(call: Call, case: Path, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("This is not a film.\n" * 100, encoding="utf-8")
    answer = call("evidence", "add", case, path)
    assert answer.code == 5
    assert "letter.mp4" in one_line(answer.err)
    assert not list((case / "evidence").rglob("*.mp4"))
    assert_sound(call, case)


def test_an_empty_file_is_refused(call: Call, case: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    answer = call("evidence", "add", case, path, "--json")
    assert answer.code == 5
    assert answer.facts["refused"][0]["code"] == "empty_file"  # type: ignore[index]
    assert_sound(call, case)


def test_a_cut_video_is_kept_with_its_problem(call: Call, case: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    write_clip(whole, [marked_portrait(None)] * 20)
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    answer = call("evidence", "add", case, path)
    assert answer.code == 5
    assert "cannot be examined" in answer.out
    answer = call("examine", case)
    assert answer.code == 2
    assert "no exhibit that can be examined" in one_line(answer.err)
    assert_sound(call, case)


def test_a_picture_of_900_megapixels_is_not_decoded(call: Call, case: Path, tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    path.write_bytes(vast_png(30_000))
    assert path.stat().st_size < 2_000_000
    answer = call("evidence", "add", case, path)
    assert answer.code == 5
    assert "cannot be examined" in answer.out
    assert_sound(call, case)


def test_a_missing_file_and_a_good_one_are_told_apart(call: Call, case: Path, tmp_path: Path) -> None:
    Image.fromarray(marked_portrait(None)).save(tmp_path / "good.png")
    answer = call("evidence", "add", case, tmp_path / "good.png", tmp_path / "missing.png")
    assert answer.code == 0
    assert "EX-01" in answer.out
    assert "does not exist" in one_line(answer.err)
    again = call("evidence", "add", case, tmp_path / "good.png")
    assert again.code == 5
    assert "already in the case as EX-01" in one_line(again.err)
    assert_sound(call, case)


def test_a_picture_without_a_face_is_counted_not_scored(call: Call, case: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 400, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    assert call("evidence", "add", case, tmp_path / "wall.png").code == 0
    answer = call("examine", case, "--json")
    assert answer.code == 0, answer.err
    exhibit = answer.facts["exhibits"][0]  # type: ignore[index]
    assert exhibit["coverage"]["without_face"] == 1
    assert exhibit["coverage"]["scored"] == 0
    assert exhibit["tracks"] == []
    assert_sound(call, case)


def test_a_face_of_twenty_pixels_is_an_abstention_with_its_reason(call: Call, case: Path, tmp_path: Path) -> None:
    small = cv2.resize(marked_portrait(None), None, fx=0.21, fy=0.21, interpolation=cv2.INTER_AREA)
    canvas = np.full((240, 320, 3), 120, np.uint8)
    canvas[60 : 60 + small.shape[0], 100 : 100 + small.shape[1]] = small
    Image.fromarray(canvas).save(tmp_path / "far.png")
    assert call("evidence", "add", case, tmp_path / "far.png").code == 0
    answer = call("examine", case, "--json")
    assert answer.code == 0, answer.err
    exhibit = answer.facts["exhibits"][0]  # type: ignore[index]
    assert exhibit["coverage"]["with_face"] == 1
    for track in exhibit["tracks"]:
        assert track["mean"] is None
        assert track["abstentions"] == {"face_too_small": 1}
    assert_sound(call, case)


def test_a_detector_with_changed_weights_is_refused(call: Call, case: Path, tmp_path: Path) -> None:
    """A package whose weights differ from its card by one byte is listed with its problem and never used."""
    source = next(
        p for p in (Path(__file__).parents[2] / "resources" / "detectors").iterdir() if (p / "card.toml").is_file()
    )
    package = tmp_path / "package"
    package.mkdir()
    for file in source.iterdir():
        data = bytearray(file.read_bytes())
        if file.suffix == ".safetensors":
            data[-1] ^= 1
        else:
            data = bytearray(re.sub(rb'^id = ".*"', b'id = "other"', bytes(data), flags=re.MULTILINE))
        (package / file.name).write_bytes(bytes(data))
    answer = call("model", "install", package)
    assert answer.code == 7
    assert "SHA-256" in one_line(answer.err) or "digest" in answer.err
    assert_sound(call, case)


def test_a_wrong_password_gives_one_line_and_no_report(call: Call, case: Path, tmp_path: Path) -> None:
    create_identity(tmp_path / "me.p12", name="A. Examiner", password="right")
    Image.fromarray(np.full((300, 400, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    call("evidence", "add", case, tmp_path / "wall.png")
    call("examine", case)
    target = tmp_path / "report.pdf"
    answer = call("report", "build", case, "-o", target, "--identity", tmp_path / "me.p12", "--password", "wrong")
    assert answer.code == 9
    assert "password" in one_line(answer.err).lower()
    assert not target.exists()
    assert not list((case / "reports").glob("*"))
    assert_sound(call, case)


def test_a_report_without_an_examination_is_refused(call: Call, case: Path, tmp_path: Path) -> None:
    answer = call("report", "build", case, "-o", tmp_path / "report.pdf")
    assert answer.code == 8
    assert "no examination" in one_line(answer.err)


def test_a_case_opened_twice_is_read_only_the_second_time(call: Call, case: Path, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from workstation.app.engine import Engine\n"
            "with Engine() as e:\n    e.open_case(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()",
            str(case),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline().strip() == "open"
        Image.fromarray(marked_portrait(None)).save(tmp_path / "p.png")
        answer = call("evidence", "add", case, tmp_path / "p.png")
        assert answer.code == 3
        assert "open" in one_line(answer.err)
        assert call("case", "show", case).code == 0
        holder.stdin.close()
    assert holder.returncode == 0
    assert call("evidence", "add", case, tmp_path / "p.png").code == 0
    assert_sound(call, case)


def test_a_folder_that_is_no_case_and_a_folder_in_use(call: Call, tmp_path: Path) -> None:
    assert call("case", "show", tmp_path / "nothing").code == 3
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "letter.txt").write_text("mine")
    answer = call("case", "create", tmp_path / "busy")
    assert answer.code == 3
    assert (tmp_path / "busy" / "letter.txt").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="folder permissions of this kind are POSIX")
def test_a_read_only_folder_gives_one_line(call: Call, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    # Permission bits do not bind the superuser; in /sys/kernel not even he makes folders.
    target = locked / "case" if os.geteuid() != 0 else Path("/sys/kernel/case")
    answer = call("case", "create", target)
    assert answer.code == 4
    assert target.name in one_line(answer.err)


@pytest.mark.skipif(sys.platform != "linux", reason="file-size limits are set as Linux has them")
def test_a_full_disk_leaves_the_case_as_it_was(call: Call, case: Path, tmp_path: Path) -> None:
    """The copy meets a limit on file size in the middle: the same refusal the operating system gives on a full disk."""
    big = tmp_path / "big.png"
    noise = np.random.default_rng(3).integers(0, 255, (2200, 2200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(big)
    code = (
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))\n"
        "from workstation.cli.main import run\nrun(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "evidence", "add", str(case), str(big)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "no room left" in one_line(done.stderr)
    answer = call("case", "show", case, "--json")
    assert answer.facts["exhibits"] == []
    assert_sound(call, case)


def vast_png(side: int) -> bytes:
    """A valid black PNG of ``side`` x ``side`` pixels, under 2 MB on disk."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(1 + side)
    body = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")

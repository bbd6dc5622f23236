"""Listing before importing: nothing found is passed over in silence, and every path is listed once (X10)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from workstation.app.listing import LEFT_OUT, Listed, changed_since, list_files, located, shown
from workstation.domain.errors import Cancelled


def listed(folder: Path, case: Path | None = None) -> dict[str, Listed]:
    entries = list_files([folder], case=case or folder / "no-case")
    assert len({entry.path for entry in entries}) == len(entries)
    return {os.path.relpath(entry.path, folder): entry for entry in entries}


def test_files_come_in_name_order_with_size_and_time(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a/c/d", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = listed(tmp_path)
    assert list(found) == ["a/c/d", "a/z", "b", "c"]
    assert [entry.size for entry in found.values()] == [5, 3, 1, 1]
    assert found["b"].modified_ns == (tmp_path / "b").stat().st_mtime_ns
    assert all(entry.code == entry.line == "" for entry in found.values())


def test_hidden_linked_special_and_unreadable_entries_are_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / ".folder").mkdir()
    (tmp_path / ".folder" / "inside.png").write_bytes(b"x")
    (tmp_path / "plain").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        found = listed(tmp_path)
    told = {name: entry.line for name, entry in found.items() if entry.code == LEFT_OUT}
    assert set(told) == {".hidden.png", ".folder", "link", "loop", "dangling", "pipe", "socket"}
    assert "it is hidden" in told[".hidden.png"]
    assert "nothing in it was looked at" in told[".folder"]
    assert str(tmp_path / "plain") in told["link"]
    assert "link to nowhere" in told["dangling"]
    assert "a pipe" in told["pipe"]
    assert "a socket" in told["socket"]
    assert found["plain"].code == ""


def test_a_folder_that_may_not_be_read_is_refused_and_the_rest_goes_on() -> None:
    """As root, who may read everything, this looks through the eyes of nobody."""
    folder = Path(tempfile.mkdtemp(prefix="workstation-listing-"))
    (folder / "closed").mkdir(mode=0o000)
    (folder / "open").write_bytes(b"x")
    folder.chmod(0o755)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        found = listed(folder)
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)
    assert found["closed"].code == "permission_refused"
    assert "may not be read" in found["closed"].line
    assert found["open"].code == ""


def test_what_is_named_itself_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_bytes(b"12")
    (tmp_path / "link").symlink_to(".hidden")
    os.mkfifo(tmp_path / "pipe")
    names = [".hidden", "link", "pipe", "absent", ".hidden"]
    found = list_files([tmp_path / name for name in names], case=tmp_path / "case")
    assert [(Path(e.path).name, e.size, e.code) for e in found] == [
        (".hidden", 2, ""),
        ("link", 2, ""),
        ("pipe", 0, "input"),
        ("absent", 0, "not_found"),
    ]


def test_a_file_and_its_folder_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    found = list_files([Path("a"), tmp_path, Path("../") / tmp_path.name / "a"], case=tmp_path / "case")
    assert [entry.path for entry in found] == [str(tmp_path / "a")]


def test_the_case_is_never_taken_into_itself(tmp_path: Path) -> None:
    (tmp_path / "case" / "evidence").mkdir(parents=True)
    (tmp_path / "case" / "case.sqlite").write_bytes(b"x")
    (tmp_path / "clip").write_bytes(b"x")
    found = listed(tmp_path, tmp_path / "case")
    assert found["case"].code == LEFT_OUT
    assert set(found) == {"case", "clip"}


def test_folders_nested_deeper_than_calls_may_nest(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    try:
        assert [Path(entry.path).name for entry in list_files([tmp_path], case=tmp_path / "case")] == ["deep"]
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_names_that_are_no_text_are_shown_and_found_again(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff"))
    folder.mkdir()
    strange = folder / os.fsdecode(b"clip-\xe9.png")
    strange.write_bytes(b"abc")
    (entry,) = list_files([tmp_path], case=tmp_path / "case")
    entry.path.encode()
    assert entry.path == f"{tmp_path}/f\\xff/clip-\\xe9.png" == shown(strange)
    assert located(entry.path) == strange
    plain = tmp_path / "back\\x41slash"
    plain.write_bytes(b"x")
    assert located(shown(plain)) == plain


def test_what_changed_since_the_listing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    facts = file.stat()
    assert changed_since(facts.st_size, facts.st_mtime_ns, file) == ""
    os.utime(file, ns=(1, 1))
    assert changed_since(facts.st_size, facts.st_mtime_ns, file) == "written to since"
    file.write_bytes(b"longer")
    assert "3 bytes when listed, 6 bytes now" in changed_since(facts.st_size, facts.st_mtime_ns, file)
    assert changed_since(1, 1, tmp_path / "absent") == ""


def test_listing_can_be_cancelled(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x")

    def stop(count: int) -> None:
        if count == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list_files([tmp_path], case=tmp_path / "case", on_count=stop)

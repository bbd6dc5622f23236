"""Edits of the files of a case and of packs, beside its database (see ``tampering``)."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.harness.tampered_cases import PASSPHRASE, Made


@dataclass(frozen=True, slots=True)
class Edit:
    """What was done, and a pattern that the subject of a bad line has to match. Empty: any bad line will do."""

    what: str
    names: str


class Impossible(Exception):
    """This case has nothing of that kind to tamper with."""


Act = Callable[[random.Random, Path, Made], Edit]


def flip(chance: random.Random, path: Path) -> None:
    """Change one bit of a file."""
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _spoil(chance: random.Random, path: Path, others: list[Path]) -> str:
    """One of the things that can happen to a file."""
    act = chance.choice(("byte", "cut", "longer", "gone", "replaced", "empty"))
    path.chmod(0o644)
    data = path.read_bytes()
    if act == "byte":
        flip(chance, path)
    elif act == "cut":
        path.write_bytes(data[: chance.randrange(len(data))])
    elif act == "longer":
        path.write_bytes(data + chance.randbytes(chance.randint(1, 40)))
    elif act == "gone":
        path.unlink()
    elif act == "empty":
        path.write_bytes(b"")
    else:
        strangers = [other for other in others if other != path and other.read_bytes() != data]
        path.write_bytes(chance.choice(strangers).read_bytes() if strangers else chance.randbytes(len(data)))
    return act


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise Impossible
    return found


def vault_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    found = _files(folder, "evidence/*/*")
    path = chance.choice(found)
    return Edit(f"an original: {_spoil(chance, path, found)}", "exhibit EX-\\d+")


def array_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    found = _files(folder, "maps/*/*")
    path = chance.choice(found)
    return Edit(f"an array: {_spoil(chance, path, found)}", "map [0-9a-f]{12}|maps")


def report_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    found = _files(folder, "reports/*.pdf")
    return Edit(f"a report: {_spoil(chance, chance.choice(found), found)}", "report \\d+")


def derived_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    found = _files(folder, "derived/*")
    return Edit(f"a derived file: {_spoil(chance, chance.choice(found), found)}", "derived item .*")


def backup_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    found = _files(folder, "backups/*")
    return Edit(f"a backup: {_spoil(chance, chance.choice(found), found)}", "backup .*")


def extra_file(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A file that no record names."""
    if not made.closed:
        names = ["notes.txt", "evidence/other.mp4", "more/file", "maps/ab/file", ".hidden", "case.sqlite.bak"]
    else:
        digest = chance.randbytes(32).hex()
        names = ["notes.txt", f"evidence/{digest[:2]}/{digest}", "reports/report-99.pdf", f"maps/{digest[:2]}/x.npy.z"]
        names += ["derived/more.txt", "backups/x.sqlite", ".hidden", "case.key.bak"]
    path = folder / chance.choice(names)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(chance.randbytes(chance.randint(0, 64)))
    return Edit(f"an extra file {path.relative_to(folder)}", "case folder")


def key_byte(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A byte of an encrypted case's key file: it may also no longer open, which is a refusal of its own."""
    if made.passphrase != PASSPHRASE:
        raise Impossible
    flip(chance, folder / "case.key")
    return Edit("a byte of case.key", "")


def tamper_pack(chance: random.Random, pack: Path) -> str:
    """One edit of an exported pack: of its bytes, or of a member inside it with everything around made to fit."""
    act = chance.choice(("byte", "cut", "longer", "member changed", "member gone", "member more", "members swapped"))
    data = pack.read_bytes()
    if act == "byte":
        flip(chance, pack)
        return act
    if act == "cut":
        pack.write_bytes(data[: chance.randrange(len(data))])
        return act
    if act == "longer":
        pack.write_bytes(data + chance.randbytes(chance.randint(1, 40)))
        return act
    with zipfile.ZipFile(pack) as zipped:
        members = [(info, zipped.read(info)) for info in zipped.infolist()]
    place = chance.randrange(len(members))
    info, content = members[place]
    if act == "member changed":
        changed = bytearray(content or b"x")
        changed[chance.randrange(len(changed))] ^= 1
        members[place] = (info, bytes(changed))
    elif act == "member gone":
        members.pop(place)
    elif act == "member more":
        members.insert(place, (zipfile.ZipInfo("case/more.txt", info.date_time), b"more"))
    else:
        other = next(((n, m) for n, m in enumerate(members) if m[1] != content), None)
        if other is None:
            raise Impossible
        members[place], members[other[0]] = (info, other[1][1]), (other[1][0], content)
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_STORED) as zipped:
        for named, inside in members:
            zipped.writestr(named, inside)
    return act

"""WildDeepfake: ``{real,fake}_{train,test}/N.tar.gz``, in each archive folders of face crops, one folder a sequence.

7,314 sequences of 707 videos: 3,805 genuine, 3,509 manipulated (Zi et al., ACM MM 2020;
github.com/OpenTAI/wild-deepfake). The folders are also spelled "real train". Archives are read where they lie and never
unpacked; an unpacked folder ``N`` beside or in place of an archive is read as well. The label is a sequence's, never a
single frame's.
"""

from __future__ import annotations

import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workstation.domain.errors import InputError
from workstation.training.readers.places import PICTURES, Told, against, entries, first_folder, natural, no_layout
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Split

SEQUENCES = {False: 3805, True: 3509}
FOLDERS: dict[str, tuple[bool, Split | None]] = {
    "real_train": (False, None),
    "real_test": (False, "test"),
    "fake_train": (True, None),
    "fake_test": (True, "test"),
}
_ARCHIVES = (".tar.gz", ".tgz", ".tar")


def read(root: Path) -> Dataset:
    """Read WildDeepfake. An archive that is compressed is read through once to list it, which takes a while."""
    base = first_folder(root, "deepfake_in_the_wild", ".") or root
    places = {name: first_folder(base, name, name.replace("_", " ")) for name in FOLDERS}
    if not any(places.values()):
        raise no_layout("WildDeepfake", root, [f"{name}/N.tar.gz" for name in FOLDERS])
    told = Told()
    found: list[Found] = []
    count: Counter[bool] = Counter()
    for name, (manipulated, split) in FOLDERS.items():
        folder = places[name]
        if folder is None:
            told.missing.append(f"{name}: no such folder")
            continue
        before = len(found)
        for number, path, member, frames in _sequences(folder, told):
            facts = {"frames": str(frames)} | ({"member": member} if member else {})
            method = "WildDeepfake" if manipulated else GENUINE
            video = (f"wild:{name}/{number}",)
            found.append(Found(path, "frames", manipulated, method, video, split, facts=facts))
        if len(found) == before:
            told.missing.append(f"{name}: no sequences")
        count[manipulated] += len(found) - before
    for label, word in ((False, "genuine"), (True, "manipulated")):
        told.missing.extend(against(f"{word} sequences", count[label], SEQUENCES[label]))
    if any("member" in item.facts for item in found):
        told.notes.append("A compressed archive is read through for every sequence; a plain tar or a folder is not.")
    told.notes.append(
        "All sequences of one archive are one group; whether a person stands in two archives is not published."
    )
    return settle("WildDeepfake", base, found, missing=told.missing, notes=told.notes)


def _sequences(folder: Path, told: Told) -> Iterator[tuple[str, Path, str, int]]:
    """Number of the archive, path, member inside it (empty when unpacked), and how many frames."""
    unpacked = {one.name for one in entries(folder) if one.is_dir()}
    for one in sorted(entries(folder), key=lambda one: natural(one.name)):
        path = Path(one.path)
        if one.is_dir():
            yield from ((one.name, place, "", frames) for place, frames in _folders(path))
        elif one.name.endswith(_ARCHIVES):
            number = one.name.partition(".")[0]
            if number not in unpacked:
                try:
                    yield from ((number, path, member, frames) for member, frames in members(path))
                except InputError as error:
                    told.missing.append(error.message)


def members(archive: Path) -> list[tuple[str, int]]:
    """Folders with pictures in an archive, and how many each has. Raises: InputError when it cannot be read."""
    frames: Counter[str] = Counter()
    try:
        with tarfile.open(archive, "r:*") as tar:
            for inside in tar:
                name = PurePosixPath(inside.name)
                if inside.isreg() and name.suffix.lower() in PICTURES and not name.name.startswith("."):
                    frames[str(name.parent)] += 1
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{archive.parent.name}/{archive.name} cannot be read: {error}.", "Fetch it again.") from error
    return sorted(frames.items(), key=lambda item: natural(item[0]))


def _folders(folder: Path) -> Iterator[tuple[Path, int]]:
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        inside = entries(place)
        frames = sum(Path(one.name).suffix.lower() in PICTURES for one in inside if not one.is_dir())
        if frames:
            yield place, frames
        waiting.extend(Path(one.path) for one in reversed(inside) if one.is_dir())

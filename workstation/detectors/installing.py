"""Installing and removing detector packages: everything is tried in a hidden folder before the package has a place."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workstation.detectors import archives
from workstation.detectors.cards import CARD_FILE, read_card
from workstation.detectors.registry import installed, read_package, verify
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import (
    CardInvalid,
    DetectorError,
    DetectorNotFound,
    InputError,
    PermissionRefused,
    StorageFull,
    WeightsInvalid,
)

BARE = (".safetensors", ".ckpt", ".pt", ".pth", ".pth.tar", ".h5", ".onnx")
_NO_LICENCE = frozenset(
    {"", "unknown", "none", "unstated", "unspecified", "not stated", "noassertion", "n/a", "?", "-"}
)
_SCRATCH = ".install-"
_STALE_SECONDS = 24 * 3600.0


def install(source: Path, user_folder: Path, *, licence: str = "", origin: str = "") -> InstalledDetector:
    """Check a package and file it, read-only, under its id.

    What is checked is the copy that is kept, not the source; its self-test runs before it has a place.

    Args:
        source: a folder, a zip, tar, tar.gz or tar.xz archive, or a bare weights file of a published detector (a folder
            without a card that holds one stands for it: some heads need the tower beside them).
        licence: terms of a bare weights file, where they do not follow from its digest.
        origin: where a bare weights file is from.

    Raises:
        CardInvalid, WeightsInvalid: the package is not sound; nothing is installed.
        DetectorError: the archive is unsafe or damaged, the id is taken, nobody states the licence, or the source is no
            package.
        DetectorNotFound: there is no such source.
        InputError: a licence was given for a package, whose card states it.
        PermissionRefused, StorageFull: the folder cannot be written.
    """
    if not source.exists():
        raise DetectorNotFound(f"There is no package {source}.")
    bare = _is_bare(source)
    if not bare and (licence or origin):
        raise InputError("Licence and origin are stated for a bare weights file; a package has them on its card.")
    try:
        user_folder.mkdir(parents=True, exist_ok=True)
        _sweep(user_folder)
        with _scratch(user_folder) as scratch:
            folder = _converted(source, scratch, licence, origin) if bare else _unpacked(source, scratch)
            card = read_card(folder)
            _refuse_taken(card, user_folder)
            kept = scratch / "kept" / card.id
            kept.mkdir(parents=True)
            for name in _files(card):
                _keep(folder / name, kept / name, card.id, move=scratch in folder.parents)
            card = read_card(kept)
            _refuse_unsound(read_package(kept))
            return _placed(kept, user_folder / card.id, card)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"There is no room in {user_folder} for {source.name}.", "Free some space.") from error
        what = f"{error.filename or source.name}: {error.strerror or error}"
        raise PermissionRefused(f"{source.name} cannot be installed: {what}.") from error


def remove(detector_id: str, user_folder: Path) -> InstalledDetector:
    """Take an installed package off this machine; returns what was removed. Results in cases stay as they are.

    Raises:
        DetectorNotFound: no such package; names what is installed.
        DetectorError: it came with the program.
        PermissionRefused: its folder cannot be removed.
    """
    packages = installed(user_folder)
    own = [package for package in packages if not package.embedded]
    package = next((p for p in own if detector_id in (p.card.id, Path(p.folder).name)), None)
    if package is None:
        if any(p.card.id == detector_id for p in packages):
            raise DetectorError(f"{detector_id} came with the program and cannot be removed.")
        known = ", ".join(p.card.id for p in own) or "none"
        raise DetectorNotFound(f'There is no installed detector "{detector_id}".', f"Installed: {known}.")
    folder = Path(package.folder)
    try:
        if folder.is_symlink():
            folder.unlink()
            return package
        # Out of sight first: a removal that is interrupted leaves no half of a package behind.
        folder.chmod(0o755)
        with _scratch(user_folder) as scratch:
            folder.replace(scratch / "removed")
    except OSError as error:
        raise PermissionRefused(f"{detector_id} cannot be removed: {error.filename}: {error.strerror}.") from error
    return package


def _is_bare(source: Path) -> bool:
    if source.is_dir():
        if (source / CARD_FILE).exists() or (source / CARD_FILE).is_symlink():
            return False
        return any(entry.name.lower().endswith(BARE) for entry in source.iterdir())
    return source.name.lower().endswith(BARE)


@contextmanager
def _scratch(user_folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=user_folder, prefix=_SCRATCH) as name:
        yield Path(name)


def _sweep(user_folder: Path) -> None:
    """Clear what an installation that was killed has left, once it is a day old."""
    for left in user_folder.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _converted(source: Path, scratch: Path, licence: str, origin: str) -> Path:
    from workstation.detectors.importing.recognise import convert

    folder = scratch / "converted"
    folder.mkdir()
    convert(source, folder, licence=licence, origin=origin)
    return folder


def _unpacked(source: Path, scratch: Path) -> Path:
    """The folder holding the package: the source itself, or what was in the archive."""
    if source.is_dir():
        return source
    if not archives.is_archive(source):
        raise DetectorError(
            f"{source.name} is neither a folder nor {archives.KINDS} nor a weights file.",
            f"Weights files end in {', '.join(BARE)}.",
        )
    target = scratch / "unpacked"
    archives.unpack(source, target)
    cards = sorted(target.rglob(CARD_FILE))
    if len(cards) != 1:
        raise CardInvalid(f"{source.name} holds {len(cards)} cards; a package has one.")
    return cards[0].parent


def _files(card: DetectorCard) -> list[str]:
    return [CARD_FILE, card.weights.file, *([card.self_test.file] if card.self_test else [])]


def _keep(source: Path, target: Path, name: str, *, move: bool) -> None:
    if source.is_symlink() or not source.is_file():
        raise WeightsInvalid(f"{name}: {source.name} is missing or is not a plain file.")
    if move:
        source.replace(target)
    else:
        shutil.copyfile(source, target, follow_symlinks=False)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    target.chmod(0o444)


def _refuse_taken(card: DetectorCard, user_folder: Path) -> None:
    taken = (user_folder / card.id).exists() or any(p.card.id == card.id for p in installed(user_folder))
    if taken:
        raise DetectorError(f"A detector called {card.id} is already installed.", "Remove it first.")


def _refuse_unsound(package: InstalledDetector) -> None:
    card = package.card
    if card.weights.licence.strip().lower() in _NO_LICENCE:
        raise DetectorError(
            f"{card.id}: nobody states the licence of its weights.",
            "Ask whoever published them, and state it with --licence or on the card.",
        )
    bad = verify(package).bad
    if bad:
        said = bad[0].detail
        raise WeightsInvalid(said if said.startswith(card.id) else f"{card.id}: {said}")


def _placed(kept: Path, target: Path, card: DetectorCard) -> InstalledDetector:
    try:
        kept.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise DetectorError(f"A detector called {card.id} is already installed.", "Remove it first.") from error
        raise
    # Only now: a folder that cannot be written cannot be moved either.
    target.chmod(0o555)
    return InstalledDetector(card, str(target), False)

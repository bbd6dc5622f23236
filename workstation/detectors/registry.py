"""Which detector packages there are; installing, verifying and loading one.

A package is a folder with ``card.toml`` and the weights it names. The family on the card is an entry point in the group
``workstation.detectors``. Its module has ``load`` and ``build``, or ``load`` and ``check`` where weights are no torch
network; network libraries are loaded only with it.
"""

from __future__ import annotations

import errno
import importlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from resources import resource_path
from workstation.detectors.cards import CARD_FILE, read_card
from workstation.detectors.settings import NO_SETTINGS
from workstation.detectors.weights import check_digest, check_shapes, shapes
from workstation.domain.custody import CheckLine, CheckState, Verification
from workstation.domain.detectors import (
    Detector,
    DetectorCard,
    Direction,
    InputSpec,
    InstalledDetector,
    OutputSpec,
    WeightsSpec,
)
from workstation.domain.errors import (
    CardInvalid,
    DetectorError,
    DetectorNotFound,
    DeviceFault,
    PermissionRefused,
    StorageFull,
    WeightsInvalid,
)

if TYPE_CHECKING:
    from torch import nn

GROUP = "workstation.detectors"
_LARGEST_PACKAGE = 8 * 2**30


class _Family(Protocol):
    def load(
        self, card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
    ) -> Detector: ...

    def build(self, card: DetectorCard) -> nn.Module: ...


def installed(user_folder: Path | None = None) -> tuple[InstalledDetector, ...]:
    """Every package: embedded ones first, then those of ``user_folder``, each sorted by id.

    A package that cannot be used is listed with its problem, never left out. Digests are checked when it is loaded.
    """
    found: list[InstalledDetector] = []
    try:
        embedded = resource_path("detectors")
    except FileNotFoundError:
        embedded = None
    for root, own in ((embedded, True), (user_folder, False)):
        if root is None or not root.is_dir():
            continue
        for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
            package = _package(folder, own)
            if any(package.card.id == other.card.id for other in found):
                problem = f"another package is already called {package.card.id}"
                package = InstalledDetector(package.card, package.folder, own, problem)
            found.append(package)
    return tuple(found)


def find(detector_id: str, user_folder: Path | None = None) -> InstalledDetector:
    """Raises: DetectorNotFound naming what is installed."""
    packages = installed(user_folder)
    for package in packages:
        if package.card.id == detector_id:
            return package
    known = ", ".join(p.card.id for p in packages) or "none"
    raise DetectorNotFound(f'There is no detector "{detector_id}".', f"Installed: {known}.")


def build(card: DetectorCard) -> nn.Module:
    """The whole network of a card with freshly drawn weights, on torch's current default device.

    Raises:
        CardInvalid: the family cannot build what the card's ``network`` table asks for.
        DetectorError: the family is unknown, or its weights are no torch network.
    """
    family = _family(card)
    if not hasattr(family, "build"):
        raise DetectorError(f'{card.id}: the family "{card.family}" has no network that could be built.')
    return family.build(card)


def skeleton(card: DetectorCard) -> nn.Module:
    """The network of a card without its weights' values (on torch's meta device). Raises: as :func:`build`."""
    import torch

    with torch.device("meta"):
        return build(card)


def load(
    package: InstalledDetector,
    *,
    device: str | None = None,
    precision: str | None = None,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Detector:
    """Load a package on a device; by default the best one, in the precision it runs natively.

    Args:
        settings: what the family is told beyond the card ("merge", "schedule", "gallery").

    Raises:
        DetectorError: the package has a problem, its family is unknown, or it knows no such setting.
        WeightsInvalid: digest or shapes are not the card's.
        DeviceFault: the device is not there or has too little memory.
    """
    from workstation.detectors import runtime

    if package.problem:
        raise DetectorError(f"{package.card.id} cannot be used: {package.problem}")
    runtime.make_reproducible()
    chosen = device or runtime.pick_device()
    family = _family(package.card)
    try:
        return family.load(
            package.card,
            Path(package.folder),
            device=chosen,
            precision=precision or runtime.pick_precision(chosen),
            settings=settings,
        )
    # torch says "no such device" as a RuntimeError, and as an AssertionError when it was built without it.
    except (RuntimeError, AssertionError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise DeviceFault(f"{package.card.id} cannot be loaded on {chosen}: {reason}.", "Use the CPU.") from error


def verify(package: InstalledDetector) -> Verification:
    """Check a package: card, digest of the weights, tensors against the network, answers against its self-test."""
    subject = f"detector {package.card.id}"
    if package.problem:
        return Verification((CheckLine(subject, CheckState.BAD, package.problem),))
    lines = [CheckLine(f"{subject}: card", CheckState.OK, f"SHA-256 {package.card.card_sha256[:16]}…")]
    folder = Path(package.folder)
    try:
        check_digest(package.card, folder)
        lines.append(CheckLine(f"{subject}: weights", CheckState.OK, f"SHA-256 {package.card.weights.sha256[:16]}…"))
        lines.extend(_contents(package.card, folder))
    except DetectorError as error:
        lines.append(CheckLine(f"{subject}: weights", CheckState.BAD, error.message))
    if all(line.state is CheckState.OK for line in lines):
        from workstation.detectors import selftest

        lines.extend(selftest.run(package))
    return Verification(tuple(lines))


def _contents(card: DetectorCard, folder: Path) -> list[CheckLine]:
    family = _family(card)
    check = getattr(family, "check", None)
    if check is not None:
        return list(check(card, folder))
    found = shapes(card, folder)
    check_shapes(skeleton(card), found, card)
    return [CheckLine(f"detector {card.id}: tensors", CheckState.OK, f"{len(found)} fit the network")]


def install(source: Path, user_folder: Path) -> InstalledDetector:
    """Check a package (folder or zip archive) and file it, read-only, under its id.

    What is checked is the copy that is kept, not the source.

    Raises:
        CardInvalid, WeightsInvalid: the package is not sound; nothing is installed.
        DetectorError: the archive is unsafe or damaged, the id is taken, or the source is no package.
        DetectorNotFound: there is no such source.
        PermissionRefused, StorageFull: the folder cannot be written.
    """
    if not source.exists():
        raise DetectorNotFound(f"There is no package {source}.")
    try:
        user_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=user_folder, prefix=".install-") as scratch:
            folder = _unpacked(source, Path(scratch) / "unpacked")
            card = read_card(folder)
            target = user_folder / card.id
            if target.exists() or any(p.card.id == card.id for p in installed(user_folder)):
                raise DetectorError(f"A detector called {card.id} is already installed.", "Remove it first.")
            kept = Path(scratch) / card.id
            kept.mkdir()
            for name in (CARD_FILE, card.weights.file, *((card.self_test.file,) if card.self_test else ())):
                _copy(folder / name, kept / name, card.id)
            _refuse_unsound(InstalledDetector(read_card(kept), str(kept), False))
            kept.replace(target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"There is no room in {user_folder} for {source.name}.", "Free some space.") from error
        raise PermissionRefused(f"{source.name} cannot be installed: {error.filename}: {error.strerror}.") from error
    return InstalledDetector(card, str(target), False)


def _copy(source: Path, target: Path, name: str) -> None:
    if source.is_symlink() or not source.is_file():
        raise WeightsInvalid(f"{name}: {source.name} is missing or is not a plain file.")
    shutil.copyfile(source, target)
    target.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)


def _refuse_unsound(package: InstalledDetector) -> None:
    name = package.card.id
    _family(package.card)
    bad = verify(package).bad
    if bad:
        raise WeightsInvalid(bad[0].detail if bad[0].detail.startswith(name) else f"{name}: {bad[0].detail}")


def _unpacked(source: Path, target: Path) -> Path:
    """Return a folder holding the package; an archive is unpacked into ``target`` after every name was checked."""
    if source.is_dir():
        return source
    if not zipfile.is_zipfile(source):
        raise DetectorError(f"{source.name} is neither a folder nor a zip archive.")
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST_PACKAGE:
                raise DetectorError(f"{source.name} unpacks to more than {_LARGEST_PACKAGE >> 30} GiB.")
            for info in archive.infolist():
                path = Path(info.filename)
                linked = stat.S_ISLNK(info.external_attr >> 16)
                if path.is_absolute() or ".." in path.parts or "\\" in info.filename or ":" in info.filename or linked:
                    raise DetectorError(f"{source.name} holds an unsafe name ({info.filename}); it is not unpacked.")
            archive.extractall(target)
    # A wrong checksum, a cut stream, encryption and an unknown compression each have their own exception.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DetectorError(f"{source.name} is a damaged or locked archive ({error}).") from error
    cards = sorted(target.rglob(CARD_FILE))
    if len(cards) != 1:
        raise CardInvalid(f"{source.name} holds {len(cards)} cards; a package has one.")
    return cards[0].parent


def _package(folder: Path, embedded: bool) -> InstalledDetector:
    try:
        card = read_card(folder)
    except CardInvalid as error:
        return InstalledDetector(_unreadable(folder.name), str(folder), embedded, error.message)
    problem = ""
    if card.family not in _families():
        problem = f'its family "{card.family}" is not known to this program'
    elif not (folder / card.weights.file).is_file():
        problem = f"{card.weights.file} is missing"
    elif (size := (folder / card.weights.file).stat().st_size) != card.weights.size:
        problem = f"{card.weights.file} has {size} bytes, its card says {card.weights.size}"
    return InstalledDetector(card, str(folder), embedded, problem)


def _unreadable(name: str) -> DetectorCard:
    """Stands for a package whose card cannot be read, so that it is listed with its problem."""
    return DetectorCard(
        id=name,
        name=name,
        version="",
        family="",
        summary="",
        trace="",
        paper="",
        baseline=False,
        input=InputSpec(0, 0, 0.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "area"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "", False),
        weights=WeightsSpec("", "", 0, "", ""),
        network={},
        training="",
        limits=(),
    )


def _families() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _family(card: DetectorCard) -> _Family:
    point = _families().get(card.family)
    if point is None:
        raise DetectorError(f'{card.id}: its family "{card.family}" is not known to this program.')
    try:
        return cast(_Family, importlib.import_module(point.module))
    except ImportError as error:
        raise DetectorError(f'{card.id}: the code of its family "{card.family}" cannot be loaded ({error}).') from error

"""Which detector packages there are; verifying and loading one.

A package is a folder with ``card.toml`` and the weights it names. The family on the card is an entry point in the group
``workstation.detectors``. Its module has ``load`` and ``build``, or ``load`` and ``check`` where weights are no torch
network; network libraries are loaded only with it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from resources import resource_path
from workstation.detectors import allow
from workstation.detectors.cards import read_card
from workstation.detectors.settings import NO_SETTINGS
from workstation.detectors.weights import check_digest, check_finite, check_shapes, shapes
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
)

if TYPE_CHECKING:
    from torch import nn


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
    families = allow.families()
    try:
        embedded = resource_path("detectors")
    except FileNotFoundError:
        embedded = None
    for root, own in ((embedded, True), (user_folder, False)):
        if root is None or not root.is_dir():
            continue
        for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
            package = _package(folder, own, families)
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


def verify(package: InstalledDetector, *, device: str = "cpu", precision: str = "float32") -> Verification:
    """Check a package: card, digest of the weights, tensors against the network, answers against its self-test.

    Args:
        device, precision: where the self-test runs. Elsewhere than on the CPU in float32, where it was sealed, a looser
            tolerance holds, which its line states.
    """
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
    except Exception as error:  # noqa: BLE001 - a foreign family may fail in any way; the line says so
        lines.append(CheckLine(f"{subject}: tensors", CheckState.BAD, f"its family failed: {told(error)}"))
    if all(line.state is CheckState.OK for line in lines):
        from workstation.detectors import selftest

        lines.extend(selftest.run(package, device=device, precision=precision))
    return Verification(tuple(lines))


def _contents(card: DetectorCard, folder: Path) -> list[CheckLine]:
    family = _family(card)
    check = getattr(family, "check", None)
    if check is not None:
        return list(check(card, folder))
    found = shapes(card, folder)
    check_shapes(skeleton(card), found, card)
    check_finite(card, folder)
    return [
        CheckLine(
            f"detector {card.id}: tensors", CheckState.OK, f"{len(found)} fit the network, every value is a number"
        )
    ]


def read_package(folder: Path, *, embedded: bool = False) -> InstalledDetector:
    """The package in a folder, with its problem where it has one; nothing of it is loaded."""
    return _package(folder, embedded, allow.families())


def _package(folder: Path, embedded: bool, families: Mapping[str, allow.Family]) -> InstalledDetector:
    try:
        card = read_card(folder)
    except CardInvalid as error:
        return InstalledDetector(_unreadable(folder.name), str(folder), embedded, error.message)
    family = families.get(card.family)
    if family is None:
        problem = f'its family "{card.family}" is not known to this program'
    else:
        problem = family.problem or _file_problem(card, folder)
    return InstalledDetector(card, str(folder), embedded, problem)


def _file_problem(card: DetectorCard, folder: Path) -> str:
    for name in (card.weights.file, *((card.self_test.file,) if card.self_test else ())):
        path = folder / name
        if path.is_symlink():
            return f"{name} is a link; a package holds its files itself"
        if not path.is_file():
            return f"{name} is missing"
    size = (folder / card.weights.file).stat().st_size
    return (
        "" if size == card.weights.size else f"{card.weights.file} has {size} bytes, its card says {card.weights.size}"
    )


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


def _family(card: DetectorCard) -> _Family:
    offer = allow.families().get(card.family)
    if offer is None or offer.problem:
        problem = offer.problem if offer else f'its family "{card.family}" is not known to this program'
        raise DetectorError(f"{card.id}: {problem}.")
    try:
        return cast(_Family, importlib.import_module(offer.module))
    # What stands in a module of another distribution may fail in any way.
    except Exception as error:
        name = card.family
        raise DetectorError(f'{card.id}: the code of its family "{name}" cannot be loaded ({told(error)}).') from error


def told(error: BaseException) -> str:
    """An error of code that is not ours, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]

"""Which published detector a weights file is, and making a package of it.

Every family that has published weights adds one line to `IMPORTERS`; its module has ``matches`` and ``convert``.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

from workstation.detectors.importing.published import Published, known
from workstation.detectors.importing.tensors import Form, form_of, shapes_of
from workstation.detectors.importing.towers import is_tower
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import DetectorError, WeightsInvalid


@dataclass(frozen=True, slots=True)
class Importer:
    """A family that can make a package of its published files; ``module`` is loaded when it is asked."""

    family: str
    module: str


IMPORTERS: Final[tuple[Importer, ...]] = (
    Importer("clip_ln", "workstation.detectors.clip_ln.importing"),
    Importer("mesonet", "workstation.detectors.mesonet.importing"),
    Importer("ufd", "workstation.detectors.ufd.importing"),
    Importer("effort", "workstation.detectors.effort.importing"),
    Importer("timm_vit", "workstation.detectors.timm_vit.importing"),
    Importer("identity", "workstation.detectors.identity.importing"),
)


_MOST_FILES: Final = 64


class ImporterModule(Protocol):
    """What an importer's module has."""

    def matches(self, shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
        """Whether a file with these tensors (none for ONNX) is one of the family's published files."""
        ...

    def convert(self, path: Path, folder: Path, *, licence: str, origin: str) -> DetectorCard:
        """Write the package into ``folder``. Raises: DetectorError."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """What a weights file is.

    Attributes:
        family: the family that can import it, "" when none can.
        tower: it is a bare CLIP vision tower, which others need and which is no detector by itself.
        tensors, parameters: how many tensors and numbers it holds; 0 where that is not read.
        published: what is known of its digest, or None.
    """

    path: str
    form: str
    size: int
    sha256: str
    family: str
    tower: bool
    tensors: int
    parameters: int
    published: Published | None

    def line(self) -> str:
        """One line for people."""
        name = f"{self.published.name}, published under {self.published.licence}" if self.published else "not listed"
        what = f"for the family {self.family}" if self.family else "a tower without a head" if self.tower else "unknown"
        counted = f", {self.tensors} tensors, {self.parameters:,} parameters" if self.tensors else ""
        return f"{self.form}{counted}, {what}, digest {self.sha256[:16]}… ({name})"


def recognise(path: Path) -> Source:
    """Say what a weights file is, from its header and digest; of a folder, the one file in it that is a detector's.

    Raises:
        WeightsInvalid: it cannot be read safely; the message says why and which file to take instead.
    """
    path = _chosen(path)
    form = form_of(path)
    shapes = shapes_of(path)
    found = _importer(shapes, path)
    digest = sha256_of(path)
    return Source(
        path=str(path),
        form=str(form),
        size=path.stat().st_size,
        sha256=digest,
        family=found.family if found else "",
        tower=found is None and is_tower(shapes),
        tensors=len(shapes),
        parameters=sum(math.prod(shape) for shape in shapes.values()),
        published=known(digest),
    )


def convert(path: Path, folder: Path, *, licence: str = "", origin: str = "") -> DetectorCard:
    """Make a detector package of a published weights file.

    Args:
        path: the file, or the folder that holds it beside what it stands on (a tower).
        folder: where the package is written; it must be empty or not there.
        licence, origin: what the person says of a file whose digest is not listed; needed for such files.

    Raises:
        WeightsInvalid: the file is not readable, is no detector, or has no licence.
        DetectorError: the package cannot be written or does not load; nothing is left in ``folder`` then.
    """
    path = _chosen(path)
    form = form_of(path)
    shapes = shapes_of(path)
    found = _importer(shapes, path)
    if found is None and is_tower(shapes):
        raise WeightsInvalid(
            f"{path.name} is a CLIP vision tower without a head: by itself it says nothing about a face.",
            "Import the file of a detector; give this one along where a detector's head needs its tower, or train "
            "a head on it.",
        )
    if found is None:
        raise WeightsInvalid(
            f"{path.name} ({form}, {len(shapes)} tensors) is not the weights file of a detector known here.",
            f"Families that can be imported: {', '.join(entry.family for entry in IMPORTERS)}.",
        )
    if folder.exists() and any(folder.iterdir()):
        raise DetectorError(f"{folder} is not empty.", "Name a folder that is not there yet.")
    there = folder.exists()
    try:
        return _module(found).convert(path, folder, licence=licence, origin=origin)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if there:
            folder.mkdir(exist_ok=True)
        raise


def said_of(path: Path, sha256: str, licence: str, origin: str) -> tuple[str, str]:
    """Licence and origin of a file: what is published of its digest, else what the person says.

    Raises:
        WeightsInvalid: the digest is not listed and no licence was given, or another than the published one.
    """
    entry = known(sha256)
    if entry is None:
        if not licence.strip():
            raise WeightsInvalid(
                f"{path.name} (SHA-256 {sha256[:16]}…) is not a file known here, so its licence is not known either.",
                "Say the licence it was given to you under with --licence, and where it is from with --origin.",
            )
        return licence.strip(), origin.strip() or f"{path.name}, SHA-256 {sha256}; where it is from was not said"
    if licence.strip() and licence.strip() != entry.licence:
        raise WeightsInvalid(
            f"{path.name} is published under {entry.licence}, not {licence.strip()}.", "Leave --licence out."
        )
    return entry.licence, entry.origin if not origin.strip() else f"{entry.origin}; {origin.strip()}"


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in lower-case hexadecimal. Raises: WeightsInvalid when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsInvalid(f"{path.name} cannot be read ({error.strerror or error}).") from error


def _chosen(path: Path) -> Path:
    """The file meant by ``path``: itself, or the only weights file of a detector in that folder."""
    if not path.is_dir():
        return path
    found = []
    for file in sorted(entry for entry in path.iterdir() if entry.is_file())[:_MOST_FILES]:
        try:
            shapes = shapes_of(file)
        except WeightsInvalid:
            continue
        if _importer(shapes, file) is not None:
            found.append(file)
    if len(found) != 1:
        raise WeightsInvalid(
            f"{path.name} holds {len(found)} weights files of detectors known here.", "Name one of its files."
        )
    return found[0]


def _importer(shapes: Mapping[str, tuple[int, ...]], path: Path) -> Importer | None:
    return next((entry for entry in IMPORTERS if _module(entry).matches(shapes, path)), None)


def _module(entry: Importer) -> ImporterModule:
    return cast(ImporterModule, importlib.import_module(entry.module))


__all__ = ["IMPORTERS", "Form", "Importer", "Source", "convert", "recognise", "said_of", "sha256_of"]

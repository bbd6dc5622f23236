"""Reading a torch checkpoint, of the zip form or the older one, without running anything that is in it.

A checkpoint says what it holds in a pickle, which is a program. `pickle_machine` reads it and can build only plain
data; sizes are held against the file before anything is allocated. A TorchScript archive is a program by purpose and
is refused.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from workstation.detectors.importing.pickle_machine import LARGEST_PICKLE, Machine, StorageName
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    import torch

LARGEST_FILE: Final = 8 * 2**30
_MOST_ENTRIES: Final = 100_000
_LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION: Final = 1001
# A file may use a storage for several tensors, never for many.
_MOST_SHARING: Final = 4
_MOST_SIDES: Final = 8
_LARGEST_SIDE: Final = 2**7
_AGAIN = "Nothing in it was run. Get the file again from its publisher, as safetensors where there is one."


def read_checkpoint(path: Path, *, values: bool = True) -> Mapping[str, object]:
    """Read the dictionary a checkpoint holds: tensors, numbers, texts, containers, and `Inert` records of the rest.

    Args:
        values: without them tensors lie on torch's meta device, with the right shapes and types and no numbers.

    Raises:
        WeightsInvalid: it is no torch checkpoint, a TorchScript archive, damaged, or it names something that could
            run as a program; the message says which name.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise WeightsInvalid(f"{path.name} is larger than {LARGEST_FILE >> 30} GiB.")
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            found = _read_zip(file, path, values) if start == b"PK\x03\x04" else _read_legacy(file, path, values)
    except OSError as error:
        raise WeightsInvalid(f"{path.name} cannot be read ({error.strerror or error}).") from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise WeightsInvalid(f"{path.name} holds no dictionary of tensors.", _AGAIN)
    return cast("dict[str, object]", found)


class _Tensors:
    """Makes tensors of storages, none larger than what the file holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = _MOST_SHARING * path.stat().st_size + 2**16

    def make(self, storage: object, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> object:
        import torch

        if not isinstance(storage, torch.Tensor):
            raise self.bad()
        if len(size) != len(stride) or len(size) > _MOST_SIDES or min((offset, *size, *stride)) < 0:
            raise self.bad()
        count = 1
        for side in size:
            count *= side
        last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True)) if count else -1
        if last >= len(storage) or count > len(storage):
            raise self.bad()
        self._left -= count * storage.element_size()
        if self._left < 0:
            raise self.bad()
        if count == 0 and max(size) > _LARGEST_SIDE:
            raise self.bad()
        # The step of a side of one is never taken and may be any number.
        steps = tuple(step if side > 1 else 1 for side, step in zip(size, stride, strict=True))
        return storage.as_strided(size, steps, offset) if count else storage.new_empty(size)

    def bad(self) -> WeightsInvalid:
        return WeightsInvalid(f"{self._path.name} cannot be read: one of its tensors does not fit the file.", _AGAIN)


def _kind(name: str) -> torch.dtype:
    import torch

    return cast("torch.dtype", getattr(torch, name))


def _read_zip(file: IO[bytes], path: Path, values: bool) -> object:
    try:
        with zipfile.ZipFile(file) as archive:
            return _ZipCheckpoint(archive, path, values).read()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise WeightsInvalid(f"{path.name} cannot be read: its archive is damaged ({error}).", _AGAIN) from error


class _ZipCheckpoint:
    def __init__(self, archive: zipfile.ZipFile, path: Path, values: bool) -> None:
        self._archive = archive
        self._path = path
        self._values = values
        self._read: dict[str, tuple[StorageName, torch.Tensor]] = {}
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        tops = {name.partition("/")[0] for name in names}
        inner = {name.partition("/")[2] for name in names}
        if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
            raise torchscript_refused(path)
        if len(names) > _MOST_ENTRIES or len(set(names)) != len(names) or len(tops) != 1 or "data.pkl" not in inner:
            raise WeightsInvalid(f"{path.name} is an archive, but not one of torch's checkpoints.", _AGAIN)
        # torch stores without compression: what is compressed could unpack to any size.
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise WeightsInvalid(f"{path.name} is a compressed or locked archive, which torch never writes.", _AGAIN)
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise WeightsInvalid(f"{path.name} states more contents than it has bytes.", _AGAIN)
        self._top = tops.pop()
        self._sizes = {entry.filename: entry.file_size for entry in entries}

    def read(self) -> object:
        order = f"{self._top}/byteorder"
        if order in self._sizes and (self._sizes[order] > 16 or self._archive.read(order).strip() != b"little"):
            raise WeightsInvalid(f"{self._path.name} was written on a machine with another order of bytes.", _AGAIN)
        contents = f"{self._top}/data.pkl"
        if self._sizes[contents] > LARGEST_PICKLE:
            raise WeightsInvalid(f"{self._path.name} has a list of contents of more than {LARGEST_PICKLE >> 20} MiB.")
        machine = Machine(self._path.name, self._storage, _Tensors(self._path).make)
        return machine.run(BytesIO(self._archive.read(contents)))

    def _storage(self, name: StorageName) -> object:
        import torch

        if name.key in self._read:
            known, storage = self._read[name.key]
            if known != name:
                raise WeightsInvalid(f"{self._path.name} reads one storage in two ways.", _AGAIN)
            return storage
        entry = f"{self._top}/data/{name.key}"
        kind = _kind(name.kind)
        if self._sizes.get(entry) != name.count * kind.itemsize:
            raise WeightsInvalid(f"{self._path.name} lacks the bytes of one of its tensors ({entry}).", _AGAIN)
        if self._values and name.count:
            storage = torch.frombuffer(bytearray(self._archive.read(entry)), dtype=kind)
        else:
            storage = torch.empty(name.count, dtype=kind, device="cpu" if self._values else "meta")
        self._read[name.key] = (name, storage)
        return storage


def torchscript_refused(path: Path) -> WeightsInvalid:
    """The sentence for a TorchScript archive."""
    return WeightsInvalid(
        f"{path.name} is a TorchScript archive: a program together with its weights, and programs of others are not "
        "run here.",
        "Take the weights alone instead: of yermandy/deepfake-detection the file model.ckpt, of GenD_CLIP_L_14 the "
        "file model.safetensors, of OpenAI's towers the safetensors of openai/clip-vit-large-patch14.",
    )


class _Window:
    """A stream that ends at ``end``, so that no stated length is allocated before it is seen to be there."""

    def __init__(self, file: IO[bytes], end: int) -> None:
        self._file = file
        self._end = end

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._end - self._file.tell())
        return self._file.read(left if count < 0 else min(count, left))

    def readline(self) -> bytes:
        return self._file.readline(max(0, self._end - self._file.tell()))

    def tell(self) -> int:
        return self._file.tell()


def _read_legacy(file: IO[bytes], path: Path, values: bool) -> object:
    """The form before torch 1.6: five pickles one after another, then the storages' bytes."""
    size = path.stat().st_size
    none = _LegacyStorages(path, {})
    first = Machine(path.name, none.meta, _Tensors(path).make)

    def next_pickle(machine: Machine) -> object:
        window = _Window(file, min(size, file.tell() + LARGEST_PICKLE))
        return machine.run(cast("IO[bytes]", window))

    try:
        magic, version = next_pickle(first), next_pickle(first)
    except WeightsInvalid:
        magic, version = None, None
    if magic != _LEGACY_MAGIC or version != _LEGACY_VERSION:
        raise WeightsInvalid(f"{path.name} is not a torch checkpoint.", "Take the file its publisher names as weights.")
    machine_facts = next_pickle(first)
    if not isinstance(machine_facts, dict) or machine_facts.get("little_endian") is not True:
        raise WeightsInvalid(f"{path.name} was written on a machine with another order of bytes.", _AGAIN)
    place = file.tell()
    found = next_pickle(first)
    keys = next_pickle(first)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise WeightsInvalid(f"{path.name} cannot be read: its list of contents is damaged.", _AGAIN)
    storages = _LegacyStorages(path, none.named)
    storages.read(file, cast("list[str]", keys), size, values)
    if not values:
        return found
    # A second time over the same pickle, now that the storages are known.
    file.seek(place)
    return next_pickle(Machine(path.name, storages.known, _Tensors(path).make))


class _LegacyStorages:
    def __init__(self, path: Path, named: dict[str, StorageName]) -> None:
        self._path = path
        self.named = dict(named)
        self._read: dict[str, torch.Tensor] = {}

    def meta(self, name: StorageName) -> object:
        import torch

        if self.named.setdefault(name.key, name) != name:
            raise WeightsInvalid(f"{self._path.name} reads one storage in two ways.", _AGAIN)
        if name.count * _kind(name.kind).itemsize > self._path.stat().st_size:
            raise WeightsInvalid(f"{self._path.name} lacks the bytes of one of its tensors.", _AGAIN)
        return torch.empty(name.count, dtype=_kind(name.kind), device="meta")

    def known(self, name: StorageName) -> object:
        return self._read[name.key]

    def read(self, file: IO[bytes], keys: list[str], size: int, values: bool) -> None:
        """Read the storages' bytes in the order of ``keys``; each is preceded by its count of numbers."""
        import torch

        cut = WeightsInvalid(f"{self._path.name} lacks the bytes of one of its tensors.", _AGAIN)
        if len(set(keys)) != len(keys) or set(keys) != set(self.named):
            raise cut
        for key in keys:
            name = self.named[key]
            kind = _kind(name.kind)
            head = file.read(8)
            wanted = name.count * kind.itemsize
            if len(head) != 8 or struct.unpack("<q", head)[0] != name.count or file.tell() + wanted > size:
                raise cut
            if not values:
                file.seek(wanted, 1)
            elif name.count:
                self._read[key] = torch.frombuffer(bytearray(file.read(wanted)), dtype=kind)
            else:
                self._read[key] = torch.empty(0, dtype=kind)

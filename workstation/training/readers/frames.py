"""Frames of a sample, spread evenly over its whole length.

Taking the first frames of a clip, as some readers do, shows one pose and one light of it: a figure from them says less
than its number of frames promises. A clip is cut into ``count`` equal parts and the middle frame of each is taken.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray
from workstation.training.readers.places import PICTURES, files, natural
from workstation.training.samples import Sample

# Containers that state their number of frames exactly; elsewhere it is an estimate and the clip is read through once.
_COUNTED = frozenset({".mp4", ".mov", ".m4v"})
_LARGEST_MEMBER = 64 * 1024 * 1024


def spread(length: int, count: int) -> tuple[int, ...]:
    """Indices of the middle frames of ``count`` equal parts of ``length`` frames; all of them when there are no more.

    Raises:
        InputError: ``count`` is less than one.
    """
    if count < 1:
        raise InputError(f"{count} frames of a clip cannot be taken.", "Ask for one or more.")
    if count >= length:
        return tuple(range(length))
    return tuple((2 * part + 1) * length // (2 * count) for part in range(count))


def frames_of(sample: Sample, count: int) -> Iterator[tuple[int, RgbArray]]:
    """Yield index and picture (height, width, 3) uint8 of ``count`` frames, evenly over the whole length.

    A picture gives itself, as frame 0. Fewer frames than asked for give all there are.

    Raises:
        InputError: nothing can be read, or a frame is broken.
    """
    for index, picture in _pictures(sample.path, sample, count, None):
        yield index, np.ascontiguousarray(picture[..., ::-1])


def masks_of(sample: Sample, indices: Sequence[int]) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield index and mask (height, width) uint8 at the frames ``indices``, as :func:`frames_of` gave them.

    In a folder the frame's own name is looked for first, then its place. A frame without a mask is passed over.
    """
    if sample.mask is None:
        return
    if sample.form == "frames" and sample.mask.is_dir():
        names = _names(sample)
        there = {Path(name).stem: name for name in sorted(files(sample.mask, PICTURES), key=natural)}
        in_order = list(there.values())
        for index in indices:
            name = there.get(Path(names[index]).stem) if index < len(names) else None
            if name is None and len(in_order) == len(names) and index < len(names):
                name = in_order[index]
            if name is not None:
                yield index, _grey(_decoded(_bytes(sample.mask / name), str(sample.mask / name)))
        return
    places = {index: index for index in indices}
    if sample.form == "frames":
        # Frames kept of a clip are named by their number in it, which is where the clip's mask has them.
        names = _names(sample)
        places = {index: _number(names[index], index) for index in indices if index < len(names)}
    by_place = dict(_pictures(sample.mask, sample, len(places), sorted(places.values())))
    for index, place in places.items():
        if place in by_place:
            yield index, _grey(by_place[place])


def _number(name: str, otherwise: int) -> int:
    stem = Path(name).stem
    return int(stem) if stem.isdigit() else otherwise


def _grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(picture.max(axis=-1))


def _pictures(
    path: Path, sample: Sample, count: int, indices: Sequence[int] | None
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    if "member" in sample.facts:
        yield from _in_archive(path, sample.facts["member"], count)
    elif path.is_dir():
        names = sorted(files(path, PICTURES), key=natural)
        if not names:
            raise InputError(f"{path} holds no frames.")
        for index in spread(len(names), count) if indices is None else indices:
            if index < len(names):
                yield index, _decoded(_bytes(path / names[index]), str(path / names[index]))
    elif path.suffix.lower() in PICTURES:
        yield 0, _decoded(_bytes(path), str(path))
    else:
        yield from _of_video(path, count, indices)


def _names(sample: Sample) -> list[str]:
    if "member" in sample.facts:
        return _members(sample.path, sample.facts["member"])
    return sorted(files(sample.path, PICTURES), key=natural)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(data: bytes, name: str) -> npt.NDArray[np.uint8]:
    import cv2

    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        raise InputError(f"{name} is not a picture that can be read.")
    return np.asarray(bgr, np.uint8)


def _members(archive: Path, folder: str) -> list[str]:
    with _opened(archive) as tar:
        found = [inside.name for inside in tar if _is_frame(inside, folder)]
    return sorted(found, key=natural)


def _is_frame(inside: tarfile.TarInfo, folder: str) -> bool:
    name = PurePosixPath(inside.name)
    return (
        inside.isreg()
        and str(name.parent) == folder
        and name.suffix.lower() in PICTURES
        and not name.name.startswith(".")
    )


def _opened(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive, "r:*")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{archive} cannot be read: {error}.") from error


def _in_archive(archive: Path, folder: str, count: int) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Read the wanted members in the archive's own order, then give them in the frames' order; nothing is unpacked."""
    names = _members(archive, folder)
    if not names:
        raise InputError(f"{archive} holds no frames in {folder}.")
    wanted = {names[index]: index for index in spread(len(names), count)}
    read: dict[int, bytes] = {}
    with _opened(archive) as tar:
        for inside in tar:
            if inside.name in wanted and inside.isreg():
                if inside.size > _LARGEST_MEMBER:
                    raise InputError(f"{archive}: {inside.name} is {inside.size} bytes, which is no frame of a face.")
                member = tar.extractfile(inside)
                read[wanted[inside.name]] = member.read() if member else b""
    for index in sorted(read):
        yield index, _decoded(read[index], f"{archive}::{names[index]}")


def _of_video(path: Path, count: int, indices: Sequence[int] | None) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    length = _length(path)
    wanted = spread(length, count) if indices is None else tuple(indices)
    taken = dict(_grabbed(path, wanted))
    if indices is None and len(taken) < len(wanted):
        # The container promised more frames than it has: spread again over those it has.
        length = _counted(path)
        taken = dict(_grabbed(path, spread(length, count))) if length else {}
    if not taken and indices is None:
        raise InputError(f"{path} gives no frames.")
    yield from sorted(taken.items())


def _capture(path: Path) -> Any:
    import cv2

    if not path.is_file():
        raise InputError(f"{path} is not there.")
    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise InputError(f"{path} is not a video that can be read.")
    return video


def _length(path: Path) -> int:
    import cv2

    video = _capture(path)
    try:
        stated = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        video.release()
    return stated if stated > 0 and path.suffix.lower() in _COUNTED else _counted(path)


def _counted(path: Path) -> int:
    video = _capture(path)
    try:
        length = 0
        while video.grab():
            length += 1
        return length
    finally:
        video.release()


def _grabbed(path: Path, wanted: Sequence[int]) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Frames by counting from the first: seeking by number is not exact in every container."""
    video = _capture(path)
    try:
        left = set(wanted)
        for index in range(max(wanted, default=-1) + 1):
            if not video.grab():
                return
            if index in left:
                good, bgr = video.retrieve()
                if good:
                    yield index, np.asarray(bgr, np.uint8)
    finally:
        video.release()

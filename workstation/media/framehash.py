"""A list of all frames that another program can check (G9): the text that ffmpeg's ``framehash`` format has.

For a video whose examined stream has index N the list equals, line by line except for ``#software``, what ::

    ffmpeg -noautorotate -copyts -i FILE -map 0:N -fps_mode passthrough -enc_time_base -1 -autoscale 0 \
        -f framehash -hash sha256 -

prints: one line a frame in order of presentation with the stream's own time stamps and time base, and the plain SHA-256
of its decoded planes as stored (neither turned, nor scaled, nor converted; visible rows without padding). Programs
older than ffmpeg 5.1 spell the option ``-vsync passthrough``.

Two things are told apart here that ffmpeg does not tell apart. A frame that depends on broken data has no line but a
comment ``#damaged``: what a decoder conceals there is its own guess. A raw stream without time stamps has the counted
ordinal as its time stamp; only sizes and digests can then be compared.

The digest in the list is not :func:`workstation.media.digests.frame_digest`, which puts two lines of text in front of
the same bytes; :func:`workstation.media.digests.plain_digest` is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from workstation.domain.errors import DamagedMedia, DecoderStopped, InputError, PermissionRefused, StorageFull
from workstation.domain.media import MediaInfo, MediaKind, MediaLocation, TimeBase
from workstation.media.answers import Nonsense, decoder_name, digest, whole
from workstation.media.limits import DecodeLimits
from workstation.media.tasks import run_task
from workstation.media.wire import Message

if TYPE_CHECKING:
    from workstation.media.open_exhibit import OpenExhibit
    from workstation.media.video_source import VideoSource

_BATCH = 256
_INTEGER = 1 << 63
COMMAND = (
    "ffmpeg -noautorotate -copyts -i FILE -map 0:{stream} -fps_mode passthrough -enc_time_base -1 -autoscale 0 "
    "-f framehash -hash sha256 -"
)


@dataclass(frozen=True, slots=True)
class FrameList:
    """What was written.

    Attributes:
        stream, time_base: the examined stream.
        frames: number of lines; ``damaged`` the time stamps (ticks) of frames without one.
        decoder: names and versions of the libraries.
        sha256, size: of the text file.
    """

    stream: int
    time_base: TimeBase
    frames: int
    damaged: tuple[int, ...]
    decoder: str
    sha256: str
    size: int

    @property
    def command(self) -> str:
        """The command line that makes the same list with ffmpeg."""
        return COMMAND.format(stream=self.stream)


def write_framehash(
    location: Path | MediaLocation,
    info: MediaInfo,
    output: Path,
    *,
    limits: DecodeLimits | None = None,
    on_frames: Callable[[int], None] | None = None,
) -> FrameList:
    """Decode a whole video once in a confined child and write the list of its frames.

    Args:
        info: what ``probe`` said about this very exhibit.
        output: a new or existing file; it appears only when it is whole.
        on_frames: called with the number of frames listed so far; an exception of it ends the work.

    Raises:
        InputError: the exhibit is a picture.
        StorageFull, PermissionRefused: the list cannot be written.
        EvidenceError: as for ``run_task``.
    """
    if info.kind is not MediaKind.VIDEO:
        raise InputError("A picture has no list of frames.", "Its SHA-256 and its one frame digest name it.")
    partial = output.with_name(f".{output.name}.part")
    try:
        try:
            with partial.open("w", encoding="ascii", newline="\n") as file:
                facts, damaged, frames = _write(location, file, limits, on_frames)
                file.flush()
                os.fsync(file.fileno())
            text = partial.read_bytes()
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    except PermissionError as error:
        raise PermissionRefused(f"{output.name} may not be written.", "Choose another folder.") from error
    except OSError as error:
        raise StorageFull(f"{output.name} cannot be written: {error.strerror}.", "Free some space.") from error
    base = TimeBase(int(facts["num"]), int(facts["den"]))
    sha256 = hashlib.sha256(text).hexdigest()
    return FrameList(int(facts["stream"]), base, frames, tuple(damaged), str(facts["decoder"]), sha256, len(text))


def _write(
    location: Path | MediaLocation,
    file: IO[str],
    limits: DecodeLimits | None,
    on_frames: Callable[[int], None] | None,
) -> tuple[Message, list[int], int]:
    damaged: list[int] = []
    frames = 0
    header: Message = {}

    def take(part: Message) -> None:
        nonlocal frames, header
        if "header" in part:
            header = _checked(part["header"])
            file.write(_header(header))
        for row in part.get("rows", ()):
            pts, duration, size = (whole({"n": value}, "n", -_INTEGER, _INTEGER - 1) for value in row[:3])
            if row[3]:
                frames += 1
                file.write(line(pts, duration, size, digest({"n": row[3]}, "n")))
            else:
                damaged.append(pts)
                file.write(f"#damaged 0: {pts}\n")
        if on_frames is not None:
            on_frames(frames)

    try:
        run_task(location, "framehash", {}, limits, on_said=take)
    except (ValueError, LookupError, TypeError) as error:
        raise DecoderStopped("The decoder answered nonsense and was stopped.") from error
    if not header:
        raise DamagedMedia("No frame of the video can be decoded.", "Ask for another copy.")
    return header, damaged, frames


def _checked(facts: Any) -> Message:
    """The header a child said. Raises: Nonsense."""
    if not isinstance(facts, dict) or not isinstance(facts.get("sar"), list) or len(facts["sar"]) != 2:
        raise Nonsense("header")
    numbers = {name: whole(facts, name, 0, 1 << 31) for name in ("stream", "width", "height")}
    base = {name: whole(facts, name, 1, 1 << 31) for name in ("num", "den")}
    ratio = [whole({"n": value}, "n", 0, 1 << 31) for value in facts["sar"]]
    return {**numbers, **base, "sar": ratio, "decoder": decoder_name(facts)}


def line(pts: int, duration: int, size: int, digest: str) -> str:
    """One frame as libavformat's ``framehash`` muxer prints it; a decoded frame's ``dts`` is its ``pts``."""
    return f"0, {pts:10d}, {pts:10d}, {duration:8d}, {size:8d}, {digest}\n"


def _header(facts: Message) -> str:
    return (
        "#format: frame checksums\n#version: 2\n#hash: SHA256\n"
        f"#software: {_ascii(facts['decoder'])}\n"
        f"#tb 0: {int(facts['num'])}/{int(facts['den'])}\n#media_type 0: video\n#codec_id 0: rawvideo\n"
        f"#dimensions 0: {int(facts['width'])}x{int(facts['height'])}\n"
        f"#sar 0: {int(facts['sar'][0])}/{int(facts['sar'][1])}\n"
        "#stream#, dts,        pts, duration,     size, hash\n"
    )


def _ascii(text: object) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in str(text))


def warm_up() -> None:
    """Load the video decoder before the child is confined."""
    from workstation.media.warm_up import warm_up as load_all

    load_all()


def read(exhibit: OpenExhibit, arguments: Message, beat: Callable[[], None], say: Callable[[Message], None]) -> Message:
    """The task: say the header with the first frame, then the frames in batches of ``[pts, duration, size, sha256]``.

    A damaged frame has an empty digest. The result is the number of frames.
    """
    from workstation.media.video_source import VideoSource

    source = VideoSource(exhibit, known=True)
    try:
        rows: list[list[Any]] = []
        count = 0
        for header, row in _rows(source, beat):
            if header is not None:
                say({"header": header})
            rows.append(row)
            count += 1
            if len(rows) == _BATCH:
                say({"rows": rows})
                rows = []
        say({"rows": rows})
        return {"frames": count}
    finally:
        source.close()


def _rows(source: VideoSource, beat: Callable[[], None]) -> Iterator[tuple[Message | None, list[Any]]]:
    from workstation.media.digests import plain_digest

    index = source.index(beat)
    counted = not index.keys
    header: Message | None = None
    # Where a container knows no durations, its nominal rate stands for them.
    usual = round(1 / (source.guessed_rate * Fraction(index.num, index.den)))
    for ordinal, (frame, damage) in enumerate(source.frames_from(None)):
        beat()
        first = None
        if header is None:
            sar = source.sample_aspect_ratio
            first = header = {
                "stream": index.stream, "num": index.num, "den": index.den, "decoder": source.decoder,
                "width": frame.width, "height": frame.height, "sar": [sar.numerator, sar.denominator],
            }  # fmt: skip
        pts = ordinal if counted else frame.pts
        if pts is None:
            continue
        name, size = ("", 0) if damage is not None else plain_digest(frame)
        duration = 1 if counted else (frame.duration or usual)
        yield first, [pts, duration, size, name]

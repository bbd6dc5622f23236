"""A video opened by PyAV inside the decoder child. Only this module and ``clips`` import PyAV."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import av.logging
from av.video.reformatter import Interpolation, VideoReformatter

from workstation.domain.errors import DamagedMedia, MediaTooLarge, UnreadableMedia
from workstation.media.cursor import Cursor
from workstation.media.decode_run import DecodeRun, Judged, too_large
from workstation.media.decoded import Beat, Decoded, Index, PlaneLayout
from workstation.media.digests import frame_digest, plane_layout, visible_rows
from workstation.media.open_exhibit import OpenExhibit
from workstation.media.video_facts import describe_streams, stream_warnings
from workstation.media.wire import Message

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Containers with pictures in themselves. Playlists (hls, dash, concat), devices and picture sequences are not here.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,ogg,asf,mxf,ivf,h264,hevc,obu,m4v,dv,nut,"
    "yuv4mpegpipe,mjpeg"
)
_PROBED_FRAMES = 400
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

av.logging.set_level(None)


class VideoSource:
    """One video exhibit, read from its descriptor where it has one, else from its file object."""

    def __init__(self, exhibit: OpenExhibit, known: bool) -> None:
        self._exhibit = exhibit
        self.limits = exhibit.limits
        self._known = known
        self._cursor: Cursor | None = None
        self._reformatter = VideoReformatter()
        self._container = self._open()
        try:
            self._stream = self._pick()
            self.decoder = versions(self._stream.codec_context.name)
        except BaseException:
            self._container.close()
            raise

    def _open(self) -> InputContainer:
        try:
            return open_container(self._exhibit)
        except MemoryError as error:
            raise too_large() from error
        except (av.error.FFmpegError, ValueError, OSError) as error:
            if self._known:
                raise DamagedMedia(
                    "The file begins like a video but cannot be opened: it is cut short or broken.",
                    "Ask for a complete copy; a recording that was interrupted may lack its table of contents.",
                ) from error
            raise UnreadableMedia(
                "The file is not a picture or a video that this product can read.",
                "Its content decides, not its name: JPEG, PNG, WebP, TIFF, HEIC, AVIF or a common video container.",
            ) from error

    def _pick(self) -> VideoStream:
        """The stream that is examined: the default one among the moving pictures, else the largest."""
        pictures = [s for s in self._container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not pictures:
            raise UnreadableMedia("The file holds no moving picture.", "Sound alone cannot be examined here.")
        usable = [s for s in pictures if s.codec_context is not None]
        if not usable:
            raise UnreadableMedia("The video is coded in a way this build has no decoder for.")
        stream = max(
            usable,
            key=lambda s: (bool(s.disposition & av.stream.Disposition.default), s.width * s.height, -s.index),
        )
        pixels = stream.width * stream.height
        if pixels > self.limits.max_pixels:
            raise MediaTooLarge(
                f"The video is {stream.width} x {stream.height} pixels, above the limit of "
                f"{self.limits.max_pixels:,} pixels a picture."
            )
        context = stream.codec_context
        context.options = {"max_pixels": str(self.limits.max_pixels)}
        # Frame threads would be faster, but with them a broken picture is marked as such only if its thread happens to
        # end in time (measured: the mark was missing in one run of three).
        context.thread_type = "SLICE"
        context.thread_count = thread_count()
        context.copy_opaque = True  # the packet's number comes out again with its frame
        for other in self._container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        return stream

    def packets(self) -> Iterator[Any]:
        """Every packet of the examined stream, the empty one that drains the decoder last. A read error ends them."""
        demuxed = self._container.demux(self._stream)
        wanted = self._stream.index
        while True:
            try:
                packet = next(demuxed)
                # A stream that first appears on the way (a transport stream's next programme) has no place in PyAV's
                # list of what was asked for: it looks behind the list's end, and may hand over a stranger's packets.
                if packet.stream.index == wanted:
                    yield packet
            except (StopIteration, IndexError):
                # IndexError: at the end it stumbles over such a stream; all packets of the known ones have come then.
                return
            except MemoryError as error:
                raise too_large() from error
            except (av.error.FFmpegError, ValueError, OSError):
                self.read_error = True
                yield None
                return

    read_error = False

    def frames_from(self, key: int | None) -> Iterator[Judged]:
        """Decode from the keyframe at ``key`` ticks (or wherever the container lands), or from the very beginning."""
        if key is None:
            self._reopen()
        else:
            with contextlib.suppress(av.error.FFmpegError, ValueError):
                self._container.seek(key, stream=self._stream, backward=True)
        return self._decode()

    def _decode(self) -> Iterator[Judged]:
        context = self._stream.codec_context
        late = thread_count() if "av1" in context.name else 0
        return iter(DecodeRun(context, self.packets(), late))

    def _reopen(self) -> None:
        self._container.close()
        self._container = self._open()
        self._stream = self._pick()

    def describe(self, beat: Beat) -> Message:
        index = self.index(beat)
        self._reopen()
        sample = self._first_whole_frame(beat)
        streams = describe_streams(self._container, self._stream, sample, len(index.pts))
        return {
            "kind": "video",
            "container": self._container.format.name,
            "streams": streams,
            "primary": self._stream.index,
            "duration_s": self.duration_s,
            "warnings": [*index.warnings, *stream_warnings(self._container, self._stream, sample)],
        }

    def _first_whole_frame(self, beat: Beat) -> VideoFrame:
        for frame, damage in itertools.islice(self._decode(), _PROBED_FRAMES):
            beat()
            if damage is None:
                return frame
        raise DamagedMedia("The video opens, but no picture in it can be decoded.", "Ask for another copy.")

    def index(self, beat: Beat) -> Index:
        from workstation.media.indexing import build_index

        self._reopen()
        index = build_index(self, self._stream, beat)
        self.use_index(index)
        return index

    @property
    def has_edit_list(self) -> bool:
        """Whether the container is of the kind that can have one (MP4, MOV)."""
        return "mp4" in self._container.format.name

    def frames_held(self, number: int) -> int:
        """Frames of a stream that are in the file, with its edit list left aside; by demuxing."""
        whole = self._exhibit
        # Without the descriptor: two containers over one would move each other's position.
        apart = OpenExhibit(whole.name, whole.size, whole.limits, whole.file)
        try:
            with open_container(apart, {"ignore_editlist": "1"}) as container:
                return sum(1 for packet in container.demux(container.streams[number]) if packet.size)
        except (av.error.FFmpegError, ValueError, OSError, IndexError):
            return 0

    def use_index(self, index: Index) -> None:
        self._cursor = Cursor(self, index)

    def fetch(self, ordinal: int, keep_passed: bool, beat: Beat) -> Decoded:
        assert self._cursor is not None
        return _DecodedFrame(self._cursor.fetch(ordinal, keep_passed, beat), self._reformatter)

    @property
    def duration_s(self) -> float | None:
        """Length the container announces, in seconds."""
        ticks = self._container.duration
        return ticks / av.time_base if ticks is not None and ticks > 0 else None

    @property
    def guessed_rate(self) -> Fraction:
        return self._stream.guessed_rate or self._stream.average_rate or Fraction(25)

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width of a stored pixel over its height, as the container or the stream tells it; 0/1 when neither does."""
        return self._stream.sample_aspect_ratio or Fraction(0, 1)

    def close(self) -> None:
        self._container.close()


class _DecodedFrame:
    def __init__(self, frame: VideoFrame, reformatter: VideoReformatter) -> None:
        self._frame = frame
        self._reformatter = reformatter
        self.width = frame.width
        self.height = frame.height

    def digest(self) -> str:
        return frame_digest(self._frame)

    def rgb(self) -> tuple[int, memoryview]:
        # One reformatter for all frames: five times faster than converting each on its own. It reads the frame's own
        # matrix and range; untagged frames are BT.601, limited range (full for yuvj), as everywhere in FFmpeg. Its
        # quick way is off by up to 3 levels of 255 (measured); from more than 8 bits, where it is off by 4, the exact
        # one is taken, which is right to 1 level and costs 50 ms instead of 12 for 1080p.
        deep = any(component.bits > 8 for component in self._frame.format.components)
        how, threads = (_EXACT, thread_count()) if deep else (None, 1)
        plane = self._reformatter.reformat(self._frame, format="rgb24", interpolation=how, threads=threads).planes[0]
        return plane.line_size, memoryview(plane)

    def samples(self) -> tuple[str, list[PlaneLayout], Sequence[memoryview]]:
        return self._frame.format.name, plane_layout(self._frame), list(visible_rows(self._frame))


def open_container(exhibit: OpenExhibit, more: Mapping[str, str] | None = None) -> InputContainer:
    """Open an exhibit with the demuxers of ``FORMATS`` alone; no playlist leads it to another file or address.

    Raises:
        MemoryError, av.error.FFmpegError, ValueError, OSError: as PyAV gives them.
        MediaTooLarge: it announces more streams than the limit.
    """
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "fd" if exhibit.fd >= 0 else "none"}
    options |= more or {}
    if exhibit.fd < 0:
        container = av.open(exhibit.file(), mode="r", options=options, metadata_errors="replace")
    else:
        os.lseek(exhibit.fd, 0, os.SEEK_SET)
        options["fd"] = str(exhibit.fd)
        container = av.open("fd:", mode="r", options=options, metadata_errors="replace")
    streams, most = len(container.streams), exhibit.limits.max_streams
    if streams > most:
        container.close()
        raise MediaTooLarge(f"The file announces {streams} streams, above the limit of {most}.")
    return container


def versions(codec: str) -> str:
    """The decoder's name for the record (X9): libraries with their versions, and the codec."""
    libraries = av.library_versions
    parts = (f"{name} {'.'.join(map(str, libraries[name]))}" for name in ("libavcodec", "libavformat", "libswscale"))
    return f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}, {', '.join(parts)}, {codec}"


def thread_count() -> int:
    """Slices decoded at once; more than four gain little."""
    cores = len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else (os.cpu_count() or 1)
    return max(1, min(4, cores))

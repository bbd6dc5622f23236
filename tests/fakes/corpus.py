"""A corpus of small clips made at run time by the ffmpeg program: one for each way in which frame identity goes wrong.

Everything is synthetic (``testsrc2``). The program is the independent witness of the tests, too: its own decoder and
its own demultiplexers are held against ours (G9).
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
X264 = "-c:v libx264 -preset veryfast -threads 1"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=none:frame-threads=1"


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a frame list: the time stamp in ticks, the size in bytes, the SHA-256 in hexadecimal."""

    pts: int
    size: int
    sha256: str


def ffmpeg(*arguments: str | Path) -> str:
    """Run the program and return its standard output."""
    assert FFMPEG is not None
    command = [FFMPEG, "-nostdin", "-hide_banner", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, errors="replace").stdout


def reference_text(clip: Path, stream: int = 0, vsync: str = "-fps_mode") -> str:
    """ffmpeg's own list of the frames of one stream: stored orientation, the stream's own time stamps and time base."""
    wanted = f"-map 0:{stream} {vsync} passthrough -enc_time_base -1 -autoscale 0 -f framehash -hash sha256 -"
    return ffmpeg("-noautorotate", "-copyts", "-i", clip, *wanted.split())


def reference(clip: Path, stream: int = 0) -> list[Listed]:
    """The lines of :func:`reference_text`."""
    rows = [line.split(",") for line in reference_text(clip, stream).splitlines() if not line.startswith("#")]
    return [Listed(int(row[2]), int(row[4]), row[5].strip()) for row in rows]


def pattern(
    path: Path, coding: str, *, size: str = "160x96", rate: str = "25", frames: int = 60, filters: str = ""
) -> Path:
    """Encode ``testsrc2``; ``coding`` is what stands between input and output on ffmpeg's command line."""
    source = f"testsrc2=s={size}:r={rate},noise=alls=6:all_seed=5" + (f",{filters}" if filters else "")
    flags = "-fflags +bitexact -flags:v +bitexact"
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", str(frames), *coding.split(), *flags.split(), path)
    return path


def _copied(options: str, output_options: str = "") -> Callable[[Path, Path], None]:
    def make(source: Path, path: Path) -> None:
        ffmpeg(*options.split(), "-i", source, "-map", "0", "-c", "copy", *output_options.split(), path)

    return make


# name -> (suffix, coding, further arguments of ``pattern``)
PLAIN: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "cfr": (".mp4", f"{X264} -g 12 -bf 0 -pix_fmt yuv420p", {}),
    "b_frames": (".mp4", f"{X264} -g 24 -bf 3 -pix_fmt yuv420p", {}),
    "b_frames_long_gop": (".mp4", f"{X264} -g 250 -bf 2 -pix_fmt yuv420p", {"frames": 120}),
    "open_gop": (".mp4", f"{X264} -g 12 -bf 3 -x264-params open-gop=1 -pix_fmt yuv420p", {}),
    "open_gop_ts": (".ts", f"{X264} -g 12 -bf 3 -x264-params open-gop=1 -pix_fmt yuv420p", {}),
    "open_gop_hevc": (".mkv", f"{X265}:open-gop=1:keyint=12:bframes=4 -pix_fmt yuv420p", {}),
    "closed_gop_hevc": (".mp4", f"{X265}:no-open-gop=1:keyint=16 -pix_fmt yuv420p -tag:v hvc1", {}),
    "ten_bit_hevc": (".mp4", f"{X265}:keyint=20 -pix_fmt yuv420p10le", {}),
    "ten_bit_h264": (".mkv", f"{X264} -profile:v high10 -g 20 -pix_fmt yuv420p10le", {}),
    "four_four_four": (".mkv", f"{X264} -g 20 -pix_fmt yuv444p", {}),
    "four_two_two_ten": (".mov", "-c:v prores_ks -profile:v 2 -pix_fmt yuv422p10le", {"frames": 20}),
    "intra_refresh": (".mp4", f"{X264} -g 30 -bf 0 -x264-params intra-refresh=1 -pix_fmt yuv420p", {}),
    "variable": (".mp4", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p -fps_mode passthrough",
                 {"filters": "select='not(eq(mod(n\\,7)\\,3))*not(between(n\\,30\\,41))'"}),
    "variable_mkv": (".mkv", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p -fps_mode passthrough",
                     {"rate": "30000/1001", "filters": "select='not(eq(mod(n\\,5)\\,3))'"}),
    "ntsc": (".mp4", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p", {"rate": "30000/1001"}),
    "transport": (".ts", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p", {}),
    "transport_hevc": (".ts", f"{X265}:keyint=15 -pix_fmt yuv420p", {}),
    "transport_mpeg2": (".ts", "-c:v mpeg2video -q:v 3 -g 12 -bf 2", {"size": "320x240"}),
    "matroska": (".mkv", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p", {}),
    "avi": (".avi", "-c:v mpeg4 -q:v 3 -g 15 -bf 0", {}),
    "avi_b_frames": (".avi", "-c:v mpeg4 -q:v 3 -g 15 -bf 2", {}),
    "avi_packed": (".avi", "-c:v libxvid -q:v 3 -g 15 -bf 2", {}),
    "avi_h264": (".avi", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p", {}),
    "flash": (".flv", f"{X264} -g 15 -bf 2 -pix_fmt yuv420p", {}),
    "flash_old": (".flv", "-c:v flv -q:v 3 -g 15", {}),
    "windows_media": (".wmv", "-c:v wmv2 -q:v 3 -g 15", {}),
    "theora": (".ogv", "-c:v libtheora -q:v 5 -g 15", {}),
    "mxf": (".mxf", "-c:v mpeg2video -q:v 3 -g 12 -bf 2 -pix_fmt yuv422p", {"size": "320x240"}),
    "obu": (".obu", "-c:v libsvtav1 -preset 12 -g 20 -svtav1-params lp=1 -pix_fmt yuv420p", {"frames": 30}),
    "av1_ten_bit": (".mkv", "-c:v libsvtav1 -preset 12 -g 20 -svtav1-params lp=1 -pix_fmt yuv420p10le",
                    {"frames": 30}),
    "grey": (".mkv", f"{X264} -g 20 -pix_fmt gray", {}),
    "rgb_planes": (".mkv", "-c:v libx264rgb -preset ultrafast -g 20", {"frames": 20}),
    "sixteen_bit_planes": (".mkv", "-c:v ffv1 -pix_fmt gbrp16le", {"frames": 12}),
    "packed_yuv": (".avi", "-c:v rawvideo -pix_fmt yuyv422", {"frames": 12}),
    "png_frames": (".mov", "-c:v png -pix_fmt rgb48be", {"frames": 12}),
    "avi_mjpeg": (".avi", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p", {"frames": 30}),
    "webm_vp9": (".webm", "-c:v libvpx-vp9 -b:v 300k -g 20 -deadline realtime -cpu-used 8 -auto-alt-ref 1 "
                          "-lag-in-frames 12 -pix_fmt yuv420p", {}),
    "webm_vp8": (".webm", "-c:v libvpx -b:v 300k -g 20 -deadline good -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 12 "
                          "-pix_fmt yuv420p", {}),
    "av1": (".mp4", "-c:v libsvtav1 -preset 12 -g 20 -svtav1-params lp=1 -pix_fmt yuv420p", {"frames": 40}),
    "ffv1": (".mkv", "-c:v ffv1 -level 3 -pix_fmt yuv422p10le", {"frames": 20}),
    "interlaced": (".mp4", f"{X264} -g 12 -flags +ildct+ilme -x264-params tff=1 -pix_fmt yuv420p", {}),
    "interlaced_mpeg2": (".mpg", "-c:v mpeg2video -q:v 3 -g 12 -flags +ildct+ilme -top 1", {"size": "320x240"}),
    "odd_sizes": (".mkv", f"{X264} -g 12 -pix_fmt yuv420p", {"size": "149x83"}),
    "odd_sizes_hevc": (".mkv", f"{X265}:keyint=15 -pix_fmt yuv444p", {"size": "149x83"}),
    "full_range": (".mp4", f"{X264} -g 12 -pix_fmt yuvj420p -color_range pc", {}),
    "limited_range": (".mp4", f"{X264} -g 12 -pix_fmt yuv420p -color_range tv", {}),
    "tag_bt601": (".mp4", f"{X264} -g 12 -pix_fmt yuv420p -colorspace smpte170m -color_primaries smpte170m "
                          "-color_trc smpte170m", {}),
    "tag_bt709": (".mp4", f"{X264} -g 12 -pix_fmt yuv420p -colorspace bt709 -color_primaries bt709 -color_trc bt709",
                  {}),
    "tag_bt2020": (".mp4", f"{X265}:keyint=15 -pix_fmt yuv420p10le -colorspace bt2020nc -color_primaries bt2020 "
                           "-color_trc smpte2084", {}),
    "not_square": (".mp4", f"{X264} -g 12 -pix_fmt yuv420p -aspect 16:9", {"size": "144x112"}),
    "raw_hevc": (".hevc", f"{X265}:keyint=15 -pix_fmt yuv420p", {}),
    "raw_h264": (".h264", f"{X264} -g 12 -bf 0 -pix_fmt yuv420p", {"frames": 40}),
    "raw_h264_b": (".h264", f"{X264} -g 12 -bf 2 -pix_fmt yuv420p", {"frames": 40}),
}  # fmt: skip

# name -> (clip it is made of, suffix, how)
MADE: Mapping[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "rotated_90": ("b_frames", ".mp4", _copied("", "-metadata:s:v rotate=90")),
    "rotated_180": ("cfr", ".mp4", _copied("", "-metadata:s:v rotate=180")),
    "cut_start": ("b_frames", ".mp4", _copied("-ss 0.7")),
    "cut_both": ("b_frames", ".mp4", _copied("-ss 1.1 -t 0.8")),
    "cut_start_mov": ("open_gop", ".mov", _copied("-ss 0.7")),
    "late_start": ("b_frames", ".mp4", _copied("-itsoffset 1.5")),
    "negative_offsets": ("b_frames", ".mp4", _copied("", "-movflags negative_cts_offsets")),
    "fragmented": ("b_frames", ".mp4", _copied("", "-movflags frag_keyframe+empty_moov")),
    "transport_wrap": ("b_frames", ".ts", _copied("", "-output_ts_offset 95443 -muxdelay 0 -muxpreload 0")),
    "open_gop_wrap": ("open_gop", ".ts", _copied("", "-output_ts_offset 95442.2 -muxdelay 0 -muxpreload 0")),
    "two_edits": ("cfr", ".mp4", lambda source, path: two_edits(source, path)),
}  # fmt: skip


def make(name: str, folder: Path) -> Path:
    """Make one clip of the corpus (and the one it is made of) in ``folder``; made once, then found again."""
    if name in PLAIN:
        suffix, coding, more = PLAIN[name]
        path = folder / f"{name}{suffix}"
        return path if path.exists() else pattern(path, coding, **more)  # type: ignore[arg-type]
    base, suffix, how = MADE[name]
    path = folder / f"{name}{suffix}"
    if not path.exists():
        how(make(base, folder), path)
    return path


def two_edits(source: Path, path: Path) -> None:
    """The same MP4 whose edit list shows frames 36..47, then 12..23, and nothing else (ISO 14496-12, 8.6.6).

    Hand-made: no program at hand writes an edit list of two segments.
    """
    data = bytearray(source.read_bytes())
    at = _one(data, b"elst")
    size = struct.unpack_from(">I", data, at)[0]
    movie = struct.unpack_from(">I", data, _one(data, b"mvhd") + 20)[0]
    media = struct.unpack_from(">I", data, _one(data, b"mdhd") + 20)[0]
    body = struct.pack(">II", 0, 2)
    for first in (36, 12):
        body += struct.pack(">IiI", 12 * movie // 25, first * media // 25, 1 << 16)
    new = struct.pack(">I", 8 + len(body)) + b"elst" + body
    grown = len(new) - size
    for box in (b"edts", b"trak", b"moov"):
        start = _one(data, box)
        struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + grown)
    assert data.find(b"moov") > data.find(b"mdat"), "chunk offsets would move"
    data[at : at + size] = new
    path.write_bytes(data)


def _one(data: bytearray, box: bytes) -> int:
    (found,) = (match.start() - 4 for match in re.finditer(box, data))
    return found

"""The boxes that tell about time, tracks and samples (ISO/IEC 14496-12, clauses 4 and 8)."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import Broken, Window, integer, signed
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.texts import decoded, fact, fourcc, text_field, visible

_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_MOST_EDITS = 200
_MOST_TRACKS = 64
_FORMATS = (
    (("qt  ",), "QuickTime (MOV)"),
    (("heic", "heix", "mif1", "msf1", "heim", "heis", "hevc"), "HEIF"),
    (("avif", "avis"), "AVIF"),
    (("3gp", "3g2"), "3GP"),
    (("M4V", "M4A"), "MP4 (iTunes)"),
)


@dataclass(slots=True)
class Box:
    """A box. ``inner``: where its content begins; ``kind``: the type of a ``uuid`` box."""

    name: str
    offset: int
    size: int
    inner: int
    kind: uuid.UUID | None = None
    large: bool = False
    to_end: bool = False
    path: str = ""
    node: Node | None = None

    @property
    def end(self) -> int:
        return self.offset + self.size

    def note(self, words: str) -> None:
        if self.node is not None:
            self.node.detail = f"{self.node.detail}, {words}".lstrip(", ")


@dataclass(slots=True)
class Track:
    fields: list[MetaField] = field(default_factory=list)
    number: int = 0
    handler: str = ""
    codec: str = ""
    scale: int = 0
    edits: list[tuple[int, int, float]] = field(default_factory=list)
    created: str = ""


@dataclass(slots=True)
class Movie:
    """What the boxes of one movie said so far."""

    scale: int = 0
    duration: int = 0
    created: str = ""
    keys: list[str] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    brands: list[str] = field(default_factory=list)

    def start_track(self) -> None:
        if len(self.tracks) >= _MOST_TRACKS:
            raise Broken(f"more than {_MOST_TRACKS} tracks")
        self.tracks.append(Track())

    def track(self) -> Track:
        if not self.tracks:
            self.tracks.append(Track())
        return self.tracks[-1]


def header(window: Window, position: int, end: int) -> Box | None:
    """The box at ``position``; None when there is no room for one or its size is impossible."""
    if position + 8 > end:
        return None
    head = window.take(position, 8)
    size, name, inner = integer(head, 0, 4), fourcc(head[4:]), position + 8
    large = size == 1
    if size == 1:
        if position + 16 > end:
            return None
        size, inner = integer(window.take(position + 8, 8), 0, 8), position + 16
    to_end = size == 0
    if to_end:
        size = end - position
    kind = None
    if name == "uuid" and inner + 16 <= end:
        kind = uuid.UUID(bytes=window.take(inner, 16))
        inner += 16
    if size < inner - position:
        return None
    return Box(name, position, size, inner, kind, large, to_end)


def moment(seconds: int) -> str:
    """ISO 8601 UTC of seconds since 1904; empty for 0 (not set) and for what no calendar holds."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""
    except OverflowError:
        return ""


def _times(find: Findings, body: bytes, offset: int, source: str) -> tuple[list[MetaField], int, str]:
    """Creation and modification time. Returns their fields, the position behind them, and the first in UTC."""
    wide = 8 if integer(body, 0, 1) == 1 else 4
    fields, first = [], ""
    for k, name in enumerate(("CreationTime", "ModificationTime")):
        stored = integer(body, 4 + k * wide, wide)
        told = moment(stored)
        shown = told or ("not set (0)" if not stored else f"{stored} s since 1904, beyond the calendar")
        fields.append(fact(name, shown, raw=stored, kind=f"uint{wide * 8}", offset=offset + 4 + k * wide, size=wide))
        if told:
            find.time(name, source, told, ZoneKind.UTC, told)
        first = first or told
    return fields, 4 + 2 * wide, first


def file_type(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    brands = [fourcc(body[k : k + 4]) for k in range(8, len(body) - 3, 4)][:100]
    major = fourcc(body[:4])
    box.note(f"{major}; {' '.join(brands)}")
    if box.name != "ftyp":
        return
    movie.brands = movie.brands or [major, *brands]
    name = next((name for marks, name in _FORMATS if any(major.startswith(mark) for mark in marks)), "MP4")
    find.format = f"ISO base media ({name})"
    fields = [
        fact("MajorBrand", major, offset=box.inner),
        fact("MinorVersion", integer(body, 4, 4), offset=box.inner + 4),
        fact("CompatibleBrands", " ".join(brands), offset=box.inner + 8),
    ]
    find.group("File type", box.path, fields, box.offset)


def movie_header(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    fields, at, movie.created = _times(find, body, box.inner, "Movie header")
    wide = 8 if body[0] == 1 else 4
    movie.scale, movie.duration = integer(body, at, 4), integer(body, at + 4, wide)
    fields.append(fact("TimeScale", movie.scale, offset=box.inner + at, size=4))
    fields.append(
        fact("Duration", _seconds(movie.duration, movie.scale), raw=movie.duration, offset=box.inner + at + 4)
    )
    fields.append(fact("PreferredRate", signed(body, at + 4 + wide, 4) / 65536))
    fields.append(fact("NextTrackID", integer(body, at + 4 + wide + 76, 4)))
    find.group("Movie header", box.path, fields, box.offset)


def _seconds(ticks: int, scale: int) -> str:
    return f"{ticks / scale:.6f} s" if scale else f"{ticks} ticks"


def track_header(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    track = movie.track()
    track.number = integer(body, 20 if body[0] == 1 else 12, 4)
    fields, at, track.created = _times(find, body, box.inner, f"Track {track.number}")
    wide = 8 if body[0] == 1 else 4
    flags = integer(body, 1, 3)
    words = [word for bit, word in ((1, "enabled"), (2, "in movie"), (4, "in preview")) if flags & bit]
    fields.append(fact("Flags", ", ".join(words) or "none", raw=flags, offset=box.inner + 1))
    duration = integer(body, at + 8, wide)
    fields.append(fact("Duration", _seconds(duration, movie.scale), raw=duration, offset=box.inner + at + 8))
    start = at + 8 + wide + 16
    a, b, _, c, d = (signed(body, start + 4 * k, 4) / 65536 for k in range(5))
    fields.append(fact("Matrix", _matrix(a, b, c, d), raw=f"{a:g} {b:g} {c:g} {d:g}", offset=box.inner + start))
    width, height = integer(body, start + 36, 4) / 65536, integer(body, start + 40, 4) / 65536
    fields.append(fact("ShownSize", f"{width:g} x {height:g}", offset=box.inner + start + 36))
    track.fields += fields


def _matrix(a: float, b: float, c: float, d: float) -> str:
    turns = {(1, 0, 0, 1): "upright", (0, 1, -1, 0): "turn 90° clockwise", (-1, 0, 0, -1): "turn 180°",
             (0, -1, 1, 0): "turn 270° clockwise"}  # fmt: skip
    return turns.get((int(a), int(b), int(c), int(d)), "another transformation")


def media_header(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    track = movie.track()
    fields, at, _ = _times(find, body, box.inner, f"Track {track.number}, media")
    wide = 8 if body[0] == 1 else 4
    track.scale = integer(body, at, 4)
    duration = integer(body, at + 4, wide)
    track.fields += [
        fact(f"Media{one.name}", one.shown, raw=one.raw, kind=one.kind, offset=one.offset) for one in fields
    ]
    track.fields.append(fact("MediaTimeScale", track.scale, offset=box.inner + at))
    track.fields.append(fact("MediaDuration", _seconds(duration, track.scale), raw=duration, offset=box.inner + at + 4))
    track.fields.append(fact("Language", language(integer(body, at + 4 + wide, 2)), offset=box.inner + at + 4 + wide))


def language(code: int) -> str:
    """ISO 639-2/T of a packed code; Macintosh codes (below 1024) by their number."""
    if code < 0x400:
        return f"Macintosh language {code}"
    return "".join(chr(0x60 + (code >> shift & 31)) for shift in (10, 5, 0))


def handler(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    kind, name = fourcc(body[8:12]), body[24:]
    if name[:1] and name[0] == len(name) - 1:
        name = name[1:]
    words = visible(decoded(name.split(b"\0")[0]))
    box.note(f"{kind} {words}".strip())
    if "/trak/mdia/hdlr" in f"/{box.path}" and "minf" not in box.path:
        track = movie.track()
        track.handler = kind
        track.fields.append(fact("Handler", kind, offset=box.inner + 8))
        track.fields.append(text_field("HandlerName", words, offset=box.inner + 24))
        maker = fourcc(body[12:16]).strip("\0")
        if body[12:16].strip(b"\0"):
            track.fields.append(fact("HandlerManufacturer", maker, offset=box.inner + 12))


def edit_list(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    """Every edit: how long it lasts on the movie's clock, and from which media time it shows (-1: nothing)."""
    track = movie.track()
    wide = 8 if body[0] == 1 else 4
    count = integer(body, 4, 4)
    box.note(f"{count} edit(s)")
    for number in range(min(count, _MOST_EDITS)):
        at = 8 + number * (2 * wide + 4)
        duration, start = integer(body, at, wide), signed(body, at + wide, wide)
        rate = signed(body, at + 2 * wide, 2) + integer(body, at + 2 * wide + 2, 2) / 65536
        track.edits.append((duration, start, rate))
    if count > _MOST_EDITS:
        find.warn(f"{box.path}: {count} edits; {_MOST_EDITS} are read.")


def _pairs(body: bytes, wide: bool = False) -> tuple[int, tuple[int, ...]]:
    """A counted table of 32-bit pairs; as many as are there."""
    count = integer(body, 4, 4)
    kept = min(count, (len(body) - 8) // 8)
    return count, struct.unpack_from(f">{2 * kept}I", body, 8)


def time_to_sample(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    count, numbers = _pairs(body)
    track = movie.track()
    samples = sum(numbers[::2])
    ticks = sum(a * b for a, b in zip(numbers[::2], numbers[1::2], strict=True))
    steps = sorted(set(numbers[1::2]))
    box.note(f"{count} entries, {samples} samples")
    told = (
        "constant" if len(steps) <= 1 else f"variable ({len(steps)} different steps, {steps[0]} to {steps[-1]} ticks)"
    )
    track.fields.append(fact("Samples", samples, offset=box.inner))
    track.fields.append(fact("SampleTimes", f"{told}, {_seconds(ticks, track.scale)} in all", offset=box.inner))
    if ticks and track.scale and samples:
        track.fields.append(fact("MeanRate", f"{samples * track.scale / ticks:.6g} per second"))


def composition_offsets(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    count, numbers = _pairs(body)
    shifts = [one - (1 << 32) if one >> 31 else one for one in numbers[1::2]]
    box.note(f"{count} entries")
    if shifts:
        movie.track().fields.append(fact("CompositionOffsets", f"{count} entries, {min(shifts)} to {max(shifts)} ticks",
                                         offset=box.inner))  # fmt: skip


def sample_sizes(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    size, count = integer(body, 4, 4), integer(body, 8, 4)
    box.note(f"{count} samples" + (f" of {size} bytes each" if size else ""))
    if not size:
        kept = min(count, (len(body) - 12) // 4)
        sizes = struct.unpack_from(f">{kept}I", body, 12)
        if sizes:
            movie.track().fields.append(
                fact("SampleSizes", f"{min(sizes)} to {max(sizes)} bytes, {sum(sizes)} in all", offset=box.inner)
            )


def chunk_offsets(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    count, wide = integer(body, 4, 4), 8 if box.name == "co64" else 4
    kept = min(count, (len(body) - 8) // wide)
    places = struct.unpack_from(f">{kept}{'Q' if wide == 8 else 'I'}", body, 8)
    box.note(f"{count} chunks")
    if places:
        rising = all(a < b for a, b in pairwise(places))
        words = f"{count} chunks, first at {places[0]}, last at {places[-1]}"
        movie.track().fields.append(
            fact("ChunkOffsets", words + ("" if rising else ", not in rising order"), offset=box.inner)
        )


def counted(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    count = integer(body, 8 if box.name == "stz2" else 4, 4)
    box.note(f"{count} entries")
    if box.name == "stss":
        movie.track().fields.append(fact("SyncSamples", count, offset=box.inner))


def sample_entries(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    """The codec of each sample entry, its size and the name the compressor gave itself."""
    track, position = movie.track(), 8
    for number in range(min(integer(body, 4, 4), 16)):
        size = integer(body, position, 4)
        codec = fourcc(body[position + 4 : position + 8])
        track.codec = track.codec or codec
        node = find.node(box.node, codec, box.inner + position, size, "sample entry")
        track.fields.append(fact("Codec", codec, offset=box.inner + position + 4))
        if track.handler == "vide" and size >= 86:
            width, height = integer(body, position + 32, 2), integer(body, position + 34, 2)
            track.fields.append(fact("StoredSize", f"{width} x {height}", offset=box.inner + position + 32))
            name = body[position + 50 : position + 82]
            name = name[1 : 1 + name[0]] if name and name[0] < 32 else name.rstrip(b"\0")
            if name.strip(b"\0"):
                track.fields.append(text_field("CompressorName", name, offset=box.inner + position + 51))
            vendor = body[position + 20 : position + 24]
            if vendor.strip(b"\0"):
                track.fields.append(text_field("Vendor", vendor, offset=box.inner + position + 20))
            _extensions(find, node, body[position : position + size], box.inner + position, 86, track)
        if size < 8:
            raise Broken(f"sample entry {number} has {size} bytes")
        position += size


def _extensions(find: Findings, node: Node, body: bytes, offset: int, start: int, track: Track) -> None:
    while start + 8 <= len(body):
        size, name = integer(body, start, 4), fourcc(body[start + 4 : start + 8])
        if size < 8:
            return
        inner = body[start + 8 : start + size]
        words = ""
        if name == "colr" and len(inner) >= 10:
            words = f"{fourcc(inner[:4])} {'/'.join(str(integer(inner, k, 2)) for k in (4, 6, 8))}"
            track.fields.append(fact("ColourDescription", words, offset=offset + start + 8))
        elif name == "pasp" and len(inner) >= 8:
            words = f"{integer(inner, 0, 4)}:{integer(inner, 4, 4)}"
        elif name == "avcC" and len(inner) >= 4:
            words = f"profile {inner[1]}, constraints {inner[2]:#04x}, level {inner[3] / 10:g}"
            track.fields.append(fact("AVCProfile", words, offset=offset + start + 8))
        elif name == "btrt" and len(inner) >= 12:
            words = f"at most {integer(inner, 4, 4)} bit/s, mean {integer(inner, 8, 4)} bit/s"
        find.node(node, name, offset + start, size, words)
        start += size


def tell_movie(find: Findings, movie: Movie) -> None:
    """Turn the tracks into groups, and what stands out into observations."""
    for number, track in enumerate(movie.tracks, 1):
        for k, (duration, start, rate) in enumerate(track.edits, 1):
            shown = "shows nothing" if start == -1 else f"from media time {_seconds(start, track.scale)}"
            words = f"{_seconds(duration, movie.scale)} on the movie's clock, {shown}, rate {rate:g}"
            track.fields.append(fact(f"Edit {k}", words, raw=f"{duration} {start} {rate:g}"))
        name = f"Track {track.number or number}"
        find.group(name, f"moov/trak, {track.handler or 'no handler'} {track.codec}".rstrip(), track.fields)
        _tell_edits(find, movie, track, name)
        if track.created and movie.created and track.created != movie.created:
            find.observe(
                "track_times_differ", f"{name} has another creation time than the movie.",
                f"Movie header: {movie.created}", f"{name}: {track.created}",
            )  # fmt: skip


def _tell_edits(find: Findings, movie: Movie, track: Track, name: str) -> None:
    played = [edit for edit in track.edits if edit[1] >= 0]
    basis = [f"{name}, edit {k}: {d} ticks from {s}, rate {r:g}" for k, (d, s, r) in enumerate(track.edits[:8], 1)]
    rest = "a player leaves the rest out, the file still holds it."
    if len(played) > 1:
        words = f"The edit list of {name} shows {len(played)} separate stretches of its media; {rest}"
        find.observe("edit_list_parts", words, *basis)
    elif played and track.scale and played[0][1] / track.scale > 0.5:
        words = f"The edit list of {name} begins {played[0][1] / track.scale:.3f} s into its media; {rest}"
        find.observe("edit_list_start", words, *basis)
    if any(rate != 1 for _, _, rate in track.edits):
        find.observe("edit_list_rate", f"The edit list of {name} plays at another rate than 1.", *basis)

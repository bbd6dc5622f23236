"""What an exhibit says about itself: metadata fields, the structure of its file, its compression, its provenance.

None of it is a finding. Metadata can be changed without a trace and carries no conclusion alone (X4); what is told here
is told with the place it was read from, so that another tool can be held against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

CAVEAT = (
    "Metadata can be altered, copied or lost without leaving a trace. Neither its presence nor its absence says how the"
    " content came about (X4)."
)
CLOCK_CAVEAT = "Times are what the recording device's clock or a later program wrote; no clock was checked."
HISTORY_SCALE = "uncalibrated"


class ZoneKind(StrEnum):
    """What is known about the zone of a stored time. A time without an offset is never turned into UTC."""

    OFFSET = "offset stated"
    UTC = "UTC by the format's definition"
    NONE = "no zone stated"


class StateWord(StrEnum):
    """One of the four separate states of provenance (U39)."""

    YES = "yes"
    NO = "no"
    NOT_CHECKED = "not checked"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class MetaField:
    """One stored value.

    Attributes:
        name: the name its standard gives it, or its number where none is known.
        shown: how a person reads it; control and direction characters are written as escapes.
        raw: the stored value as text, or as hexadecimal bytes when it is none; cut at a limit.
        kind: how it is stored: "ASCII", "RATIONAL x3", "UTF-8", "uint32".
        offset: byte position in the file; None where the value was inflated or put together.
        size: bytes as stored, before anything was cut; None where it is not known.
        sha256: of the whole stored value, only when ``raw`` was cut.
    """

    name: str
    shown: str
    raw: str = ""
    kind: str = ""
    offset: int | None = None
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class MetaGroup:
    """Fields that were read in one place. ``where`` says which: "JPEG APP1 segment", "moov/udta"."""

    name: str
    where: str
    fields: tuple[MetaField, ...]
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class TimeReading:
    """A time as stored, ``utc`` (ISO 8601) only where the zone is known.

    Attributes:
        name: of its field; ``source``: of its group.
    """

    name: str
    source: str
    text: str
    zone: ZoneKind
    utc: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the file: box, chunk, marker, element. ``offset`` and ``size`` in bytes, header included."""

    name: str
    offset: int
    size: int
    detail: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class QuantTable:
    """A JPEG quantisation table. ``values``: 64 steps in natural (row by row) order; ``precision`` 8 or 16 bits."""

    id: int
    precision: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QualityFit:
    """How a table compares with the one of ITU-T T.81, Annex K, scaled as the IJG library scales it.

    Attributes:
        table: id of the quantisation table; ``standard``: "luminance" (K.1) or "chrominance" (K.2).
        quality: 1..100, the nearest setting.
        exact: every one of the 64 steps is the same; then ``also`` names other settings with the very same table.
        residual: mean absolute difference of the 64 steps at ``quality``; 0.0 when exact.
    """

    table: int
    standard: str
    quality: int
    exact: bool
    residual: float
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class JpegComponent:
    """``horizontal`` and ``vertical``: sampling factors 1..4; ``table``: id of its quantisation table."""

    id: int
    horizontal: int
    vertical: int
    table: int


@dataclass(frozen=True, slots=True)
class CompressionHistory:
    """Traces of an earlier JPEG compression on the same block grid, as numbers (uncalibrated, never a conclusion).

    Both numbers hold the histograms of the stored luma coefficients against those of the same picture compressed once,
    which are estimated from a crop shifted by half a block.

    Attributes:
        measure: how far the histograms lie apart, 0..1 (half the sum of absolute differences), mean over frequencies.
        null: what ``measure`` would be by chance alone with as many blocks.
        unevenness: how much more the stored histograms jump between neighbouring values (gaps and double peaks in
            a regular step) than the estimate, in natural logarithms; about 0 when they do not.
        per_frequency: (zigzag position, step, distance, unevenness) for each frequency that could be measured.
        blocks: how many 8 x 8 blocks were measured.
        words: what that means, in plain words, with what else can cause it.
    """

    measure: float
    null: float
    unevenness: float
    per_frequency: tuple[tuple[int, int, float, float], ...]
    blocks: int
    scale: str = HISTORY_SCALE
    words: str = ""


@dataclass(frozen=True, slots=True)
class JpegThumbnail:
    """The small picture a camera or program put into the file. ``aspect_differs``: its sides are in another ratio
    (by more than 2 %) than the main picture's; black bars alone can cause that."""

    where: str
    offset: int
    size: int
    width: int
    height: int
    aspect_differs: bool
    sha256: str
    tables: tuple[QuantTable, ...] = ()
    quality: tuple[QualityFit, ...] = ()


@dataclass(frozen=True, slots=True)
class JpegFacts:
    """How a JPEG picture was coded.

    Attributes:
        process: "baseline", "extended sequential", "progressive", "lossless", with the SOF marker's number behind it.
        subsampling: "4:2:0" and so on; "none" for one component; the factors in full where there is no common name.
        huffman: "standard tables (Annex K.3)", "own tables (optimised)", "no tables in the file", "arithmetic coding".
        encoders: known programs or libraries that write the same quantisation tables; empty when none does.
        encoder_note: what to make of ``encoders``.
    """

    width: int
    height: int
    precision: int
    process: str
    components: tuple[JpegComponent, ...]
    subsampling: str
    scans: int
    restart_interval: int
    huffman: str
    tables: tuple[QuantTable, ...]
    quality: tuple[QualityFit, ...]
    encoders: tuple[str, ...]
    encoder_note: str
    marker_order: str
    thumbnails: tuple[JpegThumbnail, ...] = ()
    history: CompressionHistory | None = None


@dataclass(frozen=True, slots=True)
class GopFacts:
    """How keyframes are spread over the primary video stream, from the packets' flags, without decoding.

    Attributes:
        packets, keyframes: how many were looked at; ``complete`` is False when a limit stopped the count.
        shortest, longest, usual: distance from a keyframe to the next in packets; 0 when there is only one.
        reordered: packets are stored in another order than they are shown (B-frames).
        first_lengths: the first distances, at most 32.
    """

    stream: int
    codec: str
    packets: int
    keyframes: int
    shortest: int
    longest: int
    usual: int
    reordered: bool
    complete: bool
    first_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProvenanceState:
    """One state with its reason in one plain sentence."""

    state: StateWord
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One C2PA manifest: who signed, with what it was made, and what it says was done.

    Attributes:
        active: the manifest that speaks for the file as it is; the others belong to its ingredients.
        signed_at: as the signature's time stamp says; empty without one.
    """

    label: str
    active: bool
    generator: str
    signer: str
    issuer: str
    algorithm: str
    signed_at: str
    title: str
    assertions: tuple[str, ...]
    actions: tuple[str, ...]
    ingredients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """C2PA content credentials, offline, as four separate states (U39).

    Attributes:
        present: a manifest is embedded in the file.
        intact: the signature is valid and every hash it covers agrees with the file.
        trusted: the signer's certificate leads to a trust anchor that this workstation's keeper installed.
        time: the signature carries a time stamp whose authority is trusted.
        codes: what the library reported: "signingCredential.untrusted: ..." one line each.
        anchors: SHA-256 of the list of trust anchors that was used; empty when none is installed.
    """

    present: ProvenanceState
    intact: ProvenanceState
    trusted: ProvenanceState
    time: ProvenanceState
    claims: tuple[Claim, ...] = ()
    codes: tuple[str, ...] = ()
    anchors: str = ""
    library: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Something an examiner may want to look at, in words that conclude nothing (X2, X4).

    Attributes:
        code: stable name: "trailing_data", "edit_list", "moov_before_mdat".
        basis: where it was read, one line each.
    """

    code: str
    text: str
    basis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaMetadata:
    """All that was read from one exhibit without examining its pictures.

    Attributes:
        format: what the file is by its content: "JPEG", "ISO base media (MP4)", "Matroska".
        tools: name and version of every program part that read, sorted.
        warnings: one line for each part that could not be read, or was cut at a limit.
    """

    format: str
    size: int
    groups: tuple[MetaGroup, ...] = ()
    times: tuple[TimeReading, ...] = ()
    structure: tuple[Part, ...] = ()
    jpeg: JpegFacts | None = None
    gop: GopFacts | None = None
    provenance: Provenance | None = None
    observations: tuple[Observation, ...] = ()
    tools: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = field(default=(CAVEAT, CLOCK_CAVEAT))

    def group(self, name: str) -> MetaGroup | None:
        """The first group of that name, or None."""
        return next((group for group in self.groups if group.name == name), None)

    def shown(self, group: str, name: str) -> str:
        """The shown value of a field, empty when there is none."""
        for found in self.groups:
            if found.name == group:
                for one in found.fields:
                    if one.name == name:
                        return one.shown
        return ""

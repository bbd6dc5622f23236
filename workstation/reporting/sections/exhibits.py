"""Every exhibit of the case with digest, size, intake and content (P2, E1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportlab.platypus import Flowable, KeepTogether

from workstation.domain.evidence import EvidenceItem
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.media import MediaInfo, MediaKind
from workstation.domain.streams import StreamDigest
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import facts_table, heading, para, rows_table
from workstation.reporting.content import Content
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    if not content.items:
        return [para(say("exhibits.none"))]
    blocks: list[Flowable] = [para(say("exhibits.intro"))]
    for item in content.items:
        known = content.provenance(item.id)
        rows = _rows(item, known.origin if known is not None else ExhibitOrigin())
        blocks.append(KeepTogether([*heading(item.exhibit)[1:], facts_table(rows)]))
        if known is not None and known.streams:
            blocks += _streams(item, known.streams)
    return [*blocks, *_derived(content)]


def _streams(item: EvidenceItem, streams: Sequence[StreamDigest]) -> list[Flowable]:
    head = [say(f"origin.{name}") for name in ("stream", "content", "packets", "bytes", "sha256")]
    rows = [
        [str(s.stream), f"{s.kind} · {s.codec}", str(s.packets), str(s.size), digests(s)]
        for s in sorted(streams, key=lambda entry: entry.stream)
    ]
    table = rows_table(head, rows, [9, 26, 16, 21, 94], right=(2, 3), mono=(4,))
    title = say("origin.streams", exhibit=item.exhibit)
    return [KeepTogether([*heading(title, 2)[1:], para(say("origin.streams.note"), styles.SMALL), table])]


def digests(stream: StreamDigest) -> str:
    """Both digests of a stream in one cell; the second only where there is one."""
    if not stream.normal_sha256:
        return stream.sha256
    return say("origin.normal", digest=stream.sha256, normal=stream.normal_sha256)


def _derived(content: Content) -> list[Flowable]:
    items = content.facts.derived
    if not items:
        return []
    numbers: dict[str, str] = {item.id: item.number for item in items}
    numbers |= {item.id: item.exhibit for item in content.items}
    rows = [
        [
            item.number,
            numbers.get(item.parent, item.parent[:8]),
            f"{item.kind.value}: {item.operation}",
            formatting.moment(item.made_at),
            item.sha256,
        ]
        for item in items
    ]
    head = [say(f"origin.{name}") for name in ("item", "parent", "operation", "made", "sha256")]
    table = rows_table(head, rows, [14, 18, 34, 30, 70], mono=(4,))
    return [*heading(say("origin.derived")), para(say("origin.derived.note"), styles.SMALL), table]


def _rows(item: EvidenceItem, origin: ExhibitOrigin) -> list[tuple[str, str]]:
    taken = formatting.moment(item.taken_in_at)
    checked = formatting.moment(item.verified_at) if item.verified_at else ""
    rows = [
        (say("exhibits.name"), item.name),
        (say("exhibits.source"), item.source_path),
        (say("exhibits.sha256"), item.sha256),
        *((say("origin.other", name=name.upper()), digest) for name, digest in origin.other_digests),
        (say("exhibits.size"), formatting.size(item.size)),
        (say("exhibits.intake"), say("exhibits.intake.value", at=taken, by=item.taken_in_by, machine=item.machine)),
        (say("exhibits.integrity"), say("exhibits.integrity.value", state=item.integrity.value, at=checked).strip()),
    ]
    if item.media is not None:
        rows += [(say("exhibits.media"), _media(item.media)), (say("exhibits.decoder"), item.media.decoder)]
        rows.append((say("exhibits.warnings"), "; ".join(item.media.warnings)))
    rows += [(say("origin.purpose"), origin.purpose), (say("origin.authority"), origin.authority)]
    rows += [(say("exhibits.problem"), item.problem), (say("exhibits.note"), item.note)]
    return [(label, value) for label, value in rows if value]


def _media(media: MediaInfo) -> str:
    stream = next((s for s in media.streams if s.index == media.primary), None)
    if stream is None:
        return media.container
    width, height = stream.shown_size
    seen: dict[str, Any] = {"codec": stream.codec, "width": width, "height": height, "depth": stream.bit_depth}
    if media.kind is MediaKind.IMAGE:
        return say("exhibits.media.image", container=media.container, **seen)
    count = stream.frame_count
    frames = say("exhibits.media.frames", count=count) if count is not None else say("exhibits.media.frames.unknown")
    base = f"{stream.time_base.num}/{stream.time_base.den}"
    length = formatting.duration(media.duration_s)
    return say("exhibits.media.video", container=media.container, duration=length, frames=frames, base=base, **seen)

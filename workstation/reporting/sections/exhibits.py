"""Every exhibit of the case with digest, size, intake and content (P2, E1)."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Flowable, KeepTogether

from workstation.domain.evidence import EvidenceItem
from workstation.domain.media import MediaInfo, MediaKind
from workstation.reporting import formatting
from workstation.reporting.blocks import facts_table, heading, para
from workstation.reporting.content import Content
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    if not content.items:
        return [para(say("exhibits.none"))]
    blocks: list[Flowable] = [para(say("exhibits.intro"))]
    for item in content.items:
        blocks.append(KeepTogether([*heading(item.exhibit)[1:], facts_table(_rows(item))]))
    return blocks


def _rows(item: EvidenceItem) -> list[tuple[str, str]]:
    taken = formatting.moment(item.taken_in_at)
    checked = formatting.moment(item.verified_at) if item.verified_at else ""
    rows = [
        (say("exhibits.name"), item.name),
        (say("exhibits.source"), item.source_path),
        (say("exhibits.sha256"), item.sha256),
        (say("exhibits.size"), formatting.size(item.size)),
        (say("exhibits.intake"), say("exhibits.intake.value", at=taken, by=item.taken_in_by, machine=item.machine)),
        (say("exhibits.integrity"), say("exhibits.integrity.value", state=item.integrity.value, at=checked).strip()),
    ]
    if item.media is not None:
        rows += [(say("exhibits.media"), _media(item.media)), (say("exhibits.decoder"), item.media.decoder)]
        rows.append((say("exhibits.warnings"), "; ".join(item.media.warnings)))
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

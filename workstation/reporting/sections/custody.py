"""The chain of custody in short, and its head, pinned here outside the case (P2, E7)."""

from __future__ import annotations

from collections import Counter

from reportlab.platypus import Flowable

from workstation.domain.custody import CustodyEvent
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import facts_table, heading, note, para, rows_table
from workstation.reporting.content import Content
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    facts = content.facts
    head, events = facts.custody_head, facts.custody
    blocks: list[Flowable] = [
        para(say("custody.intro")),
        facts_table(
            [
                (say("custody.count"), str(head.count)),
                (say("custody.head"), head.hash.hex()),
                *([(say("custody.root"), head.root.hex())] if head.root else []),
                (say("custody.code"), para(head.code, styles.CODE)),
                (say("custody.key"), facts.ledger_public_key),
                (say("custody.first"), _event(events[0]) if events else say("custody.none")),
                (say("custody.last"), _event(events[-1]) if events else say("custody.none")),
            ]
        ),
    ]
    if head.count != len(events):
        blocks.append(note(say("custody.mismatch")))
    counts = Counter(_kind(event) for event in events)
    rows = [[kind, str(count)] for kind, count in sorted(counts.items())]
    rows.append([say("custody.total"), str(len(events))])
    table = rows_table([say("custody.kind"), say("custody.number")], rows, [146, 20], right=(1,))
    return [*blocks, *heading(say("custody.by_kind"), 2), table]


def _event(event: CustodyEvent) -> str:
    return say("custody.event", kind=_kind(event), at=formatting.moment(event.at), actor=event.actor)


def _kind(event: CustodyEvent) -> str:
    return event.kind.value.replace("_", " ")

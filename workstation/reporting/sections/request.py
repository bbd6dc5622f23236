"""What was asked, and what was not examined and why (P1, P9, P10, P15)."""

from __future__ import annotations

from reportlab.platypus import Flowable

from workstation.reporting import styles
from workstation.reporting.blocks import bullets, facts_table, heading, para, rows_table
from workstation.reporting.content import Content, unseen
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    facts = content.facts
    rows = [
        (say("request.title"), facts.case.title.strip() or say("title.none")),
        (say("request.question"), facts.case.question.strip() or say("title.none")),
        (say("request.propositions"), say("request.propositions.none")),
        (say("request.conclusion"), say("request.conclusion.none")),
        (say("request.second"), say("request.second.none")),
        (say("request.earlier"), say("request.earlier.none")),
    ]
    blocks: list[Flowable] = [facts_table(rows), *heading(say("request.not.heading"))]
    if facts.not_examined:
        blocks.append(
            rows_table(
                [say("request.not.exhibit"), say("request.not.name"), say("request.not.reason")],
                [
                    [item.exhibit, item.name, item.problem or item.note or say("request.not.chosen")]
                    for item in facts.not_examined
                ],
                [16, 58, 60],
            )
        )
    else:
        blocks.append(para(say("request.not.none")))
    skipped = [
        say(
            "request.not.frames",
            exhibit=entry.item.exhibit,
            count=unseen(entry),
            total=entry.coverage.frames_total,
            rule=entry.examination.plan.sampling,
        )
        for entry in facts.exhibits
        if unseen(entry)
    ]
    return [*blocks, bullets([*skipped, say("request.not.always")], styles.BODY)]

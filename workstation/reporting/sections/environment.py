"""With what it was done (P3): the machine that wrote the report, and for each run what was different there."""

from __future__ import annotations

from reportlab.platypus import Flowable

from workstation.reporting.blocks import facts_table, heading, para
from workstation.reporting.content import Content
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    here = content.facts.environment
    blocks: list[Flowable] = [
        *heading(say("environment.report")),
        facts_table(here) if here else para(say("environment.none")),
    ]
    known = dict(here)
    for run in content.relied:
        facts = run.environment.facts
        other = [(name, value) for name, value in sorted(facts.items()) if known.get(name) != value]
        blocks += heading(say("environment.run", number=run.number))
        if facts:
            blocks.append(para(say("environment.same", number=run.number)))
            blocks.append(facts_table(other))
        else:
            blocks.append(para(say("environment.none")))
    return blocks

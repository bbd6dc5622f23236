"""The title page: which case, which report, by whom, about what, and by which digests it is known."""

from __future__ import annotations

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from workstation.reporting import formatting, styles
from workstation.reporting.blocks import facts_table, note, para
from workstation.reporting.content import Content
from workstation.reporting.signing import SELF_MADE
from workstation.reporting.wording import say

_LONG_TITLE = 160
_LONG_QUESTION = 600


def flow(content: Content) -> list[Flowable]:
    facts, identity = content.facts, content.identity
    none = say("title.none")
    signer = identity.name
    if identity.self_made:
        signer = say("title.signed.self_made", name=signer, label=SELF_MADE)
    rows = [
        (say("title.case"), facts.case.number or none),
        (say("title.report"), str(facts.number)),
        (say("title.question"), _cut(facts.case.question, _LONG_QUESTION) or none),
        (say("title.exhibits"), say("title.exhibits.value", total=len(content.items), examined=len(facts.exhibits))),
        (say("title.examiner"), facts.case.examiner or none),
        (say("title.issued"), formatting.moment(facts.built_at)),
        (say("title.signed"), signer),
        (say("title.certificate"), identity.fingerprint),
        (say("title.results"), content.json_sha256),
        (
            say("title.custody"),
            say("title.custody.value", count=facts.custody_head.count, code=facts.custody_head.code),
        ),
        (say("title.product"), facts.product),
    ]
    table = facts_table(rows, label=styles.COVER_LABEL, value=styles.COVER_CELL, mono=styles.COVER_MONO)
    return [
        Spacer(0, 14 * mm),
        para(say("document.kind"), styles.COVER_KIND),
        Spacer(0, 3 * mm),
        para(_cut(facts.case.title, _LONG_TITLE) or facts.case.number, styles.COVER_TITLE),
        Spacer(0, 12 * mm),
        table,
        Spacer(0, 6 * mm),
        note(say("document.tool_output")),
    ]


def _cut(text: str, limit: int) -> str:
    """The title page stays one page; the request section prints the question in full."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"

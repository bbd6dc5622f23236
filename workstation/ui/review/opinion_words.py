"""Words of opinions, in the allowed vocabulary alone: consistent with, inconclusive (X2)."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.app.opinions import LEVELS, Agreement, Opinion, OpinionOutcome


def tr(text: str) -> str:
    """Translate in the context "opinions"."""
    return QCoreApplication.translate("opinions", text)


def outcome(value: OpinionOutcome) -> str:
    return {
        OpinionOutcome.WITH_FIRST: tr("consistent with the first proposition"),
        OpinionOutcome.WITH_SECOND: tr("consistent with the second proposition"),
        OpinionOutcome.INCONCLUSIVE: tr("inconclusive"),
    }[value]


def agreement(value: Agreement) -> str:
    return {
        Agreement.OPEN: tr("There are not two opinions yet"),
        Agreement.AGREES: tr("The two opinions agree"),
        Agreement.DISAGREES: tr("The two opinions disagree: it takes a resolution with a reason"),
        Agreement.RESOLVED: tr("The two opinions disagreed; the disagreement is resolved"),
    }[value]


def blindness(opinion: Opinion) -> str:
    return tr("recorded blind") if opinion.blind else tr("recorded with scores or context open")


def level(number: int) -> str:
    return f"{number} · {LEVELS[number - 1]}"


def sealed(exhibit: str, missing: tuple[str, ...]) -> str:
    needed = tr(" and ").join(tr(one) for one in missing)
    return tr("The scores of {exhibit} are sealed until {what} are recorded.").format(exhibit=exhibit, what=needed)

"""Every run on the case, relied on or not (X1), and the whole plan of those relied on (P5)."""

from __future__ import annotations

from reportlab.platypus import Flowable, KeepTogether

from workstation.domain.examinations import Examination
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import facts_table, heading, para, rows_table, stack
from workstation.reporting.content import Content, frames_asked
from workstation.reporting.wording import say

_NAMED = 6


def flow(content: Content) -> list[Flowable]:
    runs = content.facts.examinations
    key = "runs.count.one" if len(runs) == 1 else "runs.count"
    blocks: list[Flowable] = [para(say(key, total=len(runs), relied=len(content.relied)))]
    if runs:
        head = ("number", "state", "started", "ended", "scope", "relied")
        rows = [_row(content, run) for run in runs]
        blocks.append(rows_table([say(f"runs.{name}") for name in head], rows, [9, 19, 25, 25, 68, 17]))
    for run in content.relied:
        blocks.append(KeepTogether([*heading(say("runs.plan", number=run.number))[1:], _plan(run)]))
    return blocks


def _row(content: Content, run: Examination) -> list[str]:
    exhibits = _list([content.exhibit_name(evidence) for evidence in run.plan.evidence])
    detectors = _list([use.id for use in run.plan.detectors])
    scope = say("runs.scope.value", exhibits=exhibits, detectors=detectors, frames=frames_asked(run.plan))
    if run.error:
        scope = f"{scope}. {say('runs.error', error=run.error)}"
    relied = say("runs.yes" if run.id in content.facts.relied_on else "runs.no")
    started, ended = formatting.moment(run.started_at), formatting.moment(run.ended_at)
    return [str(run.number), run.state.value, started, ended, scope, relied]


def _plan(run: Examination) -> Flowable:
    plan, gates = run.plan, run.plan.gates
    settings = " · ".join(f"{name} {formatting.number(value)}" for name, value in sorted(plan.finder_settings.items()))
    detectors: list[tuple[str, Flowable | str]] = []
    for use in plan.detectors:
        lines: list[Flowable] = [para(say("runs.plan.detector", id=use.id, version=use.version), styles.CELL)]
        if use.crop_size:
            margin = formatting.number(use.crop_margin)
            lines.append(para(say("runs.plan.crop.detector", size=use.crop_size, margin=margin), styles.CELL))
        lines.append(para(say("runs.plan.card", digest=use.card_sha256), styles.CELL_MONO))
        lines.append(para(say("runs.plan.weights", digest=use.weights_sha256), styles.CELL_MONO))
        detectors.append((say("runs.plan.detector.label"), stack(lines)))
    finder: list[Flowable] = [para(plan.finder, styles.CELL)]
    finder.append(para(say("runs.plan.weights", digest=plan.finder_sha256), styles.CELL_MONO))
    number = formatting.number
    limits = say(
        "runs.plan.gates.value",
        height=number(gates.min_height),
        sharpness=number(gates.min_sharpness),
        turn=number(gates.max_turn),
        inside=number(round(gates.min_inside * 100, 4)),
    )
    crop = say("runs.plan.crop.value", size=plan.crop_size, margin=number(plan.crop_margin))
    return facts_table(
        [
            *detectors,
            (say("runs.plan.finder"), stack(finder)),
            (say("runs.plan.finder.settings"), settings or say("runs.plan.default")),
            (
                say("runs.plan.sampling"),
                say("runs.plan.sampling.value", rule=plan.sampling, frames=frames_asked(plan)),
            ),
            (say("runs.plan.crop"), crop),
            (say("runs.plan.gates"), limits),
            (say("runs.plan.aggregation"), plan.aggregation),
        ]
    )


def _list(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else ", ".join(names[:_NAMED]) + f" + {len(names) - _NAMED}"

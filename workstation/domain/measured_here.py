"""What a laboratory measured of a detector on its own material, and relies on in an examination (V3, V4).

The figure comes from a signed validation record in the workstation's own folder; the card and the package stay as they
are. An examination carries the figures it relies on in its frozen plan, with the records they are from, so that a case
tells by itself why a score was shown. As with a card, nobody states that a figure suffices: the rule computes it, and a
figure that contradicts takes a kind away that the card has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from workstation.domain.custody import canonical_json
from workstation.domain.examinations import DetectorUse
from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure

SETTING = "measured"
"""The setting of a use (`DetectorUse.settings`) that holds what was measured here, as `frozen` writes it."""


@dataclass(frozen=True, slots=True)
class MeasuredHere:
    """One figure with the record it is from.

    Attributes:
        record, sha256: id of the signed record and digest of its file.
        made_at: ISO 8601.
        signer, certificate_sha256: who signed it, as the certificate has it.
        detector, card_sha256, weights_sha256: what was measured; it counts for these very bytes alone.
    """

    record: str
    sha256: str
    made_at: str
    signer: str
    certificate_sha256: str
    detector: str
    card_sha256: str
    weights_sha256: str
    figure: KindFigure


def frozen(found: Sequence[MeasuredHere]) -> str:
    """For a plan: canonical JSON, oldest record first; empty for nothing."""
    every = sorted(found, key=lambda one: (one.made_at, one.record))
    return canonical_json({"figures": [asdict(one) for one in every]}) if every else ""


def read(text: str) -> tuple[MeasuredHere, ...]:
    """What `frozen` wrote. What cannot be read counts for nothing: a score is then not shown."""
    try:
        rows = json.loads(text)["figures"] if text else []
        return tuple(MeasuredHere(**(row | {"figure": figure_from(row["figure"])})) for row in rows)
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


def figure_from(table: Mapping[str, object]) -> KindFigure:
    """A figure from its plain fields.

    Raises:
        ValueError, TypeError, KeyError: a field is missing, unknown, of another kind or out of its range.
    """
    if set(table) != {field.name for field in fields(KindFigure)}:
        raise KeyError("not the fields of a figure")
    dataset, conditions, shortcut = (str(table[name]) for name in ("dataset", "conditions", "shortcut"))
    genuine, manipulated, groups = (_whole(table[name]) for name in ("items_genuine", "items_manipulated", "groups"))
    auc, low, high, best = (_share(table[name]) for name in ("auc", "low", "high", "shortcut_auc"))
    if not low <= auc <= high:
        raise ValueError("the figure lies outside its interval")
    among = table["spearman"]
    spearman = None if among is None else _share(among, -1.0)
    kind = ForgeryClass(str(table["kind"]))
    return KindFigure(kind, dataset, genuine, manipulated, groups, conditions, auc, low, high, shortcut, best, spearman)


def figures_of(use: DetectorUse) -> tuple[KindFigure, ...]:
    """The figures that an examination relies on for a detector beside those of its card."""
    wanted = (use.id, use.card_sha256, use.weights_sha256)
    found = read(use.settings.get(SETTING, ""))
    return tuple(one.figure for one in found if (one.detector, one.card_sha256, one.weights_sha256) == wanted)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a count")
    return value


def _share(value: object, least: float = 0.0) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= 1:
        raise ValueError("not a share")
    return float(value)

"""Signed validation records filed on this workstation, and what of them examinations rely on (V3, V4).

They stand beside a card, never in it: the embedded packages are read-only, and a card says what its maker measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workstation.app.paths import Home
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.measured_here import MeasuredHere, figure_from


@dataclass(frozen=True, slots=True)
class FiledRecord:
    """A record filed in the workstation's folder. ``current``: it is of the card and the weights given; ``measured``:
    what it has on a kind of forgery that examinations shall rely on."""

    path: str
    id: str
    made_at: str
    set_name: str
    auc: float | None
    low: float | None
    high: float | None
    current: bool
    sound: bool
    measured: MeasuredHere | None = None


def filed(home: Home, card: DetectorCard) -> tuple[FiledRecord, ...]:
    """Records filed here for a detector, oldest first, each with whether its signature fits."""
    from workstation.reporting.validation_record import verify_record

    found = []
    for path in sorted(home.validation.glob("*.json")) if home.validation.is_dir() else ():
        data = path.read_bytes()
        outcome, record = verify_record(data)
        if record is None:
            continue
        detector, figures = record.get("detector"), record.get("figures")
        if not isinstance(detector, dict) or not isinstance(figures, dict) or detector.get("id") != card.id:
            continue
        labelled = record.get("set")
        digests = (detector.get("card_sha256"), detector.get("weights_sha256"))
        auc, low, high = (_float(figures.get(name)) for name in ("auc", "auc_low", "auc_high"))
        found.append(
            FiledRecord(
                str(path),
                str(record.get("id")),
                str(record.get("made_at")),
                str(labelled.get("name")) if isinstance(labelled, dict) else "",
                auc,
                low,
                high,
                digests == (card.card_sha256, card.weights.sha256),
                outcome.ok,
                _measured(record, detector, hashlib.sha256(data).hexdigest()),
            )
        )
    return tuple(sorted(found, key=lambda one: one.made_at))


def measured_here(home: Home, card: DetectorCard) -> tuple[MeasuredHere, ...]:
    """What examinations rely on for a detector beside its card: of sound records of this very card and weights that
    were filed to be relied on, the newest of each kind and set."""
    if not home.validation.is_dir():
        return ()
    found: dict[tuple[str, str], MeasuredHere] = {}
    for one in filed(home, card):
        if one.current and one.sound and one.measured is not None:
            found[one.measured.figure.kind, one.set_name] = one.measured
    return tuple(found.values())


def measured_of(home: Home, packages: Iterable[InstalledDetector]) -> dict[str, tuple[MeasuredHere, ...]]:
    """`measured_here` of every sound package that has any, by its id."""
    table = {package.card.id: measured_here(home, package.card) for package in packages if not package.problem}
    return {name: found for name, found in table.items() if found}


def _measured(record: Mapping[str, object], detector: Mapping[str, object], digest: str) -> MeasuredHere | None:
    kind, signing = record.get("kind"), record.get("signing")
    if not isinstance(kind, dict) or not isinstance(signing, dict) or kind.get("relied_on") is not True:
        return None
    try:
        figure = figure_from(kind["figure"])
    except (ValueError, TypeError, KeyError):
        return None
    return MeasuredHere(
        record=str(record.get("id")),
        sha256=digest,
        made_at=str(record.get("made_at")),
        signer=str(signing.get("subject")),
        certificate_sha256=str(signing.get("certificate_sha256")),
        detector=str(detector.get("id")),
        card_sha256=str(detector.get("card_sha256")),
        weights_sha256=str(detector.get("weights_sha256")),
        figure=figure,
    )


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
